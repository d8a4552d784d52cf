"""Train a policy.

    python legged_gym/scripts/train.py --task=a1_flat --headless
    python legged_gym/scripts/train.py --task=a1_flat --resume                  go on with the newest run
    python legged_gym/scripts/train.py --task=a1_flat --run_folder=PATH         begin there, or go on with what is there
    python legged_gym/scripts/train.py --task=a1_vision_student --teacher=RUN   learn from a policy that sees more
    python legged_gym/scripts/train.py --task=a1_flat --viewer=web              robots are watched in a browser
    torchrun --nproc_per_node=2 legged_gym/scripts/train.py --task=a1_flat      one process a GPU

Everything lands in logs/<experiment>/<date>_<run_name>/. A resumed run goes on in its folder, with the settings saved
there (the command line wins over them), up to --max_iterations in total: a run of 10 iterations, resumed with
--max_iterations=20, makes the same 20 as one run does.

Ctrl-C, SIGTERM, SIGUSR1, SIGUSR2 and SIGHUP (a terminal that closes; not under nohup) end the iteration under way, save
a checkpoint and stop, with exit status 75. The status is 0 when all iterations are done or
train.runner.max_wall_time_s is over. Under torchrun, which takes all but 0 for a fault, it is 0 in both cases. Output
that nobody takes ends nothing. Another process that wants to train in the same folder is refused.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
from typing import TYPE_CHECKING, ContextManager, List, Optional, Sequence, Tuple

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.programs import EXIT_STOPPED, command_line, run_script, shown_path, stopped_by_signals
from legged_gym.sweeps import wandb_server as sweep_wandb
from legged_gym.utils import run_folder, run_lock, training
from legged_gym.utils.cli import add_training_flags, add_viewer_flags, make_parser, page_address, wanted_viewer
from legged_gym.utils.options import CommandLine
from legged_gym.utils.training import Plan
from rsl_rl.utils.console import steady_output

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.viewing.training import TrainingPage
    from rsl_rl.runners.runner import Runner


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Train as the command line says.

    Returns:
        The exit status: `EXIT_STOPPED` when a signal ended the training of a single process early, else 0.

    Raises:
        UserError: for a mistake in it.
    """
    with steady_output(), stopped_by_signals():
        try:
            return _main(argv)
        finally:
            run_lock.release_all()


def _main(argv: Optional[Sequence[str]]) -> int:
    args = _parse(argv)
    command, address = CommandLine.read(args), page_address(args.viewer, args.host, args.port)
    sweep = sweep_wandb.join(command)
    plan = training.plan_training(sweep.command if sweep else command, begins=True)
    if sweep:
        sweep.report(plan.env_cfg, plan.train_cfg)
    runner_cfg, folder = plan.train_cfg.runner, plan.options.run_folder
    is_new = not runner_cfg.resume and (not folder or run_folder.is_new(folder))
    plan = plan.settled()
    address = _own_address(plan, address)
    with contextlib.closing(training.make_env(plan)) as env, _page_of(env, address) as page:
        runner = training.make_runner(plan, env, run_folder.experiment_folder(runner_cfg.experiment_name))
        runner.callbacks += [page.report] if page else []
        try:
            train(plan, runner)
        except BaseException:
            if is_new:
                _discard_if_nothing_learned(runner)
            raise
        if sweep and runner.interrupted:
            sweep.killed()
        runner.close()
        runner.distributed.close()
        # torchrun would kill the other processes for any other status, one that is still saving among them.
        return EXIT_STOPPED if runner.interrupted and runner.distributed.world_size == 1 else 0


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = make_parser(__doc__ or "")
    add_training_flags(parser)
    add_viewer_flags(parser, ("web", "none"))
    args = parser.parse(argv)
    args.viewer = wanted_viewer(args.viewer, args.env_settings)
    if args.video is not None:
        print(
            "note: a training makes no videos; play.py --video does of any checkpoint, and --viewer=web shows it live"
        )
    return args


def _own_address(plan: Plan, address: Optional[Tuple[str, int]]) -> Optional[Tuple[str, int]]:
    """Where this process serves a page, if it does; found to be free before an environment is made."""
    if address is None or not (plan.options.distributed and plan.options.distributed.is_main):
        return None
    from legged_gym.viewing.server import check_server

    check_server(*address)
    return address


def _page_of(env: LeggedRobot, address: Optional[Tuple[str, int]]) -> ContextManager[Optional[TrainingPage]]:
    """A page, where one is wanted; made before the learner, which seeds the global random generators."""
    if address is None:
        return contextlib.nullcontext()
    from legged_gym.viewing.training import watched

    return watched(env, *address)


def train(plan: Plan, runner: Runner) -> None:
    """Learn up to the number of iterations that the plan wants in total, and say what to do next."""
    is_main, options, settings = runner.distributed.is_main, plan.options, plan.train_cfg.runner
    done, total, folder = runner.current_learning_iteration, settings.max_iterations, str(runner.log_dir)
    if is_main:
        print(f"task       {plan.task} ({type(runner.env).__name__})")
        print(f"robots     {plan.env_cfg.env.num_envs} x {settings.num_steps_per_env} steps an iteration")
        print(f"physics    {options.sim} on {options.sim_device}")
        print(f"learning   on {options.rl_device}, seed {plan.train_cfg.seed}, iterations {done} to {max(done, total)}")
        print(f"run        {shown_path(folder)}", flush=True)
    if done >= total:
        if is_main:
            print(f"nothing to do: the run has {done} iterations; ask for more with --max_iterations")
        return
    if settings.resume and is_main:
        training.save_config(plan, folder, runner.env.cfg)
    # A resumed run has its episodes where they were; a new one starts with mixed ages, lest all end together.
    runner.learn(total - done, init_at_random_ep_len=not settings.resume)
    if is_main:
        stopped = runner.current_learning_iteration < total
        _print_next_steps(folder, plan.task, stopped)


def _discard_if_nothing_learned(runner: Runner) -> None:
    """Remove the folder of a new run that failed before anything was learned, unless it tells of broken physics."""
    from legged_gym.envs.parts.failures import FIRST_FAILURE  # with torch, which is imported by now

    folder = str(runner.log_dir)
    if runner.distributed.is_main and runner.current_learning_iteration == 0 and os.path.isdir(folder):
        learned = any(iteration > 0 for iteration, _ in run_folder.list_checkpoints(folder))
        if not learned and not os.path.exists(os.path.join(folder, FIRST_FAILURE)):
            run_folder.discard(folder)


def _print_next_steps(folder: str, task: str, stopped: bool) -> None:
    _, path = run_folder.list_checkpoints(folder)[-1]
    print(f"checkpoint {shown_path(path)}")
    steps: List[Tuple[str, str, List[str]]] = [("resume", "train", ["--resume"])] if stopped else []
    for label, script, flags in [*steps, ("play", "play", []), ("evaluate", "evaluate", [])]:
        words = [f"--task={task}", *flags, f"--load_run={shown_path(folder)}"]
        print(f"{label:<10} {command_line(script)} {' '.join(map(shlex.quote, words))}")


if __name__ == "__main__":
    run_script(main)
