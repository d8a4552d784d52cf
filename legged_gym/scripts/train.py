"""Train a policy.

    python legged_gym/scripts/train.py --task=a1_flat --headless
    python legged_gym/scripts/train.py --task=a1_flat --resume                  go on with the newest run
    python legged_gym/scripts/train.py --task=a1_vision_student --teacher=RUN   learn from a policy that sees more
    torchrun --nproc_per_node=2 legged_gym/scripts/train.py --task=a1_flat      one process a GPU

Everything lands in logs/<experiment>/<date>_<run_name>/. Ctrl-C saves a checkpoint and stops. A resumed run goes on in
its folder, with the settings saved there (the command line wins over them), up to --max_iterations in total: a run of
10 iterations, resumed with --max_iterations=20, makes the same 20 as one run does.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.utils import run_folder
from legged_gym.utils.cli import apply_args, get_args
from legged_gym.utils.script import run_script
from legged_gym.utils.task_registry import check_sizes, describe_run, resolve_teacher, task_registry


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Train as the command line says.

    Raises:
        UserError: for a mistake in it.
    """
    args = get_args(argv, __doc__ or "")
    env_cfg, train_cfg = prepare(args)
    env, env_cfg = task_registry.make_env(args.task, args, env_cfg)
    try:
        runner, train_cfg = task_registry.make_alg_runner(env, args=args, train_cfg=train_cfg)
        train(runner, env_cfg, train_cfg, args)
        runner.close()
        runner.distributed.close()
    finally:
        env.close()


def prepare(args: argparse.Namespace) -> Any:
    """Return the (environment, training) configs of a new or resumed run, checked before anything slow begins.

    Raises:
        UserError: for a mistake in the settings, or when there is no run to resume or teacher to learn from.
    """
    env_cfg, train_cfg = task_registry.get_cfgs(args.task)
    apply_args(args, env_cfg, train_cfg)
    if train_cfg.runner.resume:
        env_cfg, train_cfg, path = task_registry.get_run_cfgs(args)
        # By its path, lest another run that starts meanwhile becomes the newest.
        train_cfg.runner.resume, train_cfg.runner.resume_path = True, path
    check_sizes(env_cfg, train_cfg)
    resolve_teacher(train_cfg)
    return env_cfg, train_cfg


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


def _print_next_steps(folder: str, task: str, stopped: bool) -> None:
    _, path = run_folder.list_checkpoints(folder)[-1]
    print(f"checkpoint {_shown(path)}")
    scripts = os.path.dirname(os.path.abspath(__file__))
    steps = [("resume", "train", " --resume")] if stopped else []
    for label, script, flags in [*steps, ("play", "play", ""), ("evaluate", "evaluate", "")]:
        command = f"{_shown(os.path.join(scripts, script))}.py --task={task}{flags} --load_run={_shown(folder)}"
        print(f"{label:<10} python {command}")


def _shown(path: str) -> str:
    """The path as short as it can be typed from the current folder."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


if __name__ == "__main__":
    run_script(main)
