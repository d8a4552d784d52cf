"""Meshes as the ground of a task: each is a level of the grid, along +x, and its copies along +y are the types."""

from __future__ import annotations

import glob
import os
from typing import Dict, List, Sequence

import numpy as np

from legged_gym.errors import UserError
from legged_gym.reading import path_of
from legged_gym.settings import SectionOf
from legged_gym.sim.spec import TriangleMesh
from legged_gym.terrain.height_map import HeightMap
from legged_gym.terrain.meshes import lay_out, read_mesh
from legged_gym.terrain.terrain import Terrain
from legged_gym.terrain.terrain_config import TerrainCfg
from legged_gym.terrain.tile_grid import START_REACH, TileGrid


def make_terrain(cfg: SectionOf[TerrainCfg], seed: int) -> Terrain:
    """The ground of a config whose `mesh_type` asks for a map.

    Raises:
        UserError: as `Terrain` and `MeshTerrain`.
    """
    return MeshTerrain(cfg) if cfg.mesh_type == "mesh" else Terrain(cfg, seed)


class MeshTerrain(Terrain):
    """The files `terrain.mesh_files` as one height map; rays see the meshes.

    Robots start over the origin of each mesh, or over its middle where it has no surface there.

    Attributes:
        mesh_offsets: (M, R, 3) m, where the origin of each mesh is, moved by `terrain.mesh_offsets` before.
    """

    def __init__(self, cfg: SectionOf[TerrainCfg]) -> None:
        """Read the meshes and cast them.

        Raises:
            UserError: a file is missing or no mesh, offsets do not fit to them, or the map would be too large.
        """
        meshes = _read(cfg)
        cell, each, rows = float(cfg.horizontal_scale), int(cfg.mesh_oversample), int(cfg.n_rows)
        border = max(2, round(cfg.border_size / cell))
        ground = lay_out(meshes, rows, each, cell, float(cfg.vertical_scale), border)
        self.border_size, self.mesh_offsets = border * cell, ground.offsets
        cells = np.array(ground.height_map.units.shape) - 1 - 2 * border
        count = len(meshes) * each
        tiles = TileGrid(count, rows, float(cells[0] // count * cell), float(cells[1] // rows * cell))
        for number, (path, mesh) in enumerate(meshes.items()):
            levels = slice(number * each, (number + 1) * each)
            name = os.path.splitext(os.path.basename(path))[0]
            tiles.names[levels] = [[name] * rows for _ in range(each)]
            start = _start(path, mesh, ground.height_map, ground.offsets[levels.start, 0, :2])
            tiles.starts[levels] = ground.offsets[levels] + start
        self._describe(ground.height_map, tiles)
        self.heights = self.height_map.heights


def _read(cfg: SectionOf[TerrainCfg]) -> Dict[str, TriangleMesh]:
    """Meshes by file, each moved by its offset."""
    files = find_meshes(cfg.mesh_files or [])
    offsets = np.array(cfg.mesh_offsets or [[0.0, 0.0, 0.0]])
    if len(offsets) not in (1, len(files)):
        raise UserError(f"env.terrain.mesh_offsets: {len(offsets)} offsets for {len(files)} meshes; give one for each")
    offsets = np.broadcast_to(offsets, (len(files), 3))
    meshes = {path: read_mesh(path) for path in files}
    return {path: mesh._replace(vertices=mesh.vertices + by) for (path, mesh), by in zip(meshes.items(), offsets)}


def find_meshes(patterns: Sequence[str]) -> List[str]:
    """Files that patterns name, in order, each pattern's by name.

    Raises:
        UserError: a pattern matches nothing, or a file is named twice.
    """
    files: List[str] = []
    for pattern in patterns:
        place = path_of(pattern)
        found = [place] if os.path.isfile(place) else sorted(glob.glob(place, recursive=True))
        if not found:
            raise UserError(f"env.terrain.mesh_files: no file matches {pattern}")
        files += found
    twice = sorted({path for path in files if files.count(path) > 1})
    if twice:
        raise UserError(f"env.terrain.mesh_files: {twice[0]} is named twice; mesh_oversample repeats every mesh")
    return files


def _start(path: str, mesh: TriangleMesh, ground: HeightMap, offset: np.ndarray) -> List[float]:
    """Where robots start, m from the origin of a mesh: as high as the highest point within reach."""
    low, high = mesh.vertices.min(0)[:2], mesh.vertices.max(0)[:2]
    middle: np.ndarray = 0.5 * (low + high)
    name = os.path.basename(path)
    for place in (np.zeros(2), middle):
        highest = [_highest(ground, place + offset, low + offset, high + offset, reach) for reach in (0.0, START_REACH)]
        if highest[0] > ground.units.min():
            if place is middle:
                print(f"note: {name}: no surface at its origin; robots start at ({middle[0]:.2f}, {middle[1]:.2f})")
            return [*place.tolist(), highest[1] * ground.vertical_scale]
    raise UserError(
        f"{path}: no surface at its origin, where robots start, nor in its middle: move it by env.terrain.mesh_offsets"
    )


def _highest(ground: HeightMap, place: np.ndarray, low: np.ndarray, high: np.ndarray, reach: float) -> int:
    """Units of height around a place, within a rectangle."""
    corners = np.stack((np.maximum(place - reach, low), np.minimum(place + reach, high))) - ground.origin
    (i, j), (k, m) = np.round(corners / ground.horizontal_scale).astype(int)
    units = ground.units[max(0, i) : k + 1, max(0, j) : m + 1]
    return int(units.max()) if units.size else int(ground.units.min())
