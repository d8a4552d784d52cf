"""The map as MuJoCo takes it: a height field of normalised float32, without importing MuJoCo."""

from __future__ import annotations

import numpy as np

from legged_gym.sim.spec import HeightField
from legged_gym.terrain.height_map import HeightMap

# MuJoCo wants a positive range of elevation even where the map is flat, m
_LEAST_ELEVATION = 1e-3

# solid ground under the lowest point, m: a foot that is pressed in is still pushed up and not out at the bottom
_BASE_THICKNESS = 1.0


def make_heightfield(height_map: HeightMap, refine: int = 1, slope_treshold: float = 0.75) -> HeightField:
    """Describe the ground for physics.

    A height field has no vertical walls: between two neighbouring vertices it is a ramp one cell long. With `refine`
    = 1 (mesh type 'heightfield') that is what robots walk on. With `refine` = k > 1 (mesh type 'trimesh') every cell is
    split in k x k: between neighbours with a slope above `slope_treshold` the ground stays as low as the lower one up
    to the last of the k parts, so a wall stands at the upper vertex and is horizontal_scale / k deep; elsewhere the
    ground is bilinear. (The triangle meshes of Isaac Gym move the lower vertex under the upper one: the same for
    k -> infinity. It also is what the height scan reports: the lowest of the neighbouring cells.)

    Memory: 4 bytes * rows * cols * k^2 for the result and about twice that while it is made; MuJoCo keeps a copy. The
    default map of 1300 x 2100 cells takes 11 MB for k = 1 and 175 MB for k = 4; a smaller border helps most.

    Args:
        height_map: the ground.
        refine: k.
        slope_treshold: rise over run above which the ground becomes a wall.
    """
    heights = height_map.units.astype(np.float32)
    low, high = float(heights.min()), float(heights.max())
    heights -= low
    if high > low:
        heights /= high - low
    scale = height_map.horizontal_scale
    if refine > 1:
        # a multiple of half a unit is never a difference of heights, so rounding cannot decide what is steep
        units = np.floor(slope_treshold * scale / height_map.vertical_scale + 1e-6) + 0.5
        drop = units / max(high - low, 1.0)
        heights = _refine_rows(_refine_rows(heights, refine, drop).T, refine, drop)
    else:
        heights = np.ascontiguousarray(heights.T)
    half_x, half_y = (0.5 * scale * (n - 1) for n in height_map.units.shape)
    elevation = max((high - low) * height_map.vertical_scale, _LEAST_ELEVATION)
    return HeightField(
        data=heights,
        size=(half_x, half_y, elevation, _BASE_THICKNESS),
        pos=(height_map.origin[0] + half_x, height_map.origin[1] + half_y, low * height_map.vertical_scale),
        mesh=height_map.mesh,
    )


def _refine_rows(heights: np.ndarray, refine: int, drop: float) -> np.ndarray:
    """Put `refine` - 1 rows between every two: at the lower of the two if they differ by more than `drop`, else linear.

    Args:
        heights: (n, m) float32.
        refine: how many parts a cell becomes.
        drop: in the units of `heights`.

    Returns:
        ((n - 1) * refine + 1, m) float32, contiguous.
    """
    n, m = heights.shape
    fine = np.empty(((n - 1) * refine + 1, m), dtype=np.float32)
    parts = fine[:-1].reshape(n - 1, refine, m)
    start, rise = heights[:-1], np.diff(heights, axis=0)
    steep = np.abs(rise) > drop
    base = np.where(steep, np.minimum(start, heights[1:]), start)
    rise[steep] = 0.0
    parts[:, 0] = start
    for k in range(1, refine):
        np.multiply(rise, np.float32(k / refine), out=parts[:, k])
        parts[:, k] += base
    fine[-1] = heights[-1]
    return fine
