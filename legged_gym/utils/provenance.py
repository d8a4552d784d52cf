"""Where a run comes from: versions of packages, the git commit, and what the working tree had beyond it.

What cannot be found out is left out: a note about a training is no reason to stop it.
"""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from typing import Any, Dict, List, Optional

_PACKAGES = ("numpy", "torch", "mujoco", "mujoco-warp", "warp-lang", "tensorboard", "wandb", "onnx", "onnxruntime")
_GIT_SECONDS = 20
_LARGEST_UNTRACKED = 1_000_000


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
    return patch + "".join(_new_file_patch(folder, name) for name in _new_files(folder))


def _new_files(folder: str) -> List[str]:
    listed = _git(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.py", "*.yaml", "*.json") or ""
    return [name for name in listed.split("\0") if name and _is_small_file(os.path.join(folder, name))]


def _is_small_file(path: str) -> bool:
    """Whether it can be looked at; git also lists links to nothing, such as the locks of an editor."""
    try:
        return os.path.isfile(path) and os.path.getsize(path) <= _LARGEST_UNTRACKED
    except OSError:  # it has gone meanwhile
        return False


def _new_file_patch(folder: str, name: str) -> str:
    return _git(folder, "diff", "--no-index", "--", os.devnull, name, expected=1) or ""


def _git(folder: str, *arguments: str, expected: int = 0) -> Optional[str]:
    """Return the output of a git command that only reads; None where it fails or git is absent."""
    # Without optional locks not even the index is refreshed: training never gets in the way of work in the same tree.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", folder, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, env=environment, check=False)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", errors="replace") if done.returncode == expected else None
