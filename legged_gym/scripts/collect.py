"""Collect demonstrations: what a policy does, as arrays of states that MuJoCo can replay.

    python legged_gym/scripts/collect.py --policy=a1_flat --num_episodes=100 --max_steps=250 --output=data/a1_flat
    python legged_gym/scripts/collect.py --task=a1_flat --num_envs=1024 --num_episodes=10000 --schedule=grid --validate
    python legged_gym/scripts/collect.py --output=data/a1_flat --validate                    check what is there

An episode depends on the seed and its number alone. A collection that was stopped goes on when the same line is run
again, and ends with the same files. docs/demonstrations.md tells what is in them and how to replay them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.demonstrations.collection import Collection
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import PolicySource, add_policy_flag, find_policy
from legged_gym.programs import run_script
from legged_gym.utils import reports
from legged_gym.utils.cli import make_parser, positive
from legged_gym.utils.files import check_writable, nearest_folder
from legged_gym.utils.options import CommandLine

if TYPE_CHECKING:
    from legged_gym.demonstrations.dataset import Demonstrations

SCHEDULES = ("random", "grid", "waypoint")
DEFAULT_ENVS = 64
DEFAULT_SEED = 42
# of this many attempts or more, at least one in ten has to succeed
_FIRST_ATTEMPTS = 1000


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Collect as the command line says.

    Returns:
        1 if the data set was checked and is not sound.

    Raises:
        UserError: for a mistake in it.
    """
    args = _parse(argv)
    if args.task or args.policy or not args.validate:
        source = find_policy(CommandLine.read(args))
        args.output = args.output or os.path.join("data", source.task)
        wish = Collection(**{name: getattr(args, name) for name in vars(Collection())})
        collect(source, wish, args.output, argv, quiet=args.validate)
    elif args.output is None:
        raise UserError("--validate: give the --output to check, or a --task or --policy to collect from")
    return validate(args.output) if args.validate else 0


def collect(
    source: PolicySource, wish: Collection, output: str, argv: Optional[Sequence[str]] = None, quiet: bool = False
) -> None:
    """Fill a folder with demonstrations, or go on filling it.

    Args:
        source: the policy.
        wish: what to collect; with `shard_episodes` 0, as many as make a handy file.
        output: the folder.
        argv: the command line, for the record.
        quiet: leave the histograms out.

    Raises:
        UserError: the policy or the folder is not what it should be, the disk is full, or the robots mostly fall.
    """
    # Imported here: torch takes seconds to import, and mistakes found above are answered at once.
    from legged_gym.demonstrations import dataset as demonstrations
    from legged_gym.demonstrations.check import command_histograms, format_histograms
    from legged_gym.demonstrations.setup import describe, episode_bytes, make_collector, model_bytes, shard_size
    from legged_gym.demonstrations.writer import DemonstrationWriter

    check_writable(os.path.join(output, demonstrations.METADATA), "--output")
    source = source.settled()
    collector = make_collector(source, wish)
    with contextlib.closing(collector.env):
        size = episode_bytes(collector)
        wish = replace(wish, shard_episodes=wish.shard_episodes or shard_size(size))
        print(f"task       {source.task}, {collector.env.num_envs} robots, {wish.num_episodes} episodes of "
              f"{wish.max_steps} steps ({wish.max_steps * collector.env.dt:g} s), "
              f"seed {source.env_cfg.seed}")  # fmt: skip
        print(f"policy     {reports.short_path(source.path)}")
        print(f"output     {output}, about {size * wish.num_episodes / 1e9:.2g} GB", flush=True)
        _check_disk(output, size * wish.num_episodes)
        metadata = {**describe(collector, source, wish), "origin": reports.origin(__file__, argv)}
        with DemonstrationWriter(output, metadata, model_bytes(collector.robot.model)) as writer:
            while not writer.complete:
                writer.add(collector.run(writer.attempts))
                print(f"{writer.kept:>8} of {wish.num_episodes} episodes, {writer.attempts} tried", flush=True)
                _check_success(writer.kept, writer.attempts, wish.num_episodes)
    data = demonstrations.Demonstrations(output)
    histograms = command_histograms(data)
    data.metadata["result"] = {**count(data), "commands": histograms}
    reports.write_json(os.path.join(output, demonstrations.METADATA), data.metadata)
    result = data.metadata["result"]
    print(f"\n{result['episodes']} episodes, {result['steps']} steps; {100 * result['success_rate']:.1f} % of "
          f"{result['attempts']} attempts did not fall")  # fmt: skip
    if not quiet:
        print(f"\n{format_histograms(histograms)}")


def validate(folder: str) -> int:
    """Check a data set and print the table; returns the exit status."""
    from legged_gym.demonstrations.check import check, command_histograms, format_checks, format_histograms
    from legged_gym.demonstrations.dataset import Demonstrations

    data = Demonstrations(folder)
    checks = check(data)
    print(f"\n{format_checks(checks)}\n\n{format_histograms(command_histograms(data))}")
    return 0 if all(line.passed for line in checks) else 1


def count(data: Demonstrations) -> Dict[str, Any]:
    """How many episodes and steps a complete data set has, and how many were tried for it."""
    lengths: List[int] = []
    fallen = attempts = 0
    for shard in data.load("episode_lengths", "terminated", "episode_ids"):
        lengths += shard["episode_lengths"].tolist()
        fallen += int(shard["terminated"].sum())
        attempts = max([attempts, *(shard["episode_ids"] + 1).tolist()])
    succeeded = len(lengths) - fallen
    return {
        "episodes": len(lengths),
        "steps": sum(lengths),
        "attempts": attempts,
        "success_rate": succeeded / max(attempts, 1),
    }


def _check_success(kept: int, attempts: int, wanted: int) -> None:
    if attempts >= max(_FIRST_ATTEMPTS, wanted) and 10 * kept < attempts:
        raise UserError(
            f"only {kept} of {attempts} episodes did not fall: train the policy further, or take --keep_failures"
        )


def _check_disk(folder: str, size: float) -> None:
    """Refuse a collection that will not fit; what is there already of one counts as free."""
    present = sum(entry.stat().st_size for entry in os.scandir(folder)) if os.path.isdir(folder) else 0
    free = shutil.disk_usage(nearest_folder(folder)).free + present
    if size > free:
        raise UserError(f"the demonstrations need {size / 1e9:.2g} GB, the disk of {folder} has {free / 1e9:.2g} GB")


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = make_parser(__doc__ or "")
    add_policy_flag(parser)
    add = parser.add_argument
    add("--num_episodes", type=positive, default=100, help="episodes of the data set (100)")
    add("--max_steps", type=positive, default=1000, help="policy steps of an episode (1000)")
    add("--output", metavar="FOLDER", help="where to write (data/<task>)")
    add("--schedule", choices=SCHEDULES, default="random", help="where commands come from (random)")
    add("--keep_failures", action="store_true", help="keep episodes that end early, marked as terminated")
    add("--randomize", action="store_true", help="a robot of its own for each episode, as the task randomises them")
    add("--relative", action="store_true", help="positions and headings as seen from the start of each episode")
    add("--shard_episodes", type=positive, default=0, help="attempts a file stands for, a multiple of 64")
    parser.set_defaults(num_envs=DEFAULT_ENVS, seed=DEFAULT_SEED)
    add("--validate", action="store_true", help="check the data set: replay, states, duplicates; exit status 1 if bad")
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser.parse([_underscored(word) for word in words])
    if args.shard_episodes % DEFAULT_ENVS:
        raise UserError(f"--shard_episodes={args.shard_episodes}: give a multiple of {DEFAULT_ENVS}")
    return args


def _underscored(word: str) -> str:
    """A flag with dashes as the flag with underscores; --env.<path> and values stay."""
    flag, equals, value = word.partition("=")
    if not flag.startswith("--") or "." in flag:
        return word
    return f"--{flag[2:].replace('-', '_')}{equals}{value}"


if __name__ == "__main__":
    run_script(main)
