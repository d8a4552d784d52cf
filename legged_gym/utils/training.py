"""The plan of a run: everything that a command line comes to, resolved once, and what is made of it."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple, Type, TypeVar

import legged_gym.envs  # noqa: F401 - fills the table of tasks
from legged_gym.envs import registry
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.registry import TrainCfg
from legged_gym.errors import UserError
from legged_gym.utils import run_folder, run_lock
from legged_gym.utils.options import CommandLine, Options
from legged_gym.utils.start_points import resolve_policies, resolve_several_teachers, teachers_actions_about
from legged_gym.utils.wandb_settings import choose_logger
from rsl_rl.utils.errors import near_matches

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from rsl_rl.env.vec_env import VecEnv
    from rsl_rl.runners.runner import Runner

Change = Callable[[LeggedRobotCfg], None]
"""Changes a config in place, such as those of `envs.variants`."""

P = TypeVar("P", bound="Plan")


@dataclass(frozen=True)
class Plan:
    """What is to be run, and how; nothing after it looks at a command line.

    Attributes:
        task: name of the task.
        env_cfg: settings of the environment.
        train_cfg: settings of the training.
        options: how to run.
        checkpoint: the file to go on with or to load; None to begin.
    """

    task: str
    env_cfg: LeggedRobotCfg
    train_cfg: TrainCfg
    options: Options
    checkpoint: Optional[str] = None

    def changed(self: P, change: Change) -> P:
        """The same with a copy of the environment's config that was changed."""
        env_cfg = copy.deepcopy(self.env_cfg)
        change(env_cfg)
        return replace(self, env_cfg=env_cfg)

    def settled(self: P) -> P:
        """The same with devices that are there and a seed that is drawn, in configs of its own; imports torch.

        Raises:
            UserError: for a device or an engine that is not there.
        """
        from legged_gym.utils.devices import draw_seed, resolve_devices

        options = resolve_devices(self.options)
        assert options.distributed is not None
        settled = replace(self, options=options)
        return settled if self.train_cfg.seed != -1 else settled.seeded(draw_seed(options.distributed))

    def seeded(self: P, seed: int) -> P:
        """The same with another seed, in configs of its own."""
        env_cfg, train_cfg = copy.deepcopy((self.env_cfg, self.train_cfg))
        env_cfg.seed = train_cfg.seed = seed
        return replace(self, env_cfg=env_cfg, train_cfg=train_cfg)


def resolve(
    task: str, command: CommandLine, saved: Optional[str] = None, change: Optional[Change] = None
) -> Tuple[LeggedRobotCfg, TrainCfg]:
    """Return the (environment, training) configs of a task: its classes, a saved run, a change, the command line.

    Args:
        task: name of the task.
        command: the strongest.
        saved: folder with the config.yaml of a run; what of it has no place any more is printed.
        change: to play or evaluation.

    Raises:
        UserError: for an unknown task, a run of another task, or a mistake in the settings.
    """
    found = registry.find(task)
    env_cfg, train_cfg = found.new_cfgs()
    if saved is not None:
        for problem in run_folder.restore_run_cfgs(saved, task, env_cfg, train_cfg):
            print(f"note: {os.path.basename(saved)}: {problem}")
        env_cfg.update(found.own_settings(), "env.")
    if change is not None:
        change(env_cfg)
    replace(command, task=task).apply(env_cfg, train_cfg)  # a policy that is named by its path says its task itself
    return env_cfg, train_cfg


def plan_run(command: CommandLine, change: Optional[Change] = None) -> Plan:
    """Plan to load a saved run, which task, ``experiment_name``, ``load_run`` and ``checkpoint`` name.

    Raises:
        UserError: there is no such run or checkpoint, it is of another task, or a mistake in the settings.
    """
    task = registry.find(command.task)
    _, train_cfg = task.new_cfgs()
    command.apply(None, train_cfg)
    path = run_folder.find_checkpoint(train_cfg, tasks=registry.family(task.name))
    folder: Optional[str] = os.path.dirname(path)
    if not os.path.exists(os.path.join(str(folder), run_folder.RUN_CONFIG)):
        print(f"note: {folder} has no {run_folder.RUN_CONFIG}; the settings of the task as it is now are used")
        folder = None
    return Plan(task.name, *resolve(task.name, command, folder, change), command.options, path)


def plan_training(command: CommandLine, begins: bool = False) -> Plan:
    """Plan a new or resumed training, checked before anything slow begins.

    Args:
        command: the command line.
        begins: this process is about to train: it keeps others from training in the run that it resumes, and logs in
            to W&B where that is wanted.

    Raises:
        UserError: for a mistake in the settings, or when there is no run to resume or teacher to learn from.
    """
    if command.options.run_folder is not None:
        command = _resume_what_is_there(command, command.options.run_folder)
    task = registry.find(command.task).name
    env_cfg, train_cfg = resolve(task, command)
    checkpoint = None
    if command.options.run_folder is None and _begins_with_networks(train_cfg):
        runner = train_cfg.runner
        runner.start_from, runner.resume = run_folder.find_checkpoint(train_cfg), False
        runner.load_run, runner.checkpoint, runner.resume_path = -1, -1, None
    elif train_cfg.runner.resume:
        if begins and os.environ.get("RANK", "0") == "0":
            # Before the newest checkpoint is looked for: another process may have made it just now.
            tasks = registry.family(task)
            run_lock.hold(os.path.dirname(run_folder.find_checkpoint(train_cfg, tasks=tasks)))
        plan = plan_run(command)
        of = run_folder.task_of(os.path.dirname(str(plan.checkpoint)))
        if of not in (None, task):  # of which this is a variant, but checkpoints are of one task
            raise UserError(f"--resume: {plan.checkpoint} is of task {of!r}; go on with --task={of}")
        env_cfg, train_cfg, checkpoint = plan.env_cfg, plan.train_cfg, plan.checkpoint
        # By its path, lest another run that starts meanwhile becomes the newest.
        train_cfg.runner.resume, train_cfg.runner.resume_path = True, checkpoint
    else:
        for flag in ("load_run", "checkpoint", "resume_path"):
            # Of a student whose teacher is not given otherwise, they say who it is.
            if flag in command.flags and getattr(train_cfg.runner, "teacher", "") is not None:
                flag = flag.replace("resume_path", "checkpoint")
                raise UserError(
                    f"--{flag} says what to go on with, and a new run goes on with nothing: give --resume too"
                )
    check_sizes(env_cfg, train_cfg)
    resolve_policies(train_cfg)
    control: Any = getattr(env_cfg, "control", None)
    if getattr(control, "teacher_actions_about", "") is None:
        control.teacher_actions_about = teachers_actions_about(train_cfg)
    if begins:
        choose_logger(command, train_cfg)
    return Plan(task, env_cfg, train_cfg, command.options, checkpoint)


def _resume_what_is_there(command: CommandLine, folder: str) -> CommandLine:
    """Make --run_folder of a run that has begun mean --resume, so that the same command always goes on."""
    if not folder:
        raise UserError("--run_folder is empty; give the folder of the run, or leave it out for a new one under logs/")
    if "resume" in command.flags or "load_run" in command.flags:
        raise UserError("--run_folder names the run and resumes what is there; leave out --resume and --load_run")
    if os.path.isdir(folder) and run_folder.list_checkpoints(folder):
        return command.with_flags(resume=True, load_run=os.path.abspath(folder))
    return command


def _begins_with_networks(train_cfg: TrainCfg) -> bool:
    """Whether --resume asks for networks that are changed when they are loaded, so it is a new run that has them."""
    return train_cfg.runner.resume and (train_cfg.policy.re_init_std or not train_cfg.runner.load_model_strict)


def make_env(plan: Plan) -> LeggedRobot:
    """Make the environment of a settled plan, and seed all random numbers.

    Raises:
        UserError: for sizes that make no sense.
    """
    from legged_gym.utils.devices import set_seed

    check_sizes(plan.env_cfg)
    options = plan.options
    assert options.distributed is not None, "the plan is settled"
    rank = options.distributed.rank
    if rank > 0 and plan.env_cfg.asset.use_alt_files:
        plan = plan.changed(functools.partial(_take_alt_file, rank=rank))
    seed = options.distributed.seed(plan.env_cfg.seed)
    set_seed(seed, options.deterministic)
    made: LeggedRobot = registry.find(plan.task).load_env_class()(
        plan.env_cfg,
        sim=options.sim,
        device=options.sim_device,
        headless=options.headless,
        seed=seed,
        deterministic=options.deterministic,
    )
    return made


def make_env_of(
    task: str, num_envs: Optional[int] = None, settings: Optional[Mapping[str, Any]] = None,
    device: Optional[str] = None, seed: Optional[int] = None, num_threads: Optional[int] = None,
) -> LeggedRobot:  # fmt: skip
    """The environment of a task without a command line, for learners of others.

    Args:
        task: what `--task` takes.
        num_envs: robots; None for the number of the task's config.
        settings: by path, such as {"env.commands.ranges.lin_vel_x": [0.0, 1.0]}.
        device: of physics and tensors, as `--device`.
        seed: of everything that is drawn; None for the task's.
        num_threads: of the physics on a CPU.

    Raises:
        UserError: for a task or a setting that does not exist.
    """
    wished = {"num_envs": num_envs, "seed": seed, "num_threads": num_threads}
    flags = {name: value for name, value in wished.items() if value is not None}
    by_path = tuple((*path.partition(".")[::2], value) for path, value in (settings or {}).items())
    name, options = registry.find(task).name, Options(device=device, headless=True)
    command = CommandLine(name, flags=flags, settings=by_path, options=options)
    return make_env(Plan(name, *resolve(name, command), options).settled())


def _take_alt_file(cfg: LeggedRobotCfg, rank: int) -> None:
    """See `asset.use_alt_files`."""
    files = [cfg.asset.file, *cfg.asset.alt_files]
    cfg.asset.file = files[rank % len(files)]


def make_runner(plan: Plan, env: VecEnv, root: Optional[str]) -> Runner:
    """Make the learner of a settled plan: a new one, with a folder of its own, or one that goes on with a checkpoint.

    Args:
        plan: what `plan.checkpoint` belongs to keeps its folder.
        env: the environment.
        root: folder of the experiment, where a new run goes; None keeps no files.

    Raises:
        UserError: there is nothing to learn from, or the folder cannot be made.
    """
    options, train_cfg, checkpoint = plan.options, plan.train_cfg, plan.checkpoint
    distributed, given = options.distributed, options.run_folder
    assert distributed is not None, "the plan is settled"
    log_dir, made = None, False
    if root is not None:
        if checkpoint is not None:
            log_dir = os.path.dirname(checkpoint)
        elif distributed.is_main:
            made = given is None or run_folder.is_new(given)
            name = train_cfg.runner.run_name
            log_dir = run_folder.make_run_folder(given) if given else run_folder.create_run_folder(root, name)
        if log_dir is not None and distributed.is_main:
            run_lock.hold(log_dir)
        # Every process saves its share of a checkpoint; the name of a new folder holds the time of the first one.
        log_dir = distributed.broadcast_object(log_dir)
    env.write_failures_to(log_dir)
    with contextlib.ExitStack() as on_failure:
        if log_dir is not None:
            on_failure.callback(run_lock.release, log_dir)
            if made:
                on_failure.callback(run_folder.discard, log_dir)
        settings = train_cfg.to_dict()
        for name in ("bounds", "cloning"):  # whose limit is that of the environment, unless it is given
            extension = settings["algorithm"].get("extensions", {}).get(name)
            if extension is not None and extension.get("limit") is None:
                extension["limit"] = plan.env_cfg.normalization.clip_actions
        resolve_several_teachers(train_cfg, settings["algorithm"].get("extensions", {}), env.teacher_names)
        runner = _runner_class(train_cfg.runner_class_name)(
            env, settings, log_dir, device=str(options.rl_device), task=plan.task, distributed=distributed
        )
        if checkpoint is not None:
            runner.load(checkpoint)
        elif train_cfg.runner.start_from:
            runner.start_from(train_cfg.runner.start_from)
        if log_dir is not None and distributed.is_main and checkpoint is None:
            save_config(plan, log_dir, env.cfg)
        on_failure.pop_all()
    return runner


def save_config(plan: Plan, folder: str, env_cfg: LeggedRobotCfg) -> None:
    """Write the config.yaml of a settled plan, with the config that its environment has."""
    from legged_gym.utils.reports import machine  # imports torch

    options = plan.options
    run: Dict[str, Any] = {name: getattr(options, name) for name in ("sim", "sim_device", "rl_device", "deterministic")}
    run.update(processes=options.distributed.world_size if options.distributed else 1, machine=machine())
    run_folder.save_run_config(folder, plan.task, env_cfg, plan.train_cfg, run)


def check_sizes(env_cfg: LeggedRobotCfg, train_cfg: Optional[TrainCfg] = None) -> None:
    """Check resolved configs: every setting, and that numbers of robots, steps and batches go together.

    Raises:
        UserError: naming the settings and what would do.
    """
    env_cfg.check()
    if train_cfg is None:
        return
    train_cfg.check()
    runner, algorithm, num_envs = train_cfg.runner, train_cfg.algorithm, env_cfg.env.num_envs
    steps, batches = runner.num_steps_per_env, getattr(algorithm, "num_mini_batches", None)
    if batches is None:
        return  # the batches of imitation have a size of their own
    samples, what = num_envs * steps, "samples (num_envs x num_steps_per_env)"
    if _has_memory(train_cfg):
        # Recurrent networks learn from whole sequences, so their batches are sets of robots, or of parts of rollouts.
        length = getattr(algorithm, "sequence_length", None)
        samples, what = (num_envs, "robots") if length is None else (samples // length, f"sequences of {length} steps")
    if samples % batches:
        raise UserError(f"{samples} {what} cannot be cut into {batches} equal mini-batches; change num_mini_batches")


def _has_memory(train_cfg: TrainCfg) -> bool:
    """Whether the policy has a memory anywhere."""
    policy = {"rnn_hidden_size": 256, **vars(train_cfg.policy)}
    if train_cfg.runner.policy_class_name == "ActorCritic":
        del policy["rnn_hidden_size"]  # which the other classes read

    def names_one(section: Dict[str, Any]) -> bool:
        inner = [value for value in section.values() if isinstance(value, dict)]
        return bool(section.get("rnn_hidden_size")) or any(map(names_one, inner))

    return names_one(policy)


def _runner_class(name: str) -> Type[Runner]:
    runners = importlib.import_module("rsl_rl.runners")
    found = getattr(runners, name, None)
    base = importlib.import_module("rsl_rl.runners.runner").Runner
    if not (isinstance(found, type) and issubclass(found, base)):
        known = [key for key, value in vars(runners).items() if isinstance(value, type) and issubclass(value, base)]
        raise UserError(f"train.runner_class_name: there is no runner {name!r}; {near_matches(name, known)}")
    return found
