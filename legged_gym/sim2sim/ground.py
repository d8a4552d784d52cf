"""The ground: a plane, or the terrain that was saved with a policy that sees."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, field
from typing import Optional, Tuple

import numpy as np

from legged_gym.errors import UserError

_FEW = 8  # steps of rays after which those that have arrived are left out


@dataclass
class Ground:
    """Heights on a lattice; vertex (i, j) is at origin + (i, j) * cell.

    Attributes:
        heights: (rows along x, columns along y) m; None for a plane at height 0.
        cell: m between vertices.
        origin: x and y of vertex (0, 0), m.
        starts: (n, 3) m, where robots begin.
        names: n, what each of them is about to cross.
        goals: (n, k, 3) m, on their way.
    """

    heights: Optional[np.ndarray] = None
    cell: float = 1.0
    origin: Tuple[float, float] = (0.0, 0.0)
    starts: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    names: Tuple[str, ...] = ()
    goals: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 3)))

    def __post_init__(self) -> None:
        if self.heights is not None:
            self.heights = np.ascontiguousarray(self.heights, dtype=float)  # or each look would copy it

    def tile_at(self, place: np.ndarray) -> Tuple[str, np.ndarray]:
        """Name and goals (k, 3) m of the start that is nearest to a place; nothing on a plane."""
        if not len(self.starts):
            return "", np.zeros((0, 3))
        nearest = int(np.linalg.norm(self.starts - place, axis=1).argmin())
        return self.names[nearest], self.goals[nearest]

    def height(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Heights at places of one shape, m; off the map those of its edge."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        if self.heights is None:
            return np.zeros(x.shape)
        rows, columns = self.heights.shape
        across = np.clip((x - self.origin[0]) / self.cell, 0.0, rows - 1.001)
        along = np.clip((y - self.origin[1]) / self.cell, 0.0, columns - 1.001)
        i, j = across.astype(int), along.astype(int)
        s, t = across - i, along - j
        flat, at = self.heights.reshape(-1), i * columns + j
        near = flat[at] * (1.0 - t) + flat[at + 1] * t
        return near * (1.0 - s) + (flat[at + columns] * (1.0 - t) + flat[at + columns + 1] * t) * s

    def cast(self, place: np.ndarray, directions: np.ndarray, far: float) -> np.ndarray:
        """How many times (n, 3) `directions` lead from a place to the ground, (n,); infinity beyond `far`."""
        if self.heights is None:
            down = -directions[:, 2]
            found = np.full(len(down), np.inf)
            np.divide(place[2], down, out=found, where=down > 0.0)
            return np.where(found <= far, found, np.inf)
        found = np.full(len(directions), np.inf)
        step = self.cell / max(float(np.linalg.norm(directions[:, :2], axis=1).max()), 1e-6)
        on = np.arange(len(directions))
        for first in range(1, int(np.ceil(far / step)) + 1, _FEW):
            way = step * (first + np.arange(_FEW))
            points = place + way[:, None, None] * directions[on]
            below = points[..., 2] <= self.height(points[..., 0], points[..., 1])
            hit = below.any(axis=0)
            found[on[hit]] = self._refine(place, directions[on[hit]], way[below[:, hit].argmax(axis=0)], step)
            on = on[~hit]
            if not len(on):
                break
        return np.where(found <= far, found, np.inf)

    def _refine(self, place: np.ndarray, directions: np.ndarray, way: np.ndarray, step: float) -> np.ndarray:
        """Halve the last step of rays that have gone into the ground, a few times."""
        low, high = way - step, way
        for _ in range(6):
            middle = 0.5 * (low + high)
            points = place + middle[:, None] * directions
            below = points[:, 2] <= self.height(points[:, 0], points[:, 1])
            low, high = np.where(below, low, middle), np.where(below, middle, high)
        return 0.5 * (low + high)


def read_ground(path: str) -> Ground:
    """The terrain in a file that export.py wrote.

    Raises:
        UserError: it is something else.
    """
    if not os.path.isfile(path):
        raise UserError(f"there is no terrain {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            heights, cell = file["heights"] * float(file["unit"]), float(file["cell"])
            x, y = file["origin"].tolist()
            names, starts = tuple(file["names"].tolist()), file["starts"]
            goals = file["goals"] if "goals" in file else np.zeros((len(names), 0, 3))
        if heights.ndim != 2 or min(heights.shape) < 2 or not np.isfinite(heights).all() or not 0.0 < cell < np.inf:
            raise ValueError("heights in m on a lattice of cells are missing")
        if starts.shape != (len(names), 3) or len(goals) != len(names):
            raise ValueError("each start needs its place, a name and goals")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no terrain that export.py has written ({error}); export the policy again") from None
    return Ground(heights, cell, (x, y), starts, names, goals)
