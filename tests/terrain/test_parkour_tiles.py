"""Courses of goals: what lies on the way from one goal to the next, by the heights of the ground alone."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.terrain.recipes import RECIPES
from legged_gym.terrain.sub_terrains import Tile

CELL, UNIT = 0.05, 0.005
KINDS = ("stones", "hurdle", "flat", "step", "gap", "demo")


def make(kind: str, difficulty: float, seed: int = 0, length: float = 18.0) -> Tile:
    heights = np.zeros((round(length / CELL), 80), dtype=np.int32)
    tile = Tile(heights, CELL, UNIT, np.random.default_rng(seed))
    RECIPES[f"parkour_{kind}"](tile, difficulty)
    return tile


def way(tile: Tile) -> List[np.ndarray]:
    """From goal to goal, heights (n,) m along the line between the two; by vertices in x."""
    goals = np.rint(np.array(tile.goals)[:, :2] / CELL).astype(int)
    lines = []
    for (x0, y0), (x1, y1) in zip(goals[:-1], goals[1:]):
        x = np.arange(x0, x1 + 1)
        lines.append(tile.heights[x, np.rint(np.interp(x, (x0, x1), (y0, y1))).astype(int)] * UNIT)
    return lines


def runs(mask: np.ndarray) -> List[Tuple[int, int]]:
    """First and last index of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(int), [0]))))
    return list(zip(edges[0::2], edges[1::2] - 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("difficulty", [0.0, 0.6, 1.0])
def test_eight_goals_on_the_ground_in_their_order(kind, difficulty):
    for seed in range(10):
        tile = make(kind, difficulty, seed)
        goals = np.array(tile.goals)
        assert goals.shape == (8, 3) and tile.start == (1.0, pytest.approx(2.0))
        assert (np.diff(goals[:, 0]) > 0).all() and 1.0 < goals[0, 0] < 2.5 and goals[-1, 0] <= 17.5
        cells = np.rint(goals[:, :2] / CELL).astype(int)
        np.testing.assert_allclose(tile.heights[cells[:, 0], cells[:, 1]] * UNIT, goals[:, 2], atol=1e-9)
        assert not (tile.heights[:30] != 0).any() and not tile.heights[:, [0, 1, -2, -1]].any(), "start and rim"
    assert not np.array_equal(make(kind, difficulty, 1).goals, make(kind, difficulty, 2).goals)


@pytest.mark.parametrize(("difficulty", "thick", "low", "high"), [(0.0, 0.1, 0.1, 0.15), (1.0, 0.4, 0.2, 0.4)])
def test_a_hurdle_stands_before_each_goal_but_the_first(difficulty, thick, low, high):
    for seed in range(5):
        tile = make("hurdle", difficulty, seed)
        ways = way(tile)
        assert (ways[0] == 0).all(), "the second goal is halfway to the first hurdle"
        for line in ways[1:]:
            ((first, last),) = runs(line > 0)
            assert (last - first) * CELL == pytest.approx(thick)
            assert low - 0.003 <= line[first] <= high + 0.003
        wall = np.flatnonzero(tile.heights[:, 40])
        beside = np.flatnonzero(tile.heights[wall[0]]) * CELL
        assert 0.8 - CELL < np.ptp(beside) < 1.6 + CELL, "who wants to can go round it"


@pytest.mark.parametrize(("difficulty", "wide"), [(0.0, 0.1), (0.5, 0.45), (1.0, 0.8)])
def test_a_gap_lies_before_each_goal_but_the_first(difficulty, wide):
    for seed in range(5):
        tile = make("gap", difficulty, seed)
        ways = way(tile)
        assert (ways[0] == 0).all()
        for line in ways[1:]:
            ((first, last),) = runs(line < 0)
            assert (last - first + 2) * CELL == pytest.approx(wide, abs=0.51 * CELL), "from edge to edge"
            assert -1.0 <= line[first] <= -0.2
        beyond = round(tile.goals[3][0] / CELL)
        ground = runs(tile.heights[beyond, 3:-3] == 0)
        assert len(ground) == 1 and 1.2 - CELL < np.ptp(ground[0]) * CELL < 2.4 + CELL, "a bridge over a pit"


@pytest.mark.parametrize(("difficulty", "step"), [(0.0, 0.1), (1.0, 0.45)])
def test_three_steps_up_and_down(difficulty, step):
    goals = np.array(make("step", difficulty).goals)
    np.testing.assert_allclose(goals[:, 2], step * np.array([0, 1, 2, 3, 3, 2, 1, 0]), atol=1e-9)
    assert goals[0, 0] == pytest.approx(1.5)
    treads = np.diff(goals[1:7, 0])
    assert (treads > step + 0.3 - CELL).all() and (treads < step + 1.5 + CELL).all()


@pytest.mark.parametrize(("difficulty", "tilt", "last_tilt"), [(0.0, 0.0, 0.1), (1.0, 0.25, 0.25)])
def test_stones_lean_to_the_middle_in_turn(difficulty, tilt, last_tilt):
    """The side away from the middle is the higher one."""
    tile = make("stones", difficulty)
    goals = np.array(tile.goals)
    sides = np.sign(goals[1:7, 1] - 2.0)
    assert (sides[1:] == -sides[:-1]).all() and (np.abs(goals[1:7, 1] - 2.0) >= 0.2 - CELL).all()
    for k, (x, y, _) in enumerate(goals[1:7]):
        row, column = round(x / CELL), round(y / CELL)
        across = tile.heights[row, column - 10 : column + 11] * UNIT
        expected = sides[k] * (last_tilt if k == 5 else tilt)
        np.testing.assert_allclose(across[[0, 10, -1]], [-expected, 0.0, expected], atol=0.003)
        assert (tile.heights[row, [column - 12, column + 12]] * UNIT <= -0.2).all(), "a pit around it"
    assert np.diff(goals[1:6, 0]).min() > 0.5


def test_the_demo_has_a_goal_on_each_element():
    goals = np.array(make("demo", 0.7).goals)
    assert 0.30 <= goals[0, 2] <= 0.36 and goals[0, 0] == pytest.approx(2.2, abs=1.5 * CELL)
    assert 0.35 <= goals[1, 2] <= 0.45 and (goals[1:5, 2] == goals[1, 2]).all()
    assert goals[5, 1] > 2.1 and goals[6, 1] < 1.9 and 0.15 <= goals[5, 2] <= 0.42 and goals[7, 2] == 0


def test_a_tile_that_is_too_short():
    with pytest.raises(UserError, match="parkour needs a terrain_length of at least 15 m"):
        make("flat", 0.0, length=8.0)
