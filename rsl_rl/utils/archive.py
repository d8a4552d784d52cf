"""Reading archives of torch (.pt): whether they are whole, what is inside, and plain data alone.

Torch is imported when something is loaded, so that a file can be looked at without waiting for it.
"""

from __future__ import annotations

import re
import zipfile
from typing import IO, Any, List, Union

from rsl_rl.utils.errors import RslRlError

# how pickles begin, torch's files before version 1.6 among them, and the part of an archive that torch.save writes
_PICKLE, _ARCHIVE, _DATA = b"\x80", b"PK", "/data.pkl"
# of an archive with code: TorchScript
_CODE = "/constants.pkl"
CHECKPOINT_NAME = re.compile(r"model_(\d+)\.pt")
_FOREIGN_CLASS = re.compile(r"GLOBAL (\S+)")


def members(file: Union[str, IO[bytes]]) -> List[str]:
    """Names of the parts of an archive that is whole: torch trusts their bytes, their checksums are tested here.

    Raises:
        BadZipFile: a bit is wrong, the file is cut short, or it is no archive.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        raise
    except Exception as error:  # a wrong bit in the head of a part asks for passwords, unknown compression ...
        raise zipfile.BadZipFile(first_line(error)) from error
    if damaged is not None:
        raise zipfile.BadZipFile(f"bad checksum of {damaged}")
    return names


def is_script(path: str) -> bool:
    """Whether a file is TorchScript: code, which runs when it is loaded. A damaged file counts as none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(_CODE) for name in archive.namelist())
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def load_plain(path: str, what: str) -> Any:
    """Read plain data that torch.save wrote, tensors on the CPU; no code of the file is run.

    Args:
        path: of the file.
        what: it should be, for the message.

    Raises:
        RslRlError: it cannot be read, is damaged, or is of another program.
    """
    try:
        names = members(path)
    except OSError as error:
        raise RslRlError(f"cannot read {what} '{path}': {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise RslRlError(f"{what} '{path}' {_diagnosis(path, error)}") from error
    if is_script(path) or not any(name.endswith(_DATA) for name in names):
        kind = "TorchScript" if is_script(path) else "an archive, but none of torch.save"
        raise RslRlError(f"{what} '{path}' is of another program: it is {kind}")
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the bytes are those that were written, so it is what they stand for
        found = _FOREIGN_CLASS.search(str(error))
        # what torch says itself ends with advice to run the code
        reason = f"it holds {found.group(1) if found else 'whole objects'}"
        raise RslRlError(
            f"{what} '{path}' is of another program: {reason}; here are plain numbers and tensors alone, as more than"
            " that could run code"
        ) from error


def first_line(error: BaseException) -> str:
    """What an exception says, in one line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__


def _diagnosis(path: str, error: zipfile.BadZipFile) -> str:
    """What is wrong with a file that is no whole archive."""
    with open(path, "rb") as file:
        start = file.read(2)
    if start[:1] == _PICKLE:
        return "is of another program: it is a pickle, in torch's format before 1.6 or of no torch at all"
    if start and start != _ARCHIVE:
        return f"is no file of torch.save, or damaged ({first_line(error)})"
    return f"is damaged or cut short ({first_line(error)})"
