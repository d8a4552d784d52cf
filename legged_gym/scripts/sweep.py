"""Train many times with different settings, on Weights & Biases or, with --local, without an account.

    python legged_gym/scripts/sweep.py --task=a1_flat --headless --wandb_entity=me --wandb_project=legs
    python legged_gym/scripts/sweep.py --task=a1_flat --wandb_sweep_id=me/legs/8h3kd02p     join it from elsewhere
    python legged_gym/scripts/sweep.py --task=a1_flat --local --num_workers=4               no account, no network
    python legged_gym/scripts/sweep.py --wandb_sweep_id=local-1a2b3c4d                      join, or go on after a crash

The sweep file is that of --wandb_sweep_config: a path, or a name in legged_gym/scripts/sweep_configs/. Every run is a
train.py of its own with the flags given here; a flag or setting given here wins over the sweep.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, Optional, Sequence, Tuple

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.errors import UserError
from legged_gym.programs import run_script, shown_path
from legged_gym.sweeps import config as sweep_config
from legged_gym.sweeps.config import SweepConfig
from legged_gym.utils.cli import add_training_flags, make_parser, positive
from legged_gym.utils.options import CommandLine
from legged_gym.utils.run_folder import logs_folder

_LOCAL = "local-"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Create or join a sweep and work on it.

    Raises:
        UserError: for a mistake in the command line or the sweep file, or a sweep that could not be done.
    """
    args, arguments = parse(argv)
    command = CommandLine.read(args)
    if args.resume or args.run_folder:
        raise UserError("--resume and --run_folder are for single runs; a sweep is joined by --wandb_sweep_id")
    if args.local or (args.wandb_sweep_id or "").startswith(_LOCAL):
        _run_local(command, arguments, args.wandb_sweep_id, args.wandb_sweep_config, args.num_workers)
        return
    sweep = None
    if args.wandb_sweep_id is None or args.wandb_sweep_config is not None:
        sweep = _read(command, args.wandb_sweep_config)
    if args.num_workers > 1:
        raise UserError("--num_workers is for local sweeps; on W&B start this script once a worker")
    from legged_gym.sweeps.wandb_server import run_sweep

    run_sweep(command, arguments, sweep, args.wandb_sweep_id)


def parse(argv: Optional[Sequence[str]]) -> Tuple[argparse.Namespace, List[str]]:
    """Return the command line, and what of it every training gets.

    Raises:
        UserError: for a mistake in it.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser(__doc__ or "")
    add_training_flags(parser)
    _add_sweep_flags(parser)
    args = parser.parse(argv)
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_sweep_flags(own)
    return args, own.parse_known_args(argv)[1]


def _add_sweep_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--wandb_sweep_config", metavar="FILE", help="the sweep file (sweep_config, else sweep_config_example)")
    add("--wandb_sweep_id", metavar="ID", help="join a sweep: <id>, <entity>/<project>/<id> or local-<id>")
    add("--local", "--wandb_sweep_local", action="store_true", help="choose with Optuna, without W&B's server")
    add("--num_workers", type=positive, default=1, help="runs at a time on this machine, local sweeps only (1)")


def _read(command: CommandLine, name: Optional[str]) -> SweepConfig:
    """The sweep file, checked against the task."""
    path = sweep_config.find_file(name)
    sweep = sweep_config.check(sweep_config.read_file(path), command)
    print(f"{sweep.method} search over {len(sweep.parameters)} parameters of {shown_path(path)}")
    return sweep


def _run_local(
    command: CommandLine, arguments: Sequence[str], sweep_id: Optional[str], file: Optional[str], num_workers: int
) -> None:
    root = os.path.join(logs_folder(), "sweeps")
    config = _read(command, file) if sweep_id is None else None
    try:
        from legged_gym.sweeps.local import LocalSweep
        from legged_gym.sweeps.worker import run_workers
    except ModuleNotFoundError as error:
        raise UserError(f'{error.name} is not installed: pip install -e ".[sweep]"') from None
    if sweep_id is not None:
        sweep = LocalSweep(os.path.join(root, sweep_id))
        if arguments and arguments != sweep.arguments:
            raise UserError(f"the runs of {sweep.id} have the flags {' '.join(sweep.arguments)}; give these or none")
    else:
        assert config is not None, "a new sweep has a file"
        _, train_cfg, _ = sweep_config.resolve(command, {})
        sweep = LocalSweep.create(root, config, arguments, train_cfg.runner.experiment_name)
    print(f"sweep {sweep.id}: join it with --wandb_sweep_id={sweep.id}; results in {shown_path(sweep.folder)}")
    run_workers(sweep, num_workers)
    best = sweep.best()
    if best is not None:
        print(f"best: run {best['run']}, {sweep.config.metric} {best[sweep.config.metric]:.4g}, {best['run_folder']}")


if __name__ == "__main__":
    run_script(main)
