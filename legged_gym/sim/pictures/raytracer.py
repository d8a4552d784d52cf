"""Pictures without OpenGL: rays on the CPU, for machines where no other way to draw is found.

Robot and obstacles are hit by the engine's own rays, so whatever MuJoCo can simulate can be drawn; the ground is traced
here. Colours, sun and haze are those of the OpenGL scene (`scenery`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, List, Tuple

import mujoco
import numpy as np
from mujoco import batch as mujoco_batch

from legged_gym.sim.pictures.camera import axes_of_view
from legged_gym.sim.pictures.heightfield_rays import HeightFieldRays
from legged_gym.sim.pictures.scenery import (
    GROUND_COLORS,
    GROUND_SQUARE,
    HAZE_END,
    HAZE_START,
    HEADLIGHT,
    SKY_HORIZON,
    SKY_LIGHT,
    SKY_ZENITH,
    SUN_COLOR,
    SUN_DIRECTION,
)

SKY, GROUND = -1, -2

# the sky has its darkest blue this high above the horizon, as a sine
ZENITH_SINE = 0.9
# shadows of hills are looked for up to this distance, m
HILL_SHADOW = 4.0
# shadow rays start this far off the surface, m
LIFT = 2e-3
# rays through a pixel on an edge, along each axis
EDGE_RAYS = 3


@dataclass
class Hits:
    """What n rays hit: distance, geom id (or SKY or GROUND) and unit normal, towards the ray."""

    distance: np.ndarray
    geom: np.ndarray
    normal: np.ndarray


class RayPainter:
    """Draws a scene from a free camera."""

    def __init__(self, model: Any) -> None:
        """Prepare the ground and the engine's rays.

        Args:
            model: with a geom "ground" that is a plane or a height field.
        """
        self._model = model
        self._sun = -np.asarray(SUN_DIRECTION) / np.linalg.norm(SUN_DIRECTION)
        self._ground = model.geom("ground").id
        self._field = None
        if model.geom_type[self._ground] == mujoco.mjtGeom.mjGEOM_HFIELD:
            half_x, half_y, elevation, _ = model.hfield_size[0]
            heights = elevation * model.hfield_data.reshape(model.hfield_nrow[0], model.hfield_ncol[0])
            self._field = HeightFieldRays(heights, half_x, half_y, model.geom_pos[self._ground])
        workers = min(8, os.cpu_count() or 1)
        self._batch = mujoco_batch.Batch(model, workers, workers)
        self._colors = geom_colors(model)

    def paint(self, data: Any, camera: Any, option: Any, width: int, height: int) -> np.ndarray:
        """See `rendering.Painter.paint`."""
        self._batch.set_models(self._model)  # anew each time: sizes of obstacles change
        for name in ("qpos", "mocap_pos", "mocap_quat"):
            self._batch.bind(name)[:] = getattr(data, name)
        self._groups = np.array(option.geomgroup, dtype=np.uint8)
        self._groups[self._model.geom_group[self._ground]] = 0
        self._spheres = _bounds(self._model, data, self._groups)
        view = _View(camera, self._model.vis.global_.fovy, width, height)
        row, col = (index.reshape(-1) + 0.5 for index in np.mgrid[:height, :width])
        color, hits = self._look(view, view.directions(row, col), 1.0)
        edges = _edges(hits, height, width)
        if len(edges):
            offsets = (np.arange(EDGE_RAYS) + 0.5) / EDGE_RAYS - 0.5
            finer = [
                self._look(view, view.directions(row[edges] + i, col[edges] + j), 1.0 / EDGE_RAYS)[0]
                for i in offsets
                for j in offsets
            ]
            color[edges] = np.mean(finer, axis=0)
        return (255.0 * np.clip(color, 0.0, 1.0) + 0.5).astype(np.uint8).reshape(height, width, 3)

    def close(self) -> None:
        """See `rendering.Painter.close`."""

    def _look(self, view: _View, directions: np.ndarray, pixel: float) -> Tuple[np.ndarray, Hits]:
        """Colours (n, 3) seen along rays from the camera; `pixel` is the width of a ray in pixels."""
        hits = self._trace(np.broadcast_to(view.origin, directions.shape), directions)
        color = _sky(directions)
        seen = np.flatnonzero(hits.geom != SKY)
        d, t, geom, normal = directions[seen], hits.distance[seen], hits.geom[seen], hits.normal[seen]
        points = view.origin + t[:, None] * d
        surface = self._colors[np.maximum(geom, 0)]
        on_ground = geom == GROUND
        facing = np.abs(np.sum(normal * d, axis=1))
        surface[on_ground] = _checkers(
            points[on_ground], d[on_ground], t[on_ground] * pixel * view.pixel_angle, facing[on_ground]
        )
        light = np.asarray(SKY_LIGHT) + HEADLIGHT * facing[:, None]
        sunny = np.maximum(normal @ self._sun, 0.0)
        sunny[sunny > 0] *= ~self._shaded(points[sunny > 0] + LIFT * normal[sunny > 0])
        light = light + sunny[:, None] * np.asarray(SUN_COLOR)
        haze = np.clip((t * (d @ view.forward) - HAZE_START) / (HAZE_END - HAZE_START), 0.0, 1.0)[:, None]
        color[seen] = (1.0 - haze) * surface * light + haze * np.asarray(SKY_HORIZON)
        return color, hits

    def _trace(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        distance, normal = self._trace_ground(origins, directions, 4.0 * HAZE_END)
        geom = np.where(np.isfinite(distance), GROUND, SKY)
        near = self._near_things(origins, directions)
        things, ids, normals = self._engine_rays(origins[near], directions[near])
        first = things < distance[near]
        index = near[first]
        distance[index], geom[index], normal[index] = things[first], ids[first], normals[first]
        return Hits(distance, geom, normal)

    def _trace_ground(self, origins: np.ndarray, directions: np.ndarray, reach: float) -> Tuple[np.ndarray, np.ndarray]:
        if self._field is not None:
            return self._field.trace(origins, directions, reach)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = -origins[:, 2] / directions[:, 2]
        normal = np.tile([0.0, 0.0, 1.0], (len(directions), 1))
        return np.where((directions[:, 2] < 0) & (distance < reach), distance, np.inf), normal

    def _shaded(self, points: np.ndarray) -> np.ndarray:
        """Whether something stands between points and the sun."""
        directions = np.broadcast_to(self._sun, points.shape)
        shaded = np.zeros(len(points), dtype=bool)
        if self._field is not None:
            shaded = np.isfinite(self._field.trace(points, directions, HILL_SHADOW)[0])
        near = self._near_things(points, directions)
        shaded[near] |= np.isfinite(self._engine_rays(points[near], directions[near])[0])
        return shaded

    def _near_things(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Indices of rays (unit directions) that meet the bounding sphere of the robot or of an obstacle."""
        meets = np.zeros(len(directions), dtype=bool)
        for centre, radius in self._spheres:
            offset = centre - origins
            along = np.sum(offset * directions, axis=1)
            meets |= (np.sum(offset * offset, axis=1) - along**2 < radius**2) & (along > -radius)
        return np.flatnonzero(meets)

    def _engine_rays(self, origins: np.ndarray, directions: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distances (+inf for a miss), geoms and normals where rays hit robot or obstacles; split over the threads."""
        count, workers = len(origins), self._batch.nsim
        if count == 0:
            return np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 3))
        rows = -(-count // workers)
        padded = np.zeros((2, rows * workers, 3))
        padded[0, :count], padded[1, :count], padded[1, count:] = origins, directions, (0.0, 0.0, 1.0)
        starts, along = padded.reshape(2, workers, rows, 3)
        distance, geom, normal = self._batch.ray(starts, along, geomgroup=self._groups, normal=True)
        distance = distance.reshape(-1)[:count]
        normal = normal.reshape(-1, 3)[:count]
        return np.where(distance < 0, np.inf, distance), geom.reshape(-1)[:count], normal


class _View:
    """A free MjvCamera as rays."""

    def __init__(self, camera: Any, fovy: float, width: int, height: int) -> None:
        self.forward, self._right = axes_of_view(camera.azimuth, camera.elevation)
        self.origin = np.array(camera.lookat) - camera.distance * self.forward
        self._up = np.cross(self._right, self.forward)
        self.pixel_angle = 2.0 * np.tan(0.5 * np.deg2rad(fovy)) / height
        self._middle = 0.5 * height, 0.5 * width

    def directions(self, row: np.ndarray, col: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 3) through places of the picture, in pixels from its upper left corner."""
        up = (self._middle[0] - row)[:, None] * self.pixel_angle
        right = (col - self._middle[1])[:, None] * self.pixel_angle
        out = self.forward + up * self._up + right * self._right
        return out / np.linalg.norm(out, axis=1, keepdims=True)


def _sky(directions: np.ndarray) -> np.ndarray:
    share = np.clip(directions[:, 2:] / ZENITH_SINE, 0.0, 1.0)
    return (1.0 - share) * np.asarray(SKY_HORIZON) + share * np.asarray(SKY_ZENITH)


def _checkers(points: np.ndarray, directions: np.ndarray, width: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """Ground colour (n, 3), averaged over the width (n,) m of each ray so that far squares do not flicker."""
    heading = np.abs(directions[:, :2]) / np.maximum(np.linalg.norm(directions[:, :2], axis=1, keepdims=True), 1e-9)
    length = width / np.maximum(facing, 1e-3)
    spread = np.stack(
        (length * heading[:, 0] + width * heading[:, 1], length * heading[:, 1] + width * heading[:, 0]), axis=1
    )
    spread = np.maximum(spread / GROUND_SQUARE, 1e-6)
    place = points[:, :2] / GROUND_SQUARE

    def integral(x: np.ndarray) -> np.ndarray:
        """Integral from 0 of the wave that is +1 on even squares and -1 on odd ones."""
        return 1.0 - np.abs(np.mod(x, 2.0) - 1.0)

    mean = (integral(place + 0.5 * spread) - integral(place - 0.5 * spread)) / spread
    share = 0.5 + 0.5 * mean[:, :1] * mean[:, 1:]
    return share * np.asarray(GROUND_COLORS[0]) + (1.0 - share) * np.asarray(GROUND_COLORS[1])


def _edges(hits: Hits, height: int, width: int) -> np.ndarray:
    """Pixels beside which something else, or another side of it, is seen; the ground beside itself is no edge."""
    geom = hits.geom.reshape(height, width)
    normal = hits.normal.reshape(height, width, 3)
    marks = np.zeros((height, width), dtype=bool)
    for axis in range(2):
        one, two = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(None, -1),)
        bend = np.sum(normal[one] * normal[two], axis=-1) < 0.9
        differs = (geom[one] != geom[two]) | (bend & (geom[one] >= 0))
        marks[one] |= differs
        marks[two] |= differs
    return np.flatnonzero(marks)


def geom_colors(model: Any) -> np.ndarray:
    """(ngeom, 3) colours of geoms: of their material, if they have one."""
    colors = np.array(model.geom_rgba[:, :3], dtype=np.float64)
    has_material = model.geom_matid >= 0
    colors[has_material] = model.mat_rgba[model.geom_matid[has_material], :3]
    return colors


def _bounds(model: Any, data: Any, groups: np.ndarray) -> List[Tuple[np.ndarray, float]]:
    """Bounding spheres of the shown geoms: one for the robot, one for each obstacle."""
    shown = groups[np.clip(model.geom_group, 0, len(groups) - 1)] > 0
    trees = model.body_rootid[model.geom_bodyid]
    spheres = []
    for tree in np.unique(trees[shown]):
        geoms = np.flatnonzero(shown & (trees == tree))
        centre = 0.5 * (data.geom_xpos[geoms].min(axis=0) + data.geom_xpos[geoms].max(axis=0))
        radius = np.max(np.linalg.norm(data.geom_xpos[geoms] - centre, axis=1) + model.geom_rbound[geoms])
        spheres.append((centre, float(radius)))
    return spheres
