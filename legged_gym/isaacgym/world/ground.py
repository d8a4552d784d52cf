"""Ground of a scene: planes, height fields, and meshes cast to height fields."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.sim.spec import HeightField, TriangleMesh
from legged_gym.terrain.height_map import HeightMap
from legged_gym.terrain.heightfield import make_heightfield
from legged_gym.terrain.meshes import lay_out

# m, of meshes that are no lattice, and the most vertices of their map
_CELL, _MOST_VERTICES = 0.025, 20_000_000
_STEP = 0.005  # m


@dataclass
class Plane:
    """All points whose product with the normal is `-distance`."""

    normal: np.ndarray
    distance: float
    friction: float

    def add_to(self, mj: Any, name: str) -> Any:
        """The geom."""
        quat, normal = np.zeros(4), self.normal / np.linalg.norm(self.normal)
        mujoco.mju_quatZ2Vec(quat, normal)
        kind, pos = mujoco.mjtGeom.mjGEOM_PLANE, -self.distance * normal
        return mj.worldbody.add_geom(name=name, type=kind, size=[0, 0, 0.05], pos=pos, quat=quat)


@dataclass
class Field:
    """A height field."""

    field: HeightField
    friction: float

    def add_to(self, mj: Any, name: str) -> Any:
        """The geom."""
        field, (rows, cols) = self.field, self.field.data.shape
        mj.add_hfield(name=name, nrow=rows, ncol=cols, size=list(field.size), userdata=field.data.reshape(-1))
        kind = mujoco.mjtGeom.mjGEOM_HFIELD
        return mj.worldbody.add_geom(name=name, type=kind, hfieldname=name, pos=list(field.pos))

    def height_map(self) -> HeightMap:
        """For who draws by himself, with heights in steps of 5 mm."""
        field, (half_x, half_y, rise, _) = self.field, self.field.size
        units = np.rint((field.data.T * rise + field.pos[2]) / _STEP).astype(np.int16)
        origin = field.pos[0] - half_x, field.pos[1] - half_y
        return HeightMap(units, 2.0 * half_x / (len(units) - 1), _STEP, origin)


@dataclass
class Mesh:
    """A mesh that is no lattice; all of them are cast to one height map."""

    vertices: np.ndarray
    faces: np.ndarray
    friction: float


def height_field(samples: Any, params: Any) -> Field:
    """A height field as the API takes it.

    Of a matrix, the axis whose neighbours lie further apart in memory is x: callers give it as it is or transposed. In
    a row of numbers, y comes first.
    """
    samples = np.asarray(samples)
    if samples.ndim == 2:
        heights = samples if samples.strides[0] >= samples.strides[1] else samples.T
    elif samples.size == params.nbRows * params.nbColumns:
        heights = samples.reshape(int(params.nbColumns), int(params.nbRows))
    else:
        raise UserError(
            f"add_heightfield: {samples.size} samples are not nbRows x nbColumns = {params.nbRows} x {params.nbColumns}"
        )
    if params.row_scale != params.column_scale:
        raise UserError("add_heightfield: row_scale and column_scale must be the same, cells are square")
    return _field(heights, params.row_scale, params.vertical_scale, params)


def _field(heights: np.ndarray, cell: float, vertical_scale: float, params: Any) -> Field:
    """Heights (rows along x, columns along y) at the place of a ground's parameters."""
    place = params.transform.p
    made = make_heightfield(HeightMap(heights, float(cell), float(vertical_scale), (place.x, place.y)))
    x, y, z = made.pos
    return Field(dataclasses.replace(made, pos=(x, y, z + place.z)), float(params.static_friction))


def triangle_mesh(vertices: np.ndarray, faces: np.ndarray, params: Any) -> Any:
    """A mesh: a height field where it is a lattice, whose vertices may have moved sideways under walls."""
    columns = int(faces[0, 1]) - 1 if len(faces) and faces[0, 0] == 0 and faces[0, 2] == 1 else 0
    rows = len(vertices) // columns if columns > 1 else 0
    if rows < 2 or rows * columns != len(vertices) or len(faces) != 2 * (rows - 1) * (columns - 1):
        turn, place = params.transform.r, params.transform.p
        moved = np.array(params.transform.transform_points(vertices)) if list(turn) != [0, 0, 0, 1] else vertices
        offset = 0.0 if moved is not vertices else np.array(list(place))
        return Mesh(moved + offset, faces, float(params.static_friction))
    lattice = vertices.reshape(rows, columns, 3)
    cell = float(np.median(np.diff(lattice[:, :, 1], axis=1)))
    return _field(lattice[:, :, 2].astype(np.float32), round(cell, 6), 1.0, params)


def merged(grounds: Sequence[Any]) -> List[Any]:
    """Pieces of ground with all meshes cast to one height field."""
    meshes = [ground for ground in grounds if isinstance(ground, Mesh)]
    rest = [ground for ground in grounds if not isinstance(ground, Mesh)]
    field = _cast(meshes)
    return rest if field is None else [*rest, field]


def _cast(meshes: Sequence[Mesh]) -> Optional[Field]:
    if not meshes:
        return None
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts)])
    area = float(np.prod(np.ptp(vertices[:, :2], axis=0)))
    cell = max(_CELL, round(float(np.sqrt(area / _MOST_VERTICES)), 3))
    ground = lay_out({"triangle mesh": TriangleMesh(vertices, faces)}, cell=cell).height_map
    return Field(make_heightfield(dataclasses.replace(ground, mesh=None)), meshes[-1].friction)
