"""The environment on real physics: life of a step, resets, tables, symmetry, failures, saved state."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch

from legged_gym.envs import A1FlatCfg, A1RoughCfg
from legged_gym.envs.base.legged_robot import LeggedRobot


def make_env(num_envs: int = 4, cfg: Any = None, seed: int = 3, **settings: Any) -> LeggedRobot:
    cfg = cfg or A1FlatCfg()
    cfg.env.num_envs = num_envs
    for path, value in settings.items():
        cfg.set(path.replace("__", "."), value)
    env = LeggedRobot(cfg, sim="mujoco", seed=seed)
    env.reset()
    return env


def quiet(**settings: Any) -> dict:
    """Settings without anything random."""
    return {
        "noise__add_noise": False,
        "domain_rand__push_robots": False,
        "domain_rand__randomize_friction": False,
        "domain_rand__randomize_base_mass": False,
        "init_state__max_random_vel": 0.0,
        "init_state__dof_pos_factor": [1.0, 1.0],
        "commands__standing_fraction": 0.0,
        "commands__pure_fraction": 0.0,
        "control__action_delay": [0, 0],
        **settings,
    }


def actions_of(env: LeggedRobot, seed: int = 0) -> torch.Tensor:
    return torch.randn(env.num_envs, env.num_actions, generator=torch.Generator().manual_seed(seed))


def test_a_robot_that_is_told_nothing_stands_and_keeps_its_default_pose():
    env = make_env(**quiet())
    for _ in range(100):
        _, _, dones, _ = env.step(torch.zeros(env.num_envs, 12))
        assert not dones.any()
    height = env.root_states[:, 2]
    # legs of 0.2 m + 0.2 m bent by the default angles, foot radius 0.02 m, and some sag under the weight
    front = 0.2 * math.cos(0.8) + 0.2 * math.cos(0.8 - 1.5) + 0.02
    assert (height < front).all() and (height > front - 0.08).all()
    assert (env.base_lin_vel.abs() < 0.05).all()  # soft contacts creep a little
    assert env.feet_contact.all()
    assert torch.allclose(env.projected_gravity[:, 2], torch.tensor(-1.0), atol=5e-3)


def test_the_observation_has_the_layout_of_legged_gym():
    env = make_env(cfg=A1RoughCfg(), **quiet(terrain__num_rows=2, terrain__num_cols=2, terrain__border_size=3.0,
                                            terrain__max_init_terrain_level=1))  # fmt: skip
    actions = actions_of(env)
    obs = env.step(actions)[0]["policy"]
    assert obs.shape == (4, 235)
    rotation = _rotation(env.root_states[:, 3:7].numpy())
    lin_vel = np.einsum("nji,nj->ni", rotation, env.root_states[:, 7:10].numpy())
    ang_vel = np.einsum("nji,nj->ni", rotation, env.root_states[:, 10:13].numpy())
    np.testing.assert_allclose(obs[:, 0:3], 2.0 * lin_vel, atol=1e-5)
    np.testing.assert_allclose(obs[:, 3:6], 0.25 * ang_vel, atol=1e-5)
    np.testing.assert_allclose(obs[:, 6:9], -rotation[:, 2], atol=1e-5)
    np.testing.assert_allclose(obs[:, 9:12], env.commands[:, :3] * torch.tensor([2.0, 2.0, 0.25]), atol=1e-6)
    np.testing.assert_allclose(obs[:, 12:24], env.dof_pos - env.default_dof_pos, atol=1e-6)
    np.testing.assert_allclose(obs[:, 24:36], 0.05 * env.dof_vel, atol=1e-6)
    np.testing.assert_allclose(obs[:, 36:48], actions, atol=1e-6)
    heights = (env.root_states[:, 2:3] - 0.5 - env.measured_heights).clamp(-1, 1) * 5.0
    np.testing.assert_allclose(obs[:, 48:], heights, atol=1e-5)


def _rotation(quat: np.ndarray) -> np.ndarray:
    """Rotation matrices of x,y,z,w quaternions by another way than the code's: v -> q v q*."""
    x, y, z, w = quat.T
    matrix = np.empty((len(quat), 3, 3))
    matrix[:, 0] = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], 1)
    matrix[:, 1] = np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], 1)
    matrix[:, 2] = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], 1)
    return matrix


def test_noise_is_uniform_with_the_amplitude_of_the_table():
    env = make_env(512, **quiet(noise__add_noise=True))
    env._assemble()
    noisy = env.obs_buf["policy"].clone()
    env.observation_groups["policy"]._noisy = False
    env._assemble()
    noise = noisy - env.obs_buf["policy"]
    amplitude = torch.tensor([0.2] * 3 + [0.05] * 6 + [0.0] * 3 + [0.01] * 12 + [0.075] * 12 + [0.0] * 12)
    largest = noise.abs().amax(0)
    assert (largest <= amplitude + 1e-6).all()
    assert (largest >= 0.97 * amplitude - 1e-6).all()
    # a uniform variable on [-a, a] has the standard deviation a / sqrt(3)
    assert torch.allclose(noise.std(0), amplitude / math.sqrt(3), rtol=0.08, atol=1e-6)


def test_an_episode_ends_when_the_trunk_touches_and_is_followed_by_a_new_one():
    env = make_env(4, **quiet())
    on_its_back = env.root_states[:1].clone()
    on_its_back[:, 2] = 0.10
    on_its_back[:, 3:7] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    env.sim.set_root_states(torch.tensor([2]), on_its_back)
    dones = torch.zeros(4, dtype=torch.bool)
    for _ in range(10):
        obs, _, dones, extras = env.step(torch.zeros(4, 12))
        if dones.any():
            break
    assert dones.tolist() == [False, False, True, False]
    assert not extras["time_outs"].any()
    assert env.episode_length_buf[2] == 0
    # the observation is the first of the new episode: upright, default pose, no last action
    assert torch.allclose(obs["policy"][2, 6:9], torch.tensor([0.0, 0.0, -1.0]), atol=1e-6)
    assert torch.equal(obs["policy"][2, 36:48], torch.zeros(12))
    assert "rew_tracking_lin_vel" in extras["log"]


def test_a_time_out_comes_one_step_after_the_length_and_only_in_its_own_step():
    env = make_env(2, **quiet(env__episode_length_s=0.1))
    assert env.max_episode_length == 5
    seen = []
    for _ in range(8):
        _, _, dones, extras = env.step(torch.zeros(2, 12))
        seen.append((bool(dones.any()), bool(extras["time_outs"].any()), "log" in extras))
    ends = [i for i, (done, _, _) in enumerate(seen) if done]
    assert ends == [5]
    assert [i for i, (_, out, _) in enumerate(seen) if out] == [5]
    assert [i for i, (_, _, log) in enumerate(seen) if log] == [5]


def test_reset_of_one_environment_leaves_the_others_bit_for_bit():
    one, other = make_env(4), make_env(4)
    for k in range(5):
        one.step(actions_of(one, k))
        other.step(actions_of(other, k))
    one.reset_idx(torch.tensor([1]))
    one.generator.set_state(other.generator.get_state())
    keep = [0, 2, 3]
    for k in range(5):
        one.step(actions_of(one, 10 + k))
        other.step(actions_of(other, 10 + k))
    assert torch.equal(one.root_states[keep], other.root_states[keep])
    assert torch.equal(one.dof_vel[keep], other.dof_vel[keep])
    assert not torch.equal(one.root_states[1], other.root_states[1])


def test_the_mirrored_robot_moves_as_the_mirror_image():
    """Physics itself is the oracle: mirrored state, command and actions give the mirrored observation."""
    env = make_env(2, **quiet(init_state__dof_pos_factor=[1.0, 1.0]))
    maps = env.mirror_maps()
    assert maps is not None
    index, sign = maps["actions"]
    obs_index, obs_sign = maps["policy"]
    # an asymmetric start, mirrored in the second environment
    joints = env.default_dof_pos + 0.1 * actions_of(env)[:1]
    states = env.root_states.clone()
    states[:, 2] = 0.30
    states[:, 7:13] = torch.tensor([0.4, 0.3, 0.1, 0.5, -0.2, 0.6])
    states[1, 7:13] *= torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    env.sim.set_root_states(torch.arange(2), states)
    deviation = joints - env.default_dof_pos
    pose = torch.cat((joints, env.default_dof_pos + deviation[:, index] * sign))
    env.sim.set_dof_states(torch.arange(2), pose, torch.zeros(2, 12))
    env.commands[0, :3] = torch.tensor([0.5, 0.3, -0.2])
    env.commands[1, :3] = torch.tensor([0.5, -0.3, 0.2])
    for k in range(10):
        actions = actions_of(env, k)[:1]
        obs = env.step(torch.cat((actions, actions[:, index] * sign)))[0]["policy"]
    # the trunk's centre of mass lies 2 mm to the left, so the mirror is only nearly exact
    assert torch.allclose(obs[1], obs[0][obs_index] * obs_sign, atol=0.06)
    assert not torch.allclose(obs[1], obs[0], atol=0.2)


def test_mirroring_twice_changes_nothing():
    env = make_env(cfg=A1RoughCfg(), terrain__mesh_type="plane", terrain__curriculum=False)
    for index, sign in env.mirror_maps().values():
        assert torch.equal(index[index], torch.arange(len(index)))
        assert torch.equal(sign * sign[index], torch.ones(len(sign)))


def test_action_delay_applies_each_environments_own_delay():
    env = make_env(64, **quiet(control__action_delay=[0, 2]))
    assert set(env.control.delays.tolist()) == {0, 1, 2}
    history = [torch.zeros(64, 12), torch.zeros(64, 12)]
    for k in range(4):
        history.append(actions_of(env, k))
        env._simulate_input = env.control.delay(history[-1])
        expected = torch.stack([history[-1 - d][i] for i, d in enumerate(env.control.delays.tolist())])
        assert torch.equal(env._simulate_input, expected)


def test_heading_mode_turns_towards_the_commanded_heading():
    env = make_env(2, **quiet(commands__heading_command=True))
    env.episode_length_buf += 1
    env.commands[:, 3] = torch.tensor([1.0, -3.0])
    states = env.root_states.clone()
    yaw = torch.tensor([0.4, 3.0])
    states[:, 3:7] = torch.stack([0 * yaw, 0 * yaw, torch.sin(yaw / 2), torch.cos(yaw / 2)], 1)
    env.sim.set_root_states(torch.arange(2), states)
    env._update_commands()
    # 0.5 * (1.0 - 0.4); and -3.0 is 2 pi - 6.0 = 0.283 rad to the left of 3.0
    assert torch.allclose(env.commands[:, 2], torch.tensor([0.3, 0.5 * (2 * math.pi - 6.0)]), atol=1e-5)


def test_small_velocity_commands_become_standing():
    env = make_env(500, **quiet())
    env._resample_commands(torch.arange(500))
    norms = env.commands[:, :2].norm(dim=1)
    assert ((norms == 0) | (norms > 0.2)).all()
    # a disc of radius 0.2 in a square of side 2
    assert (norms == 0).float().mean().item() == pytest.approx(math.pi * 0.04 / 4, abs=0.02)
    assert env.commands[:, 2].abs().max() <= 1.0


def test_each_robot_is_pushed_once_an_interval_at_its_own_time():
    settings = quiet(domain_rand__push_interval_s=0.2, domain_rand__max_push_vel_xy=0.8)
    calm = make_env(300, **settings)
    pushed = make_env(300, **{**settings, "domain_rand__push_robots": True})
    met = torch.zeros(300, dtype=torch.bool)
    numbers = []
    for _ in range(10):
        calm.step(torch.zeros(300, 12))
        pushed.step(torch.zeros(300, 12))
        differs = (calm.root_states != pushed.root_states).any(1)
        assert (differs | ~met).all()
        new = differs & ~met
        # set to at most 0.8 m/s before the physics, which has had one step to change that since
        assert pushed.root_states[new, 7:9].abs().max() <= 0.85
        moved = pushed.root_states[new, :2] - calm.root_states[new, :2]
        assert moved.abs().max() > 0.25 * 0.8 * pushed.dt and moved.abs().max() < 1.2 * 0.8 * pushed.dt
        numbers.append(int(new.sum()))
        met |= differs
    # ten steps are one interval: all have been pushed, and about a tenth in each step
    assert met.all()
    assert min(numbers) > 10 and max(numbers) < 60


def test_nan_in_one_environment_resets_it_alone_and_is_written_down(tmp_path):
    env, twin = make_env(4), make_env(4)
    env.log_dir = str(tmp_path)
    actions = actions_of(env)
    actions[2] = float("nan")
    good = actions.clone()
    good[2] = 0.0
    _, rewards, dones, extras = env.step(actions)
    twin.step(good)
    assert dones.tolist() == [False, False, True, False]
    assert torch.isfinite(rewards).all() and torch.isfinite(env.obs_buf["policy"]).all()
    assert env.num_failures == 1 and extras["counts"] == {"failed_envs": 1}
    keep = [0, 1, 3]
    assert torch.equal(env.root_states[keep], twin.root_states[keep])
    record = torch.load(tmp_path / "first_failure.pt", weights_only=True)
    assert record["env_ids"].tolist() == [2] and "NaN" in record["reason"]
    for k in range(5):
        _, rewards, _, _ = env.step(actions_of(env, k))
        assert torch.isfinite(rewards).all()


def test_a_failure_that_cannot_be_written_down_is_a_warning(tmp_path, capsys):
    env = make_env(2)
    env.log_dir = str(tmp_path / "gone")
    actions = actions_of(env)
    actions[1] = float("nan")
    for _ in range(2):
        _, _, dones, extras = env.step(actions)
        assert dones.tolist() == [False, True] and extras["counts"] == {"failed_envs": 1}
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("warning: environment 1 was reset: ") and "its state cannot be written: " in line
    assert env.step(actions_of(env))[3]["counts"] == {"failed_envs": 0}


def test_a_saved_environment_goes_on_bit_for_bit():
    settings = {
        "control__action_delay": [0, 1],
        "domain_rand__randomize_motor_strength": True,
        "env__episode_length_s": 0.5,
    }
    env = make_env(8, **settings)
    for k in range(20):
        env.step(actions_of(env, k))
    saved = copy.deepcopy(env.state_dict())
    fresh = make_env(8, seed=99, **settings)
    fresh.load_state_dict(saved)
    for k in range(40):
        obs, rewards, dones, _ = env.step(actions_of(env, 100 + k))
        again, rewards_again, dones_again, _ = fresh.step(actions_of(env, 100 + k))
        assert torch.equal(obs["policy"], again["policy"])
        assert torch.equal(rewards, rewards_again) and torch.equal(dones, dones_again)


def test_same_seed_same_run_other_seed_other_run():
    runs = []
    for seed in (5, 5, 6):
        env = make_env(4, seed=seed)
        for k in range(5):
            env.step(actions_of(env, k))
        runs.append(env.obs_buf["policy"])
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])


def test_torque_control_applies_scaled_actions():
    env = make_env(2, **quiet(control__control_type="T", control__action_scale=3.0))
    actions = actions_of(env)
    env.step(actions)
    assert torch.allclose(env.torques, (3.0 * actions).clamp(-33.5, 33.5), atol=1e-4)


def test_velocity_control_brakes_by_the_acceleration_over_one_sub_step():
    gains = dict(control__stiffness={"joint": 2.0}, control__damping={"joint": 0.01})
    env = make_env(2, **quiet(control__control_type="V", control__decimation=1, control__action_scale=3.0, **gains))
    velocities = [torch.zeros(2, 12)]
    for k in range(4):
        velocities.append(env.dof_vel.clone())
        actions = actions_of(env, k)
        env.step(actions)
        acceleration = (velocities[-1] - velocities[-2]) / 0.005
        expected = 2.0 * (3.0 * actions - velocities[-1]) - 0.01 * acceleration
        assert torch.allclose(env.torques, expected.clamp(-33.5, 33.5), atol=1e-4)
    assert acceleration.abs().max() > 10.0


def test_randomised_gains_rule_whoever_computes_the_torques():
    settings = quiet(domain_rand__randomize_gains=True, domain_rand__stiffness_factor_range=[0.5, 2.0])
    env = make_env(4, **settings)
    expected = env.env_p_gains * (0.3 + env.default_dof_pos - env.dof_pos) - env.env_d_gains * env.dof_vel
    env.cfg.control.decimation = 1
    env.step(torch.full((4, 12), 0.3 / env.cfg.control.action_scale))
    assert torch.allclose(env.torques, expected.clamp(-33.5, 33.5), atol=1e-4)
    assert env.env_p_gains.min() < 15.0 < 25.0 < env.env_p_gains.max()


def test_a_setting_of_legged_gym_that_is_not_read_is_named(capsys):
    class Ported(A1FlatCfg):
        class env(A1FlatCfg.env):
            num_observations = 48

    make_env(1, cfg=Ported())
    assert "env.num_observations of legged_gym is not read here" in capsys.readouterr().out
