"""Robots that differ: drawn once or each episode, from ranges that may widen during training."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from legged_gym.envs import A1FlatCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.errors import UserError


def make_env(num_envs: int = 64, **settings: Any) -> LeggedRobot:
    cfg = A1FlatCfg()
    cfg.env.num_envs = num_envs
    cfg.domain_rand.randomize_com = cfg.domain_rand.randomize_gains = cfg.domain_rand.randomize_motor_strength = True
    for name, value in settings.items():
        cfg.set(f"domain_rand.{name}", value)
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    return env


def drawn(env: LeggedRobot) -> torch.Tensor:
    """(N, k), all that was drawn of each robot."""
    parts = (env.friction_coeffs[:, None], env.added_masses[:, None], env.com_displacements, env.motor_strengths,
             env.env_p_gains, env.env_d_gains)  # fmt: skip
    return torch.cat(parts, dim=1)


def test_a_joint_without_a_gain_has_its_nominal_one():
    cfg = A1FlatCfg()
    cfg.env.num_envs, cfg.domain_rand.randomize_gains = 3, True
    cfg.control.damping = {"joint": 0.5, "calf": 0.0}
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    # four of twelve joints have no damping, and so no other one than the nominal
    eight = torch.tensor(["calf" not in name for name in env.dof_names])
    factors = (env.env_d_gains[:, eight] / 0.5).sum(1)
    torch.testing.assert_close(env._obs_gain_factors()[:, 1], (factors + 4.0) / 12.0 - 1.0)


def test_robots_stay_the_same_unless_each_episode_draws_anew():
    ids = torch.tensor([3, 5])
    env = make_env()
    before = drawn(env).clone()
    env.reset_idx(ids)
    assert torch.equal(drawn(env), before)

    env = make_env(every_episode=True)
    before = drawn(env).clone()
    env.reset_idx(ids)
    changed = (drawn(env) != before).all(1)
    assert torch.nonzero(changed).flatten().tolist() == ids.tolist()


def test_what_is_drawn_reaches_the_physics():
    env = make_env(2, every_episode=True, randomize_motor_strength=False, randomize_com=False, randomize_gains=False,
                   randomize_friction=False, push_robots=False, added_mass_range=[3.0, 3.0])  # fmt: skip
    env.reset_idx(torch.arange(2))
    for _ in range(150):
        env.step(torch.zeros(2, 12))
    weight = (12.454 - 0.001 + 3.0) * 9.81  # the robot without its massless IMU, and what was added
    assert env.contact_forces[:, :, 2].sum(1).mean() == pytest.approx(weight, rel=0.02)


def test_friction_in_the_joints_is_a_robots_own(monkeypatch):
    env, told = make_env(every_episode=True, randomize_dof_friction=True, max_dof_friction=0.3), {}
    monkeypatch.setattr(env.sim, "set_joint_friction", lambda env_ids, added: told.update(ids=env_ids, added=added))
    env.reset_idx(torch.arange(5, 64))
    added = told["added"]
    assert added.shape == (59, 12) and told["ids"].tolist() == list(range(5, 64))
    assert (added == added[:, :1]).all() and len(added[:, 0].unique()) == 59
    assert added.min() >= 0.0 and 0.25 < added.max() <= 0.3


def test_ranges_widen_with_the_steps_of_training():
    env = make_env(256, every_episode=True, widen_over=[100, 300], added_mass_range=[-1.0, 3.0],
                   friction_range=[0.3, 1.25])  # fmt: skip
    for step, share in ((0, 0.0), (100, 0.0), (200, 0.5), (300, 1.0), (900, 1.0)):
        env.common_step_counter = step
        env.reset_idx(torch.arange(256))
        masses, friction = env.added_masses, env.friction_coeffs
        assert masses.min() >= -share and masses.max() <= 3.0 * share
        assert masses.max() >= 2.8 * share and masses.min() <= -0.9 * share
        # around 1, the friction of a robot that is not randomised
        assert friction.min() >= 1.0 - 0.7 * share - 1e-6 and friction.max() <= 1.0 + 0.25 * share + 1e-6


def test_widening_needs_robots_that_are_drawn_anew():
    with pytest.raises(UserError, match=r"widen_over needs domain_rand\.every_episode"):
        make_env(2, widen_over=[0, 100])
    with pytest.raises(UserError, match=r"expected \[low, high\] with low < high, got \[100, 100\]"):
        make_env(2, every_episode=True, widen_over=[100, 100])


@pytest.mark.parametrize(
    "pushes", [{"push_interval_s": math.inf}, {"push_robots": False, "push_interval_s": 0.0}], ids=["never", "off"]
)
def test_pushes_may_never_come(pushes):
    env = make_env(2, max_push_vel_xy=50.0, **pushes)
    for _ in range(3):
        env.step(torch.zeros(2, env.num_actions))
    assert float(env.root_states[:, 7:9].abs().max()) < 5.0


def test_a_mass_that_cannot_be_is_a_mistake_of_the_user():
    with pytest.raises(UserError, match=r"body base of .* kg would get a mass of -"):
        make_env(2, randomize_base_mass=True, added_mass_range=[-100.0, -50.0])
