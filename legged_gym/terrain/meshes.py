"""Meshes as ground: triangles of others, cast from above to one height map on which each has its place."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Sequence, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.sim.spec import TriangleMesh
from legged_gym.terrain.height_map import HeightMap

CELL, UNIT = 0.025, 0.001
"""m between vertices, and m a unit of height, of the map of a mesh."""

_KINDS = (".obj", ".ply", ".stl")
# cells around a map, and m that ground without a triangle above it lies below the lowest vertex
_MARGIN, _BELOW = 2, 0.05
# m: less free height under a surface is no overhang
_CLEARANCE = 0.1
_MOST_VERTICES, _INT16_MAX = 200_000_000, 32_767
# crossings of triangles with vertical lines that are worked out at once
_CHUNK = 4_000_000
# rounding may not open gaps between triangles; share of one
_EDGE = 1e-6


@dataclass
class MeshGround:
    """Meshes side by side, M along +x and R copies of the row along +y.

    Attributes:
        height_map: of all of them; its `mesh` is what rays see.
        offsets: (M, R, 3) m, where the origin of each mesh is.
    """

    height_map: HeightMap
    offsets: np.ndarray


def read_mesh(path: str) -> TriangleMesh:
    """Read an OBJ, PLY or STL file, z up and in m.

    Raises:
        UserError: it cannot be read, has no triangles or a vertex that is no number; or trimesh is missing.
    """
    if os.path.splitext(path)[1].lower() not in _KINDS:
        raise UserError(f"{path}: no mesh; known are {', '.join(_KINDS)}")
    if not os.path.isfile(path):
        raise UserError(f"there is no mesh {path}")
    try:
        import trimesh
    except ImportError:
        raise UserError("meshes as ground need trimesh: pip install -e .[motions]") from None
    try:
        loaded: Any = trimesh.load(path, force="mesh", process=False)
        vertices, faces = np.asarray(loaded.vertices, dtype=np.float64), np.asarray(loaded.faces, dtype=np.int64)
    except Exception as error:  # damage shows up as any of a dozen exception types
        raise UserError(f"{path}: no mesh that can be read ({' '.join(str(error).split())})") from None
    if not faces.size:
        raise UserError(f"{path}: a mesh without triangles; export faces, and not points or lines alone")
    if not np.isfinite(vertices).all():
        raise UserError(f"{path}: {int((~np.isfinite(vertices)).any(1).sum())} vertices are no numbers; export it anew")
    return TriangleMesh(vertices, faces)


def lay_out(
    meshes: Dict[str, TriangleMesh],
    rows: int = 1,
    oversample: int = 1,
    cell: float = CELL,
    unit: float = UNIT,
    border: int = _MARGIN,
) -> MeshGround:
    """Give meshes their places on one map: each `oversample` times along +x, all of that `rows` times along +y.

    Tiles are as large as what the meshes cover together, in whole cells, so that none reaches into another's. Where no
    mesh is, there is a floor below all of them, for rays too. Prints which meshes have overhangs, which the map fills.

    Args:
        meshes: by name, as messages tell them.
        rows: R.
        oversample: how often each mesh stands there; M = meshes * oversample.
        cell: m between vertices.
        unit: m a unit of height.
        border: cells of floor around the tiles.

    Raises:
        UserError: there is no mesh, no row or no cell; or the map would be too large.
    """
    _check_layout(rows, oversample, border, cell, unit)
    if not meshes:
        raise UserError("meshes as ground: no mesh was given")
    low = np.min([mesh.vertices.min(0) for mesh in meshes.values()], axis=0)
    high = np.max([mesh.vertices.max(0) for mesh in meshes.values()], axis=0)
    first = np.floor(low[:2] / cell + 1e-6).astype(int)
    size = np.maximum(np.ceil(high[:2] / cell - 1e-6).astype(int) - first, 1)
    count = len(meshes) * oversample
    shape = (count * int(size[0]) + 2 * border + 1, rows * int(size[1]) + 2 * border + 1)
    if shape[0] * shape[1] > _MOST_VERTICES:
        raise UserError(
            f"{count} x {rows} meshes of {size[0] * cell:.1f} x {size[1] * cell:.1f} m in cells of {cell:g} m make a "
            f"map of {shape[0]} x {shape[1]} vertices: take fewer rows, less border or larger cells, or check the units"
        )
    base = math.floor((low[2] - _BELOW) / unit)
    units = np.full(shape, base, dtype=np.int32)
    offsets = np.zeros((count, rows, 3))
    offsets[..., 0] = (size[0] * cell * np.arange(count))[:, None]
    offsets[..., 1] = size[1] * cell * np.arange(rows)
    corner, begin = (first - border) * cell, border - _MARGIN
    for number, (name, mesh) in enumerate(meshes.items()):
        around = (int(size[0]) + 2 * _MARGIN + 1, int(size[1]) + 2 * _MARGIN + 1)
        tops = np.round(_tops(name, mesh, (first - _MARGIN) * cell, around, cell) / unit)
        tops = np.where(np.isfinite(tops), tops, base).astype(np.int32)
        for column in range(number * oversample, (number + 1) * oversample):
            for row in range(rows):
                part = units[begin + column * size[0] :, begin + row * size[1] :][: tops.shape[0], : tops.shape[1]]
                np.maximum(part, tops, out=part)
    if max(-units.min(), units.max()) > _INT16_MAX:
        raise UserError(
            f"meshes between {low[2]:g} and {high[2]:g} m high: move them to height 0, or take larger units"
        )
    floor = _floor(corner, corner + (np.array(shape) - 1) * cell, base * unit)
    whole = _joined([mesh for mesh in meshes.values() for _ in range(oversample)], offsets, floor)
    height_map = HeightMap(units.astype(np.int16), cell, unit, (float(corner[0]), float(corner[1])), whole)
    return MeshGround(height_map, offsets)


def _check_layout(rows: int, oversample: int, border: int, cell: float, unit: float) -> None:
    for what, least, given in (("rows", 1, rows), ("oversample", 1, oversample), ("border", _MARGIN, border)):
        if given < least:
            raise UserError(f"meshes as ground: {what} is {given}; give {least} or more")
    for what, length in (("a cell", cell), ("a unit of height", unit)):
        if not 0.0 < length < math.inf:
            raise UserError(f"meshes as ground: {what} of {length:g} m; give a positive length")


def _floor(corner: np.ndarray, end: np.ndarray, height: float) -> TriangleMesh:
    corners = (corner, (end[0], corner[1]), end, (corner[0], end[1]))
    return TriangleMesh(np.array([[x, y, height] for x, y in corners]), np.array([[0, 1, 2], [0, 2, 3]]))


def _joined(meshes: Sequence[TriangleMesh], offsets: np.ndarray, floor: TriangleMesh) -> TriangleMesh:
    vertices = [mesh.vertices + offset for mesh, row in zip(meshes, offsets) for offset in row] + [floor.vertices]
    faces = [mesh.faces for mesh, row in zip(meshes, offsets) for _ in row] + [floor.faces]
    begins = np.cumsum([0, *map(len, vertices)])
    return TriangleMesh(np.concatenate(vertices), np.concatenate([f + b for f, b in zip(faces, begins)]))


def _tops(name: str, mesh: TriangleMesh, corner: np.ndarray, shape: Tuple[int, int], cell: float) -> np.ndarray:
    """Highest surface over each vertex of a map, -inf where there is none; says what is lost under it."""
    places, heights, upward = (np.concatenate(part) for part in zip(*_crossings(mesh, corner, shape, cell)))
    if not len(places):
        raise UserError(f"{name}: nothing of it is seen from above in cells of {cell:g} m: write it with z up, in m")
    tops = np.full(shape[0] * shape[1], -np.inf)
    np.maximum.at(tops, places, heights)
    room = _room(places, heights, upward)
    if len(room):
        share = 100.0 * len(room) / max(1, int(np.isfinite(tops).sum()))
        print(
            f"warning: {os.path.basename(name)}: under {max(share, 0.1):.1f} % of it there is room, up to "
            f"{room.max():.2f} m high, that a height field fills: robots cannot go below overhangs, which rays see"
        )
    return tops.reshape(shape)


def _crossings(
    mesh: TriangleMesh, corner: np.ndarray, shape: Tuple[int, int], cell: float
) -> Iterator[Tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Where vertical lines through the vertices of a map meet triangles: (n,) vertex, height, whether from above."""
    corners = mesh.vertices[mesh.faces]
    corners[..., :2] = (corners[..., :2] - corner) / cell
    flat = corners[..., :2]
    area = _cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0])
    low = np.maximum(np.ceil(flat.min(1) - 1e-6), 0).astype(np.int64)
    high = np.minimum(np.floor(flat.max(1) + 1e-6), np.array(shape) - 1).astype(np.int64)
    spans = np.maximum(high - low + 1, 0)
    sizes = np.where(np.abs(area) > 1e-12, spans.prod(axis=1), 0)
    ends = np.cumsum(sizes)
    first = 0
    yield np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool)
    while first < len(sizes):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _CHUNK, side="right")))
        chosen = np.repeat(np.arange(first, last), sizes[first:last])
        within = np.arange(len(chosen)) - (ends - sizes)[chosen] + done
        spot = low[chosen] + np.stack((within // spans[chosen, 1], within % spans[chosen, 1]), axis=1)
        one, two, three = flat[chosen].transpose(1, 0, 2)
        weights = [_cross(three - two, spot - two), _cross(one - three, spot - three), _cross(two - one, spot - one)]
        parts = np.stack(weights, axis=1) / area[chosen, None]
        inside = (parts >= -_EDGE).all(axis=1)
        heights = (parts * corners[chosen, :, 2]).sum(1)[inside]
        yield (spot[inside] @ np.array([shape[1], 1])), heights, area[chosen][inside] > 0
        first = last


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    product: np.ndarray = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def _room(places: np.ndarray, heights: np.ndarray, upward: np.ndarray) -> np.ndarray:
    """Free heights (n,) m under the surface, one for each vertex that has some.

    From above, a line enters something solid where a surface looks up and leaves it where one looks down; what lies
    deeper than an exit and above the next entry is free. Triangles on an edge that is shared are met twice, at one
    height, which does not matter.
    """
    heights = heights.round(4)  # single precision of a file may not tell apart what stands side by side
    order = np.lexsort((upward, -heights, places))
    places, heights, upward = places[order], heights[order], upward[order]
    # crossings of shared edges: one of each kind and height is enough
    twin = np.zeros(len(places), bool)
    twin[1:] = (places[1:] == places[:-1]) & (heights[1:] == heights[:-1]) & (upward[1:] == upward[:-1])
    places, heights, upward = places[~twin], heights[~twin], upward[~twin]
    if not len(places):
        return np.zeros(0)
    step = np.where(upward, 1, -1)
    begins = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
    depth = np.cumsum(step)
    depth -= np.repeat(depth[begins] - step[begins], np.diff(np.append(begins, len(places))))
    same = np.append(places[1:] == places[:-1], False)
    gap = np.where(same, heights - np.append(heights[1:], 0.0), 0.0)
    free = (depth <= 0) & (gap > _CLEARANCE)
    _, which = np.unique(places[free], return_inverse=True)
    room = np.zeros(which.max() + 1 if which.size else 0)
    np.maximum.at(room, which, gap[free])
    return room
