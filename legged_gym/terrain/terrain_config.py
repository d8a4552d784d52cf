"""Settings of the ground."""

from __future__ import annotations

from typing import Any, List, Optional

from legged_gym.setting_types import Anything, ByName, Items, Number
from legged_gym.settings import flag, names, number, numbers, setting, span, text

_PLACE = Number(unit="m", low=-1000, high=1000)


class TerrainCfg:
    """The section `terrain`."""

    # None, `none`, `plane`: a plane; `heightfield`, `trimesh`: a map of tiles; `mesh`: the files `mesh_files`
    mesh_type: Optional[str] = text("trimesh", ("none", "plane", "heightfield", "trimesh", "mesh"), none=True)
    # `trimesh`: walls are `horizontal_scale / edge_refinement` thick; memory grows with the square
    edge_refinement = number(1, low=1, high=64)
    horizontal_scale = number(0.1, "m", above=0, high=10)  # a cell
    vertical_scale = number(0.005, "m", above=0, high=1)  # a unit of height
    border_size = number(25.0, "m", low=0, high=1000)  # flat ground around the tiles
    curriculum = flag(True)  # rows are levels, robots move up and down; off on a plane
    static_friction = number(1.0, low=0, high=100)  # of the ground; averaged with the robot's
    measure_heights = flag(True)  # compute the height scan
    # of the height scan, forward of the base (outer loop) and turned by yaw alone
    measured_points_x = numbers(
        [round(-0.8 + 0.1 * i, 1) for i in range(17)], "m", length=(1, None), low=-100, high=100
    )
    # left of the base (inner loop)
    measured_points_y = numbers(
        [round(-0.5 + 0.1 * i, 1) for i in range(11)], "m", length=(1, None), low=-100, high=100
    )
    selected = flag(False)  # every tile is what `terrain_kwargs` says
    terrain_kwargs: Any = setting(None, ByName(True, Anything(True)))  # `{type: name, ...}`, see below
    max_init_terrain_level = number(5, low=0)  # with a curriculum, robots start at levels 0 to this
    terrain_length = number(8.0, "m", above=0, high=1000)  # of a tile, along x
    terrain_width = number(8.0, "m", above=0, high=1000)  # of a tile, along y
    num_rows = number(10, low=1, high=1000)  # levels
    num_cols = number(20, low=1, high=1000)  # types
    # fractions of the types, see below
    terrain_proportions = numbers([0.1, 0.1, 0.35, 0.25, 0.2], length=(1, 7), low=0, high=1)
    slope_treshold = number(0.75, low=0, high=1e6)  # `trimesh`, refined: steeper edges become walls
    # recipes, one column each in turn, instead of `terrain_proportions`
    tile_types: Optional[List[str]] = names(None)
    # difficulty of the first and the last row; None: row / `num_rows`
    difficulty_range: Optional[List[float]] = span(None, low=0, high=1)
    # rows before these in training: the ground of the first, but lower, row by row nearer to its full height
    easy_rows = number(0, low=0, high=999)
    # at difficulty 0 and 1: amplitude of fractal roughness on every tile
    roughness: Optional[List[float]] = numbers(None, "m", length=2, low=0, high=10)
    # `mesh`: OBJ, PLY or STL files, or patterns of them, side by side along +x
    mesh_files: Optional[List[str]] = names(None, least=1)
    # `mesh`: [x, y, z] m that each is moved by, or one for all; robots start over x = y = 0
    mesh_offsets: Optional[List[List[float]]] = setting(None, Items(True, Items(False, _PLACE, 3, 3), 1))
    mesh_oversample = number(1, low=1, high=1000)  # `mesh`: how often each of them stands there
    n_rows = number(1, low=1, high=100_000)  # `mesh`: copies of all that along +y
