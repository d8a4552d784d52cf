"""Buffers are made, saved, loaded and cleared by one line; parts are called in their order and can be replaced."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import torch

from legged_gym.envs import A1FlatCfg
from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.commands import VelocityCommands
from legged_gym.envs.parts.control import JointControl
from legged_gym.envs.parts.failures import Failures
from legged_gym.envs.parts.part import Part
from legged_gym.errors import UserError


class Noting(Part):
    """Notes what it is asked for, and what then holds."""

    def __init__(self, env: Any, notes: Any) -> None:
        super().__init__(env)
        self.notes = notes
        self.buffer("visits", 2, dtype=torch.long, at_reset=7)

    def prepare(self, env_ids: Any) -> None:
        self.notes.append(("prepare", env_ids.tolist(), self.env.episode_length_buf[env_ids].tolist()))

    def reset(self, env_ids: Any) -> None:
        self.notes.append(("reset", env_ids.tolist(), self.env.episode_length_buf[env_ids].tolist()))
        assert (self.visits[env_ids] == 7).all()

    def update(self) -> None:
        self.notes.append(("update",))
        self.visits += 1


class Striding(LeggedRobot):
    """Has memory of its own, of three kinds."""

    _STATE_BUFFERS = (*LeggedRobot._STATE_BUFFERS, "old_style")

    def _init_buffers(self) -> None:
        super()._init_buffers()
        self.buffer("strides", 3, at_reset=0.5)
        self.buffer("laps", dtype=torch.long, at_reset=None)
        self.old_style = torch.full((self.num_envs,), 5.0)
        self.notes: Any = []
        self.noting = self.use_part("noting", Noting(self, self.notes))


def make_env(kind: Any = Striding, **sections: Any) -> Any:
    cfg = A1FlatCfg()
    cfg.update({"env": {"num_envs": 3}, **sections})
    return kind(cfg, sim="mujoco", seed=1)


def test_buffers_begin_and_are_cleared_as_said():
    env = make_env()
    assert env.strides.shape == (3, 3) and (env.strides == 0.5).all() and (env.noting.visits == 7).all()
    assert env.laps.dtype == env.noting.visits.dtype == torch.long and (env.laps == 0).all()
    env.reset()
    env.strides, env.laps = torch.full((3, 3), 2.0), torch.tensor([1, 2, 3])
    env.noting.visits += 1
    env.reset_idx(torch.tensor([0, 2]))
    assert env.strides.tolist() == [[0.5] * 3, [2.0] * 3, [0.5] * 3]
    assert env.laps.tolist() == [1, 2, 3]
    assert env.noting.visits.tolist() == [[7, 7], [8, 8], [7, 7]]


def test_buffers_are_saved_and_loaded_wherever_they_were_made():
    env = make_env()
    env.reset()
    env.strides, env.laps, env.old_style = torch.rand(3, 3), torch.tensor([1, 2, 3]), torch.rand(3)
    env.noting.visits += 4
    state = copy.deepcopy(env.state_dict())
    other = make_env()
    other.reset()
    other.load_state_dict(state)
    for mine, theirs in ((env, other), (env.noting, other.noting)):
        for name in mine.saved_buffers():
            assert torch.equal(getattr(theirs, name), getattr(mine, name)), name
    assert {"strides", "laps", "old_style", "visits"} <= set(env.late_state)
    assert "commands" not in env.late_state and "_action_history" not in env.late_state
    env.strides += 1.0
    assert not torch.equal(other.strides, env.strides), "a copy"


def test_parts_see_the_old_episode_first_and_the_new_one_then():
    env = make_env()
    env.reset()
    env.notes.clear()
    env.episode_length_buf[1] = env.max_episode_length
    env.step(torch.zeros(3, 12))
    assert env.notes == [("prepare", [1], [1001]), ("reset", [1], [0]), ("update",)]
    assert env.noting.visits.tolist() == [[8, 8]] * 3


class Ahead(VelocityCommands):
    """All robots are told to go ahead."""

    def draw(self, env_ids: torch.Tensor) -> None:
        self.env.commands[env_ids] = torch.tensor([0.5, 0.0, 0.0, 0.0])


class Still(JointControl):
    """Actions change nothing."""

    def simulate(self, actions: torch.Tensor) -> None:
        super().simulate(torch.zeros_like(actions))


def test_a_part_that_takes_the_place_of_one_is_asked_in_its_place():
    env, other = make_env(LeggedRobot), make_env(LeggedRobot)
    env.use_part("commands", Ahead(env))
    control = env.use_part("control", Still(env, env.failures))
    env.reset(), other.reset()
    assert env.commands[:, 0].tolist() == [0.5] * 3 and env.control is control
    env.step(torch.ones(3, 12))
    assert (env.control.sim.dof_pos - env.default_dof_pos).abs().max() < 0.3
    other.step(torch.ones(3, 12))
    assert not torch.equal(env.dof_pos, other.dof_pos)
    failures = env.use_part("failures", Failures(env))
    env.step(torch.ones(3, 12))
    assert env.failures is control.failures is failures


def test_two_buffers_of_one_name_are_refused():
    class Double(LeggedRobot):
        def _init_buffers(self) -> None:
            super()._init_buffers()
            self.buffer("visits")
            self.use_part("noting", Noting(self, []))

    with pytest.raises(UserError, match=re.escape("visits: two buffers have the same name; rename one")):
        make_env(Double)


def test_a_buffer_takes_no_name_that_stands_for_something_else():
    env = make_env(LeggedRobot)
    for owner, name in ((env, "step"), (env, "default_dof_pos"), (env.control, "reset")):
        with pytest.raises(UserError, match=f"has a {name} already: give the buffer another name"):
            owner.buffer(name)
    assert env.buffer("feet_air_time", 2).shape == (3, 2), "a subclass may want another shape"


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"_STATE_BUFFERS": ("gone",)}, "Mine._STATE_BUFFERS has gone, which _init_buffers does not make"),
        ({"_look": lambda self: None}, "Mine._look is not called any more: override Part.update of a part"),
    ],
)
def test_what_an_older_subclass_cannot_rely_on_is_named(attributes, words):
    with pytest.raises(UserError, match=re.escape(words)):
        make_env(type("Mine", (LeggedRobot,), attributes))


def test_the_config_of_the_caller_stays_as_it_is():
    """The command curriculum widens ranges, and a plane has no levels."""
    cfg = A1FlatCfg()
    cfg.update(
        {
            "env": {"num_envs": 2},
            "commands": {"curriculum": True, "max_curriculum": 2.0},
            "terrain": {"curriculum": True},
        }
    )
    before = copy.deepcopy(cfg.to_dict())
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    env.reward_sum.episode_sums[:] = 1e3
    env._update_command_curriculum(torch.arange(2))
    assert env.command_ranges.lin_vel_x != before["commands"]["ranges"]["lin_vel_x"]
    assert not env.cfg.terrain.curriculum
    assert cfg.to_dict() == before and env.cfg.to_dict()["commands"] == before["commands"]


def test_an_episode_may_have_a_length_of_its_own_in_each_environment():
    class Own(LeggedRobot):
        def _init_buffers(self) -> None:
            super()._init_buffers()
            self.max_episode_length = torch.tensor([2, 5, 3])

    env = make_env(Own, terminations={"base_contact": None}, domain_rand={"push_robots": False})
    env.reset()
    assert env.longest_episode == 5
    ends = [env.step(torch.zeros(3, 12))[2].tolist() for _ in range(6)]
    assert [[step for step in range(6) if ends[step][n]] for n in range(3)] == [[2, 5], [5], [3]]
    torch.manual_seed(0)
    seen = []
    for _ in range(200):
        env.mix_ages()
        seen.append(env.episode_length_buf.tolist())
    assert [sorted({ages[n] for ages in seen}) for n in range(3)] == [[0, 1], [0, 1, 2, 3, 4], [0, 1, 2]]


def test_numbers_for_all_robots_may_come_from_elsewhere():
    env = make_env(LeggedRobot)
    columns = iter(torch.tensor([[0.0, 0.5, 1.0], [0.25, 0.25, 0.75], [0.1, 0.2, 0.3]]))
    with env.drawing_from(columns):
        pair = env._uniform([-1.0, 1.0], 3, 2)
        for_some = env._uniform([0.0, 1.0], 2)
        one = env._uniform([0.0, 10.0], 3)
    torch.testing.assert_close(pair, torch.tensor([[-1.0, -0.5], [0.0, -0.5], [1.0, 0.5]]))
    torch.testing.assert_close(one, torch.tensor([1.0, 2.0, 3.0]))
    assert for_some.shape == (2,)
    assert env._uniform([0.0, 1.0], 3).shape == (3,)


def test_the_part_in_the_docs_works(tmp_path):
    with open("docs/architecture.md", encoding="utf-8") as file:
        text = file.read().partition("### A part of your own")[2]
    names: Any = {}
    exec(re.findall(r"```python\n(.*?)```", text, re.S)[0], names)
    cfg = A1FlatCfg()
    cfg.env.num_envs, cfg.observations.policy.payload_shift = 4, ObsTerm(scale=20.0)

    def made() -> Any:
        env = names["LoadedA1"](copy.deepcopy(cfg), sim="mujoco", seed=1)
        env.reset()
        return env

    env = made()
    assert env.mirror_maps()["policy"][1][-1] == -1.0
    env.common_step_counter = 99
    obs = env.step(torch.zeros(4, 12))[0]["policy"]
    shift = env.payload.payload_shift
    assert (shift[:, 1] != 0.0).all() and (shift[:, 1].abs() <= 0.05).all() and (shift[:, [0, 2]] == 0.0).all()
    torch.testing.assert_close(obs[:, -1], 20.0 * shift[:, 1])
    other = made()
    other.load_state_dict(env.state_dict())
    for _ in range(3):
        assert torch.equal(env.step(torch.zeros(4, 12))[0]["policy"], other.step(torch.zeros(4, 12))[0]["policy"])
    env.reset_idx(torch.tensor([1]))
    assert (env.payload.payload_shift[1] == 0.0).all() and (env.payload.payload_shift[0] != 0.0).any()
