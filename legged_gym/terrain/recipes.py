"""How hard a tile is: which shape, and of which size, belongs to a difficulty between 0 and 1.

The geometry is that of "Learning to Walk in Minutes Using Massively Parallel Deep Reinforcement Learning"
(arXiv 2109.11978), as legged_gym published it; lanes and parkour are described in modules of their own.
"""

from __future__ import annotations

from typing import Callable, Dict, Sequence

import numpy as np

from legged_gym.errors import UserError
from legged_gym.terrain.lanes import lane_curbs, lane_flat, lane_gaps, lane_stairs, lane_stones
from legged_gym.terrain.parkour_tiles import (
    parkour_demo,
    parkour_flat,
    parkour_gap,
    parkour_hurdle,
    parkour_step,
    parkour_stones,
)
from legged_gym.terrain.sub_terrains import (
    Tile,
    discrete_obstacles_terrain,
    gap_terrain,
    pit_terrain,
    pyramid_sloped_terrain,
    pyramid_stairs_terrain,
    random_uniform_terrain,
    stepping_stones_terrain,
)

_TREAD = 0.31


def _slope(difficulty: float) -> float:
    return 0.4 * difficulty


def _riser(difficulty: float) -> float:
    return 0.05 + 0.18 * difficulty


def smooth_slope(tile: Tile, difficulty: float) -> None:
    """A pyramid; the robot starts on top."""
    pyramid_sloped_terrain(tile, slope=_slope(difficulty), platform_size=3.0)


def smooth_slope_inverted(tile: Tile, difficulty: float) -> None:
    """A pyramid upside down; the robot starts at the bottom."""
    pyramid_sloped_terrain(tile, slope=-_slope(difficulty), platform_size=3.0)


def rough_slope(tile: Tile, difficulty: float) -> None:
    """A pyramid with 5 cm of roughness."""
    smooth_slope(tile, difficulty)
    random_uniform_terrain(tile, min_height=-0.05, max_height=0.05, step=0.005, downsampled_scale=0.2)


def stairs_up(tile: Tile, difficulty: float) -> None:
    """Stairs that the robot climbs on its way out of the tile: it starts at the bottom."""
    pyramid_stairs_terrain(tile, step_width=_TREAD, step_height=-_riser(difficulty), platform_size=3.0)


def stairs_down(tile: Tile, difficulty: float) -> None:
    """Stairs that the robot descends on its way out of the tile: it starts on top."""
    pyramid_stairs_terrain(tile, step_width=_TREAD, step_height=_riser(difficulty), platform_size=3.0)


def discrete_obstacles(tile: Tile, difficulty: float) -> None:
    """Twenty blocks and holes around a flat middle."""
    discrete_obstacles_terrain(
        tile, max_height=0.05 + 0.2 * difficulty, min_size=1.0, max_size=2.0, num_rects=20, platform_size=3.0
    )


def stepping_stones(tile: Tile, difficulty: float) -> None:
    """Stones over a drop of 10 m; they shrink with difficulty."""
    stepping_stones_terrain(
        tile,
        stone_size=1.5 * (1.05 - difficulty),
        stone_distance=0.05 if difficulty == 0 else 0.1,
        max_height=0.0,
        platform_size=4.0,
    )


def gap(tile: Tile, difficulty: float) -> None:
    """A moat around the start."""
    gap_terrain(tile, gap_size=1.0 * difficulty, platform_size=3.0)


def pit(tile: Tile, difficulty: float) -> None:
    """A hole to climb out of."""
    pit_terrain(tile, depth=1.0 * difficulty, platform_size=4.0)


RECIPES: Dict[str, Callable[[Tile, float], None]] = {
    recipe.__name__: recipe
    for recipe in (
        smooth_slope,
        smooth_slope_inverted,
        rough_slope,
        stairs_up,
        stairs_down,
        discrete_obstacles,
        stepping_stones,
        gap,
        pit,
        lane_flat,
        lane_stairs,
        lane_curbs,
        lane_gaps,
        lane_stones,
        parkour_stones,
        parkour_hurdle,
        parkour_flat,
        parkour_step,
        parkour_gap,
        parkour_demo,
    )
}
"""Types of tiles by name; all take the tile and a difficulty."""

# what the entries of terrain_proportions stand for; what is left of 1 becomes pits
_BANDS = (smooth_slope, rough_slope, stairs_up, stairs_down, discrete_obstacles, stepping_stones, gap)


def cumulative_proportions(proportions: Sequence[float]) -> np.ndarray:
    """Upper ends of the bands of the selector, from the config's `terrain_proportions`.

    Args:
        proportions: one to seven shares: smooth slope, rough slope, stairs up, stairs down, discrete obstacles,
            stepping stones, gap. What is left of 1 becomes pits.

    Returns:
        (len(proportions),) cumulative sums. One that reaches 1 is infinite: the last type takes the whole rest.

    Raises:
        UserError: for a sum above 1.
    """
    ends = np.cumsum(np.asarray(proportions, dtype=float))
    if ends[-1] > 1.0 + 1e-6:
        raise UserError(f"terrain.terrain_proportions add up to {ends[-1]:g}; they must not exceed 1")
    ends[ends > 1.0 - 1e-6] = np.inf
    return ends


def type_of_selector(selector: float, ends: np.ndarray) -> str:
    """Name of the type of tile for a number between 0 and 1.

    Args:
        selector: compared with the ends of the bands; the first half of the first band is the inverted slope.
        ends: from `cumulative_proportions`.
    """
    band = int(np.searchsorted(ends, selector, side="right"))
    if band == len(ends):
        return pit.__name__
    if band == 0 and selector < min(ends[0], 1.0) / 2:
        return smooth_slope_inverted.__name__
    return _BANDS[band].__name__
