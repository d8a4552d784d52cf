"""Writing files that are whole or not there."""

from __future__ import annotations

import os
from typing import List, Mapping

from legged_gym.errors import UserError


def check_folder(path: str) -> None:
    """Make the folder of a file that will be written, before time is spent on its content.

    Raises:
        UserError: it cannot be made or written to.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write to the folder {folder}")


def write_files(folder: str, files: Mapping[str, bytes]) -> List[str]:
    """Write files into a folder, which is made if absent; returns their paths.

    Raises:
        UserError: the disk refuses.
    """
    paths = [os.path.join(folder, name) for name in files]
    try:
        os.makedirs(folder, exist_ok=True)
        for path, content in zip(paths, files.values()):
            with open(path + ".tmp", "wb") as file:
                file.write(content)
            os.replace(path + ".tmp", path)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}") from None
    return paths
