"""The height scan: against a slow loop, against slopes in closed form, at the edges."""

from __future__ import annotations

import math
from typing import List

import numpy as np
import pytest
import torch

from legged_gym.sensors.height_scan import HeightScan
from legged_gym.terrain import HeightMap

POINTS_X = [-0.35, -0.1, 0.2, 0.45, 1.0]
POINTS_Y = [-0.3, 0.05, 0.6]


def make_map(field: np.ndarray, border: float = 2.0) -> HeightMap:
    return HeightMap(field.astype(np.int16), 0.1, 0.005, (-border, -border))


def yaw_quat(yaw: torch.Tensor) -> torch.Tensor:
    zero = torch.zeros_like(yaw)
    return torch.stack([zero, zero, torch.sin(yaw / 2), torch.cos(yaw / 2)], dim=-1)


def slow_scan(terrain: HeightMap, x: float, y: float, yaw: float) -> List[float]:
    """One robot, point by point, in double precision."""
    heights = []
    rows, cols = terrain.units.shape
    for px in POINTS_X:
        for py in POINTS_Y:
            wx = x + math.cos(yaw) * px - math.sin(yaw) * py
            wy = y + math.sin(yaw) * px + math.cos(yaw) * py
            i = min(max(int((wx - terrain.origin[0]) / 0.1), 0), rows - 2)
            j = min(max(int((wy - terrain.origin[1]) / 0.1), 0), cols - 2)
            field = terrain.units
            heights.append(0.005 * min(int(field[i, j]), int(field[i + 1, j]), int(field[i, j + 1])))
    return heights


def test_against_a_slow_loop() -> None:
    rng = np.random.default_rng(0)
    terrain = make_map(rng.integers(-200, 200, (70, 90)))
    scan = HeightScan(terrain, POINTS_X, POINTS_Y)
    # 7 x 9 m of map; robots also stand outside of it
    x, y, yaw = rng.uniform(-4, 7, 200), rng.uniform(-4, 9, 200), rng.uniform(-9, 9, 200)
    positions = torch.tensor(np.stack([x, y, rng.uniform(0, 1, 200)], axis=1), dtype=torch.float32)
    heights = scan(positions, yaw_quat(torch.tensor(yaw, dtype=torch.float32))).numpy()
    expected = np.array([slow_scan(terrain, *pose) for pose in zip(x, y, yaw)])
    assert heights.shape == (200, 15) and heights.dtype == np.float32
    # a point that lies on a cell's edge to float32 precision may be counted to either side
    assert np.mean(np.abs(heights - expected) > 1e-6) < 2e-3


@pytest.mark.parametrize("slope_x, slope_y", [(4, 0), (-4, 0), (0, 6), (0, -6), (3, -2)])
def test_slopes_in_closed_form(slope_x: int, slope_y: int) -> None:
    """On a plane of sx, sy units a cell, the lowest of the three vertices of cell (i, j) is known."""
    i, j = np.meshgrid(np.arange(60), np.arange(60), indexing="ij")
    scan = HeightScan(make_map(slope_x * i + slope_y * j), [0.0, 0.5], [0.0])
    # the base in the middle of cell (30, 25), heading +y: the second point is five cells further along y
    positions = torch.tensor([[1.05, 0.55, 0.4]])
    heights = scan(positions, yaw_quat(torch.tensor([math.pi / 2])))
    lowest = min(0, slope_x, slope_y)
    expected = [30 * slope_x + 25 * slope_y + lowest, 30 * slope_x + 30 * slope_y + lowest]
    np.testing.assert_allclose(heights[0].numpy(), 0.005 * np.array(expected), rtol=1e-6)


def test_points_are_in_x_major_order() -> None:
    i, j = np.meshgrid(np.arange(60), np.arange(60), indexing="ij")
    scan = HeightScan(make_map(100 * i + j), [0.0, 0.1, 0.2], [0.0, 0.3])
    heights = scan(torch.tensor([[0.05, 0.05]]), torch.tensor([[0.0, 0.0, 0.0, 1.0]]))[0] / 0.005
    first = 100 * 20 + 20
    expected = [first, first + 3, first + 100, first + 103, first + 200, first + 203]
    assert heights.round().tolist() == expected


@pytest.mark.parametrize("axis", [0, 1])
def test_roll_and_pitch_do_not_matter(axis: int) -> None:
    rng = np.random.default_rng(1)
    scan = HeightScan(make_map(rng.integers(-99, 99, (80, 80))), POINTS_X, POINTS_Y)
    positions, yaw, tilt = torch.rand(50, 3) * 4, torch.rand(50) * 6, torch.rand(50) - 0.5
    level = yaw_quat(yaw)
    # the product yaw * tilt of quaternions with one vector component each
    tilted = torch.zeros(50, 4)
    tilted[:, axis] = torch.cos(yaw / 2) * torch.sin(tilt / 2)
    tilted[:, 1 - axis] = (1 if axis == 0 else -1) * torch.sin(yaw / 2) * torch.sin(tilt / 2)
    tilted[:, 2] = torch.sin(yaw / 2) * torch.cos(tilt / 2)
    tilted[:, 3] = torch.cos(yaw / 2) * torch.cos(tilt / 2)
    same = scan(positions, level) == scan(positions, tilted)
    assert same.float().mean() > 0.995


def test_sample_agrees_with_the_grid_and_clamps() -> None:
    field = np.random.default_rng(2).integers(-99, 99, (50, 40))
    terrain = make_map(field)
    scan = HeightScan(terrain, [0.0], [0.0])
    points = torch.rand(30, 7, 2) * torch.tensor([5.0, 4.0]) - 2.0
    heights = scan.sample(points)
    assert heights.shape == (30, 7)
    level = torch.tensor([[0.0, 0.0, 0.0, 1.0]]).expand(210, 4)
    assert torch.equal(heights.reshape(210, 1), scan(points.reshape(210, 2), level))
    turned = points.transpose(0, 1)
    assert torch.equal(scan.sample(turned), heights.T), "any memory layout will do"
    outside = scan.sample(torch.tensor([[-99.0, -99.0], [99.0, 99.0]])) / 0.005
    corner = [min(field[0, 0], field[1, 0], field[0, 1]), min(field[48, 38], field[49, 38], field[48, 39])]
    assert outside.round().tolist() == corner


def test_a_robot_that_is_not_a_number_does_not_stop_the_others() -> None:
    scan = HeightScan(make_map(np.full((50, 40), 20)), POINTS_X, POINTS_Y)
    positions = torch.tensor([[math.nan, math.inf, 0.0], [0.0, 0.0, 0.0], [1e30, -1e30, 0.0]])
    quats = torch.tensor([[math.nan] * 4, [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
    assert torch.allclose(scan(positions, quats), torch.full((3, 15), 0.1))


def test_plane_is_zero() -> None:
    scan = HeightScan(None, POINTS_X, POINTS_Y)
    heights = scan(torch.rand(4, 3), torch.rand(4, 4))
    assert scan.num_points == 15 and torch.equal(heights, torch.zeros(4, 15))
    assert torch.equal(scan.sample(torch.rand(4, 9, 2)), torch.zeros(4, 9))
