"""One training at a time in a run folder: a lock that its process holds, and that ends with it however it ends."""

from __future__ import annotations

import os
from typing import IO, Dict

from legged_gym.errors import UserError

try:
    import fcntl
except ImportError:  # Windows, where a run folder is not locked
    fcntl = None  # type: ignore[assignment]

LOCK_FILE = ".lock"
_held: Dict[str, IO[str]] = {}


def hold(folder: str) -> None:
    """Keep other processes from training in a folder, until `release` or the end of this one.

    Raises:
        UserError: another process trains there, or the disk refuses.
    """
    path = os.path.join(os.path.realpath(folder), LOCK_FILE)
    if path in _held:
        return
    try:
        file = open(path, "a")  # noqa: SIM115 - open as long as the lock is held
    except OSError as error:
        raise UserError(f"cannot write to the run folder {folder}: {error.strerror}") from None
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UserError(f"another process trains in {folder}; wait for its end, or stop it first") from None
    except OSError:
        pass  # a disk without locks
    _held[path] = file


def release() -> None:
    """Give all locks of this process back."""
    while _held:
        _held.popitem()[1].close()
