"""The walking G1: what it sees, its clock, its mirror, and its own rewards by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.g1.g1 import G1
from legged_gym.envs.g1.g1_config import G1Cfg, G1CfgPPO, G1RoughCfg
from legged_gym.utils.options import read_cfg_file

QUIET = {
    "noise.add_noise": False,
    "domain_rand.push_robots": False,
    "domain_rand.randomize_friction": False,
    "domain_rand.randomize_base_mass": False,
    "init_state.max_random_vel": 0.0,
    "init_state.dof_pos_factor": [1.0, 1.0],
}


def make(num_envs: int = 2, **settings: Any) -> G1:
    cfg = G1Cfg()
    cfg.env.num_envs = num_envs
    for path, value in {**QUIET, **settings}.items():
        cfg.set(path, value)
    env = G1(cfg, sim="mujoco", seed=3)
    env.reset()
    return env


@pytest.fixture(scope="module")
def env() -> G1:
    return make()


def close(*values: float) -> Any:
    return pytest.approx(list(values), rel=1e-5, abs=1e-6)


def test_observations(env):
    names = ["base_ang_vel", "projected_gravity", "commands", "dof_pos", "dof_vel", "actions", "phase"]
    sizes = [3, 3, 3, 12, 12, 12, 2]
    policy, critic = env.observation_groups["policy"], env.observation_groups["critic"]
    assert (policy.names, policy.sizes) == (names, sizes)
    assert (critic.names, critic.sizes) == (["base_lin_vel", *names], [3, *sizes])
    assert env.observation_dims == {"policy": (47,), "critic": (50,)}
    torch.testing.assert_close(env.obs_buf["policy"], env.obs_buf["critic"][:, 3:])


def test_the_clock_begins_with_the_episode_and_takes_0_8_s(env):
    env.commands[:] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    for step, left, right in (
        (0, True, True),
        (4, True, False),
        (20, True, True),
        (24, False, True),
        (40, True, True),
    ):
        env.episode_length_buf[:] = step
        assert float(env.phase()[0]) == pytest.approx(step % 40 / 40, abs=1e-6)
        assert env.stance()[0].tolist() == [left, right], step
    env.episode_length_buf[:] = 10
    assert env._obs_phase()[0].tolist() == close(1.0, 0.0)
    env.commands[:] = 0.0
    assert env.stance().all(), "who is told to stand stands on both feet"


def test_a_mirrored_robot_half_a_stride_later_sees_the_mirrored_observation():
    """Mirror the state and command of one robot into the other by geometry."""

    def both(row: torch.Tensor) -> torch.Tensor:
        legs = row.view(2, 6)[[1, 0]] * torch.tensor([1.0, -1.0, -1.0, 1.0, 1.0, -1.0])
        return torch.stack((row.flatten(), legs.flatten()))

    env = make()
    states = torch.zeros(2, 13)
    turn = torch.tensor([0.1, 0.2, 0.3])
    states[:, 2], states[:, 6] = 0.9, math.sqrt(1.0 - float(turn.square().sum()))
    states[0, 3:6], states[1, 3:6] = turn, turn * torch.tensor([-1.0, 1.0, -1.0])
    states[0, 7:10], states[1, 7:10] = torch.tensor([0.4, 0.3, 0.2]), torch.tensor([0.4, -0.3, 0.2])
    states[0, 10:13], states[1, 10:13] = torch.tensor([0.5, 0.6, 0.7]), torch.tensor([-0.5, 0.6, -0.7])
    env.sim.set_root_states(torch.arange(2), states)
    env.sim.set_dof_states(torch.arange(2), both(0.1 * torch.randn(1, 12)), both(torch.randn(1, 12)))
    env.commands[:] = torch.tensor([[0.5, 0.4, 0.3, 0.0], [0.5, -0.4, -0.3, 0.0]])
    env.episode_length_buf[:] = torch.tensor([7, 27])
    env._act(both(torch.randn(1, 12)))
    env._update_base()
    env._observe()
    for name, (index, signs) in env.mirror_maps().items():
        if name != "actions":
            seen = env.obs_buf[name]
            torch.testing.assert_close(seen[0, index] * signs, seen[1], atol=1e-5, rtol=1e-5)


def test_rewards_of_joints_and_of_living(env):
    env.dof_pos = torch.arange(24.0).view(2, 12) / 10  # hips' roll and yaw: columns 1, 2, 7, 8
    assert env._reward_hip_pos().tolist() == close(0.01 + 0.04 + 0.49 + 0.64, 1.69 + 1.96 + 3.61 + 4.0)
    assert env._reward_alive().tolist() == [1.0, 1.0]


def test_rewards_of_feet(monkeypatch):
    env = make()
    env.commands[:] = torch.tensor([0.5, 0.0, 0.0, 0.0])
    env.episode_length_buf[:] = torch.tensor([10, 30])  # the left foot stands, the right foot stands
    env.feet_forces = torch.tensor([[[0.0, 0.0, 200.0], [0.0, 0.0, 0.0]], [[0.0, 3.0, 0.5], [0.0, 0.0, 2.0]]])
    env.feet_contact = env.feet_forces[..., 2] > 1.0
    assert env._reward_contact().tolist() == [2, 2]
    env.episode_length_buf[:] = torch.tensor([30, 10])
    assert env._reward_contact().tolist() == [0, 0], "half a stride later it is the other one's turn"
    feet = torch.zeros(2, 2, 13)
    feet[..., 2] = torch.tensor([[0.035, 0.10], [0.05, 0.02]])
    feet[..., 7:10] = torch.tensor([[[0.1, 0.2, 0.3], [1.0, 1.0, 1.0]], [[0.0, 0.5, 0.0], [0.4, 0.0, 0.0]]])
    monkeypatch.setattr(env, "_feet_states", lambda: feet)
    assert env._reward_contact_no_vel().tolist() == close(0.14, 0.25 + 0.16)
    assert env._reward_feet_swing_height().tolist() == close(0.02**2, 0.0)


def test_stiff_joints_hold_the_pose_on_the_feet_alone():
    """With its own ankles it falls: 80 N m/rad hold less than the 220 N m/rad that its weight pushes with."""
    env = make(1, **{"control.stiffness": {"joint": 600.0}, "control.damping": {"joint": 10.0}})
    for _ in range(75):
        assert not env.step(torch.zeros(1, 12))[2].any()
    assert float(env.projected_gravity[0, 2]) < -0.99
    assert float(env.root_states[0, 2]) == pytest.approx(env.cfg.rewards.base_height_target, abs=0.01)
    feet = float(env.feet_forces[0, :, 2].sum())
    assert feet == pytest.approx(32.107 * 9.81, rel=0.05)
    assert float(env.contact_forces[0, :, 2].sum()) == pytest.approx(feet, abs=1e-3)


def test_rough_differs_by_its_ground_alone():
    difference = G1RoughCfg().difference(G1Cfg())
    assert set(difference) == {"terrain"}


def test_the_file_of_unitree_has_its_numbers():
    cfg, train = G1Cfg(), G1CfgPPO()
    values = read_cfg_file(f"{LEGGED_GYM_ROOT_DIR}/legged_gym/configs/g1_unitree.yaml")
    cfg.update(values["env"])
    train.update(values["train"])
    assert {name: scale for name, scale in vars(cfg.rewards.scales).items() if scale} == {
        "tracking_lin_vel": 1.0, "tracking_ang_vel": 0.5, "lin_vel_z": -2.0, "ang_vel_xy": -0.05, "orientation": -1.0,
        "base_height": -10.0, "dof_acc": -2.5e-7, "dof_vel": -1e-3, "torques": -1e-5, "action_rate": -0.01,
        "dof_pos_limits": -5.0, "alive": 0.15, "hip_pos": -1.0, "contact_no_vel": -0.2, "feet_swing_height": -20.0,
        "contact": 0.18,
    }  # fmt: skip
    assert cfg.rewards.only_positive_rewards and cfg.domain_rand.max_push_vel_xy == 1.5
    assert (train.algorithm.entropy_coef, train.algorithm.schedule, train.algorithm.desired_kl) == (
        0.01,
        "adaptive",
        0.01,
    )
    assert (train.policy.rnn_hidden_size, train.policy.actor_hidden_dims, train.policy.init_noise_std) == (
        64,
        [32],
        0.8,
    )
