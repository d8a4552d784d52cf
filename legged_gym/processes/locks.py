"""Locks on files, which the system frees with the processes that held them, however they end."""

from __future__ import annotations

import os
import time
from typing import IO, Any

fcntl: Any
msvcrt: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

_POLL_S = 0.05
# Windows locks bytes: one that is never written, as locked ones cannot be read
_BYTE = 2**30


class FileLock:
    """A lock that one process at a time holds, on all machines that share the disk.

    Child processes that inherit `file` hold it too; not so on Windows, where it ends with the process that took it.

    Attributes:
        file: that it lies on, open from `acquire` to `release`.
    """

    file: IO[bytes]

    def __init__(self, path: str) -> None:
        self._path = path

    def acquire(self, wait: bool = True) -> bool:
        """Take the lock; returns whether it was free, which only matters without `wait`.

        Raises:
            OSError: the file cannot be opened, or its disk has no locks (then it is open all the same).
        """
        self.file = open(self._path, "ab")  # noqa: SIM115 - open as long as the lock is held
        try:
            _lock(self.file, wait)
            return True
        except BlockingIOError:
            self.release()
            return False

    def release(self) -> None:
        """Give the lock back, unless a process that inherited it still holds it."""
        self.file.close()

    def __enter__(self) -> FileLock:
        """Wait for the lock and take it."""
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        """Give it back."""
        self.release()


def _lock(file: IO[bytes], wait: bool) -> None:
    """Lock an open file, or raise BlockingIOError."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    while True:
        os.lseek(file.fileno(), _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            return
        except OSError:
            if not wait:
                raise BlockingIOError from None
        time.sleep(_POLL_S)
