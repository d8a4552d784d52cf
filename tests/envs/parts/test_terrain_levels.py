"""Tiles in turn, and commands that lead along the goals of a tile."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from legged_gym.envs import A1RoughCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.envs.parts.terrain_levels import TileSchedule
from legged_gym.errors import UserError
from legged_gym.terrain import recipes


def make_env(kind: Any = LeggedRobot, num_envs: int = 4, **terrain: Any) -> LeggedRobot:
    cfg = A1RoughCfg()
    cfg.update({"env": {"num_envs": num_envs}, "commands": {"heading_command": True, "standing_fraction": 0.0}})
    cfg.update({"terrain": {"num_rows": 2, "num_cols": 3, "border_size": 2.0, "max_init_terrain_level": 1, **terrain}})
    cfg.update({"commands": {"pure_fraction": 0.0, "ramps": {}}})
    return kind(cfg, sim="mujoco", seed=2)


def test_all_tiles_are_visited_in_turn_and_robots_stand_on_them():
    env = make_env()
    tiles = env.use_part("tiles", TileSchedule(env))
    env.reset()
    visits = [(int(row), int(col)) for row, col in zip(env.terrain_levels, env.terrain_types)]
    env.reset_idx(torch.tensor([0, 1]))  # turns 4 and 5
    visits += [(int(row), int(col)) for row, col in zip(env.terrain_levels[:2], env.terrain_types[:2])]
    assert sorted(visits) == [(row, col) for row in range(2) for col in range(3)]
    starts = torch.as_tensor(env.terrain.env_origins)[env.terrain_levels, env.terrain_types]
    assert torch.equal(env.env_origins, starts)
    assert ((env.root_states[:, :2] - starts[:, :2]).abs() <= 1.0).all()
    tiles.start(0)
    env.reset()
    assert [(int(row), int(col)) for row, col in zip(env.terrain_levels, env.terrain_types)] == visits[:4]


class Seeking(LeggedRobot):
    """Goes from goal to goal."""

    command_part = GoalCommands


def with_goals(tile: Any, difficulty: float) -> None:
    tile.goals = [(6.0, 4.0, 0.0), (6.0, 6.0, 0.0)][: 1 + int(difficulty > 0)]


def test_goals_that_cannot_be_followed_are_told(monkeypatch, capsys):
    monkeypatch.setitem(recipes.RECIPES, "goals", with_goals)
    env = make_env(Seeking, 2)
    assert "note: the ground has no goals" in capsys.readouterr().out
    env.reset()
    assert env.velocity_commands.goals().isnan().all() and not env.velocity_commands.finished().any()
    cfg = A1RoughCfg()
    cfg.update({"env": {"num_envs": 2}, "terrain": {"tile_types": ["goals"], "num_rows": 1, "num_cols": 1}})
    cfg.commands.heading_command = False
    Seeking(cfg, sim="mujoco")
    assert "note: commands.heading_command is off" in capsys.readouterr().out


def test_goals_are_points(monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "flat_goals", lambda tile, _: setattr(tile, "goals", [(1.0, 2.0), (3.0, 4.0)]))
    with pytest.raises(UserError, match=r"goals of a tile are .x, y, z. in m, not"):
        make_env(Seeking, 2, tile_types=["flat_goals"])


def test_given_commands_leave_the_part_behind_them_as_it_would_be(monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "goals", with_goals)
    env = make_env(Seeking, 2, tile_types=["goals"], num_cols=1)
    goals: Any = env.velocity_commands
    given = env.use_part("commands", GivenCommands(goals))
    given.give({"ang_vel_yaw": 0.3})
    env.reset()
    assert env.commands[:, 2].tolist() == pytest.approx([0.3, 0.3])  # and no heading steers before the first step
    goals.goals_reached[:] = 2
    assert "goals_reached" in env.state_dict()
    env.reset_idx(torch.tensor([1]))
    assert goals.goals_reached.tolist() == [2, 0]


def test_commands_turn_to_one_goal_after_the_other(monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "goals", with_goals)
    cfg: Any = {"tile_types": ["goals"], "num_cols": 1, "difficulty_range": [0.0, 1.0], "curriculum": True}
    env = make_env(Seeking, 2, **cfg)
    env.reset()
    goals: Any = env.velocity_commands
    levels = torch.tensor([0, 1])
    env.terrain_curriculum.place(torch.arange(2), levels, torch.zeros(2, dtype=torch.long))
    first = torch.tensor([[6.0, 4.0], [14.0, 4.0]])
    assert goals.goals()[:, :2].tolist() == first.tolist()

    def stand(offsets: Any, yaw: float = 0.0) -> None:
        states = env.root_states.clone()
        states[:, :2] = first + torch.tensor(offsets)
        states[:, 3:7] = torch.tensor([0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)])
        states[:, 7:] = 0.0
        env.sim.set_root_states(torch.arange(2), states)
        env._update_commands()

    stand([[-1.0, -1.0], [0.0, -1.0]], yaw=0.25)
    assert env.commands[:, 3].tolist() == pytest.approx([math.pi / 4, math.pi / 2], abs=1e-5)
    expected = [0.5 * (math.pi / 4 - 0.25), 0.5 * (math.pi / 2 - 0.25)]
    assert env.commands[:, 2].tolist() == pytest.approx(expected, abs=1e-5)
    stand([[0.1, 0.0], [0.1, 0.0]])
    assert goals.goals_reached.tolist() == [1, 1] and goals.finished().tolist() == [True, False]
    away = np.arctan2(2.0, -0.1)  # the second goal is 2 m to the left
    assert float(env.commands[1, 3]) == pytest.approx(away, abs=1e-5)
    stand([[0.1, 0.0], [0.0, 1.9]])
    assert goals.goals_reached.tolist() == [1, 2] and goals.finished().all()
    env.reset_idx(torch.tensor([1]))
    assert goals.goals_reached.tolist() == [1, 0]
    other = make_env(Seeking, 2, **cfg)
    other.load_state_dict(env.state_dict())
    assert torch.equal(other.velocity_commands.goals(), goals.goals())  # type: ignore[attr-defined]
