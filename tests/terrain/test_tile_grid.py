"""Goals are data of a tile: a recipe sets them, the grid knows them by level and type, in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from legged_gym.terrain import Terrain
from legged_gym.terrain.recipes import RECIPES
from legged_gym.terrain.sub_terrains import Tile


def two_goals(tile: Tile, difficulty: float) -> None:
    tile.goals = [(1.0, 2.0, 0.0), (3.0, 2.5, difficulty)]


def three_goals(tile: Tile, difficulty: float) -> None:
    tile.goals = np.array([(k, 2.0, 0.1) for k in range(3)])


@pytest.fixture()
def terrain(make_cfg: Any, monkeypatch: pytest.MonkeyPatch) -> Terrain:
    monkeypatch.setitem(RECIPES, "two_goals", two_goals)
    monkeypatch.setitem(RECIPES, "three_goals", three_goals)
    names = ["two_goals", "three_goals", "lane_flat"]
    cfg = make_cfg(tile_types=names, num_rows=2, num_cols=3, terrain_length=8.0, terrain_width=4.0)
    return Terrain(cfg, seed=1)


def test_goals_are_in_the_world_by_level_and_type(terrain: Terrain) -> None:
    goals = terrain.tiles.goals
    assert goals.shape == (2, 3, 3, 3) and goals.dtype == np.float32
    # tiles are 8 m along x and 4 m along y; the first level has difficulty 0, the second 0.5
    np.testing.assert_allclose(goals[0, 1], [[0, 6, 0.1], [1, 6, 0.1], [2, 6, 0.1]])
    np.testing.assert_allclose(goals[1, 0, :2], [[9, 2, 0], [11, 2.5, 0.5]])


def test_a_tile_with_fewer_goals_repeats_its_last_one_and_one_without_has_none(terrain: Terrain) -> None:
    np.testing.assert_array_equal(terrain.tiles.num_goals, [[2, 3, 0]] * 2)
    np.testing.assert_allclose(terrain.tiles.goals[1, 0, 2], [11, 2.5, 0.5])
    assert np.isnan(terrain.tiles.goals[:, 2]).all()


def test_a_map_without_goals(make_cfg: Any) -> None:
    assert Terrain(make_cfg(num_rows=2, num_cols=1), seed=1).tiles.goals.shape == (2, 1, 0, 3)
