"""Galileo on its course: every number that it observes, what it is paid, and how its episodes end, by hand."""

from __future__ import annotations

import math
from typing import Any, Sequence

import pytest
import torch

from legged_gym.envs.parkour.galileo_config import GalileoParkourCfg
from legged_gym.envs.parkour.guidance import CRAWL, FLAT, JUMP
from legged_gym.envs.parkour.parkour_robot import ParkourRobot

HEIGHTS = [0.2, 0.3, 0.4, 0.0]


def make_env(**settings: Any) -> ParkourRobot:
    cfg = GalileoParkourCfg()
    cfg.update({"env": {"num_envs": 2}, "domain_rand": {"push_robots": False}, **settings})
    cfg.sim.num_threads = 1
    env = ParkourRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    env.hurdles.put_up(torch.arange(2), torch.tensor([HEIGHTS, HEIGHTS]))
    return env


@pytest.fixture(scope="module")
def env() -> ParkourRobot:
    return make_env()


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def place(
    env: ParkourRobot, position: Sequence[float], velocity: Sequence[float] = (0.0, 0.0, 0.0), yaw: float = 0.0,
    pitch: float = 0.0, spin: Sequence[float] = (0.0, 0.0, 0.0), feet: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
) -> None:  # fmt: skip
    """All robots there, their feet at heights of one's own."""
    states = torch.zeros(2, 13)
    states[:, :3] = env.env_origins + torch.tensor(position)
    half_yaw, half_pitch = yaw / 2, pitch / 2
    states[:, 3:7] = torch.tensor(
        [-math.sin(half_yaw) * math.sin(half_pitch), math.cos(half_yaw) * math.sin(half_pitch),
         math.sin(half_yaw) * math.cos(half_pitch), math.cos(half_yaw) * math.cos(half_pitch)]
    )  # fmt: skip
    states[:, 7:10], states[:, 10:13] = torch.tensor(velocity), torch.tensor(spin)
    env.sim.set_root_states(torch.arange(2), states)
    env._update_base()
    heights = torch.zeros(2, 4, 3)
    heights[..., 2] = torch.tensor(feet)
    env._feet_positions = lambda: heights  # type: ignore[method-assign]
    env._see_hurdles()


def paid(env: ParkourRobot, name: str) -> float:
    value = getattr(env, f"_reward_{name}")()
    assert value.shape == (2,) and value[0] == value[1]
    return float(value[0])


# ---------------------------------------------------------------- observations


def test_the_whole_observation(env):
    """53 + 132 + 8 + 9 + 29 + 10 x 53 numbers, in the order of the groups."""
    joints = torch.arange(12.0)
    env.sim.set_dof_states(torch.arange(2), env.default_dof_pos + 0.01 * joints, (0.1 * joints).expand(2, 12))
    place(env, (2.0, -1.0, 0.45), velocity=(0.0, 0.5, 0.2), yaw=math.pi / 2, spin=(0.4, 0.8, -1.2))
    env.contact_forces.zero_()
    env.contact_forces[:, env.feet_indices[1]] = torch.tensor([0.0, 2.1, 0.0])
    env.contact_forces[:, env.feet_indices[2]] = torch.tensor([0.0, 0.0, 1.9])
    env._update_base()
    env.feet_touched = torch.tensor([[False, False, False, True]]).repeat(2, 1)
    env.actions = (-0.1 * joints).repeat(2, 1)
    env.commands[:, 0] = 0.9
    env.added_masses[:], env.friction_coeffs[:] = 1.5, 0.8
    env.com_displacements[:] = torch.tensor([0.01, -0.02, 0.0])
    env.env_p_gains[:], env.env_d_gains[:] = 1.1 * env.p_gains, 0.8 * env.d_gains
    env.motor_strengths[:] = 1.0
    env.observation_history.fresh_frames[:] = True
    env.episode_length_buf[:] = 0
    env._assemble()
    # the robot looks along +y: the world's (0.4, 0.8) is (0.8, -0.4) for it; goals are at (3, 0) and (3.5, 0)
    first, second = math.atan2(1.0, 1.0) - math.pi / 2, math.atan2(1.0, 1.5) - math.pi / 2
    ends = [0.0, 0.0, 0.9, 0.0, 1.0, *(0.01 * joints).tolist(), *(0.005 * joints).tolist(), *(-0.1 * joints).tolist()]
    ends += [-0.5, 0.5, -0.5, 0.5]
    proprioception = [0.2, -0.1, -0.3, 0.0, 0.0, 0.0, first, second, *ends]
    masked = [0.2, -0.1, -0.3, 0.0, 0.0, 0.0, 0.0, 0.0, *ends]
    hurdles = [0.2 / 0.6, 0.3 / 0.6, 0.4 / 0.6, -1.0, 0.0, 0.0, 1.0, -1.0]
    explicit = [1.0, 0.0, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    latent = [1.5, 0.01, -0.02, 0.0, 0.8, *[0.1] * 12, *[-0.2] * 12]
    expected = [*proprioception, *[0.15] * 132, *hurdles, *explicit, *latent, *masked * 10]
    observed = torch.cat([seen for name, seen in env.obs_buf.items() if name != "nearest"], dim=1)
    assert observed.shape == (2, 761) and len(expected) == 761
    torch.testing.assert_close(observed, torch.tensor([expected] * 2), rtol=0, atol=2e-5)


def test_angles_of_the_base(env):
    place(env, (0.0, 0.0, 0.4), yaw=0.7, pitch=0.3)
    torch.testing.assert_close(env._obs_roll_pitch(), torch.tensor([[0.0, 0.3]] * 2), rtol=0, atol=1e-5)


def test_the_scan_sees_bars_ten_times_a_second(env):
    """A bar 0.31 m high, 0.6 m ahead of a base at 0.5 m: forward is the slow axis of the grid."""
    place(env, (3.4, 0.0, 0.5))
    env.episode_length_buf[:] = torch.tensor([10, 11])
    env.scan[:] = 7.0
    scan = env._obs_scan()
    assert (scan[1] == 7.0).all(), "not due"
    rows = scan[0].view(12, 11)
    x = [round(-0.45 + 0.15 * k, 2) for k in range(12)]
    torch.testing.assert_close(rows[x.index(0.6)], torch.full((11,), 0.5 - 0.3 - 0.31), rtol=0, atol=1e-4)
    torch.testing.assert_close(rows[x.index(0.3)], torch.full((11,), 0.2), rtol=0, atol=1e-4)
    env.episode_length_buf.zero_()


def test_the_nearest_hurdle(env):
    """Bars of 0.2 m at 4 m and of 0.4 m at 8 m; none nearer than 1.4 m in the end."""
    for x, expected in (
        (3.3, [0, 1, 0, 0.7 / 1.4, 0.2 / 0.6]), (8.35, [0, 0, 1, -0.35 / 1.4, 0.4 / 0.6]), (1.0, [1, 0, 0, 1, 0]),
    ):  # fmt: skip
        place(env, (x, 0.0, 0.4))
        torch.testing.assert_close(env._obs_nearest(), torch.tensor([expected] * 2).float(), rtol=0, atol=1e-5)


def test_the_history_is_of_the_steps_before():
    env = make_env()
    frames = [env._proprioception()]
    assert torch.equal(env.obs_buf["history"], frames[0].repeat(1, 10)), "filled with the first"
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        env.step(torch.randn(2, 12, generator=generator))
        frames.append(env.past_proprioception)
    seen = env.obs_buf["history"].view(2, 10, 53)
    torch.testing.assert_close(seen[:, -3:], torch.stack(frames[:3], dim=1))
    assert (seen[:, :, 6:8] == 0).all() and not torch.equal(seen[:, -1], frames[3])
    now = env.obs_buf["proprioception"]
    torch.testing.assert_close(
        torch.cat((frames[3][:, :5], frames[3][:, 8:]), 1), torch.cat((now[:, :5], now[:, 8:]), 1)
    )


def test_the_first_step_after_a_reset_is_preceded_by_where_it_began():
    """Of a reset from outside as of one within a step: nobody remembers a frame of zeros."""
    env = make_env()
    begin = env._proprioception()
    env.step(torch.zeros(2, 12))
    assert torch.equal(env.obs_buf["history"], begin.repeat(1, 10))
    env.episode_length_buf[:] = env.max_episode_length
    env.step(torch.zeros(2, 12))
    begin = env._proprioception()
    env.step(torch.zeros(2, 12))
    torch.testing.assert_close(env.obs_buf["history"], begin.repeat(1, 10))


# ---------------------------------------------------------------- rewards


def test_the_nearest_hurdle_decides_the_mode(env):
    for x, y, mode in ((2.5, 0.0, FLAT), (2.7, 0.0, JUMP), (2.7, 0.5, FLAT), (4.6, 0.0, JUMP), (7.1, 0.4, CRAWL)):
        place(env, (x, y, 0.4))
        assert env.guidance.mode.tolist() == [mode] * 2, (x, y)
    place(env, (8.7, 0.0, 0.4))
    assert env.guidance.mode.tolist() == [FLAT] * 2, "too far behind"
    place(env, (4.0, -0.2, 0.4), yaw=math.pi / 2)  # looks across the lane: the hurdle is 0.2 m ahead
    assert float(env.guidance.f[0]) == pytest.approx(0.2, abs=1e-5)
    assert float(env.guidance.side[0]) == pytest.approx(0.0, abs=1e-5)


def test_jump_clearance_takes_the_lower_foot_at_the_bar(env):
    """Top 0.31 m and margin 0.08 m; a bar of 0.2 m weighs 0.8."""
    place(env, (3.7, 0.1, 0.5), velocity=(0.5, 0.0, 0.0), feet=(0.45, 0.5, 0.1, 0.2))
    assert paid(env, "jump_clearance") == pytest.approx(0.8 * sigmoid(25 * (0.45 - 0.31 - 0.08)), abs=1e-5)
    place(env, (4.2, 0.1, 0.5), velocity=(0.07, 0.0, 0.0), feet=(0.1, 0.1, 0.39, 0.5))
    assert paid(env, "jump_clearance") == pytest.approx(0.8 * 0.5 * 0.2, abs=1e-5)
    place(env, (3.3, 0.0, 0.5), velocity=(0.5, 0.0, 0.0), feet=(0.5, 0.5, 0.5, 0.5))
    assert paid(env, "jump_clearance") == 0.0, "0.7 m before the bar"
    place(env, (5.9, 0.0, 0.5), velocity=(0.5, 0.0, 0.0), feet=(0.6, 0.6, 0.6, 0.6))  # 0.3 m: 0.03 m more margin
    assert paid(env, "jump_clearance") == pytest.approx(sigmoid(25 * (0.6 - 0.41 - 0.11)) * 0.3 / 0.35, abs=1e-5)


def test_crawl_clearance(env):
    """Half the way to a bar of 0.4 m: asks for 0.25 m, and has room below 0.44 m."""
    place(env, (7.3, 0.0, 0.3), velocity=(0.175, 0.0, 0.0))
    crouched, below = math.exp(-((0.05 / 0.08) ** 2)), sigmoid(30 * (0.44 - 0.426))
    assert paid(env, "crawl_clearance") == pytest.approx(0.5 * 0.5 * (0.6 * crouched + 0.4 * below), abs=1e-5)
    place(env, (3.9, 0.0, 0.3), velocity=(0.5, 0.0, 0.0))
    assert paid(env, "crawl_clearance") == 0.0, "a bar to jump over"


def test_the_highest_corner_of_a_pitched_trunk(env):
    place(env, (0.0, 0.0, 0.4), yaw=0.6, pitch=-0.2)
    sine, cosine = math.sin(0.2), math.cos(0.2)
    top = 0.4 + 0.0115 * cosine - 0.0005 * sine + 0.4455 * sine + 0.1145 * cosine
    assert env.guidance.trunk_top.tolist() == pytest.approx([top] * 2, abs=1e-5)


def test_mode_mismatch(env):
    place(env, (3.0, 0.0, 0.4), feet=(0.3, 0.1, 0.1, 0.1))
    assert paid(env, "mode_mismatch") == pytest.approx(2 * (sigmoid(15 * (0.31 + 0.08 - 0.3)) - 0.5), abs=1e-5)
    place(env, (3.0, 0.0, 0.4), feet=(0.4, 0.1, 0.1, 0.1))
    assert paid(env, "mode_mismatch") == 0.0
    place(env, (7.5, 0.0, 0.35))
    assert paid(env, "mode_mismatch") == pytest.approx(2 * (sigmoid(20 * (0.476 - 0.44)) - 0.5), abs=1e-5)
    place(env, (0.0, 0.0, 0.5))
    assert paid(env, "mode_mismatch") == 0.0


def test_height_where_no_hurdle_is_near(env):
    place(env, (1.0, 0.0, 0.44), velocity=(0.06, -0.08, 0.0))
    assert paid(env, "height_guidance") == pytest.approx(0.5 * math.exp(-1.0), abs=1e-5)
    place(env, (3.5, 0.0, 0.40), velocity=(1.0, 0.0, 0.0))
    assert paid(env, "height_guidance") == 0.0


def test_passing_in_the_middle_and_beside(env):
    place(env, (6.3, 0.07, 0.4), velocity=(0.2, 0.0, 0.0))
    assert paid(env, "successful_traversal") == pytest.approx(0.8 * 0.5 * 0.3 / 0.35, abs=1e-5)
    place(env, (5.7, 0.07, 0.4), velocity=(0.2, 0.0, 0.0))
    assert paid(env, "successful_traversal") == 0.0
    place(env, (3.5, 0.375, 0.4))
    assert paid(env, "lateral_deviation_penalty") == pytest.approx(0.5, abs=1e-5)
    place(env, (3.5, -1.2, 0.4))
    assert paid(env, "lateral_deviation_penalty") == 2.0
    place(env, (1.0, -1.2, 0.4))
    assert paid(env, "lateral_deviation_penalty") == 0.0


def test_towards_the_goal(env):
    env.commands[:, 0] = 1.0
    place(env, (2.0, -1.0, 0.4), velocity=(1.0, 0.0, 0.0), yaw=0.3)  # the goal is at (3, 0)
    assert paid(env, "tracking_goal_vel") == pytest.approx(math.sqrt(0.5), abs=1e-4)
    assert paid(env, "tracking_yaw") == pytest.approx(math.exp(0.3 - math.pi / 4), abs=1e-5)
    place(env, (2.0, 0.0, 0.4), velocity=(3.0, 0.0, 0.0))
    assert paid(env, "tracking_goal_vel") == pytest.approx(1.0, abs=1e-4)
    for speed, expected in ((-0.5, -0.5), (-3.0, -1.0)):
        place(env, (2.0, 0.0, 0.4), velocity=(speed, 0.0, 0.0))
        assert paid(env, "tracking_goal_vel") == pytest.approx(expected, abs=1e-4)


def test_gait_and_effort(env):
    place(env, (1.0, 0.0, 0.4), velocity=(0.0, 0.0, 0.5), feet=(0.10, 0.04, 0.02, 0.08))
    assert paid(env, "foot_symmetry") == pytest.approx(math.exp(-1.0), abs=1e-5)
    assert paid(env, "lin_vel_z") == pytest.approx(0.25, abs=1e-6)
    env.torques[:], env.last_torques = 2.0, torch.full((2, 12), 1.5)
    assert paid(env, "torques") == pytest.approx(48.0) and paid(env, "delta_torques") == pytest.approx(3.0)
    env.actions, env.last_actions = torch.zeros(2, 12), torch.zeros(2, 12)
    env.actions[:, 3:5] = torch.tensor([3.0, -4.0])
    assert paid(env, "action_rate") == pytest.approx(5.0)
    offsets = torch.zeros(2, 12)
    offsets[:, 0], offsets[:, 1] = 0.1, 0.2
    env.sim.set_dof_states(torch.arange(2), env.default_dof_pos + offsets, torch.zeros(2, 12))
    assert paid(env, "hip_pos") == pytest.approx(0.01, abs=1e-6)
    assert paid(env, "dof_error") == pytest.approx(0.05, abs=1e-6)
    env.feet_air_time[:] = torch.tensor([0.25, 0.25, 0.10, 0.5])
    env.first_contact = torch.tensor([[True, False, True, True]]).repeat(2, 1)
    assert paid(env, "feet_air_time") == pytest.approx((0.10 + 0.35) / 0.02, rel=1e-5)
    env.feet_forces = torch.zeros(2, 4, 3)
    env.feet_forces[:, 2] = torch.tensor([4.1, 0.0, 1.0])
    assert paid(env, "feet_stumble") == 1.0
    env.feet_forces[:, 2, 0] = 3.9
    assert paid(env, "feet_stumble") == 0.0
    for x, share in ((3.5, 0.01), (7.5, 0.1)):
        place(env, (x, 0.0, 0.4), velocity=(0.0, 0.0, 0.5))
        assert paid(env, "torques") == pytest.approx(48.0 * share, rel=1e-5) and paid(env, "lin_vel_z") == 0.0


# ---------------------------------------------------------------- episodes


def test_how_episodes_end():
    env = make_env()
    env.velocity_commands.goals_reached[:] = torch.tensor([5, 4])
    _, _, dones, extras = env.step(torch.zeros(2, 12))
    assert dones.tolist() == [True, False] and extras["time_outs"].tolist() == [True, False], (
        "three hurdles, five goals"
    )
    states = env.root_states.clone()
    states[1, 3:7] = torch.tensor([math.sin(0.76), 0.0, 0.0, math.cos(0.76)])
    states[1, 2] = 2.0
    env.sim.set_root_states(torch.arange(2), states)
    _, _, dones, extras = env.step(torch.zeros(2, 12))
    assert dones.tolist() == [False, True] and not extras["time_outs"].any(), "a roll of 1.52 rad is a fall"
    assert env.max_episode_length == 1000


def test_a_run_goes_on_alike():
    env, other = make_env(), make_env()
    generator = torch.Generator().manual_seed(0)
    actions = [0.5 * torch.randn(2, 12, generator=generator) for _ in range(8)]
    for action in actions[:4]:
        env.step(action)
    other.load_state_dict(env.state_dict())
    for action in actions[4:]:
        left, right = env.step(action), other.step(action)
        assert torch.equal(left[1], right[1])
        assert all(torch.equal(left[0][name], right[0][name]) for name in left[0])
