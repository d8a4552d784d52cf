"""`task_registry`: from the name of a task to its environment and its learner, as in legged_gym.

One difference: `get_cfgs` returns new configs each time, where legged_gym returns the same objects again, so that a
change made for one environment does not reach the next.
"""

from __future__ import annotations

import argparse
import importlib
import os
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Tuple

import legged_gym.envs  # noqa: F401 - fills the table of tasks
from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.utils import run_folder, run_lock
from legged_gym.utils.cli import apply_args, get_args
from rsl_rl.utils.errors import near_matches

if TYPE_CHECKING:
    from legged_gym.envs.registry import Config
    from rsl_rl.env.vec_env import VecEnv
    from rsl_rl.runners.on_policy_runner import OnPolicyRunner


class TaskRegistry:
    """Makes environments and learners by the name of the task."""

    def register(self, name: str, task_class: type, env_cfg: Config, train_cfg: Config) -> None:
        """Add a task, with config classes or (as in legged_gym) instances.

        Raises:
            ValueError: when the name is taken.
        """
        registry.register(name, task_class, env_cfg, train_cfg)

    def get_task_class(self, name: str) -> type:
        """Return the environment class of a task.

        Raises:
            UserError: for an unknown task.
        """
        return registry.find(name).load_env_class()

    def get_cfgs(self, name: str) -> Tuple[Any, Any]:
        """Return new (environment, training) configs of a task, the seed of the training in both.

        Raises:
            UserError: for an unknown task.
        """
        env_cfg, train_cfg = registry.find(name).new_cfgs()
        env_cfg.seed = train_cfg.seed
        return env_cfg, train_cfg

    def get_run_cfgs(self, args: argparse.Namespace) -> Tuple[Any, Any, str]:
        """Return the (environment, training) configs of a saved run and the path of the checkpoint to load.

        The run is found by ``task``, ``experiment_name``, ``load_run`` and ``checkpoint``. What it saved wins over the
        config classes, and the command line wins over both. Saved settings that no longer exist are printed.

        Raises:
            UserError: when there is no such run or checkpoint, or it is of another task.
        """
        env_cfg, train_cfg = self.get_cfgs(args.task)
        apply_args(args, env_cfg, train_cfg)
        path = run_folder.find_checkpoint(train_cfg)
        folder = os.path.dirname(path)
        if not os.path.exists(os.path.join(folder, run_folder.RUN_CONFIG)):
            print(f"note: {folder} has no {run_folder.RUN_CONFIG}; the settings of the task as it is now are used")
            return env_cfg, train_cfg, path
        env_cfg, train_cfg = self.get_cfgs(args.task)
        for problem in run_folder.restore_run_cfgs(folder, args.task, env_cfg, train_cfg):
            print(f"note: {os.path.basename(folder)}: {problem}")
        apply_args(args, env_cfg, train_cfg)
        return env_cfg, train_cfg, path

    def make_env(
        self, name: str, args: Optional[argparse.Namespace] = None, env_cfg: Optional[Any] = None
    ) -> Tuple[VecEnv, Any]:
        """Make the environment of a task and seed all random numbers.

        Args:
            name: Name of the task.
            args: Parsed command line (`get_args`); it is applied to the config. None takes all defaults and, unlike
                legged_gym, does not look at the arguments of the process.
            env_cfg: Config to use; None for that of the task.

        Returns:
            The environment and its config, whose `seed` is the one drawn if it was -1.

        Raises:
            UserError: for an unknown task, a device that is not there, sizes that make no sense.
        """
        task = registry.find(name)
        args = get_args([]) if args is None else args
        if env_cfg is None:
            env_cfg, train_cfg = self.get_cfgs(name)
            apply_args(args, env_cfg, train_cfg)
        else:
            apply_args(args, env_cfg)
        check_sizes(env_cfg)
        # Imported here: torch takes seconds to import, and mistakes found above are answered at once.
        from legged_gym.utils.devices import draw_seed, resolve_devices, set_seed

        distributed = resolve_devices(args)
        if env_cfg.seed == -1:
            env_cfg.seed = args.seed = draw_seed(distributed)
        seed = distributed.seed(env_cfg.seed)
        set_seed(seed, args.deterministic)
        env = task.load_env_class()(
            env_cfg,
            sim=args.sim,
            device=args.sim_device,
            headless=args.headless,
            seed=seed,
            deterministic=args.deterministic,
        )
        return env, env_cfg

    def make_alg_runner(
        self,
        env: VecEnv,
        name: Optional[str] = None,
        args: Optional[argparse.Namespace] = None,
        train_cfg: Optional[Any] = None,
        log_root: Optional[str] = "default",
    ) -> Tuple[OnPolicyRunner, Any]:
        """Make the learner of an environment; with `runner.resume` set, load a checkpoint.

        A new run gets a folder of its own with its settings in it. A resumed run goes on in its old folder.

        Args:
            env: The environment.
            name: Name of the task, for its training config.
            args: Parsed command line; it is applied to the config. None takes all defaults.
            train_cfg: Training config to use; it wins over `name`.
            log_root: Folder of the experiment; "default" is ``logs/<experiment_name>``, None keeps no files.

        Returns:
            The runner and the training config.

        Raises:
            UserError: when neither `name` nor `train_cfg` is given, or there is nothing to resume or to learn from.
        """
        if train_cfg is None:
            if name is None:
                raise UserError("make_alg_runner needs the name of a task or a train_cfg")
            _, train_cfg = self.get_cfgs(name)
        elif name is not None:
            print(f"note: train_cfg is given, so the training config of {name!r} is not used")
        task = name or getattr(args, "task", None) or "unknown"
        args = get_args([]) if args is None else args
        apply_args(args, None, train_cfg)
        train_cfg.seed = getattr(env.cfg, "seed", train_cfg.seed)
        check_sizes(env.cfg, train_cfg)
        resolve_policies(train_cfg)
        return self._build_runner(env, task, args, train_cfg, log_root), train_cfg

    @staticmethod
    def _build_runner(
        env: VecEnv, task: str, args: argparse.Namespace, train_cfg: Any, log_root: Optional[str]
    ) -> OnPolicyRunner:
        from legged_gym.utils.devices import resolve_devices

        distributed = resolve_devices(args)
        root = run_folder.experiment_folder(train_cfg.runner.experiment_name) if log_root == "default" else log_root
        checkpoint = run_folder.find_checkpoint(train_cfg, root) if train_cfg.runner.resume else None
        log_dir, made = None, False
        if root is not None:
            if checkpoint is not None:
                log_dir = os.path.dirname(checkpoint)
            elif distributed.is_main:
                given = getattr(args, "run_folder", None)
                name = train_cfg.runner.run_name
                made = given is None or run_folder.is_new(given)
                log_dir = run_folder.make_run_folder(given) if given else run_folder.create_run_folder(root, name)
            if log_dir is not None and distributed.is_main:
                run_lock.hold(log_dir)
            # Every process saves its share of a checkpoint; the name of a new folder holds the time of the first one.
            log_dir = distributed.broadcast_object(log_dir)
        if hasattr(env, "log_dir"):
            env.log_dir = log_dir  # where it notes what went wrong in the physics
        new = log_dir if made else None
        with run_lock.given_back_on_failure(log_dir), run_folder.discarded_on_failure(new):
            runner = _runner_class(train_cfg.runner_class_name)(
                env, train_cfg.to_dict(), log_dir, device=args.rl_device, task=task, distributed=distributed
            )
            if checkpoint is not None:
                runner.load(checkpoint)
            elif train_cfg.runner.start_from:
                runner.start_from(train_cfg.runner.start_from)
            if log_dir is not None and distributed.is_main and checkpoint is None:
                run = describe_run(args, distributed.world_size)
                run_folder.save_run_config(log_dir, task, env.cfg, train_cfg, run)
        return runner


def describe_run(args: argparse.Namespace, world_size: int) -> Dict[str, Any]:
    """Return how and on which machine a run is carried out, for its config.yaml."""
    from legged_gym.utils.reports import machine  # imports torch

    names = ("sim", "sim_device", "rl_device", "deterministic")
    return {**{name: getattr(args, name) for name in names}, "processes": world_size, "machine": machine()}


def check_sizes(env_cfg: Any, train_cfg: Optional[Any] = None) -> None:
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


def _has_memory(train_cfg: Any) -> bool:
    """Whether the policy has a memory anywhere."""
    policy = {"rnn_hidden_size": 256, **vars(train_cfg.policy)}
    if train_cfg.runner.policy_class_name == "ActorCritic":
        del policy["rnn_hidden_size"]  # which the other classes read

    def names_one(section: Dict[str, Any]) -> bool:
        inner = [value for value in section.values() if isinstance(value, dict)]
        return bool(section.get("rnn_hidden_size")) or any(map(names_one, inner))

    return names_one(policy)


def resolve_policies(train_cfg: Any) -> None:
    """Replace `runner.start_from`, and `runner.teacher` of a training that imitates, by paths of checkpoints.

    They may be such paths, folders of runs, names of runs (for a teacher, of `runner.teacher_task`), or names of
    shipped policies. Where no teacher is given it becomes the newest run of that task, or that task's shipped policy.

    Raises:
        UserError: there is no such policy, or no teacher.
    """
    runner = train_cfg.runner
    if runner.start_from and not runner.resume:  # where a resumed run began need not be there any more
        root = run_folder.experiment_folder(runner.experiment_name)
        runner.start_from = os.path.abspath(_find_policy("start_from", runner.start_from, root))
    if hasattr(runner, "teacher"):
        runner.teacher = os.path.abspath(_find_teacher(runner.teacher, runner.teacher_task))


def _find_teacher(name: Optional[str], task: Optional[str]) -> str:
    from legged_gym.policies.policy_io import POLICIES_DIR  # which is built on this module

    root = run_folder.experiment_folder(registry.find(task).new_cfgs()[1].runner.experiment_name) if task else None
    if name:
        return _find_policy("teacher", name, root)
    if root is None:
        raise UserError("there is no teacher; give --teacher=<run or checkpoint>")
    runs = [run for run in run_folder.list_runs(root) if _task_of(run) == task]
    hint = f"there is no teacher: train one (train.py --task={task}), or give --teacher=<run or checkpoint>"
    return _first_policy([*runs[-1:], os.path.join(POLICIES_DIR, str(task))], hint)


def _find_policy(flag: str, name: str, root: Optional[str]) -> str:
    """Path of the checkpoint that a flag names: a file, a run in `root` or elsewhere, a shipped policy."""
    from legged_gym.policies.policy_io import POLICIES_DIR

    if os.path.isfile(name):
        return name
    folders = [name, os.path.join(POLICIES_DIR, name), *([os.path.join(root, name)] if root else [])]
    return _first_policy(folders, f"--{flag}: there is no run, checkpoint or shipped policy {name!r}")


def _first_policy(folders: Sequence[str], hint: str) -> str:
    for folder in folders:
        found = run_folder.list_checkpoints(folder) if os.path.isdir(folder) else []
        shipped = os.path.join(folder, "model.pt")
        if found or os.path.isfile(shipped):
            return found[-1][1] if found else shipped
    raise UserError(hint)


def _task_of(run: str) -> Optional[str]:
    has_config = os.path.isfile(os.path.join(run, run_folder.RUN_CONFIG))
    return run_folder.read_run_config(run).get("task") if has_config else None


def _runner_class(name: str) -> type:
    runners = importlib.import_module("rsl_rl.runners")
    found = getattr(runners, name, None)
    base = importlib.import_module("rsl_rl.runners.runner").Runner
    if not (isinstance(found, type) and issubclass(found, base)):
        known = [key for key, value in vars(runners).items() if isinstance(value, type) and issubclass(value, base)]
        raise UserError(f"train.runner_class_name: there is no runner {name!r}; {near_matches(name, known)}")
    return found


task_registry = TaskRegistry()
"""The registry that scripts use."""
