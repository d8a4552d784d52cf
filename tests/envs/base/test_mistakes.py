"""Configs and terms that cannot be are answered in one line when the environment is made."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest

from legged_gym.envs import A1FlatCfg
from legged_gym.envs.base.base_config import ObsTerm, Termination
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.errors import UserError


@pytest.mark.parametrize("table", ["observations.policy", "rewards.scales", "terminations"])
def test_an_unknown_term_is_named_with_what_comes_near(table):
    cfg = A1FlatCfg()
    cfg.env.num_envs = 2
    owner: Any = cfg
    for name in table.split("."):
        owner = getattr(owner, name)
    near = {"observations.policy": "dof_pos", "rewards.scales": "torques", "terminations": "time_out"}[table]
    misspelt = near + "z"
    entry = {"observations.policy": ObsTerm(), "rewards.scales": 1.0}.get(table, copy.copy(cfg.terminations.time_out))
    setattr(owner, misspelt, entry)
    with pytest.raises(UserError, match=rf"{table}.{misspelt}.*did you mean.*{near}"):
        LeggedRobot(cfg, sim="mujoco")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("env.num_envs", 0, "num_envs"),
        ("control.decimation", 0, "decimation"),
        ("control.control_type", "X", "expected P, V, T or actuator_net, got 'X'"),
        ("observations.policy.heights", {"scale": 5.0}, "needs terrain.measure_heights"),
        ("asset.file", "/nowhere/robot.urdf", "no robot file"),
        ("asset.penalize_contacts_on", ["wheel"], "no body contains 'wheel'"),
        ("init_state.default_joint_angles", {"FL_hip_joint": 0.0}, "has no angle for FL_thigh_joint"),
    ],
)
def test_impossible_configs_are_answered_in_one_line(path, value, message):
    cfg = A1FlatCfg()
    cfg.env.num_envs = 2
    *sections, name = path.split(".")
    section = functools.reduce(getattr, sections, cfg)
    setattr(section, name, ObsTerm(**value) if "observations" in path else value)
    with pytest.raises(UserError, match=message) as error:
        LeggedRobot(cfg, sim="mujoco")
    assert "\n" not in str(error.value)


class OddTerms(LeggedRobot):
    def _reward_speed(self):
        return self.base_lin_vel.norm(dim=1, keepdim=True)

    def _termination_fast(self):
        return self.base_lin_vel.norm(dim=1)

    def _obs_speed(self):
        return self.base_lin_vel.norm(dim=1)


@pytest.mark.parametrize(
    ("section", "name", "entry", "message"),
    [
        ("rewards.scales", "speed", 1.0, "rewards.scales.speed: _reward_speed returns (2, 1) float32, expected (2,)"),
        ("terminations", "fast", Termination(), "terminations.fast: _termination_fast returns (2,) float32"),
        ("observations.policy", "speed", ObsTerm(), "observations.speed: _obs_speed returns (2,) float32"),
        ("terminations", "tilt", Termination(), "terminations.tilt.threshold: expected one number, got None"),
    ],
)  # fmt: skip
def test_terms_that_do_not_give_what_their_table_needs_are_named_at_construction(section, name, entry, message):
    cfg = A1FlatCfg()
    cfg.env.num_envs = 2
    setattr(functools.reduce(getattr, section.split("."), cfg), name, entry)
    with pytest.raises(UserError) as error:
        OddTerms(cfg, sim="mujoco")
    assert str(error.value).startswith(message)
