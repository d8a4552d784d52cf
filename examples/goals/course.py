"""The ground of the task: a flat tile with goals to the left and to the right."""

from __future__ import annotations

from legged_gym.terrain.sub_terrains import Tile

GOALS = 4
# m along x: where robots start, the first goal, and from one goal to the next
_START, _FIRST, _SPACING = 1.0, 2.5, 1.5


def slalom(tile: Tile, difficulty: float) -> None:
    """Goals further and further from the middle line, 0.2 m at difficulty 0 and 1.2 m at 1."""
    middle = 0.5 * tile.heights.shape[1] * tile.horizontal_scale
    tile.start = (_START, middle)
    sides = [(-1.0) ** k * (0.2 + difficulty) for k in range(GOALS)]
    tile.goals = [(_FIRST + _SPACING * k, middle + side, 0.0) for k, side in enumerate(sides)]
