"""List the tasks.

    python legged_gym/scripts/list_tasks.py

The names are what --task takes in the other scripts.
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
    """Print one line a task: its name and what its environment config says of itself.

    Raises:
        UserError: for arguments, as there are none.
    """
    ArgumentParser(__doc__).parse_args(argv)
    rows = []
    for name in registry.names():
        task = registry.find(name)
        play = f"{task.variant_of} in play" if task.variant_of else ""
        rows.append((name, play or _summary(task) if name == task.name else f"= {task.name}"))
    print("\n".join(aligned(rows)))


def _summary(task: registry.Task) -> str:
    cfg = task.env_cfg if isinstance(task.env_cfg, type) else type(task.env_cfg)
    # vars, because a class without a docstring would otherwise show that of its base.
    lines = (vars(cfg).get("__doc__") or task.env_class_name).strip().splitlines()
    return lines[0]


if __name__ == "__main__":
    run_script(main)
