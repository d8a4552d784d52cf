"""List the tasks as Isaac Lab's projects do: number, name, environment class and config class.

python legged_gym/scripts/list_envs.py

list_tasks.py says what they are.
"""

from __future__ import annotations

import os
import sys
from typing import Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import legged_gym.envs  # noqa: F401 - fills the table of tasks
from legged_gym.envs import registry
from legged_gym.programs import run_script
from legged_gym.utils.cli import ArgumentParser
from legged_gym.utils.reports import aligned


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Print the table.

    Raises:
        UserError: for arguments, as there are none.
    """
    ArgumentParser(__doc__).parse_args(argv)
    rows = [("number", "task", "entry point", "config class")]
    for number, name in enumerate(registry.names(), 1):
        task = registry.find(name)
        entry = task.env_class
        if not isinstance(entry, str):
            entry = f"{entry.__module__}:{entry.__name__}"
        cfg = task.env_cfg if isinstance(task.env_cfg, type) else type(task.env_cfg)
        rows.append((str(number), name, entry, cfg.__name__))
    print("\n".join(aligned(rows)))


if __name__ == "__main__":
    run_script(main)
