"""What videos are made of, whoever simulates: the file, the camera that follows, the text on the frames."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from typing import Any, List, Optional, Sequence, Tuple, Type, TypeVar

import numpy as np

from legged_gym.errors import UserError
from legged_gym.sim.pictures.camera import Camera
from rsl_rl.utils.files import take_place

W = TypeVar("W", bound="VideoWriter")

WIDTH, HEIGHT = 640, 480
FRAMES_PER_SECOND = 25

# s, in which the camera makes up for most of a movement: fast enough to keep the robot in the middle, slow enough not
# to shake with its steps, and slower still to turn with it, so that turning can be seen
_POSITION_LAG, _TURN_LAG = 0.15, 1.2
# m; a robot that is suddenly this far away has been put somewhere else
_JUMP = 1.0

_PANEL = (18, 22, 28, 165)
_TEXT, _FAINT, _ACCENT = (240, 243, 246), (168, 178, 189), (255, 196, 84)


class VideoWriter:
    """An mp4 file (H.264); it has its name only once it is whole."""

    def __init__(self, path: str, fps: float) -> None:
        """Start a file.

        Args:
            path: of the video; its folder is made if absent.
            fps: frames per second.
        """
        self._path, self._fps = os.path.abspath(path), fps
        self._writer: Any = None
        self._part = ""

    def add(self, frame: np.ndarray) -> None:
        """Append a frame (height, width, 3) uint8; sides must be even.

        Raises:
            UserError: the disk refuses.
        """
        try:
            if self._writer is None:
                self._open()
            self._writer.append_data(frame)
        except OSError as error:  # that of a full disk comes from ffmpeg, which writes the file, as a broken pipe
            reason = error.strerror if error.filename else "ffmpeg has ended; the disk may be full"
            raise UserError(f"cannot write {self._path}: {reason}") from None

    def _open(self) -> None:
        import imageio.v2 as imageio

        folder = os.path.dirname(self._path)
        os.makedirs(folder, exist_ok=True)
        # A folder of its own: ffmpeg would write through a link that lies where it is told to.
        self._part = tempfile.mkdtemp(prefix=".video_", dir=folder)
        self._writer = imageio.get_writer(
            os.path.join(self._part, "video.mp4"),
            fps=self._fps, codec="libx264", quality=8, pixelformat="yuv420p", macro_block_size=2,
        )  # fmt: skip

    def __enter__(self: W) -> W:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], *more: object) -> None:
        try:
            if self._writer is not None:
                self._writer.close()
                if kind is None:
                    take_place(os.path.join(self._part, "video.mp4"), self._path)
        except OSError as failure:
            raise UserError(f"cannot write {self._path}: {failure.strerror}") from None
        finally:
            if self._part:
                shutil.rmtree(self._part, ignore_errors=True)


class FollowCamera:
    """A camera that goes along with a robot at its side."""

    def __init__(self, viewer: Any) -> None:
        """Stand where the `viewer` group of the config says: distance, elevation, azimuth from the robot's heading."""
        self._viewer = viewer
        self._lookat: Optional[np.ndarray] = None
        self._yaw = 0.0

    def follow(self, root_state: Sequence[float], dt: float) -> Camera:
        """Move on by `dt` s towards a robot.

        Args:
            root_state: position and quaternion x, y, z, w first.
            dt: s since the last call.
        """
        position = np.asarray(root_state[:3], dtype=np.float64)
        x, y, z, w = (float(value) for value in root_state[3:7])
        yaw = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
        if self._lookat is None or float(np.linalg.norm(position - self._lookat)) > _JUMP:
            self._lookat, self._yaw = position, yaw
        self._lookat = self._lookat + (position - self._lookat) * (1.0 - math.exp(-dt / _POSITION_LAG))
        turn = math.remainder(yaw - self._yaw, 2.0 * math.pi)
        self._yaw += turn * (1.0 - math.exp(-dt / _TURN_LAG))
        azimuth = self._viewer.azimuth + math.degrees(self._yaw)
        return Camera([float(value) for value in self._lookat], self._viewer.distance, azimuth, self._viewer.elevation)


class Overlay:
    """Text on frames: a table of command and motion in the upper left corner, a caption in the lower one."""

    def __init__(self) -> None:
        """Load the fonts, which come with matplotlib."""
        import matplotlib
        from PIL import ImageFont

        fonts = os.path.join(matplotlib.get_data_path(), "fonts", "ttf")
        self._bold = ImageFont.truetype(os.path.join(fonts, "DejaVuSans-Bold.ttf"), 19)
        self._font = ImageFont.truetype(os.path.join(fonts, "DejaVuSans.ttf"), 13)

    def draw(
        self, frame: np.ndarray, caption: str, title: str = "", rows: Sequence[Tuple[str, Sequence[float]]] = ()
    ) -> np.ndarray:
        """Write on a frame.

        Args:
            frame: (height, width, 3) uint8; it is not changed.
            caption: one line for the lower left corner.
            title: what the robot is doing; empty for no title.
            rows: name and the velocities forward, left (m/s) and turning (rad/s); none for no table.

        Returns:
            (height, width, 3) uint8.
        """
        from PIL import Image, ImageDraw

        picture = Image.fromarray(frame).convert("RGBA")
        layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
        draw = ImageDraw.Draw(layer)
        if rows:
            self._table(draw, title, rows)
        width = draw.textlength(caption, font=self._font)
        top = picture.height - 34
        draw.rounded_rectangle((10, top, 26 + width, top + 24), radius=6, fill=_PANEL)
        draw.text((18, top + 12), caption, font=self._font, fill=_FAINT, anchor="lm")
        return np.asarray(Image.alpha_composite(picture, layer).convert("RGB"))

    def _table(self, draw: Any, title: str, rows: Sequence[Tuple[str, Sequence[float]]]) -> None:
        top = 16 if not title else 44
        columns: List[Tuple[int, str]] = [(185, "forward m/s"), (258, "left m/s"), (347, "turn rad/s")]
        draw.rounded_rectangle((10, 10, 361, top + 18 * (len(rows) + 1) + 8), radius=6, fill=_PANEL)
        if title:
            draw.text((20, 17), title, font=self._bold, fill=_ACCENT)
        for right, name in columns:
            draw.text((right, top), name, font=self._font, fill=_FAINT, anchor="ra")
        for index, (name, values) in enumerate(rows):
            line = top + 18 * (index + 1)
            draw.text((20, line), name, font=self._font, fill=_FAINT)
            for (right, _), value in zip(columns, values):
                # no minus sign before a zero
                draw.text((right, line), f"{round(value, 2) + 0.0:.2f}", font=self._font, fill=_TEXT, anchor="ra")
