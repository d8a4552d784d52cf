"""Read a task of a fork of legged_gym and write its config as one of ours, beside a list of what has no place in it.

    python legged_gym/scripts/import_fork.py unitree_rl_gym --task=go2
    python legged_gym/scripts/import_fork.py unitree_rl_gym --task=g1 --output=my_robots

Two files are written: `<task>_config.py`, with what is otherwise than in our defaults, and `<task>_left.md`, with
settings that mean nothing here, rewards that are to be written, and methods of the fork's class. `docs/isaacgym.md`
goes on from there.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.forks.names import load_privately


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Write a config as the command line says, with our packages under private names, and exit."""
    package = load_privately()
    importing = importlib.import_module(f"{package}.forks.importing")
    importlib.import_module(f"{package}.programs").run_script(importing.main, argv)


if __name__ == "__main__":
    main()
