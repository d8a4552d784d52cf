"""Writing files that are whole or not there."""

from __future__ import annotations

import contextlib
import os
import time
from typing import BinaryIO, Iterator

_ATTEMPTS, _PAUSE_S = 40, 0.05


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """Give a file to fill, which on leaving takes the place of `path`; after an error nothing is left of it.

    It is flushed to the disk before it is renamed: a process killed at any moment, or a power cut, leaves the file of
    before or the new one, never half of one.

    Raises:
        OSError: the disk refuses.
    """
    temporary = path + ".tmp"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)  # of a process that was killed
        # "x": a link that lies there in a folder of several users is never followed to the file of somebody else
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            # Without this a power cut after the rename could leave the new name with no data behind it.
            os.fsync(file.fileno())
        take_place(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        # torch covers the error of its stream ("No space left on device") with one of its own about positions.
        if isinstance(error, RuntimeError) and isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
    _sync_folder(os.path.dirname(os.path.abspath(path)))


def take_place(temporary: str, path: str) -> None:
    """`os.replace`; Windows refuses while somebody reads the file of before, so there it is tried for a while.

    Raises:
        OSError: the disk refuses.
    """
    for _ in range(_ATTEMPTS if os.name == "nt" else 0):
        try:
            os.replace(temporary, path)
            return
        except PermissionError:
            time.sleep(_PAUSE_S)
    os.replace(temporary, path)


def _sync_folder(folder: str) -> None:
    """Make a rename in `folder` outlive a power cut; systems without folder handles are left to themselves."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
