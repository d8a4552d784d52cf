"""The ground as heights on a square lattice; what sensors and physics read of it, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from legged_gym.sim.spec import TriangleMesh
from legged_gym.terrain.edges import edge_mask


@dataclass
class HeightMap:
    """Vertex (i, j) is at x = origin[0] + i * horizontal_scale, y = origin[1] + j * horizontal_scale.

    Attributes:
        units: (rows, cols) int16, heights in units of `vertical_scale`; axis 0 is x, axis 1 is y.
        horizontal_scale: m between vertices.
        vertical_scale: m a unit.
        origin: x and y of vertex (0, 0), m.
        mesh: the surface that the map was cast from, which rays see in its place; None if there is none.
    """

    units: np.ndarray
    horizontal_scale: float
    vertical_scale: float
    origin: Tuple[float, float] = (0.0, 0.0)
    mesh: Optional[TriangleMesh] = None

    @property
    def heights(self) -> np.ndarray:
        """(rows, cols) float32, m."""
        heights: np.ndarray = self.units.astype(np.float32) * np.float32(self.vertical_scale)
        return heights

    def at(self, places: np.ndarray) -> np.ndarray:
        """Heights (...,) m at places (..., 2) m, bilinear; beyond the map, that of its edge."""
        spot = (places - np.array(self.origin)) / self.horizontal_scale
        spot = np.clip(spot, 0.0, np.array(self.units.shape) - 1.0)
        i, j = np.minimum(spot.astype(np.int64), np.array(self.units.shape) - 2).transpose(-1, *range(spot.ndim - 1))
        u, v = spot[..., 0] - i, spot[..., 1] - j
        near = self.units[i, j] * (1.0 - v) + self.units[i, j + 1] * v
        far = self.units[i + 1, j] * (1.0 - v) + self.units[i + 1, j + 1] * v
        heights: np.ndarray = self.vertical_scale * (near * (1.0 - u) + far * u)
        return heights

    def edge_mask(self, margin: float, drop: float) -> np.ndarray:
        """Where a foot would stand on an edge, (rows, cols) bool, by the nearest vertex; see `edges.edge_mask`."""
        return edge_mask(self.units, self.horizontal_scale, self.vertical_scale, margin, drop)
