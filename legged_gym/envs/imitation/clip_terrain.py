"""The ground of clips: level and rough tiles for mocap, and the meshes that videos were filmed on, side by side."""

from __future__ import annotations

import io
import os
from typing import Dict, List, Tuple

import numpy as np

from legged_gym.envs.imitation.clip_files import ClipSet, travel
from legged_gym.errors import UserError
from legged_gym.sim.spec import TriangleMesh
from legged_gym.terrain import Terrain
from legged_gym.terrain.height_map import HeightMap
from legged_gym.terrain.meshes import lay_out
from legged_gym.terrain.tile_grid import TileGrid

SPACING = 0.09
"""m between the vertices of rough tiles."""
# of each difficulty: vertices from one drawn height to the next, greatest height and standard deviation, m
_ROUGH = ((1, 0.010, 0.0030), (2, 0.035, 0.0123), (1, 0.100, 0.0303), (1, 0.125, 0.0352))
# m around what the roots of clips pass over: feet, arms and robots that stray
_AROUND = 2.0
_UNIT = 0.0005
_LEAST = 9.0


def rough_heights(difficulty: int, cells: Tuple[int, int], seed: int) -> np.ndarray:
    """(rows + 1, columns + 1) m, nearly independent from vertex to vertex; 0 for difficulty 0, which is flat."""
    if difficulty == 0:
        return np.zeros((cells[0] + 1, cells[1] + 1))
    step, most, deviation = _ROUGH[difficulty - 1]
    rng = np.random.default_rng((seed, difficulty))
    coarse = rng.normal(size=(cells[0] // step + 4, cells[1] // step + 4))
    # a little of the neighbours: 0.38 of the height is shared one cell on
    coarse = coarse + 0.22 * (
        np.roll(coarse, 1, 0) + np.roll(coarse, -1, 0) + np.roll(coarse, 1, 1) + np.roll(coarse, -1, 1)
    )
    coarse *= deviation / coarse.std()
    for axis in (0, 1) if step == 2 else ():
        coarse = np.repeat(coarse, 2, axis)
        coarse = 0.5 * (coarse + np.roll(coarse, -1, axis))
    return np.clip(coarse[: cells[0] + 1, : cells[1] + 1], -most, most)


class ClipTerrain(Terrain):
    """Tiles along +x: one for each difficulty, then one for each mesh; a clip's origin is that of its tile.

    Attributes:
        first_tile: of each clip.
        num_tiles: of each clip, among which an episode draws one.
    """

    def __init__(self, clips: ClipSet, difficulties: int, seed: int) -> None:
        """Lay the tiles out.

        Args:
            clips: whose ground it is.
            difficulties: how many kinds of tiles mocap clips have, the flat one first.
            seed: of rough tiles.

        Raises:
            UserError: the map would be too large.
        """
        mocap = [file for file in clips.files if not file.mesh]
        names = [f"rough_d{k}" if k else "flat" for k in range(difficulties if mocap else 0)]
        tiles: Dict[str, np.ndarray] = {}
        corner, cells = (0.0, 0.0), (0, 0)
        if mocap:
            corner, cells = _tile_of(travel(mocap))
            tiles = {name: rough_heights(k, cells, seed) for k, name in enumerate(names)}
        if clips.meshes:
            meshes = {name: _mesh(heights, corner) for name, heights in tiles.items()}
            ground = lay_out({**meshes, **clips.meshes})
            height_map, offsets = ground.height_map, ground.offsets[:, 0]
        else:
            height_map, offsets = _side_by_side(list(tiles.values()), corner)
        names += [path for path in clips.meshes]
        size = [n * height_map.horizontal_scale for n in height_map.units.shape]
        grid = TileGrid(len(names), 1, size[0] / len(names), size[1])
        grid.names, grid.starts[:, 0] = [[name] for name in names], offsets
        self.border_size = 0.0
        self._describe(height_map, grid)
        self.heights = height_map.heights
        self.first_tile = [names.index(file.mesh) if file.mesh else 0 for file in clips.files]
        self.num_tiles = [1 if file.mesh else difficulties for file in clips.files]


def saved_ground(path: str, mesh: TriangleMesh) -> bytes:
    """The content of a terrain.npz, see docs/exported_policies.md, of a mesh in the frame of its clip."""
    ground, buffer = lay_out({path: mesh}), io.BytesIO()
    height_map, (x, y, _) = ground.height_map, ground.offsets[0, 0]
    np.savez_compressed(
        buffer,
        heights=height_map.units.astype(np.int32),
        unit=height_map.vertical_scale,
        cell=height_map.horizontal_scale,
        origin=np.subtract(height_map.origin, (x, y)),
        starts=np.zeros((1, 3)),
        names=np.array([os.path.basename(path)]),
    )
    return buffer.getvalue()


def _tile_of(reach: Tuple[float, float, float, float]) -> Tuple[Tuple[float, float], Tuple[int, int]]:
    """Lower corner, m, and cells of a tile that clips within x0, x1, y0, y1 do not leave."""
    x0, x1, y0, y1 = reach
    lows = [min(-0.5 * _LEAST, low - _AROUND) for low in (x0, y0)]
    highs = [max(0.5 * _LEAST, high + _AROUND) for high in (x1, y1)]
    first = [int(np.floor(low / SPACING)) for low in lows]
    cells = [int(np.ceil(high / SPACING)) - start for high, start in zip(highs, first)]
    if cells[0] * cells[1] > 10_000_000:
        raise UserError(
            f"clips go {x1 - x0:.0f} x {y1 - y0:.0f} m: check their units, or give level ground,"
            " env.deepmimic.amass_terrain_difficulty=1"
        )
    return (first[0] * SPACING, first[1] * SPACING), (cells[0], cells[1])


def _side_by_side(tiles: List[np.ndarray], corner: Tuple[float, float]) -> Tuple[HeightMap, np.ndarray]:
    """A map of tiles along +x, and where the origin of each is."""
    heights = np.concatenate([*(tile[:-1] for tile in tiles[:-1]), tiles[-1]])
    units = np.round(heights / _UNIT).astype(np.int16)
    offsets = np.zeros((len(tiles), 3))
    offsets[:, 0] = np.arange(len(tiles)) * (len(tiles[0]) - 1) * SPACING
    return HeightMap(units, SPACING, _UNIT, corner), offsets


def _mesh(heights: np.ndarray, corner: Tuple[float, float]) -> TriangleMesh:
    """Two triangles a cell; a flat tile is two in all."""
    if not heights.any():
        heights, spacing = heights[:: len(heights) - 1, :: heights.shape[1] - 1], np.array(heights.shape) - 1.0
    else:
        spacing = np.ones(2)
    rows, columns = heights.shape
    x, y = np.meshgrid(np.arange(rows) * spacing[0], np.arange(columns) * spacing[1], indexing="ij")
    vertices = np.stack((corner[0] + SPACING * x, corner[1] + SPACING * y, heights), axis=-1).reshape(-1, 3)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    faces = [
        (first, first + columns, first + columns + 1),
        (first, first + columns + 1, first + 1),
    ]
    return TriangleMesh(vertices, np.concatenate([np.stack(face, axis=1) for face in faces]))
