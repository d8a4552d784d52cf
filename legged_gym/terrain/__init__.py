"""Terrain as a height map: shapes, grids of levels x types, and the height field that physics stands on.

Pure numpy. `make_terrain` makes a `HeightMap` and a `TileGrid`, of tiles (`Terrain`) or of meshes (`MeshTerrain`);
`make_heightfield` describes the map to MuJoCo.
"""

from __future__ import annotations

from legged_gym.sim.spec import HeightField
from legged_gym.terrain.height_map import HeightMap
from legged_gym.terrain.heightfield import make_heightfield
from legged_gym.terrain.mesh_terrain import MeshTerrain, make_terrain
from legged_gym.terrain.meshes import MeshGround, lay_out, read_mesh
from legged_gym.terrain.terrain import Terrain, has_lanes, uses_height_map
from legged_gym.terrain.tile_grid import TileGrid

__all__ = [
    "HeightField", "HeightMap", "MeshGround", "MeshTerrain", "Terrain", "TileGrid", "has_lanes", "lay_out",
    "make_heightfield", "make_terrain", "read_mesh", "uses_height_map",
]  # fmt: skip
