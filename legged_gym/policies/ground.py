"""The terrain that goes with a policy that sees: a few tiles of its task, as the physics has them, for other programs.

``terrain.npz``: `heights` (rows along x, columns along y) int32 in units of `unit` m, `cell` m between vertices,
`origin` x and y of the first vertex, `starts` (n, 3) m where robots begin, `names` (n,) of the tiles they then cross,
`goals` (n, k, 3) m on the way, k 0 where the task has none.
"""

from __future__ import annotations

import copy
import io
from typing import Any, List, Mapping, Optional

import numpy as np

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.world import physics_ground
from legged_gym.terrain import make_terrain, uses_height_map

GROUND_SEED = 1000
"""Of the tiles: those of an evaluation and not of a training."""

_DIFFICULTIES = [0.25, 0.5]
_BORDER, _MOST_COLUMNS = 3.0, 10


def with_saved_terrain(cfg: LeggedRobotCfg) -> None:
    """Change a config so that its terrain is the one that is saved: each type of tile at two difficulties."""
    terrain = cfg.terrain
    terrain.n_rows = terrain.mesh_oversample = 1
    terrain.curriculum, terrain.difficulty_range, terrain.num_rows = True, list(_DIFFICULTIES), len(_DIFFICULTIES)
    terrain.easy_rows = 0
    terrain.border_size = min(terrain.border_size, _BORDER)
    if terrain.tile_types:
        terrain.tile_types = list(dict.fromkeys(terrain.tile_types))
    terrain.num_cols = len(terrain.tile_types) if terrain.tile_types else min(terrain.num_cols, _MOST_COLUMNS)


def sees(description: Mapping[str, Any]) -> bool:
    """Whether a policy sees the ground: by a scan or a camera."""
    terms: List[Mapping[str, Any]] = [
        term for group in description["observations"].values() for term in group.get("terms", [])
    ]
    return any("points_x" in term or "camera" in term for term in terms)


def saved_terrain(cfg: LeggedRobotCfg) -> Optional[bytes]:
    """The content of the file for the terrain of a config; None for a plane."""
    if not uses_height_map(cfg.terrain.mesh_type):
        return None
    cfg = copy.deepcopy(cfg)
    with_saved_terrain(cfg)
    terrain = make_terrain(cfg.terrain, GROUND_SEED)
    field = physics_ground(cfg, terrain.height_map)
    rows = field.data.shape[1]
    refined = (rows - 1) // (len(terrain.height_map.units) - 1)
    unit = terrain.vertical_scale / refined**2
    heights = field.data.T.astype(float) * field.size[2] + field.pos[2]
    tiles = [(row, column) for row in range(terrain.num_rows) for column in range(terrain.num_cols)]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        heights=np.round(heights / unit).astype(np.int32),
        unit=unit,
        cell=terrain.horizontal_scale / refined,
        origin=terrain.height_map.origin,
        starts=np.array([terrain.env_origins[tile] for tile in tiles]),
        goals=np.array([terrain.tiles.goals[tile] for tile in tiles]),
        names=np.array([_name(terrain.tile_types[row][col], terrain.difficulties[row, col]) for row, col in tiles]),
    )
    return buffer.getvalue()


def _name(tile_type: str, difficulty: float) -> str:
    """Of a tile: meshes and selected shapes have no difficulty."""
    return tile_type if np.isnan(difficulty) else f"{tile_type}, {difficulty:g}"
