"""Where runs and results come from (versions, git, machine), and how results are written as JSON.

What cannot be found out is left out: a note about a training is no reason to stop it.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import time
from importlib import metadata
from typing import Any, Dict, List, Optional, Sequence

from legged_gym import LEGGED_GYM_PACKAGE_DIR, LEGGED_GYM_ROOT_DIR
from legged_gym.programs import runs_as_word
from legged_gym.utils import files

_PACKAGES = ("numpy", "torch", "mujoco", "mujoco-warp", "warp-lang", "tensorboard", "wandb", "onnx", "onnxruntime")
_GIT_SECONDS = 20
_LARGEST_UNTRACKED = 1_000_000


def origin(script: str, argv: Optional[Sequence[str]]) -> Dict[str, Any]:
    """Return how, when, from which source and on which machine a result was made.

    Args:
        script: `__file__` of the script.
        argv: Its arguments; None for those of the process.
    """
    git = git_state(LEGGED_GYM_ROOT_DIR)
    start = sys.argv[0].split() if runs_as_word() else ["python", short_path(script)]
    words = [*start, *(sys.argv[1:] if argv is None else argv)]
    return {
        "created": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "command": " ".join(shlex.quote(word) for word in words).replace(LEGGED_GYM_ROOT_DIR + os.sep, ""),
        "commit": git.get("commit"),
        "uncommitted_changes": git.get("changes"),
        "machine": machine(),
        "versions": versions(),
    }


def machine() -> Dict[str, Any]:
    """Return what decides how fast this machine is, and how busy it is besides."""
    import torch  # takes seconds

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_average": load,
    }


def has_display() -> bool:
    """Whether a window can be opened, as far as the environment tells."""
    if platform.system() == "Linux":
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def short_path(path: str) -> str:
    """The path from the root of the repository if it lies in there, so that a result names no home folders."""
    home = os.path.join(LEGGED_GYM_ROOT_DIR, "")
    inside = os.path.abspath(path).startswith(home)
    return os.path.relpath(path, home).replace(os.sep, "/") if inside else path


def check_writable(path: Optional[str]) -> None:
    """Refuse a result's file that cannot be written, before hours of work are done for it; None is no file.

    Raises:
        UserError: when nothing can be written there.
    """
    if path is not None:
        files.check_writable(path, "--json")


def write_json(path: str, content: Dict[str, Any]) -> None:
    """Write a result, whole or not at all.

    Raises:
        UserError: the disk refuses.
    """
    text = json.dumps(rounded(content), indent=2, allow_nan=False) + "\n"
    with files.whole_file(path) as file:
        file.write(text.encode())


def aligned(rows: Sequence[Sequence[str]], side: str = "<") -> List[str]:
    """The lines of a table, its columns below each other; `side` is "<" or ">" for all columns but the first."""
    sides = [f"{side if k else '<'}{max(map(len, column))}" for k, column in enumerate(zip(*rows))]
    return ["  ".join(map(format, row, sides)).rstrip() for row in rows]


def rounded(value: Any) -> Any:
    """The same containers with floats cut to six significant digits: more are noise, and make files hard to read."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gib() -> Optional[float]:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, OSError, ValueError):  # names that this system does not have
        return None


def versions() -> Dict[str, str]:
    """Return the versions of Python, the operating system and the packages that decide results, where installed."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except Exception:  # not installed, or its own description is damaged
            continue
    return found


def git_state(folder: str) -> Dict[str, Any]:
    """Return the commit and branch of a working tree and whether it has changes; empty where there is no commit."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD") or ""
    changes = _git(folder, "status", "--porcelain") or ""
    return {"commit": commit.strip(), "branch": branch.strip(), "changes": bool(changes.strip())}


def git_diff(folder: str) -> str:
    """Return a patch from the last commit to the working tree, new files of source and settings included.

    It is empty without changes, and where there is no git or no commit.
    """
    patch = _git(folder, "diff", "HEAD")
    if patch is None:
        return ""
    new = (_git(folder, "diff", "--no-index", "--", os.devnull, name, expected=1) for name in _new_files(folder))
    return "".join([patch, *(each or "" for each in new)])


def _new_files(folder: str) -> List[str]:
    listed = _git(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.py", "*.yaml", "*.json") or ""
    return [name for name in listed.split("\0") if name and _is_small_file(os.path.join(folder, name))]


def _is_small_file(path: str) -> bool:
    """Whether it can be looked at; git also lists links to nothing, such as the locks of an editor."""
    try:
        return os.path.isfile(path) and os.path.getsize(path) <= _LARGEST_UNTRACKED
    except OSError:  # it has gone meanwhile
        return False


def _git(folder: str, *arguments: str, expected: int = 0) -> Optional[str]:
    """Return the output of a git command that only reads; None where it fails or git is absent."""
    # Without optional locks not even the index is refreshed: training never gets in the way of work in the same tree.
    if folder == LEGGED_GYM_PACKAGE_DIR:  # installed, perhaps within the working tree of something else
        return None
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", folder, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, env=environment, check=False)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", errors="replace") if done.returncode == expected else None
