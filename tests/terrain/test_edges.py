"""Edges of the ground: steps by hand, and random maps against a slow loop over the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.terrain.edges import edge_mask


def rows_of(profile: Any, margin: float, drop: float) -> Any:
    """The marked places along x of a map with this profile, cells of 0.05 m and units of 5 mm."""
    mask = edge_mask(np.repeat(np.array(profile, np.int16)[:, None], 6, axis=1), 0.05, 0.005, margin, drop)
    assert mask.dtype == bool and np.all(mask == mask[:, :1])
    return np.flatnonzero(mask[:, 0]).tolist()


STEP_DOWN = [40, 40, 40, 40, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "margin, expected",
    [(0.0, [3]), (0.04, [3]), (0.05, [2, 3]), (0.1, [1, 2, 3]), (0.3, [0, 1, 2, 3])],
)
def test_a_step_is_marked_on_top_only(margin: float, expected: Any) -> None:
    assert rows_of(STEP_DOWN, margin, 0.1) == expected
    assert rows_of(STEP_DOWN[::-1], margin, 0.1) == [7 - k for k in reversed(expected)]


@pytest.mark.parametrize("drop, expected", [(0.199, [3]), (0.2, []), (0.201, [])])
def test_the_drop_has_to_be_exceeded(drop: float, expected: Any) -> None:
    assert rows_of(STEP_DOWN, 0.0, drop) == expected


def test_whole_units_are_compared_without_rounding_errors() -> None:
    for units in range(1, 60):
        assert rows_of([units, 0, 0], 0.0, units * 0.005) == []
        assert rows_of([units + 1, 0, 0], 0.0, units * 0.005) == [0]


def test_a_gap_has_an_edge_on_either_side_and_none_in_it() -> None:
    assert rows_of([0] * 5 + [-160] * 4 + [0] * 5, 0.05, 0.1) == [3, 4, 9, 10]


def test_every_step_of_stairs_has_an_edge() -> None:
    assert rows_of([0] * 4 + [20] * 4 + [40] * 4 + [20] * 4, 0.05, 0.05) == [4, 5, 8, 9, 10, 11]


def test_a_slope_has_none() -> None:
    assert rows_of([0, 8, 16, 24, 32], 0.1, 0.05) == []


def test_distance_is_euclidean_and_ends_with_the_map() -> None:
    field = np.zeros((9, 9), np.int16)
    field[0, 4] = -100
    marked = np.argwhere(edge_mask(field, 0.1, 0.005, 0.15, 0.1)).tolist()
    # around the edges (0, 3), (0, 5) and (1, 4): one cell along an axis or diagonally
    expected = [[0, 2], [0, 3], [0, 5], [0, 6], [1, 2], [1, 3], [1, 4], [1, 5], [1, 6], [2, 3], [2, 4], [2, 5]]
    assert marked == expected


@pytest.mark.parametrize("margin, drop", [(0.0, 0.05), (0.1, 0.05), (0.25, 0.2)])
def test_against_the_definition(margin: float, drop: float) -> None:
    rng = np.random.default_rng(1)
    field = (20 * rng.integers(-2, 3, size=(14, 17)) * (rng.random((14, 17)) < 0.3)).astype(np.int16)
    heights = field * 0.005
    nx, ny = field.shape
    neighbours = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    edges = [
        (i, j)
        for i in range(nx)
        for j in range(ny)
        if any(
            0 <= i + a < nx and 0 <= j + b < ny and heights[i, j] - heights[i + a, j + b] > drop + 1e-9
            for a, b in neighbours
        )
    ]
    expected = np.zeros((nx, ny), bool)
    for i in range(nx):
        for j in range(ny):
            expected[i, j] = any(
                np.hypot(i - a, j - b) * 0.1 <= margin + 1e-9 and heights[a, b] - heights[i, j] <= drop + 1e-9
                for a, b in edges
            )
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(edge_mask(field, 0.1, 0.005, margin, drop), expected)


@pytest.mark.parametrize(
    "margin, drop, words",
    [(-0.1, 0.1, "margin"), (float("nan"), 0.1, "margin"), (0.1, 0.0, "drop"), (0.1, float("nan"), "drop")],
)
def test_wrong_arguments(margin: float, drop: float, words: str) -> None:
    with pytest.raises(UserError, match=words):
        edge_mask(np.zeros((3, 3), np.int16), 0.1, 0.005, margin, drop)
