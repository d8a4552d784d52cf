"""Shapes of tiles against geometry worked out by hand: a tile of 80 x 80 cells of 0.1 m, units of 5 mm."""

from __future__ import annotations

from itertools import groupby
from typing import Any, List, Tuple

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.terrain.recipes import RECIPES
from legged_gym.terrain.sub_terrains import (
    GENERATORS,
    Tile,
    discrete_obstacles_terrain,
    fractal_noise_terrain,
    gap_terrain,
    pit_terrain,
    pyramid_sloped_terrain,
    pyramid_stairs_terrain,
    random_uniform_terrain,
    stepping_stones_terrain,
)


def make_tile(nx: int = 80, ny: int = 80, seed: int = 0, scale: float = 0.1) -> Tile:
    return Tile(np.zeros((nx, ny), dtype=np.int32), scale, 0.005, np.random.default_rng(seed))


def runs(line: np.ndarray) -> List[Tuple[int, int]]:
    """(value, length) of each stretch of equal values."""
    return [(int(value), len(list(group))) for value, group in groupby(line)]


@pytest.mark.parametrize("metres, cells", [(0.3, 3), (0.31, 3), (0.29, 2), (8.0, 80), (0.05, 0), (0.7, 7)])
def test_lengths_are_truncated_to_cells_but_do_not_lose_one_to_rounding(metres: float, cells: int) -> None:
    assert make_tile().cells(metres) == cells


@pytest.mark.parametrize("metres, units", [(0.068, 13), (-0.068, -13), (0.14, 28), (-0.23, -46), (0.0, 0), (0.35, 70)])
def test_heights_are_truncated_to_units_towards_zero(metres: float, units: int) -> None:
    assert make_tile().units(metres) == units


def test_slope_is_exact_on_the_middle_line_and_flat_above_the_platform_corner() -> None:
    tile = make_tile()
    pyramid_sloped_terrain(tile, slope=0.25, platform_size=3.0)
    # middle line: 0.25 * 0.1 m a cell = 5 units a cell. Corner of the platform: cell 25 = 0.625 of the way in x and
    # in y, so 0.625^2 * 0.25 * 4 m = 0.390625 m = 78 whole units
    expected = np.minimum(5 * np.minimum(np.arange(80), 80 - np.arange(80)), 78)
    np.testing.assert_array_equal(tile.heights[:, 40], expected)
    np.testing.assert_array_equal(tile.heights[40, :], expected)
    assert np.all(tile.heights[25:56, 25:56] == 78)
    # off the middle the profile is the product of the two: cells (10, 20) are 1/4 and 1/2 of the way
    assert tile.heights[10, 20] == 200 // 8


def test_slope_adds_and_inverts() -> None:
    up, down = make_tile(), make_tile()
    up.heights += 7
    pyramid_sloped_terrain(up, slope=0.3, platform_size=3.0)
    pyramid_sloped_terrain(down, slope=-0.3, platform_size=3.0)
    np.testing.assert_array_equal(up.heights - 7, -down.heights)
    assert down.heights.min() < 0


def test_slope_of_a_long_tile_is_not_steeper_than_asked() -> None:
    tile = make_tile(nx=180, ny=40)
    pyramid_sloped_terrain(tile, slope=0.5, platform_size=1.0)
    steepest = max(np.abs(np.diff(tile.heights, axis=axis)).max() for axis in (0, 1))
    assert steepest <= 0.5 * 0.1 / 0.005 + 1
    assert tile.heights[90, 20] > 0


def test_roughness_is_bilinear_between_knots() -> None:
    tile = make_tile(seed=3)
    random_uniform_terrain(tile, min_height=-0.05, max_height=0.05, step=0.005, downsampled_scale=0.2)
    knots = np.random.default_rng(3).integers(0, 21, size=(40, 40)) - 10
    at = np.linspace(0, 39, 80)
    along_x = np.stack([np.interp(at, np.arange(40), knots[:, k]) for k in range(40)], axis=1)
    expected = np.stack([np.interp(at, np.arange(40), along_x[i]) for i in range(80)])
    assert np.abs(tile.heights - expected).max() <= 0.5 + 1e-9
    assert tile.heights.min() >= -10 and tile.heights.max() <= 10
    assert tile.heights[0, 0] == knots[0, 0] and tile.heights[-1, -1] == knots[-1, -1]


def test_roughness_takes_every_level_and_no_other() -> None:
    tile = make_tile()
    random_uniform_terrain(tile, min_height=-0.03, max_height=0.03, step=0.01)
    assert set(np.unique(tile.heights)) == {-6, -4, -2, 0, 2, 4, 6}


def test_fractal_noise_has_the_amplitude_no_mean_and_fades_out_at_the_edges() -> None:
    tile = make_tile(seed=3)
    fractal_noise_terrain(tile, amplitude=0.1)
    assert np.abs(tile.heights).max() == 20
    assert abs(tile.heights.mean()) < 0.1, "but for rounding"
    assert not tile.heights[0].any() and not tile.heights[:, 0].any()
    # the rim is 5 cells wide, so k cells from the edge k / 5 is left of the noise, which before it faded may have been
    # higher than the amplitude, but not by half
    for k in (1, 2, 3):
        lines = tile.heights[k], tile.heights[-k], tile.heights[:, k], tile.heights[:, -k]
        assert max(np.abs(line).max() for line in lines) <= 1.5 * 20 * k / 5
    again, other = make_tile(seed=3), make_tile(seed=4)
    for each in (again, other):
        fractal_noise_terrain(each, amplitude=0.1)
    np.testing.assert_array_equal(tile.heights, again.heights)
    assert not np.array_equal(tile.heights, other.heights)


def test_fractal_noise_is_a_sum_of_smooth_octaves() -> None:
    tile = make_tile(seed=5)
    fractal_noise_terrain(tile, amplitude=20.0, wavelength=0.8, octaves=2, gain=0.25, rim=0.0)
    rng, cells = np.random.default_rng(5), np.arange(80)

    def octave(cells_a_knot: int) -> np.ndarray:
        """With the cubic Hermite basis instead of differences: h(t) = 3 t^2 - 2 t^3 and 1 - h."""
        knots = rng.uniform(-1, 1, size=(79 // cells_a_knot + 2,) * 2)
        t = (cells % cells_a_knot) / cells_a_knot
        h, k = 3 * t**2 - 2 * t**3, cells // cells_a_knot
        basis = np.zeros((80, len(knots)))
        basis[cells, k], basis[cells, k + 1] = 1 - h, h
        return basis @ knots @ basis.T

    expected = octave(8) + 0.25 * octave(4)
    # away from the first row and column, where it is 0, the noise is that but for a shift and a scale
    inner, reference = tile.heights[1:, 1:].ravel(), expected[1:, 1:].ravel()
    slope, shift = np.polyfit(reference, inner, 1)
    assert np.abs(inner - slope * reference - shift).max() <= 0.52
    assert np.abs(inner).max() == 4000


def test_fractal_noise_adds_and_leaves_smooth_ground_alone() -> None:
    tile, bare = make_tile(seed=1), make_tile(seed=1)
    tile.heights += 100
    tile.smooth[20:30, 40:] = True
    fractal_noise_terrain(tile, amplitude=0.1)
    fractal_noise_terrain(bare, amplitude=0.1)
    assert np.all(tile.heights[20:30, 40:] == 100)
    np.testing.assert_array_equal(tile.heights[~tile.smooth], 100 + bare.heights[~tile.smooth])


def test_no_fractal_noise() -> None:
    tile = make_tile()
    fractal_noise_terrain(tile, amplitude=0.0)
    assert not tile.heights.any()
    # so small that but one cell is inside
    fractal_noise_terrain(make_tile(2, 2), amplitude=0.1)


def test_stairs_by_hand() -> None:
    tile = make_tile()
    pyramid_stairs_terrain(tile, step_width=0.31, step_height=0.14, platform_size=3.0)
    # treads of 3 cells and risers of 28 units; squares of 74, 68, ... cells are stacked until one is <= 30: the
    # ninth has 80 - 54 = 26
    middle = [(28 * k, 3) for k in range(9)]
    assert runs(tile.heights[:, 40]) == [*middle, (28 * 9, 26), *reversed(middle)]
    np.testing.assert_array_equal(tile.heights, tile.heights.T)
    assert np.all(tile.heights[:, :3] == 0) and np.all(tile.heights[3:77, 3] == 28)


@pytest.mark.parametrize("nx, ny, tread, platform", [(80, 80, 0.31, 3.0), (80, 50, 0.4, 1.0), (61, 80, 0.2, 0.0)])
def test_stairs_are_stacked_squares(nx: int, ny: int, tread: float, platform: float) -> None:
    tile = make_tile(nx, ny)
    pyramid_stairs_terrain(tile, step_width=tread, step_height=-0.1, platform_size=platform)
    expected, inset, cells = np.zeros((nx, ny), int), 0, int(tread / 0.1 + 1e-9)
    while min(nx, ny) - 2 * inset > platform / 0.1:
        inset += cells
        expected[inset : max(inset, nx - inset), inset : max(inset, ny - inset)] -= 20
    np.testing.assert_array_equal(tile.heights, expected)


def test_one_obstacle_is_a_quantised_rectangle() -> None:
    seen_sizes, seen_heights = set(), set()
    for seed in range(60):
        tile = make_tile(seed=seed)
        discrete_obstacles_terrain(tile, max_height=0.11, min_size=1.0, max_size=2.0, num_rects=1, platform_size=0.0)
        inside = np.argwhere(tile.heights != 0)
        first, last = inside.min(axis=0), inside.max(axis=0)
        sides = last - first + 1
        assert len(inside) == sides[0] * sides[1]
        assert np.all(first % 4 == 0)
        seen_sizes.update(int(side) for side in sides)
        seen_heights.add(int(tile.heights[tuple(first)]))
    assert seen_sizes == {10, 14, 18}
    assert seen_heights == {-22, -11, 11, 22}


def test_obstacles_leave_the_middle_flat() -> None:
    tile = make_tile()
    discrete_obstacles_terrain(tile, max_height=0.2, min_size=1.0, max_size=2.0, num_rects=200, platform_size=3.0)
    assert np.all(tile.heights[25:55, 25:55] == 0)
    assert set(np.unique(tile.heights)) <= {-40, -20, 0, 20, 40}
    assert np.count_nonzero(tile.heights) > 0.5 * 80 * 80


def test_stepping_stones_by_hand() -> None:
    tile = make_tile()
    stepping_stones_terrain(tile, stone_size=0.75, stone_distance=0.25, platform_size=3.0, depth=-10.0)
    # stones of 7 cells, gaps of 2: rows along x start at y = 0, 9, 18, ...
    for y in range(20):
        line = tile.heights[:, y]
        if y % 9 >= 7:
            assert np.all(line == -2000)
            continue
        inner = runs(line)[1:-1]
        assert {length for value, length in inner if value == 0} == {7}
        assert {length for value, length in inner if value == -2000} == {2}
        np.testing.assert_array_equal(line, tile.heights[:, y - y % 9])
    starts = {int(np.argmax(tile.heights[:, y] == -2000)) for y in range(0, 25, 9)}
    assert len(starts) > 1, "every row has its own phase"
    assert np.all(tile.heights[25:55, 25:55] == 0)


def test_stepping_stones_stand_at_random_heights_within_the_spread() -> None:
    tile = make_tile()
    stepping_stones_terrain(tile, stone_size=0.5, stone_distance=0.1, max_height=0.02, depth=-1.0)
    assert set(np.unique(tile.heights)) == {-200, *range(-4, 5)}


def test_gap_is_a_moat() -> None:
    tile = make_tile()
    gap_terrain(tile, gap_size=0.5, platform_size=3.0)
    # 3 m of platform in the middle of 8 m: cells 25 to 54; 5 cells of moat on each side, 5 m deep
    for line in (tile.heights[:, 40], tile.heights[40, :]):
        assert runs(line) == [(0, 20), (-1000, 5), (0, 30), (-1000, 5), (0, 20)]
    assert runs(tile.heights[:, 22]) == [(0, 20), (-1000, 40), (0, 20)]


def test_pit_is_a_square_hole() -> None:
    tile = make_tile()
    pit_terrain(tile, depth=0.6, platform_size=4.0)
    expected = np.zeros((80, 80), int)
    expected[20:60, 20:60] = -120
    np.testing.assert_array_equal(tile.heights, expected)


@pytest.mark.parametrize("difficulty", [0.0, 0.1, 0.5, 0.9])
def test_recipes_have_the_published_sizes(difficulty: float) -> None:
    def make(name: str) -> np.ndarray:
        tile = make_tile()
        RECIPES[name](tile, difficulty)
        return tile.heights * 0.005

    slope = make("smooth_slope")[:, 40]
    assert slope[10] == pytest.approx(0.4 * difficulty * 1.0, abs=0.005)
    np.testing.assert_allclose(make("smooth_slope_inverted")[:, 40], -slope)
    assert np.abs(make("rough_slope")[:, 40] - slope).max() <= 0.05 + 1e-9
    for name, sign in (("stairs_up", -1), ("stairs_down", 1)):
        stairs = make(name)
        assert stairs[40, 40] == pytest.approx(sign * 9 * (0.05 + 0.18 * difficulty), abs=9 * 0.005)
        assert sign * stairs[3, 40] == pytest.approx(0.05 + 0.18 * difficulty, abs=0.005)
    assert np.abs(make("discrete_obstacles")).max() == pytest.approx(0.05 + 0.2 * difficulty, abs=0.005)
    assert np.count_nonzero(make("gap")[:40, 40] < -4.9) == round(10 * difficulty)
    assert make("pit").min() == pytest.approx(-difficulty)
    stones = runs(make("stepping_stones")[:, 0])
    if difficulty > 0:
        assert max(n for v, n in stones if v == 0) == int(15 * (1.05 - difficulty) + 1e-9)
        assert {n for v, n in stones[1:-1] if v == -10} == {1}


@pytest.mark.parametrize(
    "name, kwargs, words",
    [
        ("pyramid_sloped_terrain", dict(slope=0.1, platform_size=8.0), "platform_size"),
        ("pyramid_sloped_terrain", dict(slope=0.1, platform_size=-1.0), "platform_size"),
        ("pyramid_stairs_terrain", dict(step_width=0.05, step_height=0.1), "step_width"),
        ("random_uniform_terrain", dict(min_height=0.1, max_height=-0.1), "below min_height"),
        ("random_uniform_terrain", dict(min_height=0.0, max_height=0.1, downsampled_scale=0.0), "downsampled_scale"),
        ("discrete_obstacles_terrain", dict(max_height=0.1, min_size=2.0, max_size=1.0, num_rects=3), "not a range"),
        ("discrete_obstacles_terrain", dict(max_height=0.1, min_size=2.0, max_size=9.0, num_rects=3), "do not fit"),
        ("stepping_stones_terrain", dict(stone_size=0.05, stone_distance=0.1), "smaller than one cell"),
        ("stepping_stones_terrain", dict(stone_size=0.5, stone_distance=-0.1), "negative"),
        ("gap_terrain", dict(gap_size=3.0, platform_size=3.0), "does not fit"),
        ("gap_terrain", dict(gap_size=-1.0), "negative"),
        ("pit_terrain", dict(depth=1.0, platform_size=10.0), "platform_size"),
        ("fractal_noise_terrain", dict(amplitude=-0.1), "amplitude"),
        ("fractal_noise_terrain", dict(amplitude=0.1, wavelength=0.0), "wavelength"),
        ("fractal_noise_terrain", dict(amplitude=0.1, octaves=2.5), "octaves"),
        ("fractal_noise_terrain", dict(amplitude=0.1, rim=-0.5), "rim"),
    ],
)
def test_impossible_sizes_are_one_clear_line(name: str, kwargs: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        GENERATORS[name](make_tile(), **kwargs)
    assert "\n" not in str(error.value) and "tile 8 x 8 m" in str(error.value)
