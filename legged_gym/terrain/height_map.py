"""The ground as heights on a square lattice; what sensors and physics read of it, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from legged_gym.terrain.edges import edge_mask


@dataclass
class HeightMap:
    """Vertex (i, j) is at x = origin[0] + i * horizontal_scale, y = origin[1] + j * horizontal_scale.

    Attributes:
        units: (rows, cols) int16, heights in units of `vertical_scale`; axis 0 is x, axis 1 is y.
        horizontal_scale: m between vertices.
        vertical_scale: m a unit.
        origin: x and y of vertex (0, 0), m.
    """

    units: np.ndarray
    horizontal_scale: float
    vertical_scale: float
    origin: Tuple[float, float] = (0.0, 0.0)

    @property
    def heights(self) -> np.ndarray:
        """(rows, cols) float32, m."""
        heights: np.ndarray = self.units.astype(np.float32) * np.float32(self.vertical_scale)
        return heights

    def edge_mask(self, margin: float, drop: float) -> np.ndarray:
        """Where a foot would stand on an edge, (rows, cols) bool, by the nearest vertex; see `edges.edge_mask`."""
        return edge_mask(self.units, self.horizontal_scale, self.vertical_scale, margin, drop)
