"""The ground as triangles: as few as show every height, and of large rough maps only so many heights."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import numpy as np

from legged_gym.sim.pictures.scenery import GROUND_COLORS, GROUND_SQUARE

if TYPE_CHECKING:
    from legged_gym.terrain.height_map import HeightMap

# m, half a side of a ground without a map, and of the border of a map that is drawn
PLANE_REACH = 50.0
# pixels of one square of the checkerboard
_SQUARE_PIXELS = 32
_LARGEST_BLOCK = 64  # cells
MOST_QUADS = 120_000
"""Squares that a page has no trouble with."""


def ground_glb(height_map: Optional[HeightMap]) -> bytes:
    """The ground as a GLB file, z up; None for a plane at height 0."""
    if height_map is None:
        corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * PLANE_REACH
        return _checkered(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    return _checkered(*ground_triangles(height_map))


def ground_triangles(height_map: HeightMap, most: int = MOST_QUADS) -> Tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3), m, and faces (F, 3) of a map.

    Square blocks of cells that lie in one plane are two triangles. Where that leaves more than `most` blocks, only
    every second vertex of the map is drawn, or every fourth ...
    """
    stride = 1
    quads = _quads(height_map.units)
    while len(quads) > most:
        stride *= 2
        quads = _quads(height_map.units[::stride, ::stride])
    units, scale = height_map.units[::stride, ::stride], stride * height_map.horizontal_scale
    columns = units.shape[1]
    used, index = np.unique(quads, return_inverse=True)
    quads = index.reshape(quads.shape)
    row, col = used // columns, used % columns
    x, y = (start + scale * place for start, place in zip(height_map.origin, (row, col)))
    vertices = np.stack((x, y, units[row, col] * height_map.vertical_scale), axis=1)
    return vertices, np.concatenate((quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]))


def _quads(units: np.ndarray) -> np.ndarray:
    """Corners (n, 4) of blocks, counter-clockwise from above, as indices into the flattened map."""
    columns, corners = units.shape[1], []
    for i, j, size in _blocks(units.astype(np.int64)):
        first, last = i * columns + j, (i + size) * columns + j
        corners.append(np.stack((first, last, last + size, first + size), axis=1))
    return np.concatenate(corners)


def _blocks(units: np.ndarray) -> List[Tuple[np.ndarray, np.ndarray, int]]:
    """Corners (n,), (n,) and size, in cells, of the largest squares that lie in a plane each."""
    rows, cols = units.shape[0] - 1, units.shape[1] - 1
    size = 1
    flat = np.ones((rows, cols), dtype=bool)  # squares of this size that are one block
    found = []
    while size < _LARGEST_BLOCK:
        half, size = size, 2 * size
        n, m = rows // size, cols // size
        corner = units[: n * size + 1 : size, : m * size + 1 : size]
        inner = units[: n * size + 1 : half, : m * size + 1 : half]
        a, b, c, d = corner[:-1, :-1], corner[1:, :-1], corner[:-1, 1:], corner[1:, 1:]
        sides, ends = inner[1::2, ::2], inner[::2, 1::2]  # middles of the edges along x, and along y
        whole = (a + d == b + c) & (2 * inner[1::2, 1::2] == a + d)
        whole &= (2 * sides[:, :-1] == a + b) & (2 * sides[:, 1:] == c + d)
        whole &= (2 * ends[:-1] == a + c) & (2 * ends[1:] == b + d)
        for di in (0, 1):
            for dj in (0, 1):
                whole = whole & flat[di : 2 * n : 2, dj : 2 * m : 2]
        kept = flat.copy()
        kept[: 2 * n, : 2 * m] &= ~whole.repeat(2, axis=0).repeat(2, axis=1)
        i, j = np.nonzero(kept)
        found.append((i * half, j * half, half))
        flat = whole
    i, j = np.nonzero(flat)
    found.append((i * size, j * size, size))
    return [block for block in found if len(block[0])]


def _checkered(vertices: np.ndarray, faces: np.ndarray) -> bytes:
    """With the checkerboard of pictures; without normals, so that edges stay sharp."""
    import trimesh
    from PIL import Image

    colors = (255.0 * np.array(GROUND_COLORS)).astype(np.uint8)
    board = colors[np.array([[0, 1], [1, 0]])].repeat(_SQUARE_PIXELS, axis=0).repeat(_SQUARE_PIXELS, axis=1)
    material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=Image.fromarray(board), metallicFactor=0.0, roughnessFactor=1.0
    )
    visual = trimesh.visual.TextureVisuals(uv=vertices[:, :2] / (2.0 * GROUND_SQUARE), material=material)
    mesh = trimesh.Trimesh(vertices, faces, visual=visual, process=False)
    return to_glb(mesh)


def to_glb(mesh: Any) -> bytes:
    """A trimesh.Trimesh as a GLB file."""
    import trimesh

    file = io.BytesIO()
    trimesh.Scene(mesh).export(file, file_type="glb", tree_postprocessor=_make_matt)
    return file.getvalue()


def _make_matt(tree: Dict[str, Any]) -> None:
    """Give what has no material one: by the format's default it would be metal, which is black under plain lights."""
    if "materials" not in tree:
        tree["materials"] = [{"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.8}}]
        for primitive in (each for mesh in tree["meshes"] for each in mesh["primitives"]):
            primitive["material"] = 0
