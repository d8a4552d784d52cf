"""The grid of tiles: which type stands where, borders, origins, seeds, selection, errors."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.terrain import Terrain, uses_height_map
from legged_gym.terrain.recipes import RECIPES, cumulative_proportions, type_of_selector
from legged_gym.terrain.sub_terrains import Tile


def tile_of(terrain: Terrain, row: int, col: int, cells: int = 80, border: int = 20) -> np.ndarray:
    x, y = border + row * cells, border + col * cells
    return terrain.height_field[x : x + cells, y : y + cells]


def test_columns_follow_the_default_proportions(make_cfg: Any) -> None:
    terrain = Terrain(make_cfg(), seed=1)
    # selectors 0.001, 0.051, 0.101, ... against 0.05 (inverted), 0.1, 0.2, 0.55, 0.8, 1
    expected = (
        ["smooth_slope_inverted", "smooth_slope"]
        + ["rough_slope"] * 2
        + ["stairs_up"] * 7
        + ["stairs_down"] * 5
        + ["discrete_obstacles"] * 4
    )
    assert terrain.tile_types == [expected] * 10
    np.testing.assert_allclose(terrain.difficulties, np.repeat(np.arange(10)[:, None] / 10, 20, axis=1))


def test_easy_rows_are_the_first_one_but_lower(make_cfg: Any) -> None:
    """Of steps of 5 cm a quarter, a half and three quarters; then difficulties as without, in fewer rows."""
    terrain = Terrain(make_cfg(easy_rows=3), seed=1)
    np.testing.assert_allclose(terrain.difficulties[:, 5], [0.0, 0.0, 0.0, *np.arange(7) / 7])
    steps = []
    for row in range(4):
        heights = np.unique(tile_of(terrain, row, 5) * terrain.vertical_scale)
        steps.append(np.diff(heights).mean())
    np.testing.assert_allclose(steps, [0.0125, 0.025, 0.0375, 0.05], atol=0.0026)
    same = Terrain(make_cfg(easy_rows=3, curriculum=False), seed=1).height_field
    assert np.array_equal(same, Terrain(make_cfg(curriculum=False), seed=1).height_field), (
        "nothing without rows in order"
    )
    with pytest.raises(UserError, match=r"terrain\.easy_rows is 10; it must be below terrain\.num_rows, 10"):
        Terrain(make_cfg(easy_rows=10), seed=1)


def test_goals_of_easy_rows_lie_on_the_ground(make_cfg: Any) -> None:
    settings = {"tile_types": ["parkour_step"], "terrain_length": 18.0, "terrain_width": 4.0, "num_cols": 1}
    terrain = Terrain(make_cfg(easy_rows=3, difficulty_range=[0.0, 1.0], **settings), seed=1)
    for row in range(10):
        goals = terrain.tiles.goals[row, 0]
        assert goals[:, 2].max() == pytest.approx(
            0.3 * (row + 1) / 4 if row < 3 else 0.3 + 1.05 * (row - 3) / 6, abs=0.01
        )
        assert np.allclose(terrain.height_map.at(goals[:, :2]), goals[:, 2], atol=0.01)


@pytest.mark.parametrize(
    "proportions, selector, name",
    [
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.099, "smooth_slope_inverted"),
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.101, "smooth_slope"),
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.201, "rough_slope"),
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.301, "stairs_up"),
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.401, "stairs_down"),
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.501, "discrete_obstacles"),
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.601, "stepping_stones"),
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.701, "gap"),
        ([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.801, "pit"),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.5], 0.0, "stepping_stones"),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.5], 0.5, "pit"),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], 0.3, "gap"),
        ([0.1, 0.1, 0.35, 0.25, 0.2], 0.9999999999999999, "discrete_obstacles"),
        ([0.1, 0.2, 0.3, 0.4, 0.0], 0.9999999999999999, "stairs_down"),
        ([1.0], 0.49, "smooth_slope_inverted"),
        ([1.0], 1.0009, "smooth_slope"),
        ([0.0, 0.0, 0.0, 0.0, 0.0], 0.0, "pit"),
    ],
)
def test_selector_against_proportions(proportions: Any, selector: float, name: str) -> None:
    assert type_of_selector(selector, cumulative_proportions(proportions)) == name


def test_map_layout(make_cfg: Any) -> None:
    cfg = make_cfg(num_rows=2, num_cols=3, terrain_length=8.0, terrain_width=6.0, terrain_proportions=[0, 0, 0, 1.0])
    terrain = Terrain(cfg, seed=1)
    assert terrain.height_field.shape == (2 * 80 + 40, 3 * 60 + 40)
    assert terrain.height_field.dtype == np.int16 and terrain.heights.dtype == np.float32
    assert (terrain.length_x, terrain.length_y) == pytest.approx((20.0, 22.0))
    for edge in (terrain.height_field[:20], terrain.height_field[-20:]):
        assert not edge.any()
    assert not terrain.height_field[:, :20].any() and not terrain.height_field[:, -20:].any()
    np.testing.assert_allclose(terrain.heights, terrain.height_field * 0.005, rtol=1e-6)
    # stairs of 0.05 and 0.14 m, treads of 3 cells on 60 cells: ceil((60 - 30) / 6) = 5 of them
    np.testing.assert_allclose(terrain.env_origins[:, 1], [[4.0, 9.0, 0.25], [12.0, 9.0, 0.70]], rtol=1e-6)
    i, j = (round((p + terrain.border_size) / 0.1) for p in terrain.env_origins[1, 2, :2])
    assert terrain.heights[i, j] == pytest.approx(0.70)


def test_origin_is_at_the_highest_point_within_a_metre(make_cfg: Any) -> None:
    terrain = Terrain(make_cfg(num_rows=3, num_cols=2, terrain_proportions=[0.0, 1.0]), seed=4)
    for row in range(3):
        for col in range(2):
            middle = tile_of(terrain, row, col)[30:51, 30:51]
            assert terrain.env_origins[row, col, 2] == pytest.approx(middle.max() * 0.005)


def test_same_seed_same_map_other_seed_other_map(make_cfg: Any) -> None:
    cfg = make_cfg(num_rows=2, num_cols=20)
    first, again, other = Terrain(cfg, 5), Terrain(cfg, 5), Terrain(cfg, 6)
    np.testing.assert_array_equal(first.height_field, again.height_field)
    assert not np.array_equal(tile_of(first, 1, 2), tile_of(other, 1, 2))
    np.testing.assert_array_equal(tile_of(first, 1, 0), tile_of(other, 1, 0))


def test_a_tile_does_not_depend_on_the_others(make_cfg: Any) -> None:
    small = Terrain(make_cfg(curriculum=False, num_rows=2, num_cols=2), 5)
    large = Terrain(make_cfg(curriculum=False, num_rows=4, num_cols=5), 5)
    for row in range(2):
        for col in range(2):
            assert small.tile_types[row][col] == large.tile_types[row][col]
            np.testing.assert_array_equal(tile_of(small, row, col), tile_of(large, row, col))
    rough = Terrain(make_cfg(num_rows=2, num_cols=2, terrain_proportions=[0.0, 1.0]), 5)
    tiles = [tile_of(rough, 0, col) for col in range(2)] + [tile_of(rough, 1, 0)]
    assert not np.array_equal(tiles[0], tiles[1]) and not np.array_equal(tiles[0], tiles[2])


def test_no_global_random_numbers(make_cfg: Any) -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    Terrain(make_cfg(curriculum=False, num_rows=2, num_cols=2), 5)
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_without_curriculum_types_and_difficulties_are_drawn(make_cfg: Any) -> None:
    terrain = Terrain(make_cfg(curriculum=False, num_rows=20, num_cols=20, border_size=0), seed=1)
    assert set(np.unique(terrain.difficulties)) == {0.5, 0.75, 0.9}
    counts = Counter(name for row in terrain.tile_types for name in row)
    shares = dict(
        smooth_slope_inverted=0.05,
        smooth_slope=0.05,
        rough_slope=0.1,
        stairs_up=0.35,
        stairs_down=0.25,
        discrete_obstacles=0.2,
    )
    assert set(counts) == set(shares)
    for name, share in shares.items():
        assert abs(counts[name] / 400 - share) < 4 * np.sqrt(share * (1 - share) / 400)


def test_selected_shape(make_cfg: Any) -> None:
    kwargs = {"type": "terrain_utils.pyramid_stairs_terrain", "step_width": 0.4, "step_height": 0.2, "platform_size": 3}
    cfg = make_cfg(selected=True, terrain_kwargs=kwargs, num_rows=1, num_cols=2)
    terrain = Terrain(cfg, seed=1)
    # (80 - 30) / 8 -> 7 steps of 0.2 m
    np.testing.assert_allclose(terrain.env_origins[..., 2], 1.4)
    assert terrain.tile_types == [["pyramid_stairs_terrain"] * 2]
    assert np.isnan(terrain.difficulties).all()
    assert "type" in kwargs, "the config is left as it was, so that a second map can be made from it"


@pytest.mark.parametrize("curriculum, expected", [(True, {0.0, 0.25, 0.5, 0.75}), (False, {0.5, 0.75, 0.9})])
def test_selected_type_with_and_without_difficulty(make_cfg: Any, curriculum: bool, expected: Any) -> None:
    cfg = make_cfg(selected=True, curriculum=curriculum, num_rows=4, num_cols=8, border_size=0)
    cfg.terrain_kwargs = {"type": "pit"}
    terrain = Terrain(cfg, seed=1)
    assert set(np.unique(terrain.difficulties)) == expected
    np.testing.assert_allclose(terrain.env_origins[..., 2], -terrain.difficulties, atol=1e-6)
    cfg.terrain_kwargs = {"type": "pit", "difficulty": 0.2}
    np.testing.assert_allclose(Terrain(cfg, seed=1).env_origins[..., 2], -0.2, atol=1e-6)


def test_selected_random_shape_differs_from_tile_to_tile(make_cfg: Any) -> None:
    cfg = make_cfg(selected=True, num_rows=1, num_cols=2, terrain_kwargs={"type": "discrete_obstacles"})
    terrain = Terrain(cfg, seed=1)
    assert not np.array_equal(tile_of(terrain, 0, 0), tile_of(terrain, 0, 1))


def test_every_recipe_makes_a_whole_map(make_cfg: Any) -> None:
    own = [name for name, recipe in RECIPES.items() if recipe.__module__.startswith("legged_gym.")]
    assert len(own) > 5
    for name in own:
        cfg = make_cfg(selected=True, num_rows=3, num_cols=1, terrain_length=18.0, terrain_kwargs={"type": name})
        assert Terrain(cfg, seed=1).height_field.any() == (not name.endswith("_flat")), name


def test_tile_types_take_turns_over_the_columns(make_cfg: Any) -> None:
    names = ["lane_gaps", "pit", "lane_flat"]
    terrain = Terrain(make_cfg(tile_types=names, num_rows=2, num_cols=7), seed=1)
    assert terrain.tile_types == [[*names, *names, "lane_gaps"]] * 2
    np.testing.assert_array_equal(terrain.difficulties, [[0.0] * 7, [0.5] * 7])
    # half a metre of pit in the middle of the second row's
    assert tile_of(terrain, 1, 4)[40, 40] == -100
    without = Terrain(make_cfg(num_rows=2, num_cols=7), seed=1)
    empty = Terrain(make_cfg(tile_types=[], num_rows=2, num_cols=7), seed=1)
    assert empty.tile_types == without.tile_types
    np.testing.assert_array_equal(empty.height_field, without.height_field)


@pytest.mark.parametrize("rows, expected", [(5, [0.2, 0.35, 0.5, 0.65, 0.8]), (2, [0.2, 0.8]), (1, [0.2])])
def test_difficulties_go_from_one_end_of_the_range_to_the_other(make_cfg: Any, rows: int, expected: Any) -> None:
    terrain = Terrain(make_cfg(difficulty_range=[0.2, 0.8], num_rows=rows, num_cols=2), seed=1)
    np.testing.assert_allclose(terrain.difficulties, np.repeat(np.array(expected)[:, None], 2, axis=1))


def test_types_and_difficulties_drawn_from_lists(make_cfg: Any) -> None:
    names = ["pit", "stairs_up", "gap"]
    cfg = make_cfg(curriculum=False, tile_types=names, difficulty_range=[0.2, 0.4], num_rows=15, num_cols=20)
    terrain = Terrain(cfg, seed=1)
    counts = Counter(name for row in terrain.tile_types for name in row)
    assert set(counts) == set(names)
    # 100 +- 8.2 of each
    assert all(abs(count - 100) < 33 for count in counts.values())
    drawn = np.sort(terrain.difficulties.ravel())
    assert 0.2 <= drawn[0] < 0.21 and 0.39 < drawn[-1] <= 0.4
    # Kolmogorov-Smirnov at 0.1 %: 1.95 / sqrt(300)
    assert np.abs((drawn - 0.2) / 0.2 - (np.arange(300) + 0.5) / 300).max() < 0.113


def test_roughness_grows_with_difficulty_and_tiles_meet(make_cfg: Any) -> None:
    cfg = make_cfg(tile_types=["lane_flat"], difficulty_range=[0.0, 1.0], roughness=[0.02, 0.04])
    cfg.num_rows, cfg.num_cols, cfg.horizontal_scale = 3, 2, 0.05
    terrain = Terrain(cfg, seed=1)
    for row, units in enumerate((4, 6, 8)):
        for col in range(2):
            assert np.abs(tile_of(terrain, row, col, cells=160, border=40)).max() == units
    # nowhere so steep that the refined ground gets a wall, least of all between tiles
    assert max(np.abs(np.diff(terrain.heights, axis=axis)).max() for axis in (0, 1)) < 0.75 * 0.05
    assert not terrain.height_field[:41].any() and not terrain.height_field[:, :41].any()


def test_roughness_of_a_selected_shape_is_that_of_its_row(make_cfg: Any) -> None:
    cfg = make_cfg(selected=True, terrain_kwargs={"type": "pit_terrain", "depth": 0}, num_rows=2, num_cols=1)
    cfg.roughness = [0.1, 0.2]
    terrain = Terrain(cfg, seed=1)
    assert np.isnan(terrain.difficulties).all()
    assert [np.abs(tile_of(terrain, row, 0)).max() for row in range(2)] == [20, 30]


def test_only_lanes_have_a_finish(make_cfg: Any) -> None:
    terrain = Terrain(make_cfg(num_rows=2, num_cols=2, tile_types=["gap", "lane_gaps"]), seed=1)
    assert terrain.finish_x.dtype == np.float32
    np.testing.assert_array_equal(terrain.finish_x, np.array([[np.nan, 6.0], [np.nan, 14.0]], np.float32))
    np.testing.assert_allclose(terrain.env_origins[1, :, :2], [[12.0, 4.0], [9.0, 12.0]])


def test_the_map_knows_its_edges(make_cfg: Any) -> None:
    cfg = make_cfg(num_rows=1, num_cols=1, border_size=1.0, selected=True)
    cfg.terrain_kwargs = {"type": "pit_terrain", "depth": 0.5, "platform_size": 4.0}
    mask = Terrain(cfg, seed=1).edge_mask(margin=0.1, drop=0.3)
    # the floor is at vertices 30 to 69; two vertices of ground along each side of it, and at the corners those within
    # 0.1 m of the ends of the sides
    expected = np.zeros((100, 100), bool)
    for side in (28, 29, 70, 71):
        expected[side, 30:70] = expected[30:70, side] = True
    for corner in ((29, 29), (29, 70), (70, 29), (70, 70)):
        expected[corner] = True
    np.testing.assert_array_equal(mask, expected)


def test_sizes_are_rounded_to_cells_and_stay_consistent(make_cfg: Any) -> None:
    cfg = make_cfg(horizontal_scale=0.3, num_rows=1, num_cols=3, border_size=1.0, terrain_proportions=[0, 0, 0, 1.0])
    terrain = Terrain(cfg, seed=1)
    # 8 / 0.3 = 26.7 -> 27 cells = 8.1 m; 1 / 0.3 -> 3 cells
    assert terrain.height_field.shape == (27 + 6, 81 + 6)
    assert (terrain.tile_length, terrain.tile_width, terrain.border_size) == pytest.approx((8.1, 8.1, 0.9))
    np.testing.assert_allclose(terrain.env_origins[0, :, 1], [4.05, 12.15, 20.25], rtol=1e-6)


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(terrain_length=0.1), "less than two cells"),
        (dict(terrain_proportions=[0.5, 0.6]), "add up to 1.1"),
        (dict(terrain_length=2.0, terrain_width=2.0), "platform_size 3 m"),
        (dict(vertical_scale=1e-5), "raise vertical_scale"),
        (dict(tile_types=["lane_gap"]), "tile_types: 'lane_gap' is unknown; did you mean lane_gaps"),
        (dict(tile_types=["pit_terrain"]), "tile_types: 'pit_terrain' is unknown"),
        (dict(tile_types=["lane_flat"], horizontal_scale=0.2), "lanes need cells of at most 0.1 m"),
        (dict(tile_types=["lane_flat"], terrain_length=5.0), "lanes need a terrain_length of at least 5.4 m"),
        (dict(tile_types=["lane_flat"], terrain_width=1.5), "lanes need a terrain_width of at least 2 m"),
        (dict(selected=True), "needs terrain.terrain_kwargs with a type"),
        (dict(selected=True, terrain_kwargs={"slope": 1}), "with a type"),
        (dict(selected=True, terrain_kwargs={"type": "stair_up"}), "did you mean stairs_up"),
        (dict(selected=True, terrain_kwargs={"type": "xyzzy"}), "known: discrete_obstacles, "),
        (dict(selected=True, terrain_kwargs={"type": "pit_terrain", "dept": 1.0}), "did you mean depth"),
        (dict(selected=True, terrain_kwargs={"type": "pit_terrain"}), "pit_terrain also needs depth"),
        (dict(selected=True, terrain_kwargs={"type": "pit_terrain", "depth": "deep"}), "depth must be a number"),
        (dict(selected=True, terrain_kwargs={"type": "pit", "difficulty": 1.5}), "between 0 and 1"),
        (dict(selected=True, terrain_kwargs={"type": "pit", "depth": 1}), "pit takes no 'depth'"),
    ],
)
def test_user_errors_are_one_clear_line(make_cfg: Any, changes: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        Terrain(make_cfg(**changes), seed=1)
    assert "\n" not in str(error.value)


def test_mesh_types() -> None:
    assert [uses_height_map(name) for name in (None, "none", "plane")] == [False] * 3
    assert uses_height_map("heightfield") and uses_height_map("trimesh")


def test_recipes_compose(make_cfg: Any) -> None:
    """A new kind of tile is a function of shapes: roughness over stairs keeps the stairs' mean."""
    tile = Tile(np.zeros((80, 80), np.int32), 0.1, 0.005, np.random.default_rng(0))
    stairs = Tile(np.zeros((80, 80), np.int32), 0.1, 0.005, np.random.default_rng(0))
    for each in (tile, stairs):
        RECIPES["stairs_down"](each, 0.5)
    RECIPES["rough_slope"](tile, 0.0)
    assert 0 < np.abs(tile.heights - stairs.heights).max() <= 10
