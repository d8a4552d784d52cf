"""Shapes that a tile of terrain can take, in metres; each works on a `Tile` in place and can follow another one.

Slopes, roughness and stairs ADD to what the tile holds; obstacles, stones, gaps and pits SET heights. So a rough slope
is `pyramid_sloped_terrain` and then `random_uniform_terrain`. Names and arguments are those that legged_gym users know;
`fractal_noise_terrain` is new.

Lengths become whole cells and heights whole vertical units by truncation: at a horizontal scale of 0.1 m a tread of
0.31 m is 0.3 m, and at a vertical scale of 0.005 m a riser of 0.068 m is 0.065 m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Callable, Dict, Optional, Sequence, Tuple

import numpy as np

from legged_gym.errors import UserError

# a length that is a whole number of cells but for rounding (0.3 / 0.1 = 2.999...) must not lose a cell
_ROUNDING = 1e-6

# obstacles have sides, and stand at places, that are multiples of so many cells
_OBSTACLE_QUANTUM = 4


@dataclass
class Tile:
    """One square of the grid while it is being made.

    Attributes:
        heights: (nx, ny) int32 in vertical units; axis 0 is x (forward), axis 1 is y (left).
        horizontal_scale: metres a cell.
        vertical_scale: metres a vertical unit.
        rng: the tile's own random numbers.
        start: x and y from the tile's corner, m, around which robots start; the middle unless a recipe moves it.
        finish: x from the tile's corner, m, where the obstacles are behind; None where robots may leave to any side.
        goals: (n, 3) m, x and y from the tile's corner and z in the world: what a robot walks to, one after the other.
        smooth: (nx, ny) bool, where fractal roughness leaves the ground alone, such as the floor of a gap.
    """

    heights: np.ndarray
    horizontal_scale: float
    vertical_scale: float
    rng: np.random.Generator
    start: Tuple[float, float] = field(init=False)
    finish: Optional[float] = field(init=False, default=None)
    goals: Sequence[Sequence[float]] = field(init=False, default=())
    smooth: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        nx, ny = self.heights.shape
        self.start = (0.5 * nx * self.horizontal_scale, 0.5 * ny * self.horizontal_scale)
        self.smooth = np.zeros((nx, ny), dtype=bool)

    def cells(self, metres: float) -> int:
        """Whole cells in a length."""
        return math.floor(metres / self.horizontal_scale + _ROUNDING)

    def units(self, metres: float) -> int:
        """Whole vertical units in a height, towards zero."""
        return int(metres / self.vertical_scale + math.copysign(_ROUNDING, metres))

    def centre(self, cells: int) -> Tuple[slice, slice]:
        """The square of so many cells a side in the middle of the tile, to index `heights` with."""
        nx, ny = self.heights.shape
        x, y = (nx - cells) // 2, (ny - cells) // 2
        return slice(x, x + cells), slice(y, y + cells)

    def lower(self, share: float) -> None:
        """Leave a share of all heights and depths, 0 to 1."""
        self.heights[:] = np.rint(self.heights * share)
        self.goals = [(x, y, z * share) for x, y, z in self.goals]

    def require(self, ok: bool, problem: str) -> None:
        """Raise a `UserError` that names the tile's size unless `ok`."""
        if not ok:
            nx, ny = self.heights.shape
            scale = self.horizontal_scale
            raise UserError(f"terrain: {problem} (tile {nx * scale:g} x {ny * scale:g} m, cell {scale:g} m)")

    def platform_cells(self, platform_size: float) -> int:
        """Side of a central platform in cells.

        Raises:
            UserError: if it is negative or leaves nothing of the tile.
        """
        cells = self.cells(platform_size)
        self.require(
            0 <= cells < min(self.heights.shape),
            f"platform_size {platform_size:g} m must be at least 0 and smaller than the tile",
        )
        return cells


def pyramid_sloped_terrain(tile: Tile, slope: float = 1.0, platform_size: float = 1.0) -> None:
    """A pyramid with a flat top; a pit if the slope is negative.

    Height = slope * half width * X * Y, where X and Y rise linearly from 0 at the edge to 1 in the middle, cut off at
    the height of the platform's corner. The slope is exact along the two middle lines.

    Args:
        tile: changed in place (adds).
        slope: rise over run; negative goes down.
        platform_size: side of the square, m, whose corners set the height of the flat top.
    """
    nx, ny = tile.heights.shape
    mid_x, mid_y = nx // 2, ny // 2
    apex = tile.units(slope * tile.horizontal_scale * min(nx, ny) / 2)
    # X and Y are fractions of these whole numbers, and the product of all is truncated without rounding errors
    along_x, along_y = mid_x - np.abs(mid_x - np.arange(nx)), mid_y - np.abs(mid_y - np.arange(ny))
    rise = abs(apex) * np.outer(along_x, along_y) // (mid_x * mid_y) * (1 if apex > 0 else -1)
    flat_x, flat_y = tile.centre(tile.platform_cells(platform_size))
    edge = rise[flat_x.start, flat_y.start]
    tile.heights += np.clip(rise, min(edge, 0), max(edge, 0)).astype(np.int32)


def random_uniform_terrain(
    tile: Tile, min_height: float, max_height: float, step: float = 0.005, downsampled_scale: Optional[float] = None
) -> None:
    """Uneven ground: uniform random heights at knots, bilinear in between.

    Args:
        tile: changed in place (adds).
        min_height: lowest knot, m.
        max_height: highest knot, m.
        step: knots are multiples of it above `min_height`, m.
        downsampled_scale: distance of the knots, m; by default one a cell.
    """
    spacing = tile.horizontal_scale if downsampled_scale is None else downsampled_scale
    tile.require(spacing > 0, f"downsampled_scale {spacing:g} m must be positive")
    tile.require(max_height >= min_height, f"max_height {max_height:g} m is below min_height {min_height:g} m")
    low, high, unit = tile.units(min_height), tile.units(max_height), max(1, tile.units(step))
    nx, ny = tile.heights.shape
    cells = spacing / tile.horizontal_scale
    knots_x, knots_y = (max(1, int(n / cells + _ROUNDING)) for n in (nx, ny))
    knots = low + unit * tile.rng.integers(0, (high - low) // unit + 1, size=(knots_x, knots_y))
    rough = _stretch(_stretch(knots.astype(float), nx).T, ny).T
    tile.heights += np.rint(rough).astype(np.int32)


def _stretch(values: np.ndarray, length: int) -> np.ndarray:
    """Resample axis 0 linearly to `length` rows, first on first and last on last."""
    position = np.linspace(0.0, len(values) - 1, length)
    below = position.astype(int)
    above = np.minimum(below + 1, len(values) - 1)
    weight = (position - below)[:, None]
    resampled: np.ndarray = values[below] * (1.0 - weight) + values[above] * weight
    return resampled


def fractal_noise_terrain(
    tile: Tile, amplitude: float, wavelength: float = 1.0, octaves: int = 4, gain: float = 0.5, rim: float = 0.5
) -> None:
    """Uneven ground of all sizes: octaves of value noise, each half as long as the one before.

    Fractional Brownian motion as in Ebert et al., "Texturing and Modeling: A Procedural Approach" (value noise in
    chapter 2, sums of octaves in chapter 14); the smooth interpolation is that of Perlin, "An Image Synthesizer"
    (SIGGRAPH 1985). The sum is faded out towards the tile's edges, so that neighbours meet without a step, shifted to a
    mean of zero and stretched to the amplitude, before it is rounded to vertical units. `Tile.smooth` stays as it is.

    Args:
        tile: changed in place (adds).
        amplitude: largest height above or below the mean, m.
        wavelength: distance of the knots of the first octave, m.
        octaves: how many.
        gain: height of an octave over that of the one before; 0.5 makes all equally steep.
        rim: width of the strip along the tile's edges in which the roughness fades out, m.
    """
    tile.require(amplitude >= 0, f"an amplitude of {amplitude:g} m must not be negative")
    tile.require(wavelength > 0, f"wavelength {wavelength:g} m must be positive")
    tile.require(octaves >= 1 and octaves == int(octaves), f"octaves must be a whole number from 1 on, not {octaves:g}")
    tile.require(gain >= 0 and rim >= 0, f"gain {gain:g} and rim {rim:g} m must not be negative")
    noise = sum(gain**k * _value_noise(tile, wavelength / 2**k) for k in range(int(octaves)))
    along_x, along_y = (
        np.minimum(np.minimum(np.arange(n), n - np.arange(n)) * tile.horizontal_scale / max(rim, 1e-9), 1.0)
        for n in tile.heights.shape
    )
    fade = np.minimum.outer(along_x, along_y)
    noise = fade * (noise - np.average(noise, weights=fade))
    units = noise * (amplitude / tile.vertical_scale / max(float(np.abs(noise).max()), 1e-9))
    tile.heights += np.where(tile.smooth, 0, np.rint(units)).astype(np.int32)


def _value_noise(tile: Tile, wavelength: float) -> np.ndarray:
    """(nx, ny) in -1..1: uniform at knots `wavelength` metres apart, and smooth in between."""
    position_x, position_y = (np.arange(n) * tile.horizontal_scale / wavelength for n in tile.heights.shape)
    i, j = position_x.astype(int), position_y.astype(int)
    x, y = (t * t * (3.0 - 2.0 * t) for t in (position_x - i, position_y - j))
    knots = tile.rng.uniform(-1.0, 1.0, size=(i[-1] + 2, j[-1] + 2))
    rows = knots[i] + x[:, None] * (knots[i + 1] - knots[i])
    noise: np.ndarray = rows[:, j] + y * (rows[:, j + 1] - rows[:, j])
    return noise


def pyramid_stairs_terrain(tile: Tile, step_width: float, step_height: float, platform_size: float = 1.0) -> None:
    """Stairs all around, up to a platform in the middle; down to it if the step height is negative.

    Squares, each one tread inside the last, are stacked as long as the last one is larger than the platform.

    Args:
        tile: changed in place (adds).
        step_width: tread, m.
        step_height: riser, m; negative goes down.
        platform_size: the last square has at most this side, m.
    """
    tread, riser = tile.cells(step_width), tile.units(step_height)
    tile.require(tread >= 1, f"step_width {step_width:g} m is less than one cell")
    nx, ny = tile.heights.shape
    count = math.ceil((min(nx, ny) - tile.platform_cells(platform_size)) / (2 * tread))
    from_edge_x = np.minimum(np.arange(nx), np.arange(nx)[::-1])
    from_edge_y = np.minimum(np.arange(ny), np.arange(ny)[::-1])
    step = np.minimum.outer(from_edge_x, from_edge_y) // tread
    tile.heights += riser * np.minimum(step, count).astype(np.int32)


def discrete_obstacles_terrain(
    tile: Tile, max_height: float, min_size: float, max_size: float, num_rects: int, platform_size: float = 1.0
) -> None:
    """Flat-topped rectangles and rectangular holes at random; later ones cover earlier ones.

    Heights are -h, -h/2, h/2 or h. Sides and places are multiples of four cells (sides counted from `min_size`).

    Args:
        tile: changed in place (sets).
        max_height: h, m.
        min_size: shortest side, m.
        max_size: sides are shorter than this, m.
        num_rects: how many.
        platform_size: side of the flat square in the middle, m.
    """
    shortest, longest = tile.cells(min_size), tile.cells(max_size)
    tile.require(1 <= shortest < longest, f"obstacle sides from {min_size:g} to {max_size:g} m are not a range")
    tile.require(longest <= min(tile.heights.shape), f"obstacles of {max_size:g} m do not fit")
    height = tile.units(max_height)
    levels = (-height, -(height // 2), height // 2, height)
    sides = range(shortest, longest, _OBSTACLE_QUANTUM)
    nx, ny = tile.heights.shape
    for _ in range(int(num_rects)):
        size_x, size_y = (sides[k] for k in tile.rng.integers(0, len(sides), size=2))
        x = _OBSTACLE_QUANTUM * int(tile.rng.integers(0, math.ceil((nx - size_x) / _OBSTACLE_QUANTUM)))
        y = _OBSTACLE_QUANTUM * int(tile.rng.integers(0, math.ceil((ny - size_y) / _OBSTACLE_QUANTUM)))
        tile.heights[x : x + size_x, y : y + size_y] = levels[tile.rng.integers(0, len(levels))]
    tile.heights[tile.centre(tile.platform_cells(platform_size))] = 0


def stepping_stones_terrain(
    tile: Tile,
    stone_size: float,
    stone_distance: float,
    max_height: float = 0.0,
    platform_size: float = 1.0,
    depth: float = -10.0,
) -> None:
    """Square stones in rows along x, every row with a random phase, around a platform at height 0.

    Args:
        tile: changed in place (sets).
        stone_size: side of a stone, m.
        stone_distance: gap between stones and between rows, m.
        max_height: stones stand at a random height within +- this, m.
        platform_size: side of the flat square in the middle, m.
        depth: height of the ground between the stones, m (so a negative number).
    """
    stone, gap = tile.cells(stone_size), tile.cells(stone_distance)
    tile.require(stone >= 1, f"stones of {stone_size:g} m are smaller than one cell; lower horizontal_scale")
    tile.require(gap >= 0, f"stone_distance {stone_distance:g} m must not be negative")
    pitch = stone + gap
    nx, ny = tile.heights.shape
    row, in_row = np.divmod(np.arange(ny), pitch)
    phase = tile.rng.integers(0, stone, size=row[-1] + 1)
    # the first whole stone of a row starts at its phase; before it stands what is left of another one
    along, in_stone = np.divmod(np.arange(nx)[:, None] - phase[row][None, :] + pitch, pitch)
    spread = abs(tile.units(max_height))
    tops = tile.rng.integers(-spread, spread + 1, size=(along.max() + 1, row[-1] + 1))
    on_stone = (in_stone < stone) & (in_row < stone)[None, :]
    tile.heights[:] = np.where(on_stone, tops[along, row[None, :]], tile.units(depth))
    tile.heights[tile.centre(tile.platform_cells(platform_size))] = 0


def gap_terrain(tile: Tile, gap_size: float, platform_size: float = 1.0, depth: float = -5.0) -> None:
    """A moat around the platform in the middle.

    Args:
        tile: changed in place (sets).
        gap_size: width of the moat, m.
        platform_size: side of the platform at height 0, m.
        depth: height of the moat's floor, m (so a negative number).
    """
    gap, platform = tile.cells(gap_size), tile.platform_cells(platform_size)
    tile.require(gap >= 0, f"gap_size {gap_size:g} m must not be negative")
    tile.require(
        platform + 2 * gap <= min(tile.heights.shape),
        f"a gap of {gap_size:g} m around a platform of {platform_size:g} m does not fit",
    )
    tile.heights[tile.centre(platform + 2 * gap)] = tile.units(depth)
    tile.heights[tile.centre(platform)] = 0


def pit_terrain(tile: Tile, depth: float, platform_size: float = 1.0) -> None:
    """A square hole in the middle.

    Args:
        tile: changed in place (sets).
        depth: how deep, m (a positive number digs).
        platform_size: side of the hole's floor, m.
    """
    tile.heights[tile.centre(tile.platform_cells(platform_size))] = -tile.units(depth)


GENERATORS: Dict[str, Callable[..., None]] = {
    generator.__name__: generator
    for generator in (
        pyramid_sloped_terrain,
        random_uniform_terrain,
        fractal_noise_terrain,
        pyramid_stairs_terrain,
        discrete_obstacles_terrain,
        stepping_stones_terrain,
        gap_terrain,
        pit_terrain,
    )
}
"""Shapes by name, for `terrain.selected`; all take the tile and then keyword arguments."""
