"""Writing files for the user: whole or not there, and one line where the disk refuses."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Iterator, List, Mapping, Tuple

from legged_gym.errors import UserError
from rsl_rl.utils.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_writable(path: str, flag: str) -> None:
    """Refuse a file that cannot be written, before time is spent on its content; nothing is left behind.

    Args:
        path: of the file; its folder need not be there yet.
        flag: that names it, for the message.

    Raises:
        UserError: it is no file, or nothing can be written there.
    """
    folder = nearest_folder(os.path.dirname(os.path.abspath(path)))
    if os.path.exists(path) and not os.path.isfile(path):  # a device would be replaced by a file
        raise UserError(f"{flag}={path}: this is a folder or a device; give the name of a file")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"{flag}={path}: cannot write to the folder {folder}: {error.strerror}") from None


def nearest_folder(path: str) -> str:
    """The folder itself, or the one above it that is there."""
    while not os.path.lexists(path):
        path = os.path.dirname(os.path.abspath(path))
    return path


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[BinaryIO]:
    """As `replacing`, and make the folder of the file if it is absent.

    Raises:
        UserError: the disk refuses.
    """
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


@contextlib.contextmanager
def saved_figure(path: str, inches: Tuple[float, float], dpi: int = 100) -> Iterator[Figure]:
    """Give an empty figure of matplotlib to draw on, which on leaving is written as PNG.

    Raises:
        UserError: the disk refuses.
    """
    # Not pyplot: this neither needs a display nor touches one.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches)
    FigureCanvasAgg(figure)
    yield figure
    figure.tight_layout()
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=dpi)


def sha256_of(path: str) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def write_files(folder: str, files: Mapping[str, bytes]) -> List[str]:
    """Write files into a folder, which is made if absent; returns their paths.

    Raises:
        UserError: the disk refuses.
    """
    paths = [os.path.join(folder, name) for name in files]
    for path, content in zip(paths, files.values()):
        with whole_file(path) as file:
            file.write(content)
    return paths
