"""Where a fork's packages lie, seen from one of its scripts."""

from __future__ import annotations

import os
from typing import List, Sequence

_MARKS = ("setup.py", "pyproject.toml")


def fork_root(script: str) -> str:
    """The nearest folder above a script that can be installed; without one, the first that is outside of packages."""
    folder = first = os.path.dirname(os.path.realpath(script))
    while os.path.dirname(folder) != folder:
        if _installable(folder):
            return folder
        folder = os.path.dirname(folder)
    while os.path.isfile(os.path.join(first, "__init__.py")):
        first = os.path.dirname(first)
    return first


def package_folders(script: str, named: Sequence[str] = ()) -> List[str]:
    """Where to look for packages: the script's folder, its root and packages in it, named ones, a learner beside it."""
    root = fork_root(script)
    beside = [folder for folder in _folders(os.path.dirname(root)) if _is_learner(folder)]
    inside = [folder for folder in _folders(root) if _installable(folder)]
    ordered = [os.path.dirname(os.path.realpath(script)), root, *inside, *map(os.path.realpath, named), *beside]
    return list(dict.fromkeys(ordered))


def _is_learner(folder: str) -> bool:
    """Whether a folder holds an `rsl_rl` and no robots, so that it is not another fork."""
    return os.path.isfile(f"{folder}/rsl_rl/__init__.py") and not os.path.isdir(f"{folder}/legged_gym")


def _installable(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, mark)) for mark in _MARKS)


def _folders(folder: str) -> List[str]:
    try:
        return sorted(entry.path for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return []
