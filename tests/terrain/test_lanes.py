"""Lanes against geometry worked out by hand: tiles of 8 x 6 m, units of 5 mm, cells of 0.05 and 0.025 m.

Obstacles begin at x = 2.1 m (vertex 42 or 84) and end by x = 5.7 m (vertex 114 or 228).
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, List, Tuple

import numpy as np
import pytest

from legged_gym.terrain import HeightMap, Terrain, make_heightfield
from legged_gym.terrain.recipes import RECIPES
from legged_gym.terrain.sub_terrains import Tile

LANES = ["lane_flat", "lane_stairs", "lane_curbs", "lane_gaps", "lane_stones"]


def make_lane(name: str, difficulty: float, scale: float = 0.05, seed: int = 0, length: float = 8.0) -> Tile:
    shape = round(length / scale), round(6.0 / scale)
    tile = Tile(np.zeros(shape, dtype=np.int32), scale, 0.005, np.random.default_rng(seed))
    RECIPES[name](tile, difficulty)
    return tile


def runs(line: np.ndarray) -> List[Tuple[int, int]]:
    """(value, length) of each stretch of equal values."""
    return [(int(value), len(list(group))) for value, group in groupby(line)]


def profile(tile: Tile) -> np.ndarray:
    """Heights along x of a tile that is the same all across."""
    assert np.all(tile.heights == tile.heights[:, :1])
    return tile.heights[:, 0]


@pytest.mark.parametrize("name", LANES)
@pytest.mark.parametrize("scale", [0.1, 0.05, 0.025])
def test_every_lane_is_flat_at_both_ends_and_says_where_it_starts_and_finishes(name: str, scale: float) -> None:
    for difficulty in (0.0, 0.3, 1.0):
        tile = make_lane(name, difficulty, scale)
        first, last = round(2.1 / scale), round(5.7 / scale)
        assert not tile.heights[:first].any() and not tile.heights[last + 1 :].any()
        assert tile.heights.any() == (name != "lane_flat")
        assert tile.start == pytest.approx((1.0, 3.0)) and tile.finish == pytest.approx(6.0)
        np.testing.assert_array_equal(tile.smooth, tile.heights < 0)


def test_a_longer_tile_has_a_longer_lane() -> None:
    tile = make_lane("lane_stairs", 1.0, length=12.0)
    # 7.6 m to cross: (152 - 20) // 12 + 1 = 12 risers
    assert tile.finish == pytest.approx(10.0)
    assert tile.heights.max() == 12 * 46


@pytest.mark.parametrize("difficulty, riser", [(0.0, 10), (0.5, 28), (1.0, 46)])
def test_stairs_by_hand(difficulty: float, riser: int) -> None:
    line = profile(make_lane("lane_stairs", difficulty))
    # treads of 0.31 m are 6 cells; the landing, from vertex 66 to 90, is 1.2 m
    up = [(k * riser, 6) for k in range(1, 5)]
    assert runs(line) == [(0, 42), *up, (5 * riser, 25), *reversed(up), (0, 45)]
    fine = profile(make_lane("lane_stairs", difficulty, scale=0.025))
    # 12 cells, so 0.30 m again; the landing, from vertex 132 to 180, as well
    up = [(k * riser, 12) for k in range(1, 5)]
    assert runs(fine) == [(0, 84), *up, (5 * riser, 49), *reversed(up), (0, 91)]


@pytest.mark.parametrize("scale", [0.05, 0.025])
@pytest.mark.parametrize("difficulty, height", [(0.0, 10), (0.5, 31), (1.0, 52)])
def test_curbs_by_hand(difficulty: float, height: int, scale: float) -> None:
    counts, shortest, longest = set(), round(0.5 / scale), round(0.8 / scale)
    seen = set()
    for seed in range(20):
        stretches = runs(profile(make_lane("lane_curbs", difficulty, scale, seed)))
        assert [value for value, _ in stretches] == [0, height] * (len(stretches) // 2) + [0]
        assert stretches[0] == (0, round(2.1 / scale))
        # a curb's top reaches from its first to its last vertex, ground from the end of one to the next
        tops = [length - 1 for value, length in stretches if value]
        ground = [length + 1 for value, length in stretches[1:-1] if not value]
        assert all(shortest <= length <= longest for length in [*tops, *ground])
        counts.add(len(tops))
        seen.update([*tops, *ground])
    assert counts <= {2, 3, 4} and 3 in counts
    assert min(seen) <= shortest + 1 and max(seen) >= longest - 1


@pytest.mark.parametrize(
    "scale, difficulty, width",
    [
        (0.05, 0.0, 0.10),  # two cells are the least
        (0.05, 0.5, 0.20),  # 0.175 m is half way: up
        (0.05, 1.0, 0.30),
        (0.025, 0.0, 0.05),
        (0.025, 0.5, 0.175),
        (0.025, 0.45, 0.175),  # 0.1625 m is half way: up
        (0.025, 0.44, 0.15),  # 0.16 m
        (0.025, 1.0, 0.30),
    ],
)
def test_gaps_by_hand(scale: float, difficulty: float, width: float) -> None:
    seen = set()
    for seed in range(20):
        stretches = runs(profile(make_lane("lane_gaps", difficulty, scale, seed)))
        assert [value for value, _ in stretches] == [0, -160] * (len(stretches) // 2) + [0]
        # the last vertex of the start is the edge of the first gap, at x = 2.1 m
        assert stretches[0] == (0, round(2.1 / scale) + 1)
        openings = [length + 1 for value, length in stretches if value]
        assert set(openings) == {round(width / scale)}
        ground = [length - 1 for value, length in stretches[1:-1] if not value]
        assert all(round(0.6 / scale) <= length <= round(1.2 / scale) for length in ground)
        assert 3 <= len(openings) <= 6
        seen.update(ground)
    assert len(seen) > 5, "distances are random"


@pytest.mark.parametrize("refine", [1, 2, 4])
@pytest.mark.parametrize("scale, width", [(0.05, 0.20), (0.025, 0.175)])
def test_gaps_on_the_grid_of_physics(scale: float, width: float, refine: int) -> None:
    tile = make_lane("lane_gaps", 0.5, scale)
    field = make_heightfield(HeightMap(tile.heights[:, :4].astype(np.int16), scale, 0.005), refine)
    heights = field.data[0] * field.size[2] + field.pos[2]
    x = np.arange(len(heights)) * scale / refine
    solid, floor = x[heights > -1e-4], x[heights < -0.8 + 1e-4]
    edges = np.flatnonzero(np.diff(solid) > 1.5 * scale / refine)
    assert len(edges) >= 3 and solid[edges[0]] == pytest.approx(2.1)
    np.testing.assert_allclose(np.diff(solid)[edges], width, atol=1e-9)
    # the floor ends where the walls begin, one part of a cell before each edge
    first_floor = floor[floor < floor[0] + width]
    assert first_floor[-1] - first_floor[0] == pytest.approx(width - 2 * scale / refine)


@pytest.mark.parametrize(
    "scale, difficulty, stone, opening",
    [
        (0.05, 0.0, 12, 2),  # 0.60 and, for want of smaller ones, 0.10 m
        (0.05, 0.5, 9, 2),
        (0.05, 1.0, 6, 3),
        (0.025, 0.0, 24, 2),
        (0.025, 0.5, 18, 4),
        (0.025, 1.0, 12, 6),
    ],
)
def test_stones_by_hand(scale: float, difficulty: float, stone: int, opening: int) -> None:
    tile = make_lane("lane_stones", difficulty, scale)
    assert set(np.unique(tile.heights)) == {-160, 0}
    # which vertices along x have stones on them, and what comes before, between and after
    has_stone = (tile.heights == 0).any(axis=1)
    first, extent, pitch = round(2.1 / scale), round(3.6 / scale), stone + opening
    rows = (extent - opening) // pitch
    between = [(0, opening - 1), (1, stone + 1)] * rows + [(0, opening - 1)]
    last = first + rows * pitch + opening
    assert runs(has_stone) == [(1, first + 1), *between, (1, tile.heights.shape[0] - last)]
    phases = set()
    for row in range(rows):
        begin = first + opening + row * pitch
        line = tile.heights[begin]
        assert np.all(tile.heights[begin : begin + stone + 1] == line)
        inner = runs(line)[1:-1]
        assert {length for value, length in inner if value == 0} == {stone + 1}
        assert {length for value, length in inner if value < 0} == {opening - 1}
        phases.add(int(np.argmax(line < 0)))
    assert len(phases) > 1, "every row has its own phase"


def test_same_seed_same_lane() -> None:
    for name in ("lane_curbs", "lane_gaps", "lane_stones"):
        lanes = [make_lane(name, 0.7, seed=seed).heights for seed in (1, 1, 2)]
        np.testing.assert_array_equal(lanes[0], lanes[1])
        assert not np.array_equal(lanes[0], lanes[2])


def test_a_map_of_rough_lanes(make_cfg: Any) -> None:
    cfg = make_cfg(tile_types=LANES, difficulty_range=[0.0, 1.0], roughness=[0.02, 0.04], border_size=1.0)
    cfg.num_rows, cfg.num_cols, cfg.horizontal_scale, cfg.terrain_width = 2, 5, 0.05, 4.0
    terrain, again = Terrain(cfg, seed=3), Terrain(cfg, seed=3)
    np.testing.assert_array_equal(terrain.height_field, again.height_field)
    np.testing.assert_array_equal(terrain.finish_x, np.repeat(np.array([[6.0], [14.0]], np.float32), 5, axis=1))
    for row, amplitude in enumerate((4, 8)):
        for col, name in enumerate(LANES):
            x, y = 20 + row * 160, 20 + col * 80
            tile = terrain.height_field[x : x + 160, y : y + 80]
            flat = np.concatenate([tile[:42], tile[115:]])
            assert np.abs(flat).max() <= amplitude and flat.any()
            origin = terrain.env_origins[row, col]
            np.testing.assert_allclose(origin[:2], [row * 8.0 + 1.0, col * 4.0 + 2.0], atol=1e-6)
            assert origin[2] == pytest.approx(0.005 * tile[:41, 20:61].max())
            if name in ("lane_gaps", "lane_stones"):
                low = tile[tile < -100]
                assert len(low) and np.all(low == -160), "no roughness where nobody can step"
            if name == "lane_curbs":
                height = (10, 52)[row]
                assert height - amplitude <= tile.max() <= height + amplitude
