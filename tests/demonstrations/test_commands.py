"""Schedules of commands: how evenly they fill the ranges, and what a robot on its way to a point is told."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from tests.demonstrations.demonstration_runs import collector


@pytest.fixture(scope="module")
def made():
    """Collectors of 64 robots, by their flags."""
    cache = {}

    def get(*flags):
        if flags not in cache:
            cache[flags] = collector("--num_envs=64", *flags)
        return cache[flags]

    yield get
    for one in cache.values():
        one.env.close()


def commands(collector, first):
    collector.start(first)
    return torch.stack(list(collector.env.command_columns().values()), dim=1).numpy()


WHOLE = tuple(f"--env.commands.{name}=0" for name in ("min_norm", "standing_fraction", "pure_fraction"))


def test_random_commands_are_stratified(made):
    """64 episodes that start together: each of 64 equal parts of each range has exactly one of them."""
    for first in (0, 64, 640):
        found = commands(made(*WHOLE), first)
        assert found.shape == (64, 3)
        for column in found.T:
            parts = np.floor((column.astype(np.float64) + 1.0) / 2.0 * 64).astype(int)
            assert sorted(parts) == list(range(64))
    assert not np.array_equal(commands(made(*WHOLE), 0), commands(made(*WHOLE), 64))


def test_random_commands_go_through_the_sampler_of_the_task(made):
    found = commands(made(), 0)
    slow = np.hypot(*found[:, :2].T) < 0.2
    assert slow.any()
    assert (found[slow, :2] == 0).all()  # the task tells them to stand


def test_random_commands_change_when_the_task_is_due(made):
    one = made(*WHOLE, "--env.commands.resampling_time=0.06")
    seen = one.run(0).take(np.arange(64))["commands"]
    changes = [bool((seen[:, t] != seen[:, t - 1]).any()) for t in range(1, 8)]
    # the command that is drawn in a step is seen in the next
    assert changes == [False, False, True, False, False, True, False]
    assert len(np.unique(np.floor((seen[:, 3, 0].astype(np.float64) + 1.0) * 32))) == 64


def test_heading_commands_turn_to_the_heading(made):
    one = made(*WHOLE, "--env.commands.heading_command=true")
    seen = one.run(0).take(np.arange(64))
    w, x, y, z = np.moveaxis(seen["states"][:, 4, 3:7], -1, 0)
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    error = (one.env.commands[:, 3].numpy() - yaw + math.pi) % (2 * math.pi) - math.pi
    np.testing.assert_allclose(seen["commands"][:, 4, 2], np.clip(0.5 * error, -1, 1), atol=1e-5)


def test_the_grid_is_covered_once_then_loosely(made):
    grid = made("--schedule=grid")
    found = np.concatenate([commands(grid, first) for first in range(0, 256, 64)])
    values = {-1.0, -0.5, 0.0, 0.5, 1.0}
    first, second = found[:125], found[125:250]
    assert len(np.unique(first, axis=0)) == 125
    assert set(np.unique(first)) == values
    shift = second - first  # the same points in the same order
    assert 0.2 < np.abs(shift).max() <= 0.25 + 1e-6
    assert np.abs(second).max() <= 1.0
    seen = grid.run(0).take(np.arange(64))["commands"]
    assert (seen == seen[:, :1]).all()


def test_waypoints_are_steered_to(made):
    """By hand: one robot with a point straight ahead, one with a point to the left, one that has arrived."""
    one = made("--schedule=waypoint")
    one.start(0)
    schedule, env = one.schedule, one.env
    env.root_states[:, 3:7] = torch.tensor([0.0, 0.0, 0.0, 1.0])
    position = env.root_states[:, :2]
    schedule._points[0, 0] = position[0] + torch.tensor([0.4, 0.0])
    schedule._points[1, 0] = position[1] + torch.tensor([0.0, 5.0])
    schedule._points[2, 0] = position[2] + torch.tensor([0.1, 0.1])
    schedule._points[2, 1] = position[2] + torch.tensor([0.3, 0.0])
    schedule._command[:] = 0.0
    schedule.update()
    smoothing = 0.3
    np.testing.assert_allclose(env.commands[0, :3], [smoothing * 0.4, 0, 0], atol=1e-5)
    # 1.5 m/s is more than the task's range, which ends at 1
    np.testing.assert_allclose(env.commands[1, :3], [smoothing * 1.0, smoothing * 0.2, smoothing * 0.4], atol=1e-5)
    np.testing.assert_allclose(env.commands[2, :3], [smoothing * 0.3, 0, 0], atol=1e-5)
    schedule.update()
    np.testing.assert_allclose(env.commands[0, 0], smoothing * 0.4 * 1.7, atol=1e-5)


def test_waypoints_differ_and_lie_around_the_start(made):
    one = made("--schedule=waypoint")
    one.start(0)
    points = one.schedule._points - one.env.root_states[:, None, :2]
    assert 9.5 < points.abs().max() <= 10.0
    assert len(torch.unique(points[:, 0, 0])) == 64
    one.start(64)
    assert not torch.equal(points, one.schedule._points - one.env.root_states[:, None, :2])


def test_a_policy_without_commands_cannot_be_told_any():
    with pytest.raises(UserError, match="use --schedule=random"):
        collector("--schedule=grid", "--env.observations.policy.commands=null")


def test_numbers_for_some_robots_come_from_the_environment(made):
    """A robot that starts anew within the round draws for itself, and the others keep their places in the sequence."""
    one = made(*WHOLE)
    one.start(0)
    expected = one.env.commands.clone()
    original = one.env._resample_commands

    def resample(env_ids):
        one.env._uniform([0.0, 1.0], 3, 2)
        original(env_ids)

    one.env._resample_commands = resample
    one.schedule.start(0)
    one.env._resample_commands = original
    assert torch.equal(one.env.commands, expected)
