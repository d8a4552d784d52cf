"""Courses of goals over stones, hurdles, steps and gaps, and a flat one: the ground of Extreme Parkour.

The geometry is that of Cheng et al., "Extreme Parkour with Legged Robots" (arXiv:2309.14341), as its code has it. A
robot starts 1 m from the -x end on a platform of 2.5 m at height 0; six obstacles follow, each a random step further
along +x and some way to a side; the last of eight goals is behind them. Lengths become the nearest whole cells. As in
`lanes`, a block of L cells is L + 1 vertices long, and an opening of W cells is W - 1 lowered vertices.
"""

from __future__ import annotations

from typing import List, Tuple

import numpy as np

from legged_gym.terrain.sub_terrains import Tile

PARKOUR_FLAT = "parkour_flat"
"""The type of tile that is walked over as on any other ground."""

Range = Tuple[float, float]

_OBSTACLES = 6
_LEAST_LENGTH, _LEAST_WIDTH = 15.0, 3.0  # m
_START, _PLATFORM = 1.0, 2.5  # m along x: where robots start, and the end of the ground they start on
_RIM = 0.1  # m around a tile, at height 0
_BEFORE_END = 0.5  # m, goals are at least so far from the tile's end
_ASIDE = (-0.4, 0.4)  # m, obstacles from the middle
_PIT = (0.2, 1.0)  # m deep


class _Course:
    """A tile on which one obstacle is put after the other; all lengths from here on are in cells.

    Attributes:
        x: where the last obstacle is, or the platform ends.
        middle: of the tile, along y.
    """

    def __init__(self, tile: Tile) -> None:
        length, width = (n * tile.horizontal_scale for n in tile.heights.shape)
        tile.require(length >= _LEAST_LENGTH, f"parkour needs a terrain_length of at least {_LEAST_LENGTH:g} m")
        tile.require(width >= _LEAST_WIDTH, f"parkour needs a terrain_width of at least {_LEAST_WIDTH:g} m")
        tile.start = (_START, 0.5 * width)
        self.tile, self.heights = tile, tile.heights
        self.x, self.middle = self.cells(_PLATFORM), tile.heights.shape[1] // 2
        self._goals: List[Tuple[int, int]] = []

    def cells(self, metres: float) -> int:
        """Nearest number of cells."""
        return round(metres / self.tile.horizontal_scale)

    def units(self, metres: float) -> int:
        """Nearest number of vertical units."""
        return round(metres / self.tile.vertical_scale)

    def draw(self, metres: Range) -> int:
        """A length, cells."""
        return self.cells(self.tile.rng.uniform(*metres))

    def draw_height(self, metres: Range) -> int:
        """A height, vertical units."""
        return self.units(self.tile.rng.uniform(*metres))

    def advance(self, ahead: Range, aside: Range = _ASIDE) -> Tuple[int, int, int]:
        """Go on to the next obstacle, with a goal halfway.

        Returns:
            the x before, the x of the obstacle, and the y of both goal and obstacle.
        """
        before, y = self.x, self.middle + self.draw(aside)
        self.x += self.draw(ahead)
        self.goal((before + self.x) // 2, y)
        return before, self.x, y

    def goal(self, x: int, y: int) -> None:
        """The next goal is here."""
        self._goals.append((x, y))

    def block(self, x: int, length: int, y: int, half_width: int, height: int) -> None:
        """A box from x on."""
        self.heights[x : x + length + 1, y - half_width : y + half_width + 1] = height

    def slope(self, x: int, length: int, y: int, rise: float, base: int = 0) -> None:
        """A stone 1 m wide from x on that rises to the left (+y) from -`rise` to `rise` m about `base` units."""
        half = self.cells(0.5)
        across = np.rint(np.linspace(-1.0, 1.0, 2 * half + 1) * rise / self.tile.vertical_scale)
        self.heights[x : x + length + 1, y - half : y + half + 1] = base + across.astype(np.int32)

    def finish(self, x: int, y: int) -> None:
        """The last goal; all goals lie on the ground, and the rim is as high as those of other tiles."""
        self.goal(x, y)
        rim, heights, tile = self.cells(_RIM), self.heights, self.tile
        heights[:rim] = heights[-rim:] = 0
        heights[:, :rim] = heights[:, -rim:] = 0
        farthest = heights.shape[0] - self.cells(_BEFORE_END)
        cells = [(min(x, farthest), y) for x, y in self._goals]
        scale = tile.horizontal_scale
        tile.goals = [(x * scale, y * scale, float(heights[x, y]) * tile.vertical_scale) for x, y in cells]


def parkour_flat(tile: Tile, difficulty: float) -> None:
    """The goals of hurdles without the hurdles."""
    course = _Course(tile)
    course.goal(course.x - 1, course.middle)
    for _ in range(_OBSTACLES):
        course.advance((1.2, 2.2))
    course.finish(course.x + course.draw((1.2, 2.2)), course.middle)


def parkour_hurdle(tile: Tile, difficulty: float) -> None:
    """Walls to jump over or onto, 0.1 to 0.4 m high and thick; who goes round one misses its goals."""
    course = _Course(tile)
    course.goal(course.x - 1, course.middle)
    thickness, half_width = course.cells(0.1 + 0.3 * difficulty), course.draw((0.4, 0.8))
    heights = (0.1 + 0.1 * difficulty, 0.15 + 0.25 * difficulty)
    for _ in range(_OBSTACLES):
        _, x, y = course.advance((1.2, 2.2))
        course.block(x - thickness // 2, thickness, y, half_width, course.draw_height(heights))
    course.finish(course.x + course.draw((1.2, 2.2)), course.middle)


def parkour_step(tile: Tile, difficulty: float) -> None:
    """Three steps up, a level one, and three down, each 0.1 to 0.45 m high, on a band 1 to 2 m wide."""
    course = _Course(tile)
    course.goal(course.x - course.cells(1.0), course.middle)
    height, half_width = 0.1 + 0.35 * difficulty, course.draw((0.5, 1.0))
    ahead = (height + 0.3, height + 1.5)
    for up in (1, 2, 3, 3, 2, 1):
        before, x, y = course.advance(ahead)
        course.block(before, x - before, y, half_width, up * course.units(height))
    course.finish(course.x + course.draw(ahead), course.middle)


def parkour_gap(tile: Tile, difficulty: float) -> None:
    """Gaps of 0.1 to 0.8 m with a pit to the sides of the band 1.2 to 2.4 m wide between them."""
    course = _Course(tile)
    course.goal(course.x - 1, course.middle)
    gap, half_width, pit = course.cells(0.1 + 0.7 * difficulty), course.draw((0.6, 1.2)), -course.draw_height(_PIT)
    ahead = (0.1 + 0.7 * difficulty + 0.8, 0.1 + 0.7 * difficulty + 1.5)
    for _ in range(_OBSTACLES):
        before, x, y = course.advance(ahead)
        beside = np.abs(np.arange(tile.heights.shape[1]) - y) > half_width
        tile.heights[before + 1 : x, beside] = pit
        first = x - gap // 2
        tile.heights[first + 1 : max(first + gap, first + 2)] = pit
    course.finish(course.x + course.draw(ahead), course.middle)


def parkour_stones(tile: Tile, difficulty: float) -> None:
    """Tilted stones, left and right in turn, over a pit; the last one is 1.6 m long."""
    course, rng = _Course(tile), tile.rng
    tile.heights[course.x + 1 :] = -course.draw_height(_PIT)
    # an even number of tenths of a metre, so that half a stone is whole cells
    metres = 0.2 * round(rng.uniform(0.9 - 0.3 * difficulty, 1.0 - 0.2 * difficulty) / 0.2)
    length, tilt = course.cells(metres), 0.25 * difficulty
    ahead, aside = (metres - 0.1, metres + 0.1 + 0.3 * difficulty), (0.2, 0.3 + 0.1 * difficulty)
    course.goal(course.x - length // 2, course.middle)
    side = int(rng.choice((-1, 1)))
    x = course.x - course.draw(ahead) + length // 2
    for k in range(_OBSTACLES):
        x, y = x + course.draw(ahead), course.middle + side * course.draw(aside)
        if k == _OBSTACLES - 1:
            length, tilt = course.cells(1.6), tilt + 0.1 - 0.1 * difficulty
            x += length // 4
        course.slope(x - length // 2, length, y, side * tilt)
        course.goal(x, y)
        side = -side
    tile.heights[x + length // 2 + course.cells(0.05) :] = 0
    course.finish(x + 2 * course.draw(ahead), course.middle)


def parkour_demo(tile: Tile, difficulty: float) -> None:
    """A hurdle, two blocks, a gap, two blocks, and two tilted stones: one goal on each, of any difficulty."""
    course, y = _Course(tile), tile.heights.shape[1] // 2
    course.x = course.cells(2.0)

    def put(length: Range, half_width: int, height: int) -> None:
        cells = course.draw(length)
        course.block(course.x, cells, y, half_width, height)
        course.goal(course.x + cells // 2, y)
        course.x += cells

    put((0.35, 0.40), course.draw((0.5, 0.6)), course.draw_height((0.30, 0.36)))
    course.x += course.draw((1.5, 2.5))
    height = course.draw_height((0.35, 0.45))
    for depth, gap in (((0.45, 0.8), (0.5, 0.8)), ((0.25, 0.6), (0.1, 0.4))):
        half_width = course.draw((0.5, 0.6))
        put(depth, half_width, height)
        put(depth, half_width, height)
        course.x += course.draw(gap)
    length, rise, between = course.draw((0.75, 0.85)), tile.rng.uniform(0.15, 0.22), course.draw((0.1, 0.4))
    base = course.units(rise) + course.draw_height((0.0, 0.2))
    left, right = (y + sign * course.draw((0.15, 0.3)) for sign in (1, -1))
    for stone, sign in ((left, 1.0), (right, -1.0)):
        course.slope(course.x, length, stone, sign * rise, base)
        course.goal(course.x + length // 2, stone)
        course.x += length + between
    course.finish(course.x + course.cells(0.4), left)
