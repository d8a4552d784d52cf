"""Shapes of terrain on grids of int16, and the mesh of a grid: those of `legged_gym.terrain`.

Random numbers follow from the state of `np.random`; which ground a seed gives is this package's own.
"""

from __future__ import annotations

from typing import Callable, Optional, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.terrain import sub_terrains
from legged_gym.terrain.sub_terrains import Tile


class SubTerrain:
    """One piece of ground: heights (width, length) int16 in vertical units."""

    def __init__(
        self,
        terrain_name: str = "terrain",
        width: int = 256,
        length: int = 256,
        vertical_scale: float = 1.0,
        horizontal_scale: float = 1.0,
    ) -> None:
        self.terrain_name = terrain_name
        self.vertical_scale = vertical_scale
        self.horizontal_scale = horizontal_scale
        self.width = width
        self.length = length
        self.height_field_raw = np.zeros((self.width, self.length), dtype=np.int16)


def _shaped(terrain: SubTerrain, shape: Callable[..., None], *arguments: Optional[float]) -> SubTerrain:
    """Let a shape of ours work on the grid."""
    generator = np.random.default_rng(np.random.randint(2**31))
    heights = terrain.height_field_raw.astype(np.int32)
    shape(Tile(heights, terrain.horizontal_scale, terrain.vertical_scale, generator), *arguments)
    terrain.height_field_raw[...] = heights
    return terrain


def random_uniform_terrain(
    terrain: SubTerrain,
    min_height: float,
    max_height: float,
    step: float = 1,
    downsampled_scale: Optional[float] = None,
) -> SubTerrain:
    """Add uniform random heights at knots, bilinear in between."""
    shape = sub_terrains.random_uniform_terrain
    return _shaped(terrain, shape, min_height, max_height, step, downsampled_scale)


def pyramid_sloped_terrain(terrain: SubTerrain, slope: float = 1, platform_size: float = 1.0) -> SubTerrain:
    """Add a pyramid with a flat top; a pit if the slope is negative."""
    return _shaped(terrain, sub_terrains.pyramid_sloped_terrain, slope, platform_size)


def pyramid_stairs_terrain(
    terrain: SubTerrain, step_width: float, step_height: float, platform_size: float = 1.0
) -> SubTerrain:
    """Add stairs from all sides to a platform in the middle; down if the height is negative."""
    return _shaped(terrain, sub_terrains.pyramid_stairs_terrain, step_width, step_height, platform_size)


def discrete_obstacles_terrain(
    terrain: SubTerrain, max_height: float, min_size: float, max_size: float, num_rects: int, platform_size: float = 1.0
) -> SubTerrain:
    """Set rectangles of heights -h, -h/2, h/2 or h, and the platform in the middle to 0."""
    shape = sub_terrains.discrete_obstacles_terrain
    return _shaped(terrain, shape, max_height, min_size, max_size, num_rects, platform_size)


def stepping_stones_terrain(
    terrain: SubTerrain,
    stone_size: float,
    stone_distance: float,
    max_height: float,
    platform_size: float = 1.0,
    depth: float = -10,
) -> SubTerrain:
    """Set stones in rows along x, with nothing but the depth between them."""
    shape = sub_terrains.stepping_stones_terrain
    return _shaped(terrain, shape, stone_size, stone_distance, max_height, platform_size, depth)


def sloped_terrain(terrain: SubTerrain, slope: float = 1) -> SubTerrain:
    """Add a plane that rises along x."""
    rise = slope * terrain.horizontal_scale / terrain.vertical_scale * np.arange(terrain.width)
    return _added(terrain, rise[:, None])


def stairs_terrain(terrain: SubTerrain, step_width: float, step_height: float) -> SubTerrain:
    """Add stairs that rise along x from the first step on."""
    tread = int(step_width / terrain.horizontal_scale + 1e-6)
    if tread < 1:
        raise UserError(f"stairs_terrain: step_width {step_width:g} m is less than one cell")
    riser = int(step_height / terrain.vertical_scale)
    return _added(terrain, riser * (1 + np.arange(terrain.width)[:, None] // tread))


def wave_terrain(terrain: SubTerrain, num_waves: float = 1, amplitude: float = 1.0) -> SubTerrain:
    """Add waves along both axes; `amplitude` is their whole height in metres."""
    if num_waves > 0:
        along_x, along_y = (2.0 * np.pi * num_waves / terrain.length * np.arange(n) for n in _size(terrain))
        wave = 0.25 * amplitude / terrain.vertical_scale * (np.sin(along_x)[:, None] + np.cos(along_y)[None, :])
        _added(terrain, wave)
    return terrain


def _size(terrain: SubTerrain) -> Tuple[int, int]:
    return terrain.width, terrain.length


def _added(terrain: SubTerrain, heights: np.ndarray) -> SubTerrain:
    terrain.height_field_raw += heights.astype(np.int16)
    return terrain


def convert_heightfield_to_trimesh(
    height_field_raw: np.ndarray,
    horizontal_scale: float,
    vertical_scale: float,
    slope_threshold: Optional[float] = None,
) -> Tuple[np.ndarray, np.ndarray]:
    """Vertices (R C, 3) float32 and triangles (2 (R - 1) (C - 1), 3) uint32 of a grid (R, C).

    Where neighbours differ by more than `slope_threshold` (rise over run), the lower one stands under the upper one, so
    that the wall between them is upright.
    """
    rows, columns = height_field_raw.shape
    x, y = np.meshgrid(np.arange(rows, dtype=float), np.arange(columns, dtype=float), indexing="ij")
    if slope_threshold is not None:
        shift_x, shift_y = _upright_walls(height_field_raw, slope_threshold * horizontal_scale / vertical_scale)
        x, y = x + shift_x, y + shift_y
    points = (x * horizontal_scale, y * horizontal_scale, height_field_raw * vertical_scale)
    vertices = np.stack([axis.ravel() for axis in points], axis=1).astype(np.float32)
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    across, right, below = corner + columns + 1, corner + 1, corner + columns
    triangles = np.stack([corner, across, right, corner, below, across], axis=1).reshape(-1, 3)
    return vertices, triangles.astype(np.uint32)


def _upright_walls(heights: np.ndarray, threshold: float) -> Tuple[np.ndarray, np.ndarray]:
    """By how many cells each vertex moves along x and y: a lower one under its higher neighbour."""
    heights = heights.astype(float)
    move_x, move_y, corners = (np.zeros(heights.shape) for _ in range(3))
    rise_x, rise_y = np.diff(heights, axis=0) > threshold, np.diff(heights, axis=1) > threshold
    fall_x, fall_y = np.diff(heights, axis=0) < -threshold, np.diff(heights, axis=1) < -threshold
    diagonal = heights[1:, 1:] - heights[:-1, :-1]
    move_x[:-1] += rise_x
    move_x[1:] -= fall_x
    move_y[:, :-1] += rise_y
    move_y[:, 1:] -= fall_y
    corners[:-1, :-1] += diagonal > threshold
    corners[1:, 1:] -= diagonal < -threshold
    return move_x + corners * (move_x == 0), move_y + corners * (move_y == 0)
