"""Rays against a MuJoCo height field in numpy, all rays at once.

The engine tests every cell in the rectangle that a ray spans, which for a picture of a large map takes minutes. Here a
pyramid of maxima over ever larger blocks of cells lets a ray jump over whole blocks that it passes above.
"""

from __future__ import annotations

from typing import List, Tuple

import numpy as np

# jumps land this far behind a cell's border, in parameters of the ray
_NUDGE = 1e-7


class HeightFieldRays:
    """The surface of one height field, with the triangles that MuJoCo gives it."""

    def __init__(self, heights: np.ndarray, half_x: float, half_y: float, centre: np.ndarray) -> None:
        """Build the pyramid.

        Args:
            heights: (rows along y, cols along x) m above the centre's z.
            half_x: half the length along x, m.
            half_y: the same along y.
            centre: (3,) position of the field, m.
        """
        self._heights = np.asarray(heights, dtype=np.float64)
        rows, cols = heights.shape
        self._scale = np.array([(cols - 1) / (2.0 * half_x), (rows - 1) / (2.0 * half_y), 1.0])
        self._corner = np.asarray(centre, dtype=np.float64) - [half_x, half_y, 0.0]
        self._cells = np.array([cols - 1, rows - 1])
        h = self._heights
        block = np.maximum(np.maximum(h[:-1, :-1], h[1:, :-1]), np.maximum(h[:-1, 1:], h[1:, 1:]))
        self._top = float(block.max())
        levels: List[np.ndarray] = [block]
        while max(levels[-1].shape) > 1:
            levels.append(_halve(levels[-1]))
        self._last_level = len(levels) - 1
        self._widths = np.array([level.shape[1] for level in levels])
        self._offsets = np.cumsum([0, *(level.size for level in levels[:-1])])
        self._maxima = np.concatenate([level.reshape(-1) for level in levels])

    def trace(self, origins: np.ndarray, directions: np.ndarray, reach: float) -> Tuple[np.ndarray, np.ndarray]:
        """First hits.

        Args:
            origins: (n, 3) or (3,) m.
            directions: (n, 3).
            reach: largest distance of interest, in lengths of the directions.

        Returns:
            Distances (n,), +inf for a miss; upward unit normals (n, 3) of the triangles hit.
        """
        start = np.broadcast_to((origins - self._corner) * self._scale, directions.shape)
        along = directions * self._scale
        distance = np.full(len(directions), np.inf)
        t, end = self._inside(start, along, reach)
        rays = np.flatnonzero(t < end)
        t, end = t[rays], end[rays]
        level = np.full(len(rays), self._last_level)
        while len(rays):
            o, d = start[rays], along[rays]
            here = o[:, :2] + (t + _NUDGE)[:, None] * d[:, :2]
            cell = np.clip(here.astype(np.int64), 0, self._cells - 1) >> level[:, None]
            exit_t = np.minimum(_leave(o, d, cell, level), end)
            lowest = o[:, 2] + d[:, 2] * np.where(d[:, 2] < 0, exit_t, t)
            above = lowest > self._maxima[self._offsets[level] + cell[:, 1] * self._widths[level] + cell[:, 0]]
            leaf = ~above & (level == 0)
            if leaf.any():
                hits = self._cross(o[leaf], d[leaf], cell[leaf], t[leaf], exit_t[leaf])
                distance[rays[leaf]] = hits
            passed = above | leaf
            t = np.where(passed, exit_t + _NUDGE, t)
            level = np.where(passed, np.minimum(level + 1, self._last_level), level - 1)
            going = np.isinf(distance[rays]) & (t < end)
            rays, t, end, level = rays[going], t[going], end[going], level[going]
        return distance, self._normals(start, along, distance)

    def _inside(self, start: np.ndarray, along: np.ndarray, reach: float) -> Tuple[np.ndarray, np.ndarray]:
        """Range of each ray that is over the field and not above its top."""
        low, high = np.zeros(len(start)), np.full(len(start), float(reach))
        with np.errstate(divide="ignore", invalid="ignore"):
            for axis in range(2):
                one = -start[:, axis] / along[:, axis]
                two = (self._cells[axis] - start[:, axis]) / along[:, axis]
                inside = (start[:, axis] >= 0) & (start[:, axis] <= self._cells[axis])
                level = along[:, axis] == 0
                low = np.maximum(low, np.where(level, np.where(inside, 0.0, np.inf), np.minimum(one, two)))
                high = np.minimum(high, np.where(level, np.inf, np.maximum(one, two)))
            to_top = (self._top - start[:, 2]) / along[:, 2]
        over = start[:, 2] > self._top
        low = np.where(over, np.where(along[:, 2] < 0, np.maximum(low, to_top), np.inf), low)
        high = np.where(~over & (along[:, 2] > 0), np.minimum(high, to_top), high)
        return low, high

    def _surface(self, place: np.ndarray, cell: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Height of the cell's triangle at a place (n, 2) in cells, and its slopes along both axes, m a cell."""
        col, row = cell[:, 0], cell[:, 1]
        h = self._heights
        h00, h01, h10, h11 = h[row, col], h[row, col + 1], h[row + 1, col], h[row + 1, col + 1]
        u, v = place[:, 0] - col, place[:, 1] - row
        first = u >= v  # the diagonal goes from this vertex to the one across
        slope_x = np.where(first, h01 - h00, h11 - h10)
        slope_y = np.where(first, h11 - h01, h10 - h00)
        return h00 + u * slope_x + v * slope_y, slope_x, slope_y

    def _cross(self, o: np.ndarray, d: np.ndarray, cell: np.ndarray, t0: np.ndarray, t1: np.ndarray) -> np.ndarray:
        """Where rays go under the surface of one cell, +inf where they do not."""
        with np.errstate(divide="ignore", invalid="ignore"):
            diagonal = ((o[:, 1] - cell[:, 1]) - (o[:, 0] - cell[:, 0])) / (d[:, 0] - d[:, 1])
        diagonal = np.where((diagonal > t0) & (diagonal < t1), diagonal, t1)
        times = (t0, diagonal, t1)
        gaps = [o[:, 2] + t * d[:, 2] - self._surface(o[:, :2] + t[:, None] * d[:, :2], cell)[0] for t in times]
        hit = np.full(len(o), np.inf)
        for a, b in ((1, 2), (0, 1)):
            crosses = gaps[b] <= 0
            share = np.clip(gaps[a] / np.maximum(gaps[a] - gaps[b], 1e-12), 0.0, 1.0)
            hit = np.where(crosses, times[a] + share * (times[b] - times[a]), hit)
        return np.where(gaps[0] <= 0, t0, hit)

    def _normals(self, start: np.ndarray, along: np.ndarray, distance: np.ndarray) -> np.ndarray:
        reached = np.where(np.isfinite(distance), distance, 0.0)
        place = start[:, :2] + reached[:, None] * along[:, :2]
        cell = np.clip(place.astype(np.int64), 0, self._cells - 1)
        _, slope_x, slope_y = self._surface(place, cell)
        normal = np.stack((-slope_x * self._scale[0], -slope_y * self._scale[1], np.ones(len(place))), axis=1)
        return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _halve(level: np.ndarray) -> np.ndarray:
    """Maxima of two by two blocks; an odd edge is its own."""
    rows, cols = level.shape
    padded = np.pad(level, ((0, rows % 2), (0, cols % 2)), mode="edge")
    return np.maximum.reduce([padded[i::2, j::2] for i in range(2) for j in range(2)])


def _leave(o: np.ndarray, d: np.ndarray, cell: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Parameter at which rays leave the block they are in."""
    border = (cell + (d[:, :2] > 0)) << level[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        at = (border - o[:, :2]) / d[:, :2]
    return np.where(d[:, :2] == 0, np.inf, at).min(axis=1)
