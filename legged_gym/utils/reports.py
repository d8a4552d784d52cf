"""Results as JSON files: what every one of them says about where it comes from, and how it is written."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
import time
from typing import Any, Dict, Optional, Sequence

import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.utils import files, provenance


def origin(script: str, argv: Optional[Sequence[str]]) -> Dict[str, Any]:
    """Return how, when, from which source and on which machine a result was made.

    Args:
        script: `__file__` of the script.
        argv: Its arguments; None for those of the process.
    """
    git = provenance.git_state(LEGGED_GYM_ROOT_DIR)
    words = ["python", short_path(script), *(sys.argv[1:] if argv is None else argv)]
    return {
        "created": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "command": " ".join(shlex.quote(word) for word in words).replace(LEGGED_GYM_ROOT_DIR + os.sep, ""),
        "commit": git.get("commit"),
        "uncommitted_changes": git.get("changes"),
        "machine": machine(),
        "versions": provenance.versions(),
    }


def machine() -> Dict[str, Any]:
    """Return what decides how fast this machine is, and how busy it is besides."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_average": load,
    }


def short_path(path: str) -> str:
    """The path from the root of the repository if it lies in there, so that a result names no home folders."""
    relative = os.path.relpath(os.path.abspath(path), LEGGED_GYM_ROOT_DIR)
    return path if relative.startswith("..") else relative


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
