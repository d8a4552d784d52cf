"""Robots move between terrain levels, and the command range widens, by the rules of legged_gym."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legged_gym.envs import A1FlatCfg, A1RoughCfg
from legged_gym.envs.base.legged_robot import LeggedRobot


@pytest.fixture(scope="module")
def rough() -> LeggedRobot:
    cfg = A1RoughCfg()
    cfg.update(
        {
            "env": {"num_envs": 6},
            "terrain": {"num_rows": 4, "num_cols": 3, "border_size": 4.0, "max_init_terrain_level": 0},
            "observations": {"policy": {"heights": None}},
        }
    )
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    return env


def walk(env: LeggedRobot, distances: Any, commanded: Any, level: int) -> torch.Tensor:
    """Put all robots on a level, let each have walked a distance under a command, and end the episodes."""
    every = torch.arange(env.num_envs)
    env.terrain_levels[:] = level
    env.env_origins = env.terrain_curriculum.origins[env.terrain_levels, env.terrain_types]
    states = env.root_states.clone()
    states[:, :2] = env.env_origins[:, :2]
    states[:, 0] += torch.tensor(distances)
    env.sim.set_root_states(every, states)
    env.commands[:, 0], env.commands[:, 1] = torch.tensor(commanded), 0.0
    env.reset_idx(every)
    return env.terrain_levels.clone()


def test_levels_follow_the_distance_walked(rough):
    # half a tile is 4 m; 0.5 * 0.8 m/s * 20 s = 8 m and 0.5 * 0.2 m/s * 20 s = 2 m were asked for at least
    levels = walk(rough, [4.1, 3.9, 2.1, 1.9, 0.0, 4.1], [0.8, 0.8, 0.2, 0.2, 0.0, 0.0], level=1)
    assert levels.tolist() == [2, 0, 1, 0, 1, 2]


def test_nobody_falls_below_the_first_level_and_the_last_one_leads_anywhere(rough):
    assert walk(rough, [0.0] * 6, [1.0] * 6, level=0).tolist() == [0] * 6
    seen = set()
    for _ in range(20):
        seen |= set(walk(rough, [5.0] * 6, [1.0] * 6, level=3).tolist())
    assert seen == {0, 1, 2, 3}


def test_robots_stand_on_the_tile_of_their_level_and_type(rough):
    walk(rough, [5.0, 0.0, 5.0, 0.0, 5.0, 0.0], [1.0] * 6, level=2)
    # two robots a type; a start within 1 m of the middle of the tile
    assert rough.terrain_types.tolist() == [0, 0, 1, 1, 2, 2]
    expected = torch.as_tensor(rough.terrain.env_origins)[rough.terrain_levels, rough.terrain_types]
    assert torch.equal(rough.env_origins, expected)
    assert ((rough.root_states[:, :2] - expected[:, :2]).abs() <= 1.0).all()
    assert torch.allclose(rough.root_states[:, 2], expected[:, 2] + 0.42)


def test_the_first_reset_of_a_run_moves_nobody():
    cfg = A1RoughCfg()
    cfg.update({"env": {"num_envs": 4}, "terrain": {"num_rows": 3, "num_cols": 2, "border_size": 2.0}})
    env = LeggedRobot(cfg, sim="mujoco", seed=2)
    before = env.terrain_levels.clone()
    env.reset()
    assert torch.equal(env.terrain_levels, before)


def test_a_range_without_zero_widens_to_it_as_in_the_original():
    cfg = A1FlatCfg()
    ranges = {"lin_vel_x": [1.2, 1.4]}
    cfg.update({"env": {"num_envs": 2}, "commands": {"curriculum": True, "max_curriculum": 1.5, "ranges": ranges}})
    env = LeggedRobot(cfg, sim="mujoco", seed=2)
    row = env.reward_sum.names.index("tracking_lin_vel")
    env.reward_sum.episode_sums[row] = 20.0 * cfg.rewards.scales.tracking_lin_vel
    env._update_command_curriculum(torch.arange(2))
    assert env.command_ranges.lin_vel_x == [0.0, 1.5]


@pytest.mark.parametrize(("share", "expected"), [(0.9, [-1.0, 1.5]), (0.7, [-0.5, 1.0])])
def test_the_command_range_widens_after_good_tracking_up_to_its_bound(share, expected):
    cfg = A1FlatCfg()
    cfg.update(
        {
            "env": {"num_envs": 2},
            "commands": {"curriculum": True, "max_curriculum": 1.5, "ranges": {"lin_vel_x": [-0.5, 1.0]}},
        }
    )
    env = LeggedRobot(cfg, sim="mujoco", seed=2)
    env.reset()
    env.common_step_counter = env.max_episode_length
    row = env.reward_sum.names.index("tracking_lin_vel")
    # the best an episode can collect is weight * dt * steps
    best = cfg.rewards.scales.tracking_lin_vel * 0.02 * 1000
    env.reward_sum.episode_sums[row] = share * best
    env.reset_idx(torch.arange(2))
    assert env.command_ranges.lin_vel_x == expected
    assert env.extras["log"]["max_command_x"] == expected[1]
