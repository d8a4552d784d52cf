"""Train a policy.

    python legged_gym/scripts/train.py --task=a1_flat --headless
    python legged_gym/scripts/train.py --task=a1_flat --resume                  go on with the newest run
    python legged_gym/scripts/train.py --task=a1_flat --run_folder=PATH         begin there, or go on with what is there
    python legged_gym/scripts/train.py --task=a1_vision_student --teacher=RUN   learn from a policy that sees more
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
from typing import Any, Iterator, List, Optional, Sequence, Tuple

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.errors import UserError
from legged_gym.sweeps import wandb_server as sweep_wandb
from legged_gym.utils import run_folder, run_lock
from legged_gym.utils.cli import apply_args, get_args
from legged_gym.utils.script import EXIT_STOPPED, run_script, stopped_by_signals
from legged_gym.utils.task_registry import check_sizes, describe_run, resolve_policies, task_registry
from legged_gym.utils.wandb_settings import choose_logger
from rsl_rl.utils.console import steady_output


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
    args = get_args(argv, __doc__ or "")
    sweep = sweep_wandb.join(args)
    env_cfg, train_cfg = prepare(args, hold=True)
    choose_logger(args, train_cfg)
    if sweep:
        sweep.report(env_cfg, train_cfg)
    is_new = not train_cfg.runner.resume and (not args.run_folder or run_folder.is_new(args.run_folder))
    env, env_cfg = task_registry.make_env(args.task, args, env_cfg)
    try:
        runner, train_cfg = task_registry.make_alg_runner(env, args=args, train_cfg=train_cfg)
        with _leaving_nothing_behind(runner) if is_new else contextlib.nullcontext():
            train(runner, env_cfg, train_cfg, args)
        if sweep and runner.interrupted:
            sweep.killed()
        runner.close()
        runner.distributed.close()
        # torchrun would kill the other processes for any other status, one that is still saving among them.
        return EXIT_STOPPED if runner.interrupted and runner.distributed.world_size == 1 else 0
    finally:
        env.close()


def prepare(args: argparse.Namespace, hold: bool = False) -> Any:
    """Return the (environment, training) configs of a new or resumed run, checked before anything slow begins.

    Args:
        args: Parsed command line.
        hold: Keep other processes from training in the run that is resumed.

    Raises:
        UserError: for a mistake in the settings, or when there is no run to resume or teacher to learn from.
    """
    if args.run_folder is not None:
        _resume_what_is_there(args)
    env_cfg, train_cfg = task_registry.get_cfgs(args.task)
    apply_args(args, env_cfg, train_cfg)
    for flag in ("load_run", "checkpoint"):
        if getattr(args, flag) is not None and not train_cfg.runner.resume:
            raise UserError(f"--{flag} says what to go on with, and a new run goes on with nothing: give --resume too")
    if train_cfg.runner.resume:
        if hold and os.environ.get("RANK", "0") == "0":
            # Before the newest checkpoint is looked for: another process may have made it just now.
            run_lock.hold(os.path.dirname(run_folder.find_checkpoint(train_cfg)))
        env_cfg, train_cfg, path = task_registry.get_run_cfgs(args)
        # By its path, lest another run that starts meanwhile becomes the newest.
        train_cfg.runner.resume, train_cfg.runner.resume_path = True, path
    check_sizes(env_cfg, train_cfg)
    resolve_policies(train_cfg)
    return env_cfg, train_cfg


def _resume_what_is_there(args: argparse.Namespace) -> None:
    """Make --run_folder of a run that has begun mean --resume, so that the same command always goes on."""
    if not args.run_folder:
        raise UserError("--run_folder is empty; give the folder of the run, or leave it out for a new one under logs/")
    if args.resume or args.load_run is not None:
        raise UserError("--run_folder names the run and resumes what is there; leave out --resume and --load_run")
    if os.path.isdir(args.run_folder) and run_folder.list_checkpoints(args.run_folder):
        args.resume, args.load_run = True, os.path.abspath(args.run_folder)


def train(runner: Any, env_cfg: Any, train_cfg: Any, args: argparse.Namespace) -> None:
    """Learn up to the number of iterations that the config wants in total, and say what to do next."""
    is_main = runner.distributed.is_main
    done, total = runner.current_learning_iteration, train_cfg.runner.max_iterations
    resumed = train_cfg.runner.resume
    if is_main:
        print(f"task       {args.task} ({type(runner.env).__name__})")
        print(f"robots     {env_cfg.env.num_envs} x {train_cfg.runner.num_steps_per_env} steps an iteration")
        print(f"physics    {args.sim} on {args.sim_device}")
        print(f"learning   on {args.rl_device}, seed {train_cfg.seed}, iterations {done} to {max(done, total)}")
        print(f"run        {_shown(runner.log_dir)}", flush=True)
    if done >= total:
        if is_main:
            print(f"nothing to do: the run has {done} iterations; ask for more with --max_iterations")
        return
    if resumed and is_main:
        world_size = runner.distributed.world_size
        run_folder.save_run_config(runner.log_dir, args.task, env_cfg, train_cfg, describe_run(args, world_size))
    # A resumed run has its episodes where they were; a new one starts with mixed ages, lest all end together.
    runner.learn(total - done, init_at_random_ep_len=not resumed)
    if is_main:
        stopped = runner.current_learning_iteration < total
        _print_next_steps(runner.log_dir, args.task, stopped)


@contextlib.contextmanager
def _leaving_nothing_behind(runner: Any) -> Iterator[None]:
    """Remove the folder of a new run that fails before anything was learned, unless it tells of broken physics."""
    try:
        yield
    except BaseException:
        from legged_gym.envs.parts.failures import FIRST_FAILURE  # with torch, which is imported by now

        folder = runner.log_dir
        if runner.distributed.is_main and runner.current_learning_iteration == 0 and os.path.isdir(folder):
            learned = any(iteration > 0 for iteration, _ in run_folder.list_checkpoints(folder))
            if not learned and not os.path.exists(os.path.join(folder, FIRST_FAILURE)):
                run_folder.discard(folder)
        raise


def _print_next_steps(folder: str, task: str, stopped: bool) -> None:
    _, path = run_folder.list_checkpoints(folder)[-1]
    print(f"checkpoint {_shown(path)}")
    scripts = os.path.dirname(os.path.abspath(__file__))
    steps: List[Tuple[str, str, List[str]]] = [("resume", "train", ["--resume"])] if stopped else []
    for label, script, flags in [*steps, ("play", "play", []), ("evaluate", "evaluate", [])]:
        words = [
            f"{_shown(os.path.join(scripts, script))}.py",
            f"--task={task}",
            *flags,
            f"--load_run={_shown(folder)}",
        ]
        print(f"{label:<10} python {' '.join(map(shlex.quote, words))}")


def _shown(path: str) -> str:
    """The path as short as it can be typed from the current folder."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


if __name__ == "__main__":
    run_script(main)
