"""The program that moves a fork's task over: its command line, and the two files it writes."""

from __future__ import annotations

import os
from typing import Optional, Sequence

from legged_gym.errors import UserError
from legged_gym.forks.config_source import module_source
from legged_gym.forks.moving import move, registry_of
from legged_gym.utils.cli import ArgumentParser
from legged_gym.utils.files import write_files


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Write the config of a fork's task as one of ours.

    Raises:
        UserError: for a mistake in the command line, or files that are there already.
    """
    parser = ArgumentParser("Write the config of a fork's task as one of ours.")
    parser.add_argument("path", metavar="PATH", help="folder of the fork")
    parser.add_argument("--path", dest="paths", action="append", default=[], metavar="DIR", help="more packages of it")
    parser.add_argument("--task", required=True, help="name of the task in the fork")
    parser.add_argument("--output", default=".", metavar="DIR", help="where to write (here)")
    args = parser.parse_args(argv)
    names = (f"{args.task}_config.py", f"{args.task}_left.md")
    for name in names:
        if os.path.exists(os.path.join(args.output, name)):
            raise UserError(f"{os.path.join(args.output, name)} is there already; move it, or give another --output")
    moved = move(registry_of(args.path, args.paths), args.task)
    texts = (module_source(moved.task, moved.env_cfg, moved.train_cfg), moved.left())
    write_files(args.output, {name: text.encode() for name, text in zip(names, texts)})
    print(f"{os.path.join(args.output, names[0])}: the config")
    left = [*moved.settings.values(), moved.rewards, *moved.methods.values()]
    print(f"{os.path.join(args.output, names[1])}: {sum(map(len, left))} things that have no place in it")
