"""From the picture of a depth camera to the image that a policy sees: crop, fill holes, resample, normalise.

The simulated camera casts one ray for each pixel of that image, at the place of the picture from which the pixel is
sampled; frames of a real camera go through `prepare_frame`. Both read the same `PixelGrid`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.sensors.depth_camera_config import DepthCameraCfg
from legged_gym.settings import SectionOf


@dataclass(frozen=True)
class PixelGrid:
    """The part of a camera's picture that a policy sees, and how finely.

    Places in the picture are counted in pixels from its upper left corner, so pixel (row i, column j) has its middle at
    (i + 0.5, j + 0.5). The image covers the cropped picture evenly: the middle of its column j of W is at
    left + (j + 0.5) * cropped width / W.

    Attributes:
        width: of the picture, pixels.
        height: of the picture, pixels.
        horizontal_fov: degrees across the whole width of the picture; pixels are square.
        crop: (top, bottom, left, right) pixels that are cut off the picture.
        shape: (rows, columns) of the image.
    """

    width: int
    height: int
    horizontal_fov: float
    crop: Tuple[int, ...]
    shape: Tuple[int, int]

    @classmethod
    def from_config(cls, cfg: SectionOf[DepthCameraCfg]) -> PixelGrid:
        """The grid of a `depth_camera` section.

        Raises:
            UserError: the crop leaves nothing.
        """
        rows, columns = cfg.image_shape
        grid = cls(int(cfg.width), int(cfg.height), float(cfg.horizontal_fov), tuple(cfg.crop), (rows, columns))
        top, bottom, left, right = grid.crop
        if top + bottom >= grid.height or left + right >= grid.width:
            raise UserError(
                f"depth_camera.crop {list(grid.crop)} leaves nothing of {grid.width} x {grid.height} pixels"
            )
        return grid

    def places(self) -> Tuple[np.ndarray, np.ndarray]:
        """Where the image's rows (rows,) and columns (columns,) have their middles in the picture, pixels."""
        top, bottom, left, right = self.crop
        rows, columns = self.shape
        down = top + (np.arange(rows) + 0.5) * (self.height - top - bottom) / rows
        across = left + (np.arange(columns) + 0.5) * (self.width - left - right) / columns
        return down, across

    def directions(self) -> np.ndarray:
        """(rows * columns, 3) float32 rays in the camera's frame, x forward, y left, z up, with x = 1.

        A distance in lengths of such a ray is the distance to the image plane, which is what depth cameras report.
        """
        focal = 0.5 * self.width / math.tan(0.5 * math.radians(self.horizontal_fov))
        down, across = self.places()
        z, y = np.meshgrid((0.5 * self.height - down) / focal, (0.5 * self.width - across) / focal, indexing="ij")
        return np.stack((np.ones(z.size), y.reshape(-1), z.reshape(-1)), axis=1).astype(np.float32)

    def sample(self, frame: np.ndarray) -> np.ndarray:
        """The image (rows, columns) of a picture (height, width): of each place, the pixel that it lies in.

        Raises:
            ValueError: the picture has another size.
        """
        if frame.shape != (self.height, self.width):
            raise ValueError(f"the frame is {frame.shape}, the grid is of {(self.height, self.width)}")
        down, across = (places.astype(np.int64) for places in self.places())
        return frame[down[:, None], across]


def fill_holes(depth: np.ndarray) -> np.ndarray:
    """Give pixels without a measurement that of the nearest pixel with one.

    Args:
        depth: (H, W) m; NaN, infinite and non-positive values are holes.

    Returns:
        (H, W), a copy; all holes if there is no measurement at all. Of several nearest pixels, one of the leftmost
        column among them counts.
    """
    valid = np.isfinite(depth) & (depth > 0)
    filled = np.array(depth)
    if valid.all() or not valid.any():
        return filled
    height, width = depth.shape
    rows = np.arange(height)[:, None]
    # the nearest measurement above and below within each column, then the best column: exact, without a search in 2D
    above = np.maximum.accumulate(np.where(valid, rows, -height * width), axis=0)
    below = np.minimum.accumulate(np.where(valid, rows, height * width)[::-1], axis=0)[::-1]
    nearest = np.where(rows - above <= below - rows, above, below)
    down = (nearest - rows).astype(np.float64) ** 2
    columns = np.arange(width)
    for row in np.flatnonzero(~valid.all(axis=1)):
        holes = np.flatnonzero(~valid[row])
        best = np.argmin((columns - holes[:, None]) ** 2 + down[row], axis=1)
        filled[row, holes] = depth[nearest[row, best], best]
    return filled


def prepare_frame(frame: np.ndarray, grid: PixelGrid, near: float, far: float) -> np.ndarray:
    """The input of a policy from a frame of a real camera: crop, fill holes, resample, clip, normalise.

    Args:
        frame: (height, width) m along the optical axis; zero, NaN and Inf are holes. Sensors that count in
            millimetres: multiply by 0.001.
        grid: of the policy.
        near: `depth_camera.near`, m.
        far: `depth_camera.far`, m.

    Returns:
        (1, rows, columns) float32 in -0.5..0.5; 0.5 everywhere for a frame without a measurement.
    """
    top, bottom, left, right = grid.crop
    kept = frame[top : grid.height - bottom, left : grid.width - right]
    picture = np.full(frame.shape, far, dtype=np.float32)
    picture[top : grid.height - bottom, left : grid.width - right] = fill_holes(kept)
    depth = grid.sample(picture)
    depth = np.where(np.isfinite(depth) & (depth > 0), depth, far)
    return ((np.clip(depth, near, far) - near) / (far - near) - 0.5)[None].astype(np.float32)
