"""Run a script written for Isaac Gym, unmodified, on MuJoCo.

    python legged_gym/scripts/run_fork.py unitree_rl_gym/legged_gym/scripts/train.py --task=g1 --headless
    python legged_gym/scripts/run_fork.py --path=rsl_rl legged_gym/legged_gym/scripts/play.py --task=anymal_c_flat
    python legged_gym/scripts/run_fork.py --report HIMLoco/legged_gym/legged_gym/scripts/train.py

Options of this program come before the script; all that follows is for the script. The fork's own `legged_gym` and
`rsl_rl` are imported, those of this project are out of its sight, and nothing on disk is changed but what the script
writes. `docs/isaacgym.md` tells what is there of Isaac Gym and what differs.
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
    """Run a fork as the command line says, with our packages under private names, and exit."""
    package = load_privately()
    launcher = importlib.import_module(f"{package}.forks.launcher")
    importlib.import_module(f"{package}.programs").run_script(launcher.main, argv)


if __name__ == "__main__":
    main()
