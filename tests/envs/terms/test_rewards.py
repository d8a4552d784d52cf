"""Every reward term against numbers worked out by hand, and the sum with its clipping."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from legged_gym.envs.terms.reward_sum import RewardSum
from legged_gym.envs.terms.rewards import RewardTerms
from legged_gym.errors import UserError


def robot(**attributes: object) -> RewardTerms:
    """Two robots with two joints, three bodies (base, thigh, foot) and one foot; what a test does not set is zero."""
    env = RewardTerms()
    env.cfg = SimpleNamespace(
        rewards=SimpleNamespace(
            tracking_sigma=0.25,
            base_height_target=0.3,
            soft_dof_vel_limit=0.5,
            soft_torque_limit=0.5,
            max_contact_force=100.0,
            feet_air_time_target=0.5,
            feet_clearance_target=0.1,
            feet_clearance_ahead=0.0,
        )
    )
    env.dt = 0.02
    zeros = torch.zeros
    env.commands, env.base_lin_vel, env.base_ang_vel = zeros(2, 4), zeros(2, 3), zeros(2, 3)
    env.projected_gravity, env.root_states = torch.tensor([[0.0, 0.0, -1.0]] * 2), zeros(2, 13)
    env.measured_heights = zeros(2, 5)
    env.dof_pos, env.dof_vel, env.last_dof_vel, env.torques = zeros(2, 2), zeros(2, 2), zeros(2, 2), zeros(2, 2)
    env.actions, env.last_actions = zeros(2, 2), zeros(2, 2)
    env.default_dof_pos = torch.tensor([[0.1, -0.2]])
    env.dof_pos_limits = torch.tensor([[-1.0, 1.0], [-0.5, 0.5]])
    env.dof_vel_limits, env.torque_limits = torch.tensor([10.0, 20.0]), torch.tensor([30.0, 40.0])
    env.contact_forces = zeros(2, 3, 3)
    env.feet_forces = zeros(2, 1, 3)
    env.penalised_contact_indices = torch.tensor([1])
    env.feet_air_time = zeros(2, 1)
    env.feet_down = env.first_contact = zeros(2, 1, dtype=torch.bool)
    env.reset_buf, env.time_out_buf = zeros(2, dtype=torch.bool), zeros(2, dtype=torch.bool)
    env.height_scan = SimpleNamespace(sample=lambda points: torch.full(points.shape[:-1], 0.1))
    for name, value in attributes.items():
        setattr(env, name, torch.as_tensor(value))
    states = getattr(env, "feet_states", zeros(2, 1, 13))
    env.sim, env.feet_indices = SimpleNamespace(states_of=lambda bodies: states[:, bodies]), torch.tensor([0])
    return env


CASES = {
    # error (0.3, 0.4): squared norm 0.25, exp(-0.25 / 0.25)
    "tracking_lin_vel": (dict(commands=[[0.3, 0.4, 0.0, 0.0], [0.0] * 4]), [math.exp(-1.0), 1.0]),
    "tracking_ang_vel": (dict(commands=[[0.0, 0.0, 0.5, 0.0], [0.0] * 4]), [math.exp(-1.0), 1.0]),
    # (0.3, 0.4) of (0.6, 0.8) is half of it; backwards it is -1 at the least
    "progress": (
        dict(commands=[[0.6, 0.8, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]], base_lin_vel=[[0.3, 0.4, 9.0], [-1.0, 0.3, 0.0]]),
        [0.5, -1.0],
    ),
    # a quarter of -0.4 rad/s; the wrong way at 0.06 rad/s, a fifth of 0.3
    "turning": (
        dict(
            commands=[[0.0, 0.0, -0.4, 0.0], [0.0, 0.0, 0.06, 0.0]], base_ang_vel=[[9.0, 9.0, -0.1], [0.0, 0.0, -1.0]]
        ),
        [0.25, -0.2],
    ),
    "lin_vel_z": (dict(base_lin_vel=[[9.0, 9.0, 0.5], [0.0, 0.0, -2.0]]), [0.25, 4.0]),
    "ang_vel_xy": (dict(base_ang_vel=[[1.0, 2.0, 9.0], [0.0, -3.0, 9.0]]), [5.0, 9.0]),
    "orientation": (dict(projected_gravity=[[0.6, 0.0, -0.8], [0.3, 0.4, -0.5]]), [0.36, 0.25]),
    # 0.5 m above ground of 0.1 m is 0.1 m above the target of 0.3 m
    "base_height": (
        dict(
            root_states=[[0.0, 0.0, 0.5] + [0.0] * 10, [0.0, 0.0, 0.3] + [0.0] * 10],
            measured_heights=[[0.1] * 5, [0.0] * 5],
        ),
        [0.01, 0.0],
    ),
    "torques": (dict(torques=[[3.0, 4.0], [1.0, 0.0]]), [25.0, 1.0]),
    "dof_vel": (dict(dof_vel=[[1.0, 2.0], [0.0, -1.0]]), [5.0, 1.0]),
    # (0.02 / 0.02)^2 + (0.04 / 0.02)^2
    "dof_acc": (dict(dof_vel=[[0.02, -0.04], [0.0, 0.0]]), [5.0, 0.0]),
    "action_rate": (dict(actions=[[1.0, -1.0], [0.5, 0.0]], last_actions=[[0.0, 1.0], [0.5, 0.0]]), [5.0, 0.0]),
    "collision": (
        dict(
            contact_forces=[
                [[9.0, 0.0, 0.0], [0.0, 0.1, 0.1], [0.0, 0.0, 9.0]],
                [[0.0] * 3, [0.0, 0.0, 0.05], [0.0] * 3],
            ]
        ),
        [1.0, 0.0],
    ),
    # 0.2 above 1.0 and 0.25 below -0.5
    "dof_pos_limits": (dict(dof_pos=[[1.2, -0.75], [0.9, 0.4]]), [0.45, 0.0]),
    # soft limits 5 and 10; an excess counts 1 at most
    "dof_vel_limits": (dict(dof_vel=[[5.5, -12.0], [4.0, 9.0]]), [1.5, 0.0]),
    "torque_limits": (dict(torques=[[16.0, -23.0], [15.0, 20.0]]), [4.0, 0.0]),
    "stand_still": (
        dict(dof_pos=[[0.4, 0.0], [0.4, 0.0]], commands=[[0.05, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]]),
        [0.5, 0.0],
    ),
    "similar_to_default": (dict(dof_pos=[[0.4, 0.0], [0.4, 0.0]]), [0.5, 0.5]),
    "feet_contact_forces": (dict(feet_forces=[[[60.0, 0.0, 80.0]], [[90.0, 0.0, 120.0]]]), [0.0, 50.0]),
    "feet_stumble": (dict(feet_forces=[[[3.0, 4.0, 0.9]], [[3.0, 4.0, 1.1]]]), [1.0, 0.0]),
    # 0.7 s in the air is 0.2 s beyond half a second; standing robots are paid nothing
    "feet_air_time": (
        dict(feet_air_time=[[0.7], [0.7]], first_contact=[[True], [True]], commands=[[0.5, 0.0, 0.0, 0.0], [0.0] * 4]),
        [0.2, 0.0],
    ),
    # a turn in place is a command to move; half of the feet may stand
    "feet_stance": (
        dict(feet_down=[[True, False, True, True], [True] * 4], commands=[[0.0, 0.0, 0.2, 0.0], [0.05, 0.0, 0.0, 0.9]]),
        [1.0, 0.0],
    ),
    "stand_motion": (
        dict(dof_vel=[[3.0, -4.0]] * 2, commands=[[0.0, 0.0, 0.2, 0.0], [0.05, 0.0, 0.0, 0.9]]),
        [0.0, 7.0],
    ),
    "stand_feet": (dict(commands=[[0.0, 0.0, 0.2, 0.0], [0.05, 0.0, 0.0, 0.9]]), [0.0, 1.0]),
    # 0.06 m lower than it should be at 2 m/s; the other foot is on the ground
    "feet_clearance": (
        dict(feet_states=[[[0.0, 0.0, 0.14] + [0.0] * 4 + [2.0] + [0.0] * 5]] * 2, feet_contact=[[False], [True]]),
        [0.06**2 * 2.0, 0.0],
    ),
    "termination": (dict(reset_buf=[True, True], time_out_buf=[False, True]), [1.0, 0.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_term(name):
    attributes, expected = CASES[name]
    value = getattr(robot(**attributes), f"_reward_{name}")()
    torch.testing.assert_close(value.float(), torch.tensor(expected), atol=1e-6, rtol=1e-5)


def test_every_term_has_a_case():
    terms = {name[len("_reward_") :] for name in dir(RewardTerms) if name.startswith("_reward_")}
    assert terms == set(CASES) | {"stumble"}
    assert RewardTerms._reward_stumble is RewardTerms._reward_feet_stumble


class TwoTerms:
    """1 and -3 in one environment, 2 and -1 in the other; the first ended badly."""

    def _reward_good(self) -> torch.Tensor:
        return torch.tensor([1.0, 2.0])

    def _reward_bad(self) -> torch.Tensor:
        return torch.tensor([-3.0, -1.0])

    def _reward_termination(self) -> torch.Tensor:
        return torch.tensor([1.0, 0.0])


def test_the_sum_is_weighted_by_dt_clipped_and_then_charged_for_the_end():
    scales = {"good": 10.0, "bad": 20.0, "unused": 0.0, "termination": -50.0}
    rewards = RewardSum(TwoTerms(), scales, dt=0.1, num_envs=2, device=torch.device("cpu"))
    # weights 1, 2, -5: sums 1 - 6 = -5 -> 0 and 2 - 2 = 0; then -5 for the first
    assert rewards.compute(only_positive=True).tolist() == [-5.0, 0.0]
    assert rewards.compute(only_positive=False).tolist() == [-10.0, 0.0]
    assert rewards.names == ["good", "bad", "termination"]
    # two steps of 1 * 1 in the first environment, over a 4 s episode
    means = rewards.pop_means(torch.tensor([0]), episode_length_s=4.0)
    assert means.tolist() == [0.5, -3.0, -2.5]
    assert rewards.episode_sums[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert rewards.episode_sums[:, 1].tolist() == [4.0, -4.0, 0.0]


def test_a_ramp_lets_a_weight_grow():
    ramps = {"termination": [100, 300]}
    rewards = RewardSum(TwoTerms(), {"termination": -50.0}, 0.1, 2, torch.device("cpu"), ramps)
    values = [float(rewards.compute(only_positive=False, step=step)[0]) for step in (0, 100, 150, 200, 300, 9999)]
    assert values == [0.0, 0.0, -1.25, -2.5, -5.0, -5.0]


def test_a_ramp_needs_a_term_that_is_on():
    with pytest.raises(UserError, match=r"rewards\.ramps\.bad"):
        RewardSum(TwoTerms(), {"good": 1.0, "bad": 0.0}, 0.1, 2, torch.device("cpu"), {"bad": [0, 10]})


class Wide(TwoTerms):
    def _reward_good(self):
        return torch.ones(2, 1)

    def _reward_bad(self):
        return 1.0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("good", r"rewards\.scales\.good: _reward_good returns \(2, 1\) float32, expected \(2,\)"),
        ("bad", r"rewards\.scales\.bad: _reward_bad returns float, expected \(2,\)"),
    ],
)
def test_a_term_of_the_wrong_shape_is_named(name, message):
    with pytest.raises(UserError, match=message):
        RewardSum(Wide(), {name: 1.0}, 0.1, 2, torch.device("cpu"))


def test_no_terms_give_zero():
    rewards = RewardSum(TwoTerms(), {"good": 0.0}, dt=0.1, num_envs=2, device=torch.device("cpu"))
    assert rewards.compute(only_positive=True).tolist() == [0.0, 0.0]
