"""Lanes: tiles that a robot crosses along +x, from near the -x end, over obstacles as wide as the tile.

The kinds of obstacles are those of "Legged Locomotion in Challenging Terrains using Egocentric Vision" (CoRL 2022,
arXiv 2211.07638): stairs, curbs, gaps and stepping stones, besides flat ground. Robots start around x = 1 m; obstacles
begin at x = 2.1 m and end no later than 2.3 m before the tile's end; the finish is 2 m before the end, so that a robot
whose middle has reached it has its hind feet off the last obstacle. Start and end of a lane are at height 0.

All sizes are linear in the difficulty. They become the NEAREST whole cells and vertical units, measured where a robot
steps: a wall stands at its upper vertex and leans outwards by one cell (with refined edges, by a part of one), so

* a step or stone of L cells is L + 1 vertices long, and its flat top is L cells;
* an opening of W cells is W - 1 lowered vertices, and W cells wide at the top, two walls' thickness less at the floor.
  It has at least one lowered vertex, so no opening is narrower than two cells.

So tops and openings are as asked within half a cell, whatever the refinement; but a gap of 0.05 m needs cells of 0.025
m. For one and the same grid of physics, small cells without refinement are better here than large ones with it.
"""

from __future__ import annotations

import math
from typing import Tuple

import numpy as np

from legged_gym.terrain.sub_terrains import Tile

FLAT_TYPES = ("lane_flat",)
"""Types of tiles without obstacles."""

# m along x: middle of the start, first obstacle, and from the end of the tile the last obstacle and the finish
_START, _FIRST, _LAST, _FINISH = 1.0, 2.1, 2.3, 2.0

# m: the least that has to fit in between, the least width, the largest cells that still tell difficulties apart
_LEAST_EXTENT, _LEAST_WIDTH, _LARGEST_CELL = 1.0, 2.0, 0.1

_TREAD = 0.31
_LANDING = 1.0  # m, the top of the stairs is at least so long
_CURB_LENGTH = (0.5, 0.8)  # m, of a curb and of the ground between two
_GROUND_LENGTH = (0.6, 1.2)  # m, between two gaps
_DEPTH = 0.8  # m, of gaps and between stones: deep enough that a leg finds no ground

# a length halfway between two numbers of cells goes up, also when rounding errors have made it less
_ROUNDING = 1e-6


def lane_flat(tile: Tile, difficulty: float) -> None:
    """Nothing but the roughness of the map.

    Args:
        tile: only its start and finish are set.
        difficulty: makes no difference.
    """
    _extent(tile)


def lane_stairs(tile: Tile, difficulty: float) -> None:
    """Stairs up, a landing of at least 1 m, the same stairs down; treads of 0.31 m.

    Args:
        tile: changed in place (adds).
        difficulty: risers grow from 0.05 to 0.23 m. A lane of 8 m has five up and five down.
    """
    first, last = _extent(tile)
    tread, riser = _cells(tile, _TREAD), _units(tile, 0.05 + 0.18 * difficulty)
    risers = (last - first - _cells(tile, _LANDING)) // (2 * tread) + 1
    for k in range(risers):
        tile.heights[first + k * tread : last - k * tread + 1] += riser


def lane_curbs(tile: Tile, difficulty: float) -> None:
    """Single steps up and down again; curbs and the ground between them are 0.5 to 0.8 m long, at random.

    Args:
        tile: changed in place (adds).
        difficulty: curbs grow from 0.05 to 0.26 m. A lane of 8 m has two to four.
    """
    begin, last = _extent(tile)
    height = _units(tile, 0.05 + 0.21 * difficulty)
    end = begin + _draw(tile, _CURB_LENGTH)
    while end <= last:
        tile.heights[begin : end + 1] += height
        begin = end + _draw(tile, _CURB_LENGTH)
        end = begin + _draw(tile, _CURB_LENGTH)


def lane_gaps(tile: Tile, difficulty: float) -> None:
    """Trenches of 0.8 m depth across the lane, with 0.6 to 1.2 m of ground between them, at random.

    Args:
        tile: changed in place (sets).
        difficulty: gaps grow from 0.05 to 0.30 m. A lane of 8 m has three to six.
    """
    begin, last = _extent(tile)
    width = _opening(tile, 0.05 + 0.25 * difficulty)
    while begin + width <= last:
        _dig(tile, begin, begin + width)
        begin += width + _draw(tile, _GROUND_LENGTH)


def lane_stones(tile: Tile, difficulty: float) -> None:
    """Square stones at height 0 over a pit of 0.8 m depth, in rows across the lane that are shifted at random.

    Args:
        tile: changed in place (sets).
        difficulty: sides shrink from 0.60 to 0.30 m; the openings around a stone grow from 0.05 to 0.15 m. The pit is
            as long as whole rows fill it; its two ends are openings, too.
    """
    first, last = _extent(tile)
    stone, opening = _cells(tile, 0.60 - 0.30 * difficulty), _opening(tile, 0.05 + 0.10 * difficulty)
    pitch = stone + opening
    rows = (last - first - opening) // pitch
    _dig(tile, first, first + opening + rows * pitch)
    across = np.arange(tile.heights.shape[1])
    for begin in range(first + opening, first + opening + rows * pitch, pitch):
        on_stone = (across + int(tile.rng.integers(0, pitch))) % pitch <= stone
        tile.heights[begin : begin + stone + 1, on_stone] = 0
        tile.smooth[begin : begin + stone + 1, on_stone] = False


def _extent(tile: Tile) -> Tuple[int, int]:
    """Mark start and finish of the lane.

    Returns:
        first and last vertex along x of what the robot has to cross: the upper edges of the outermost walls.

    Raises:
        UserError: if the tile is too short or narrow, or its cells too large.
    """
    length, width = (n * tile.horizontal_scale for n in tile.heights.shape)
    least = _FIRST + _LAST + _LEAST_EXTENT
    tile.require(
        tile.horizontal_scale <= _LARGEST_CELL + _ROUNDING,
        f"lanes need cells of at most {_LARGEST_CELL:g} m; lower horizontal_scale",
    )
    tile.require(length >= least - _ROUNDING, f"lanes need a terrain_length of at least {least:g} m")
    tile.require(width >= _LEAST_WIDTH - _ROUNDING, f"lanes need a terrain_width of at least {_LEAST_WIDTH:g} m")
    tile.start, tile.finish = (_START, 0.5 * width), length - _FINISH
    return _cells(tile, _FIRST), _cells(tile, length - _LAST)


def _cells(tile: Tile, metres: float) -> int:
    """Nearest number of cells."""
    return math.floor(metres / tile.horizontal_scale + 0.5 + _ROUNDING)


def _units(tile: Tile, metres: float) -> int:
    """Nearest number of vertical units."""
    return math.floor(metres / tile.vertical_scale + 0.5 + _ROUNDING)


def _opening(tile: Tile, metres: float) -> int:
    """Nearest number of cells from edge to edge with ground missing in between."""
    return max(2, _cells(tile, metres))


def _draw(tile: Tile, metres: Tuple[float, float]) -> int:
    """Some number of cells from the shortest to the longest length, both included."""
    shortest, longest = (_cells(tile, length) for length in metres)
    return int(tile.rng.integers(shortest, longest + 1))


def _dig(tile: Tile, begin: int, end: int) -> None:
    """Take the ground away between two vertices along x, which stay as the upper edges."""
    tile.heights[begin + 1 : end] = -_units(tile, _DEPTH)
    tile.smooth[begin + 1 : end] = True
