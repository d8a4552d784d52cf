"""One training at a time in a run folder: a lock that its process holds, and that ends with it however it ends."""

from __future__ import annotations

import contextlib
import os
from typing import Dict

from legged_gym.errors import UserError
from legged_gym.processes.locks import FileLock

LOCK_FILE = ".lock"
_held: Dict[str, FileLock] = {}


def hold(folder: str) -> None:
    """Keep other processes from training in a folder, until `release` or the end of this one.

    Raises:
        UserError: another process trains there, or the disk refuses.
    """
    path = _path(folder)
    while path not in _held:
        lock = FileLock(path)
        if not _acquired(lock, folder):
            raise UserError(f"another process trains in {folder}; wait for its end, or stop it first")
        # The one who held it may have removed the file between the two calls; then it keeps nobody out.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(lock.file.fileno())):
                _held[path] = lock
                return
        lock.release()


def release(folder: str) -> None:
    """Give the lock back, if this process has it."""
    path = _path(folder)
    if path in _held:
        with contextlib.suppress(OSError):  # Windows keeps a file that is open
            os.remove(path)
        _held.pop(path).release()


def release_all() -> None:
    """Give all locks of this process back."""
    for path in list(_held):
        release(os.path.dirname(path))


def _path(folder: str) -> str:
    return os.path.join(os.path.realpath(folder), LOCK_FILE)


def _acquired(lock: FileLock, folder: str) -> bool:
    try:
        return lock.acquire(wait=False)
    except OSError as error:
        if not hasattr(lock, "file"):
            raise UserError(f"cannot write to the run folder {folder}: {error.strerror}") from None
        return True  # a disk without locks
