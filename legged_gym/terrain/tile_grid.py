"""Which tiles a map is made of, by level and type, and what tasks need to know of each."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.terrain.sub_terrains import Tile

START_REACH = 1.0
"""m, each axis: so far from its origin may a robot start, so the origin is as high as the highest point there."""


class TileGrid:
    """L levels along +x and T types along +y; the first tile's corner is the origin of the world (not with meshes).

    Attributes:
        tile_length: a tile's size along x, m.
        tile_width: the same along y.
        names: types of tiles by level and type.
        difficulties: (L, T) float64; NaN where a shape was selected that has none.
        starts: (L, T, 3) float32, m: where robots start, at the height of the highest point of the 2 x 2 m around it
            that belongs to the tile.
        finish_x: (L, T) float32, m: who has come to a larger x has crossed the tile; NaN where there is no such line.
        num_goals: (L, T) int64.
    """

    def __init__(self, levels: int, types: int, tile_length: float, tile_width: float) -> None:
        """A grid of tiles that are still to be put in."""
        self.tile_length, self.tile_width = tile_length, tile_width
        self.names: List[List[str]] = [[""] * types for _ in range(levels)]
        self.difficulties = np.full((levels, types), np.nan)
        self.starts = np.zeros((levels, types, 3), dtype=np.float32)
        self.finish_x = np.full((levels, types), np.nan, dtype=np.float32)
        self.num_goals = np.zeros((levels, types), dtype=np.int64)
        self._goals: Dict[Tuple[int, int], np.ndarray] = {}

    def put(self, level: int, kind: int, tile: Tile) -> None:
        """Note where robots start on a tile that has its shape, where they finish and what they aim at on the way."""
        corner_x, corner_y = level * self.tile_length, kind * self.tile_width
        reach = tile.cells(START_REACH)
        near_x, near_y = (slice(max(0, k - reach), k + reach + 1) for k in map(tile.cells, tile.start))
        highest = tile.heights[near_x, near_y].max() * tile.vertical_scale
        self.starts[level, kind] = corner_x + tile.start[0], corner_y + tile.start[1], highest
        if tile.finish is not None:
            self.finish_x[level, kind] = corner_x + tile.finish
        if not all(len(goal) == 3 and np.isfinite(goal).all() for goal in tile.goals):
            raise UserError(f"goals of a tile are (x, y, z) in m, not {list(tile.goals)}")
        self.num_goals[level, kind] = len(tile.goals)
        self._goals[level, kind] = np.reshape(tile.goals, (-1, 3)) + np.array([corner_x, corner_y, 0.0])

    @property
    def goals(self) -> np.ndarray:
        """(L, T, n, 3) float32, m, world, in their order; n is the most of any tile.

        A tile with fewer goals repeats its last one; one without has NaN.
        """
        goals = np.full((*self.num_goals.shape, self.num_goals.max(), 3), np.nan, dtype=np.float32)
        for place, own in self._goals.items():
            if len(own):
                goals[place] = own[np.minimum(np.arange(goals.shape[2]), len(own) - 1)]
        return goals
