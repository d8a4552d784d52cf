"""The ground: a plane, or the terrain that was saved with a policy that sees."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, field
from typing import Any, Dict, NamedTuple, Optional, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError

_ABOVE = 50.0  # m, from where obstacles are looked for
_FEW = 8  # steps of rays after which those that have arrived are left out


class Obstacles(NamedTuple):
    """K solids that stand still.

    Attributes:
        shapes: K, "box" or "cylinder".
        half_sizes: (K, 3) m, along their axes x, y and z.
        poses: (K, 7), m, and x, y, z, w.
    """

    shapes: Tuple[str, ...] = ()
    half_sizes: np.ndarray = np.zeros((0, 3))
    poses: np.ndarray = np.zeros((0, 7))

    def add_to(self, spec: Any, **settings: Any) -> None:
        """As shapes of the world of a model that is being built."""
        kinds = {"box": mujoco.mjtGeom.mjGEOM_BOX, "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER}
        for k, (shape, half, pose) in enumerate(zip(self.shapes, self.half_sizes, self.poses)):
            size = [half[0], half[2], 0.0] if shape == "cylinder" else list(half)
            turn = np.roll(pose[3:], 1)
            spec.worldbody.add_geom(
                name=f"obstacle_{k}", type=kinds[shape], size=size, pos=pose[:3], quat=turn, **settings
            )


class Tile(NamedTuple):
    """What lies ahead of a start.

    Attributes:
        name: what is about to be crossed; empty on a bare plane.
        goals: (k, 3) m, one after the other.
        hurdles: (h, 4): x and y of the middle of a bar, its height, and how far its posts are to either side, m.
    """

    name: str = ""
    goals: np.ndarray = np.zeros((0, 3))
    hurdles: np.ndarray = np.zeros((0, 4))


@dataclass
class Ground:
    """Heights on a lattice; vertex (i, j) is at origin + (i, j) * cell.

    Attributes:
        heights: (rows along x, columns along y) m; None for a plane at height 0.
        cell: m between vertices.
        origin: x and y of vertex (0, 0), m.
        starts: (n, 3) m, where robots begin.
        tiles: n, what lies ahead of each start.
        obstacles: what stands on it.
    """

    heights: Optional[np.ndarray] = None
    cell: float = 1.0
    origin: Tuple[float, float] = (0.0, 0.0)
    starts: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    tiles: Tuple[Tile, ...] = ()
    obstacles: Obstacles = field(default_factory=Obstacles)

    def __post_init__(self) -> None:
        if self.heights is not None:
            self.heights = np.ascontiguousarray(self.heights, dtype=float)  # or each look would copy it
        spec = mujoco.MjSpec()
        self.obstacles.add_to(spec)
        self._solids = spec.compile()
        self._places = mujoco.MjData(self._solids)
        mujoco.mj_forward(self._solids, self._places)

    def tile_at(self, place: np.ndarray) -> Tile:
        """That of the start which is nearest to a place."""
        if not len(self.starts):
            return Tile()
        return self.tiles[int(np.linalg.norm(self.starts - place, axis=1).argmin())]

    def height(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Heights at places of one shape, of the ground or of what stands on it, m; off the map those of its edge."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        heights = self._height(x, y)
        if not self.obstacles.shapes:
            return heights
        down, hit, origin = np.array([0.0, 0.0, -1.0]), np.zeros(1, np.int32), np.array([0.0, 0.0, _ABOVE])
        tops = np.empty(x.size)
        for k, origin[:2] in enumerate(zip(x.ravel(), y.ravel())):
            found = mujoco.mj_ray(self._solids, self._places, origin, down, None, 1, -1, hit)
            tops[k] = _ABOVE - found if found >= 0.0 else -np.inf
        return np.maximum(heights, tops.reshape(x.shape))

    def _height(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
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
        """How many times (n, 3) `directions` lead from a place to what is there, (n,); infinity beyond `far`."""
        found = self._cast(place, directions, far)
        if not self.obstacles.shapes:
            return found
        count, lengths = len(directions), np.linalg.norm(directions, axis=1)
        hit, away = np.zeros(count, np.int32), np.zeros(count)
        rays = np.ascontiguousarray(directions / lengths[:, None]).ravel()
        mujoco.mj_multiRay(
            self._solids, self._places, place, rays, None, 1, -1, hit, away, None, count, mujoco.mjMAXVAL
        )
        times = np.where(away < 0.0, np.inf, away / lengths)
        return np.minimum(found, np.where(times <= far, times, np.inf))

    def _cast(self, place: np.ndarray, directions: np.ndarray, far: float) -> np.ndarray:
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
            below = points[..., 2] <= self._height(points[..., 0], points[..., 1])
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
            below = points[:, 2] <= self._height(points[:, 0], points[:, 1])
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
            return _ground_of({name: file[name] for name in file})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no terrain that export.py has written ({error}); export the policy again") from None


def _ground_of(fields: Dict[str, np.ndarray]) -> Ground:
    names, starts = fields["names"].tolist(), fields["starts"]
    goals, hurdles = (fields.get(key, np.zeros((len(names), 0, n))) for key, n in (("goals", 3), ("hurdles", 4)))
    if starts.shape != (len(names), 3) or len(goals) != len(names) or len(hurdles) != len(names):
        raise ValueError("each start needs its place, a name and goals")
    tiles = tuple(Tile(name, _in_use(each), bars) for name, each, bars in zip(names, goals, hurdles))
    if "shapes" in fields:
        solids = Obstacles(tuple(fields["shapes"].tolist()), fields["half_sizes"], fields["poses"])
        if solids.half_sizes.shape != (len(solids.shapes), 3) or solids.poses.shape != (len(solids.shapes), 7):
            raise ValueError("each obstacle needs its half sizes and its pose")
        return Ground(starts=starts, tiles=tiles, obstacles=solids)
    heights, cell = fields["heights"] * float(fields["unit"]), float(fields["cell"])
    x, y = fields["origin"].tolist()
    if heights.ndim != 2 or min(heights.shape) < 2 or not np.isfinite(heights).all() or not 0.0 < cell < np.inf:
        raise ValueError("heights in m on a lattice of cells are missing")
    return Ground(heights, cell, (x, y), starts, tiles)


def _in_use(goals: np.ndarray) -> np.ndarray:
    """The goals of a tile, without the last one again, as which shorter courses go on, and without NaN."""
    goals = goals[np.isfinite(goals).all(axis=1)]
    while len(goals) > 1 and (goals[-1] == goals[-2]).all():
        goals = goals[:-1]
    return goals
