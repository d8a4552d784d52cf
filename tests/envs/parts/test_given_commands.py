"""Commands from outside take the place of those that a task draws."""

from __future__ import annotations

import pytest
import torch

from legged_gym.envs.a1.a1_config import A1RoughCfg
from legged_gym.envs.go2.go2 import Go2
from legged_gym.envs.go2.go2_dynaflow_config import Go2Cfg
from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.envs.variants import RANGES, trained_ranges, with_given_commands
from legged_gym.utils.task_registry import task_registry


def test_a_command_stays_through_resets_and_time():
    """Heading mode, resampling and small commands would all change it."""
    cfg = A1RoughCfg()
    assert cfg.commands.heading_command
    cfg.env.num_envs, cfg.env.episode_length_s = 3, 0.1
    cfg.commands.resampling_time = 0.04
    cfg.terrain.mesh_type = "plane"
    with_given_commands(cfg)
    ranges = trained_ranges(cfg)
    env, _ = task_registry.make_env("a1", env_cfg=cfg)
    given = env.use_part("commands", GivenCommands(env.velocity_commands))
    command = (0.1, -0.05, 0.3)
    given.give(dict(zip(RANGES, command)))
    env.reset()
    ended = 0
    for _ in range(20):
        _, _, dones, _ = env.step(torch.zeros(3, 12))
        ended += int(dones.sum())
        assert torch.equal(env.commands[:, :3], torch.tensor([command]).expand(3, 3))
    assert ended > 0
    assert ranges == [[-1.0, 1.0]] * 3
    env.close()


def test_other_commands_come_as_the_task_draws_them():
    cfg = Go2Cfg()
    cfg.update({"env": {"num_envs": 8}, "commands": {"initial_height": None}})
    with_given_commands(cfg)
    env = Go2(cfg, sim="mujoco", seed=1)
    given = env.use_part("commands", GivenCommands(env.velocity_commands))
    yaw_rates = torch.linspace(-1.0, 1.0, 8)
    given.give({"lin_vel_x": 0.25, "ang_vel_yaw": yaw_rates})
    env.reset()
    low, high = cfg.commands.ranges.height
    assert (
        env.height_commands.unique().numel() == 8
        and ((low <= env.height_commands) & (env.height_commands <= high)).all()
    )
    assert (env.commands[:, 0] == 0.25).all() and torch.equal(env.commands[:, 2], yaw_rates)
    given.give({"height": 0.3})
    env.reset_idx(torch.tensor([1, 4]))
    assert env.height_commands.tolist() == pytest.approx([0.3] * 8)
    env.close()
