"""What the golden terms see: the state of a simulator, its rotations, and the ground of a map, in numpy float64."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

# of a cell: how near its border a point may lie until rounding decides in which it is
_UNSURE = 2e-4


class Physics(NamedTuple):
    """What a simulator shows, copied: arrays (N, ...) float64."""

    root: np.ndarray
    dof_pos: np.ndarray
    dof_vel: np.ndarray
    torques: np.ndarray
    forces: np.ndarray
    bodies: np.ndarray

    @classmethod
    def of(cls, sim: Any) -> Physics:
        names = ("root_states", "dof_pos", "dof_vel", "torques", "contact_forces", "body_states")
        return cls(*(array(getattr(sim, name)) for name in names))


def array(tensor: Any) -> np.ndarray:
    """A copy, in double precision."""
    return tensor.numpy().astype(np.float64)


def rotation(quats: np.ndarray) -> np.ndarray:
    """(N, 3, 3) from quaternions x, y, z, w: the columns are q i q*, q j q*, q k q*."""
    x, y, z, w = quats.T
    columns = (
        (w * w + x * x - y * y - z * z, 2 * (x * y + w * z), 2 * (x * z - w * y)),
        (2 * (x * y - w * z), w * w - x * x + y * y - z * z, 2 * (y * z + w * x)),
        (2 * (x * z + w * y), 2 * (y * z - w * x), w * w - x * x - y * y + z * z),
    )
    return np.stack([np.stack(column, axis=1) for column in columns], axis=2)


class Ground:
    """Heights of the map as legged_gym reads them: the lowest of a cell's corner and its neighbours in +x and +y."""

    def __init__(self, terrain: Optional[Any], cfg: Any) -> None:
        self.terrain = terrain
        if terrain is not None:
            field = terrain.height_field.astype(np.int64)
            self.lowest = np.minimum(np.minimum(field[:-1, :-1], field[1:, :-1]), field[:-1, 1:])
        self.points = np.array([[x, y] for x in cfg.measured_points_x for y in cfg.measured_points_y])

    def at(self, xy: np.ndarray) -> np.ndarray:
        """Heights (...) at points (..., 2)."""
        if self.terrain is None:
            return np.zeros(xy.shape[:-1])
        here = self._lowest(xy, np.zeros(2))
        unsure = np.zeros(here.shape, dtype=bool)
        for shift in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            unsure |= self._lowest(xy, _UNSURE * np.array(shift)) != here
        return np.where(unsure, np.nan, here)

    def _lowest(self, xy: np.ndarray, shift: np.ndarray) -> np.ndarray:
        cell = np.trunc((xy + self.terrain.border_size) / self.terrain.horizontal_scale + shift).astype(int)
        i, j = (np.clip(cell[..., axis], 0, size - 1) for axis, size in enumerate(self.lowest.shape))
        return self.lowest[i, j] * self.terrain.vertical_scale

    def around(self, root: np.ndarray) -> np.ndarray:
        """Heights (N, P) at the grid that turns with the yaw of the base: its quaternion without x and y."""
        angle = 2.0 * np.arctan2(root[:, 5], root[:, 6])
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        x, y = self.points.T
        return self.at(np.stack((root[:, :1] + cos * x - sin * y, root[:, 1:2] + sin * x + cos * y), axis=-1))


def norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(vectors**2, axis=-1))
