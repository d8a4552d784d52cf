"""Go2 on the courses of Extreme Parkour: what depends on the ground, by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legged_gym.envs.parkour.go2_config import Go2ParkourCfg
from legged_gym.envs.parkour.tile_robot import ParkourTilesRobot
from legged_gym.errors import UserError

KINDS = ["parkour_flat", "parkour_hurdle"]
SMALL = {"num_rows": 3, "easy_rows": 0, "num_cols": 2, "border_size": 1.0, "tile_types": KINDS, "roughness": None,
         "max_init_terrain_level": 0}  # fmt: skip


def make_env(terrain: Any = None) -> ParkourTilesRobot:
    cfg = Go2ParkourCfg()
    cfg.update({"env": {"num_envs": 4}, "domain_rand": {"push_robots": False}, "terrain": {**SMALL, **(terrain or {})}})
    cfg.sim.num_threads = 1
    env = ParkourTilesRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    return env


@pytest.fixture(scope="module")
def env() -> ParkourTilesRobot:
    return make_env()


def move(env: ParkourTilesRobot, **states: Any) -> None:
    root = env.root_states.clone()
    for name, value in states.items():
        part = {"xy": slice(0, 2), "quat": slice(3, 7), "velocity": slice(7, 10)}[name]
        root[:, part] = torch.as_tensor(value)
    env.sim.set_root_states(torch.arange(4), root)
    env._update_base()


def test_what_it_observes(env):
    """753 numbers; robots 0 and 1 are on a flat course, the others have hurdles before them."""
    assert sum(obs.shape[1] for obs in env.reset().values()) == 753
    assert list(env.obs_buf) == ["proprioception", "scan", "explicit", "latent", "history"]
    for name in ("proprioception", "history"):
        assert env.obs_buf[name][:, 11:13].tolist() == [[0.0, 1.0]] * 2 + [[1.0, 0.0]] * 2
    goal = torch.tensor(env.terrain.tiles.goals[0, 1, 0])
    away = goal[:2] - env.root_states[3, :2]
    assert env.obs_buf["proprioception"][3, 6] == pytest.approx(float(torch.atan2(away[1], away[0])), abs=1e-5)


def test_flat_ground_asks_for_a_level_trunk(env):
    env.reset()
    tilted = torch.tensor([0.1, 0.0, 0.0, 0.99**0.5])
    move(env, quat=tilted, velocity=[0.0, 0.0, 1.0])
    vertical = float(env.base_lin_vel[0, 2]) ** 2
    torch.testing.assert_close(env._reward_lin_vel_z(), vertical * torch.tensor([1.0, 1.0, 0.5, 0.5]))
    leaned = float(env.projected_gravity[0, 1]) ** 2
    torch.testing.assert_close(env._reward_orientation(), leaned * torch.tensor([1.0, 1.0, 0.0, 0.0]))


def test_speed_to_the_goal(env):
    env.reset()
    goals = env.velocity_commands.goals()[:, :2]
    move(env, xy=goals - torch.tensor([0.6, 0.8]), velocity=[0.5, -0.5, 0.0])
    env.commands[:, 0] = torch.tensor([0.8, 0.05, 0.8, 0.8])
    # 0.6 * 0.5 - 0.8 * 0.5 m/s: away from it, which is not capped
    torch.testing.assert_close(
        env._reward_tracking_goal_vel(), torch.tensor([-0.125, -2.0, -0.125, -0.125]), rtol=1e-3, atol=1e-5
    )
    move(env, velocity=[0.6, 0.8, 0.0])
    torch.testing.assert_close(env._reward_tracking_goal_vel(), torch.ones(4), rtol=1e-3, atol=0)


def test_feet_on_edges(env):
    """One foot on top of a hurdle's edge, one in its middle, one before it, one in the air over the edge."""
    env.reset()
    tile = env.terrain.height_field[20 + 360 :, 20 + 80 : 20 + 160]  # level 1, hurdles; a border of 1 m
    wall = int(torch.as_tensor(tile[:, 40] > 0).nonzero()[0])
    edge_x = 18.0 + 0.05 * wall
    feet = torch.zeros(4, 4, 13)
    feet[..., :2] = torch.tensor([[edge_x, 6.0], [edge_x + 0.1, 6.0], [edge_x - 0.2, 6.0], [edge_x, 6.0]])
    env._feet_states = lambda: feet
    env._touching_now = torch.tensor([[True, True, True, False]] * 4)
    env.feet_touched = torch.tensor([[False] * 4] * 3 + [[False, False, False, True]])
    env.terrain_levels[:] = torch.tensor([0, 2, 2, 2])
    env.cfg.rewards.edges_from_level = 2
    assert env._metric_edge_violations().tolist() == [1.0, 1.0, 1.0, 2.0]
    assert env._reward_feet_edge().tolist() == [0.0, 1.0, 1.0, 2.0]


def test_levels_follow_the_way_that_was_gone():
    """25 s at 0.4 m/s ask for 10 m: 8 m and more, or a finished course, go up, less than 4 m down."""
    env = make_env()
    env.terrain_levels[:] = 1
    env.commands[:, 0] = 0.4
    env.env_origins[:] = env.terrain_curriculum.origins[1, env.terrain_types]
    move(env, xy=env.env_origins[:, :2] + torch.tensor([[8.1, 0.0], [7.9, 0.0], [3.9, 0.0], [3.9, 0.0]]))
    env.velocity_commands.goals_reached[3] = 8
    assert env._termination_goals_reached().tolist() == [False, False, False, True]
    assert env._metric_goals_share().tolist() == [0.0, 0.0, 0.0, 1.0] == env._metric_success().tolist()
    env.reset_idx(torch.arange(4))
    assert env.terrain_levels.tolist() == [2, 1, 0, 2] and env.terrain_types.tolist() == [0, 0, 1, 1]


def test_ranges_of_a_checkpoint_of_more_robots():
    """As exports take them over: who has reached which goal stays."""
    env = make_env()
    env.velocity_commands.load_ranges({"goals_reached": torch.zeros(8), "lin_vel_x_range": [0.1, 2.0]})
    assert env.command_ranges.lin_vel_x == [0.1, 2.0] and env.velocity_commands.goals_reached.shape == (4,)


def test_the_mirror_knows_all_groups(env):
    maps = env.mirror_maps()
    assert maps is not None and {name: len(index) for name, (index, _) in maps.items()} == {
        "proprioception": 53, "scan": 132, "explicit": 9, "latent": 29, "history": 530, "actions": 12
    }  # fmt: skip


def test_play_is_on_hard_tiles_of_all_kinds():
    cfg = Go2ParkourCfg()
    cfg.in_play()
    assert cfg.terrain.difficulty_range == [0.7, 1.0] and "parkour_demo" in cfg.terrain.tile_types
    assert cfg.env.episode_length_s == 60.0


def test_ground_without_goals():
    with pytest.raises(UserError, match="every tile needs goals"):
        make_env({"tile_types": ["parkour_flat", "lane_flat"]})
