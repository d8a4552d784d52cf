"""What a step reads before it changes it: commands, pushes, contacts, resets of others, numbers that went wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from legged_gym.envs import A1FlatCfg, A1RoughCfg
from legged_gym.envs.a1.a1_vision_config import A1VisionCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.vision.vision_robot import VisionRobot
from legged_gym.errors import UserError

SMALL = {"num_rows": 2, "num_cols": 2, "border_size": 3.0, "max_init_terrain_level": 1}


def make_env(cfg: Any = None, num_envs: int = 4, kind: Any = LeggedRobot, **sections: Any) -> LeggedRobot:
    cfg = cfg or A1FlatCfg()
    cfg.update({"env": {"num_envs": num_envs}, "noise": {"add_noise": False}, "control": {"action_delay": [0, 0]}})
    cfg.update(
        {
            "domain_rand": {"push_robots": False},
            "commands": {"standing_fraction": 0.0, "pure_fraction": 0.0, "ramps": {}},
        }
    )
    cfg.update(sections)
    env = kind(cfg, sim="mujoco", seed=3)
    env.reset()
    return env


def rough(num_envs: int = 4, **sections: Any) -> LeggedRobot:
    return make_env(A1RoughCfg(), num_envs, terrain=SMALL, **sections)


def actions_of(env: LeggedRobot, seed: int = 0) -> torch.Tensor:
    return torch.randn(env.num_envs, 12, generator=torch.Generator().manual_seed(seed))


def test_a_robot_sees_the_same_whether_others_are_reset_or_not():
    pushes = {"push_robots": True, "push_interval_s": 0.02}
    alone, among = rough(domain_rand=pushes), rough(domain_rand=pushes)
    for k in range(5):
        alone.step(actions_of(alone, k))
        among.step(actions_of(among, k))
    among.episode_length_buf[1:] = among.max_episode_length
    expected, reward, _, _ = alone.step(actions_of(alone, 5))
    observed, other_reward, dones, _ = among.step(actions_of(among, 5))
    assert dones.tolist() == [False, True, True, True]
    assert torch.equal(observed["policy"][0], expected["policy"][0])
    assert torch.equal(other_reward[0], reward[0])


def test_a_reset_from_outside_remembers_as_a_step_does():
    """Or the first acceleration of the joints would count from rest, whatever their speed."""
    env = make_env(init_state={"dof_pos_factor": [0.5, 1.5]})
    env.sim.set_dof_states(torch.arange(4), env.dof_pos.clone(), torch.ones(4, 12))
    env.reset_idx = lambda env_ids: None  # joints that move from the start
    env.reset()
    assert torch.equal(env.last_dof_vel, env.dof_vel) and env.dof_vel.all()


def test_the_observed_velocity_is_that_of_the_robot():
    env = make_env(domain_rand={"push_robots": True, "push_interval_s": 0.02})
    for k in range(3):
        env.step(actions_of(env, k))
        seen = env.base_lin_vel.clone()
        env._update_base()
        assert torch.equal(env.base_lin_vel, seen)


@pytest.mark.parametrize("heading", [False, True])
def test_rewards_are_paid_for_the_command_that_the_policy_saw(heading):
    env = make_env(commands={"heading_command": heading, "resampling_time": 0.02})
    names = env.reward_sum.names
    for k in range(3):
        seen, before = env.commands.clone(), env.reward_sum.episode_sums.clone()
        env.step(actions_of(env, k))
        assert (env.commands[:, :3] != seen[:, :3]).any(1).all()
        paid = env.reward_sum.episode_sums - before
        error = (seen[:, :2] - env.base_lin_vel[:, :2]).square().sum(1)
        turn = (seen[:, 2] - env.base_ang_vel[:, 2]).square()
        scales = env.cfg.rewards.scales
        expected = [
            weight * 0.02 * torch.exp(-square / env.cfg.rewards.tracking_sigma)
            for weight, square in ((scales.tracking_lin_vel, error), (scales.tracking_ang_vel, turn))
        ]
        torch.testing.assert_close(paid[names.index("tracking_lin_vel")], expected[0], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(paid[names.index("tracking_ang_vel")], expected[1], rtol=1e-4, atol=1e-7)


def test_the_first_observation_has_the_yaw_rate_of_the_new_heading():
    env = make_env(commands={"heading_command": True})
    env.episode_length_buf[2] = env.max_episode_length
    obs = env.step(torch.zeros(4, 12))[0]["policy"]
    # robots start facing along x
    expected = (0.5 * env.commands[2, 3]).clamp(-1.0, 1.0)
    assert obs[2, 11] == pytest.approx(float(expected), abs=1e-3)  # A1 sees turns at scale 1
    assert obs[2, 11] != 0.0


def test_feet_that_stay_on_the_ground_are_neither_paid_nor_fined():
    env = make_env(commands={"ranges": {"lin_vel_x": [0.5, 0.5]}})
    for _ in range(50):
        env.step(torch.zeros(4, 12))
    env.reward_sum.episode_sums.zero_()
    for _ in range(20):
        env.step(torch.zeros(4, 12))
    assert env.feet_contact.all()
    names = env.reward_sum.names
    assert (env.reward_sum.episode_sums[names.index("feet_air_time")] == 0.0).all()
    fine = env.cfg.rewards.scales.feet_stance * 2 * 20 * 0.02
    sums = env.reward_sum.episode_sums[names.index("feet_stance")]
    torch.testing.assert_close(sums, torch.full((4,), fine))


def test_robots_that_are_told_to_stand_are_told_so_in_heading_mode_too():
    env = make_env(num_envs=64, commands={"standing_fraction": 0.5, "heading_command": True})
    for k in range(5):
        env.step(actions_of(env, k))
        still = (env.commands[:, :3] == 0.0).all(1)
        assert torch.equal(still, env.standing)
    assert 16 < int(env.standing.sum()) < 48


def test_robots_that_see_and_are_told_to_stand_are_not_turned():
    cfg = A1VisionCfg()
    env = make_env(cfg, 64, VisionRobot, terrain={**SMALL, "tile_types": ["lane_flat", "lane_stairs"]})
    assert env.standing.any() and not env.standing[32:].any()
    for k in range(5):
        env.step(actions_of(env, k))
    assert (env.commands[env.standing, :3] == 0.0).all()


@pytest.mark.parametrize("heading", [False, True])
def test_pure_commands_go_one_way(heading):
    env = make_env(num_envs=3000, commands={"pure_fraction": 0.6, "heading_command": heading, "min_norm": 0.0})
    moves = env.commands[:, :3].abs() > 1e-6
    alone = moves.sum(1) == 1
    for axis in range(3):  # a third of 0.6 each, 0.0073 is one standard deviation
        assert float((alone & moves[:, axis]).float().mean()) == pytest.approx(0.2, abs=0.03)
    assert float((moves.sum(1) == 3).float().mean()) == pytest.approx(0.4, abs=0.04)


def test_statistics_of_finished_episodes_survive_an_observation_that_fails():
    env = make_env(num_envs=2)
    env.step(torch.zeros(2, 12))
    row = env.reward_sum.names.index("tracking_lin_vel")
    env.reward_sum.episode_sums[row] = torch.tensor([10.0, 4.0])
    env.episode_length_buf[0] = env.max_episode_length
    original = env._observations["base_ang_vel"]
    calls = []

    def once_wrong() -> torch.Tensor:
        calls.append(1)
        value = original().clone()
        if len(calls) == 1:
            value[1] = float("nan")
        return value

    env._observations["base_ang_vel"] = once_wrong
    before = env.reward_sum.episode_sums[row].clone()
    _, _, dones, extras = env.step(torch.zeros(2, 12))
    assert dones.all() and extras["time_outs"].tolist() == [True, False]
    most = env.dt * env.cfg.rewards.scales.tracking_lin_vel  # that the step itself can add to either sum
    assert float(extras["log"]["rew_tracking_lin_vel"]) == pytest.approx(float(before.mean()) / 20.0, abs=most / 20.0)


def test_an_observation_that_stays_wrong_reaches_no_network():
    env = make_env(num_envs=2)
    original = env._observations["base_ang_vel"]
    env._observations["base_ang_vel"] = lambda: original() * torch.tensor([[1.0], [float("inf")]])
    obs = env.step(torch.zeros(2, 12))[0]["policy"]
    assert torch.isfinite(obs).all() and (obs[0] != 0).any()


def test_nothing_is_expected_of_a_robot_whose_reward_went_wrong_as_its_time_ran_out():
    env = make_env(num_envs=2)
    env.episode_length_buf[:] = env.max_episode_length
    row = env.reward_sum.names.index("torques")
    original = env.reward_sum._terms[row]
    env.reward_sum._terms[row] = lambda: original() * torch.tensor([1.0, math.nan])
    _, rewards, dones, extras = env.step(torch.zeros(2, 12))
    assert dones.all() and extras["time_outs"].tolist() == [True, False] and rewards[1] == 0.0


def test_clipping_does_not_hide_a_term_that_went_wrong():
    env = make_env(num_envs=2, rewards={"only_positive_rewards": True})
    row = env.reward_sum.names.index("torques")
    original = env.reward_sum._terms[row]
    env.reward_sum._terms[row] = lambda: original() + torch.tensor([0.0, math.inf])
    _, rewards, dones, _ = env.step(torch.zeros(2, 12))
    assert dones.tolist() == [False, True] and torch.isfinite(rewards).all()
    assert torch.isfinite(env.reward_sum.episode_sums).all() and env.num_failures == 1


def test_pure_and_standing_commands_come_when_their_ramps_say():
    ramps = {"standing_fraction": [10, 20], "pure_fraction": [10, 20]}
    env = make_env(num_envs=2000, commands={"pure_fraction": 0.4, "standing_fraction": 0.3, "ramps": ramps})
    fractions = []
    for step in (10, 15, 30):
        env.common_step_counter = step
        env._resample_commands(torch.arange(2000))
        turns = env.commands[:, 2] != 0.0
        pure = (env.commands[:, :2] == 0.0).all(1) & turns  # and the 3 % that are too slow
        fractions.append((float(env.standing.float().mean()), float(pure.float().mean())))
    for (standing, pure), share in zip(fractions, (0.0, 0.5, 1.0)):
        assert standing == pytest.approx(0.3 * share, abs=0.04)
        assert pure == pytest.approx((0.4 / 3.0 * share + 0.03) * (1.0 - 0.3 * share), abs=0.04)


@pytest.mark.parametrize(
    ("ramps", "words"), [({"speed": [0, 1]}, "what can grow"), ({"pure_fraction": [5, 5]}, "low < high")]
)
def test_ramps_that_cannot_be_are_refused(ramps, words):
    with pytest.raises(UserError, match=words):
        make_env(commands={"ramps": ramps})
