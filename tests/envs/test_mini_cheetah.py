"""The Mini Cheetah tasks: layout, memory of targets, rewards by hand, and a short training that resumes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from legged_gym.envs.mini_cheetah.mini_cheetah import MiniCheetah
from legged_gym.envs.mini_cheetah.mini_cheetah_config import MiniCheetahCfg, MiniCheetahRefCfg, MiniCheetahRefCfgPPO
from legged_gym.envs.mini_cheetah.mini_cheetah_ref import MiniCheetahRef
from rsl_rl.runners import OnPolicyRunner

QUIET = {
    "noise.add_noise": False,
    "domain_rand.push_robots": False,
    "domain_rand.randomize_friction": False,
    "domain_rand.randomize_base_mass": False,
    "init_state.max_random_vel": 0.0,
    "init_state.dof_pos_factor": [1.0, 1.0],
}


def make(cls: Any = MiniCheetahRef, num_envs: int = 2, **settings: Any) -> Any:
    cfg = MiniCheetahRefCfg() if cls is MiniCheetahRef else MiniCheetahCfg()
    cfg.env.num_envs = num_envs
    for path, value in {**QUIET, **settings}.items():
        cfg.set(path, value)
    env = cls(cfg, sim="mujoco", seed=3)
    env.reset()
    return env


@pytest.fixture(scope="module")
def env() -> MiniCheetahRef:
    return make()


def test_observations(env):
    """The order that policies of this robot have, with the phase last; the critic sees the same without noise."""
    names = ["base_height", "base_lin_vel", "base_ang_vel", "projected_gravity", "commands", "dof_pos", "dof_vel",
             "dof_pos_history", "phase"]  # fmt: skip
    sizes = [1, 3, 3, 3, 3, 12, 12, 36, 2]
    for name in ("policy", "critic"):
        group = env.observation_groups[name]
        assert (group.names, group.sizes) == (names, sizes)
    assert env.observation_dims == {"policy": (75,), "critic": (75,), "untimed": (73,), "told_to_stand": (1,)}
    torch.testing.assert_close(env.obs_buf["policy"], env.obs_buf["critic"])
    assert make(MiniCheetah).observation_dims == {"policy": (73,), "critic": (73,)}
    noisy = make(**{"noise.add_noise": True})
    difference = (noisy.obs_buf["policy"] - noisy.obs_buf["critic"]).abs()
    assert (difference[:, 1:10] > 0).all()
    assert (difference[:, [0, *range(10, 13), *range(37, 75)]] == 0).all()
    assert (difference[:, 13:25] <= 0.005 / 0.2 + 1e-6).all()


def test_history_has_the_last_three_targets_and_forgets_with_the_episode():
    env = make()
    actions = torch.randn(4, 2, 12)
    for action in actions:
        obs = env.step(action)[0]["critic"]
    expected = 0.3 * torch.stack((actions[3], actions[2], actions[1]), dim=1)
    torch.testing.assert_close(env.dof_pos_history, expected)
    scale = torch.tensor([0.2, 0.3, 0.3] * 12)
    torch.testing.assert_close(obs[:, 37:73], expected.flatten(1) / scale)
    env.reset_idx(torch.tensor([1]))
    assert (env.dof_pos_history[1] == 0).all() and (env.dof_pos_history[0] != 0).all()


def test_teachers_of_a_clone_read_what_they_were_trained_on_and_are_chosen_by_the_command():
    """Without noise the policy without a clock reads the first 73 numbers; 0.09 rad/s is still a command to stand."""
    env = make(num_envs=4)
    env.commands[:, :3] = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.09], [0.0, 0.3, 0.0], [0.0, 0.0, -0.2]])
    assert env._obs_told_to_stand().tolist() == [[1.0], [1.0], [0.0], [0.0]]
    obs = env.step(torch.randn(4, 12))[0]
    torch.testing.assert_close(obs["untimed"], obs["policy"][:, :73])


def test_phase_runs_at_the_gait_frequency_and_starts_anywhere():
    env = make(num_envs=64)
    start = env.phase.clone()
    assert start.min() < 1.0 and start.max() > 2 * math.pi - 1.0
    for _ in range(25):
        env.step(torch.zeros(64, 12))
    running = env.episode_length_buf == 25
    turned = (env.phase - start - 2 * math.pi * 3.0 * 0.25)[running]
    torch.testing.assert_close(torch.exp(1j * turned).real, torch.ones(int(running.sum())))
    torch.testing.assert_close(env.obs_buf["critic"][:, 73:].norm(dim=1), torch.ones(64))


def test_diagonal_legs_swing_together(env):
    env.phase = torch.tensor([0.5 * math.pi, 1.25 * math.pi])
    expected = torch.tensor([[0.5, 1.5, 1.5, 0.5], [1.25, 0.25, 0.25, 1.25]]) * math.pi
    torch.testing.assert_close(env.leg_phases(), expected)


def test_a_mirrored_robot_sees_the_mirrored_observation():
    """Mirror state, command and targets of one robot into the other by geometry, and the phase by half a cycle."""

    def both(row: torch.Tensor) -> torch.Tensor:
        """A row of joints and its image: legs change sides, abduction its sign."""
        legs = row.view(4, 3)[[1, 0, 3, 2]] * torch.tensor([-1.0, 1.0, 1.0])
        return torch.stack((row.flatten(), legs.flatten()))

    env = make()
    angles = env.default_dof_pos + 0.2 * torch.randn(1, 12)
    speeds, actions = torch.randn(1, 12), torch.randn(1, 12)
    turn = torch.tensor([0.1, 0.2, 0.3])  # axis times the sine of half the angle
    states = torch.zeros(2, 13)
    states[:, 2], states[:, 6] = 0.5, math.sqrt(1.0 - float(turn.square().sum()))
    states[0, 3:6], states[1, 3:6] = turn, turn * torch.tensor([-1.0, 1.0, -1.0])
    states[0, 7:10], states[1, 7:10] = torch.tensor([0.4, 0.3, 0.2]), torch.tensor([0.4, -0.3, 0.2])
    states[0, 10:13], states[1, 10:13] = torch.tensor([0.5, 0.6, 0.7]), torch.tensor([-0.5, 0.6, -0.7])
    env.sim.set_root_states(torch.arange(2), states)
    env.sim.set_dof_states(torch.arange(2), both(angles), both(speeds))
    env.commands[:] = torch.tensor([[0.5, 0.4, 0.3, 0.0], [0.5, -0.4, -0.3, 0.0]])
    env.phase = torch.tensor([1.0, 1.0 + math.pi])
    env._act(both(actions))
    env._act(both(0.5 * actions))
    env._update_base()
    env._observe()
    index, signs = env.mirror_maps()["policy"]
    mirrored = env.obs_buf["policy"][0, index] * signs
    torch.testing.assert_close(mirrored, env.obs_buf["policy"][1], atol=1e-5, rtol=1e-5)
    # the reference too, but for the 0.005 rad by which it turns all hips alike
    reference = env.gait(env.leg_phases())[..., 1:].flatten(1)
    torch.testing.assert_close(reference[0].view(4, 2)[[1, 0, 3, 2]].flatten(), reference[1])


def s(error: float) -> float:
    """The kernel of all rewards, sigma = 0.25."""
    return math.exp(-(error**2) / 0.25)


def rewards(env: Any, name: str) -> list:
    return getattr(env, f"_reward_{name}")().tolist()


def close(*values: float) -> Any:
    return pytest.approx(list(values), rel=1e-5, abs=1e-6)


def test_rewards_of_the_base():
    env = make(MiniCheetah)
    env.commands = torch.tensor([[1.0, -0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]])
    env.base_lin_vel = torch.tensor([[0.4, 0.25, 0.3], [0.0, 0.0, 0.0]])
    env.base_ang_vel = torch.tensor([[0.3, -0.6, 0.1], [0.0, 0.0, 0.0]])
    env.projected_gravity = torch.tensor([[0.3, -0.4, -0.866], [0.0, 0.0, -1.0]])
    env.root_states[:, 2] = torch.tensor([0.15, 0.4])
    # errors 0.6 / 2 and 0.75 / 1.5
    assert rewards(env, "tracking_lin_vel") == close(math.exp(-(0.3**2 + 0.5**2) / 0.25), 1.0)
    assert rewards(env, "tracking_lin_vel_abs") == close(math.exp(-(0.6**2 + 0.75**2) / 0.25), 1.0)
    assert rewards(env, "tracking_ang_vel") == close(s(0.4), 1.0)
    assert rewards(env, "lin_vel_z") == close(s(0.3 / 0.3), 1.0)
    assert rewards(env, "ang_vel_xy") == close(s(0.3 / 0.3) + s(0.6 / 0.3), 2.0)
    assert rewards(env, "orientation") == close(s(0.3) + s(0.4), 2.0)
    # half the wanted 0.3 m, and above it
    assert rewards(env, "min_base_height") == close(s(0.15 / 0.3), 1.0)


def test_rewards_of_the_joints():
    env = make(MiniCheetah)
    home = env.default_dof_pos[0]
    env.dof_pos[:] = home
    env.dof_pos[0, :3] += torch.tensor([0.1, 0.3, -0.15])
    env.dof_vel[:] = 0.0
    env.dof_vel[0, :3] = torch.tensor([2.0, -1.0, 4.0])
    assert rewards(env, "dof_near_home") == close(9 + s(0.5) + s(1.0) + s(0.5), 12.0)
    assert rewards(env, "dof_vel") == close(9 + s(1.0) + s(0.5) + s(1.0), 12.0)
    history = torch.zeros(2, 3, 12)
    history[0, :, 0] = torch.tensor([0.3, 0.1, -0.2])  # now, last, before
    env.dof_pos_history = history
    assert rewards(env, "action_rate") == close(0.2**2 / 0.0025, 0.0)
    assert rewards(env, "action_rate2") == close(0.1**2 / 0.0025, 0.0)
    # at rest at home and told to stand: 2; the other is told to walk at 0.1 + 0.5 m/s
    env.dof_pos[:], env.dof_vel[:] = home, 0.0
    env.base_lin_vel, env.base_ang_vel = torch.zeros(2, 3), torch.zeros(2, 3)
    env.commands = torch.tensor([[0.0, 0.06, 0.08, 0.0], [0.6, 0.0, 0.0, 0.0]])
    assert rewards(env, "stand_still") == close(2.0, 2.0 * math.exp(-(0.5**2) / 0.1))
    env.base_lin_vel[0] = torch.tensor([0.3, 0.0, 0.0])
    env.dof_pos[0, 0] += math.pi / 36
    assert rewards(env, "stand_still")[0] == pytest.approx((11 + s(1.0)) / 12 + 1.0 - 0.09 / 3, rel=1e-5)


def test_rewards_of_the_gait(env):
    env.phase = torch.tensor([0.5 * math.pi, 0.5 * math.pi])
    env.commands = torch.tensor([[9.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    env.base_lin_vel = torch.zeros(2, 3)
    env.base_lin_vel[0, 0] = 9.0
    assert rewards(env, "tracking_lin_vel") == close(1.0, 0.0)  # nothing for who is told to stand
    # RF and LH swing; RF bears 15 N, slanted, LF 60 N, LH less than 10 N, RH nothing
    forces = torch.tensor([[0.0, 9.0, 12.0], [0.0, 0.0, 60.0], [0.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
    env.feet_forces = forces.expand(2, 4, 3)
    assert rewards(env, "swing_grf") == close(1.0, 0.0)
    assert rewards(env, "stance_grf") == close(1.0, 0.0)
    # middle of the swing: the formula's peak for RF and LH, stance for the others
    swing, stance = torch.tensor([-0.005, 0.052 - 0.173, -0.072 + 0.389]), torch.tensor([-0.005, 0.052, -0.072])
    reference = torch.cat((swing, stance, stance, swing)) + env.default_dof_pos[0]
    env.dof_pos[:] = reference
    assert rewards(env, "reference_traj") == pytest.approx([1.0, 0.0], abs=3e-3)
    env.dof_pos[:, 1] += 0.3  # one scale off in one of twelve joints
    assert rewards(env, "reference_traj")[0] == pytest.approx((11 + s(1.0) - 0.2) / 12, abs=3e-3)


def test_pushes_add_to_the_velocity():
    env = make(num_envs=64, **{"domain_rand.push_robots": True, "domain_rand.push_interval_s": 0.01})
    states = env.root_states.clone()
    states[:, 7:9] = torch.tensor([2.0, -1.0])
    env.sim.set_root_states(torch.arange(64), states)
    env._push_robots()
    change = env.root_states[:, 7:9] - torch.tensor([2.0, -1.0])
    assert (change.abs() <= 0.3 + 1e-6).all() and change.std() > 0.1


def test_a_short_training_resumes(tmp_path):
    def runner() -> OnPolicyRunner:
        train_cfg = MiniCheetahRefCfgPPO()
        train_cfg.update({"policy": {"actor_hidden_dims": [16], "critic_hidden_dims": [16]}})
        train_cfg.update({"runner": {"logger": "none", "num_steps_per_env": 8}})
        return OnPolicyRunner(make(num_envs=8, **{"noise.add_noise": True}), train_cfg.to_dict(), None, "cpu")

    whole = runner()
    whole.learn(2, init_at_random_ep_len=True)
    first = runner()
    first.learn(1, init_at_random_ep_len=True)
    first.save(str(tmp_path / "model_1.pt"))
    second = runner()
    second.load(str(tmp_path / "model_1.pt"))
    second.learn(1)
    assert torch.equal(second.env.phase, whole.env.phase)
    assert torch.equal(second.env.dof_pos_history, whole.env.dof_pos_history)
    assert torch.equal(second.env.obs_buf["policy"], whole.env.obs_buf["policy"])
