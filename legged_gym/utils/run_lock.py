"""One training at a time in a run folder: a lock that its process holds, and that ends with it however it ends."""

from __future__ import annotations

import contextlib
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
    path = _path(folder)
    while path not in _held:
        try:
            file = open(path, "a")  # noqa: SIM115 - open as long as the lock is held
        except OSError as error:
            raise UserError(f"cannot write to the run folder {folder}: {error.strerror}") from None
        if not _lock(file):
            file.close()
            raise UserError(f"another process trains in {folder}; wait for its end, or stop it first")
        # The one who held it may have removed the file between the two calls; then it keeps nobody out.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(file.fileno())):
                _held[path] = file
                return
        file.close()


def release(folder: str) -> None:
    """Give the lock back, if this process has it."""
    path = _path(folder)
    if path in _held:
        with contextlib.suppress(OSError):
            os.remove(path)
        _held.pop(path).close()


def release_all() -> None:
    """Give all locks of this process back."""
    for path in list(_held):
        release(os.path.dirname(path))


def _path(folder: str) -> str:
    return os.path.join(os.path.realpath(folder), LOCK_FILE)


def _lock(file: IO[str]) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a disk without locks
    return True
