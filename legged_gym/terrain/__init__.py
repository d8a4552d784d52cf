"""Terrain as a height map: shapes, grids of levels x types, and the height field that physics stands on.

Pure numpy. `Terrain` makes the map, `make_heightfield` describes it to MuJoCo.
"""

from __future__ import annotations

from legged_gym.terrain.heightfield import HeightField, make_heightfield
from legged_gym.terrain.terrain import Terrain, uses_height_map

__all__ = ["HeightField", "Terrain", "make_heightfield", "uses_height_map"]
