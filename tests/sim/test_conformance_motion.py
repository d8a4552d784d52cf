"""Bodies that move freely or under motors, on every backend, against mechanics."""

from __future__ import annotations

import functools
import math

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.rotations import quat_mul
from tests.sim.worlds import (
    A1_POSE,
    CART_LIMIT,
    CART_MASS,
    GRAVITY,
    PENDULUM_ARM,
    PENDULUM_INERTIA,
    PENDULUM_MASS,
    a1_cfg,
    build,
    everyone,
    make,
    place_a1,
    root_states,
)

# of the pendulum about its hinge
INERTIA = PENDULUM_INERTIA + PENDULUM_MASS * PENDULUM_ARM**2


def release(bench, angle):
    ids = everyone(bench)
    bench.reset(ids)
    positions = torch.zeros(bench.num_envs, 2)
    positions[:, 1] = angle
    bench.set_dof_states(ids, positions, torch.zeros(bench.num_envs, 2))


def push(bench, force=0.0, torque=0.0):
    bench.step_torques(torch.tensor([[force, torque]]).repeat(bench.num_envs, 1))


def test_free_fall(a1):
    place_a1(a1, height=3.0)
    steps = 50
    for _ in range(steps):
        a1.step(A1_POSE.repeat(3, 1), 2)
    time = steps * 2 * a1.sim_dt
    # semi-implicit Euler: positions take the velocity after the sub-step, hence t (t + dt)
    expected = 3.0 - 0.5 * GRAVITY * time * (time + a1.sim_dt)
    torch.testing.assert_close(a1.root_states[:, 2], torch.full((3,), expected), atol=1e-4, rtol=0)
    torch.testing.assert_close(a1.root_states[:, 9], torch.full((3,), -GRAVITY * time), atol=1e-3, rtol=0)
    assert a1.dof_pos.sub(A1_POSE).abs().max() < 1e-4
    assert (a1.contact_forces == 0).all()


def test_pendulum_keeps_its_energy(bench):
    release(bench, 1.5)
    energies = []
    for _ in range(2000):
        push(bench)
        angle, speed = bench.dof_pos[0, 1].item(), bench.dof_vel[0, 1].item()
        energies.append(0.5 * INERTIA * speed**2 - PENDULUM_MASS * GRAVITY * PENDULUM_ARM * math.cos(angle))
    start = -PENDULUM_MASS * GRAVITY * PENDULUM_ARM * math.cos(1.5)
    swing = PENDULUM_MASS * GRAVITY * PENDULUM_ARM + start
    assert np.abs(np.array(energies) - start).max() < 0.01 * swing
    assert abs(np.mean(energies[-1000:]) - np.mean(energies[:1000])) < 1e-3 * swing


def test_small_swings_take_the_period_of_a_physical_pendulum(bench):
    release(bench, 0.05)
    angles = []
    for _ in range(1500):
        push(bench)
        angles.append(bench.dof_pos[0, 1].item())
    angles = np.array(angles)
    after = np.flatnonzero((angles[:-1] < 0) & (angles[1:] >= 0))
    crossings = (after + angles[after] / (angles[after] - angles[after + 1])) * bench.sim_dt
    expected = 2 * math.pi * math.sqrt(INERTIA / (PENDULUM_MASS * GRAVITY * PENDULUM_ARM))
    assert np.diff(crossings) == pytest.approx(expected, rel=1e-3)


def test_force_over_mass(bench):
    release(bench, 0.0)
    for _ in range(100):
        push(bench, force=5.0)
    time = 100 * bench.sim_dt
    torch.testing.assert_close(bench.dof_vel[:, 0], torch.full((3,), 5.0 / CART_MASS * time), rtol=1e-4, atol=0)
    assert (bench.torques[:, 0] == 5.0).all()


def test_torque_limit_holds_and_is_reported(bench):
    release(bench, 0.0)
    push(bench, force=100.0, torque=50.0)
    torch.testing.assert_close(bench.torques, torch.tensor([[CART_LIMIT, 50.0]]).repeat(3, 1))
    torch.testing.assert_close(bench.dof_vel[:, 0], torch.full((3,), CART_LIMIT / CART_MASS * bench.sim_dt))
    assert bench.torque_limits[0] == CART_LIMIT
    assert torch.isinf(bench.torque_limits[1])


def test_fixed_base_stays_and_can_be_placed(bench):
    release(bench, 0.0)
    ids = everyone(bench)
    torch.testing.assert_close(bench.root_states, root_states(3, 1.0))
    states = root_states(3, 2.0, spread=1.5)
    states[:, 7:] = 1.0
    bench.set_root_states(ids, states)
    push(bench, force=1.0)
    expected = root_states(3, 2.0, spread=1.5)
    torch.testing.assert_close(bench.root_states, expected)
    torch.testing.assert_close(bench.body_states[:, 0], expected)
    release(bench, 0.0)


@functools.lru_cache(maxsize=None)
def a1_model():
    return build(a1_cfg())


def moved_bodies(sim, env, time):
    """Positions (B, 3) and rotations (B, 3, 3) if the velocities of the seam last for a moment; kinematics alone."""
    robot = a1_model()
    data = mujoco.MjData(robot.model)
    root = sim.root_states[env].double()
    turn = 0.5 * time * root[10:13]
    quat = quat_mul(torch.cat((turn, torch.ones(1, dtype=torch.float64))), root[3:7])
    quat = quat / quat.norm()
    data.qpos[:3] = root[:3] + time * root[7:10]
    data.qpos[3:7] = quat[[3, 0, 1, 2]]
    data.qpos[robot.qpos_ids] = sim.dof_pos[env].double() + time * sim.dof_vel[env].double()
    mujoco.mj_kinematics(robot.model, data)
    return data.xpos[robot.body_ids], data.xmat[robot.body_ids].reshape(-1, 3, 3)


@pytest.mark.parametrize("teleported", [False, True])
def test_body_states_are_current_and_in_world_frame(a1, teleported):
    generator = torch.Generator().manual_seed(3)
    place_a1(a1, height=1.5)
    ids = everyone(a1)
    states = root_states(3, 1.5)
    states[:, 3:7] = torch.nn.functional.normalize(torch.randn(3, 4, generator=generator), dim=1)
    states[:, 7:] = torch.randn(3, 6, generator=generator)
    speeds = torch.randn(3, 12, generator=generator)
    a1.set_root_states(ids, states)
    a1.set_dof_states(ids, A1_POSE.repeat(3, 1), speeds)
    if not teleported:
        a1.step(A1_POSE.repeat(3, 1), 4)
    moment = 1e-4
    for env in range(3):
        before, now, after = (moved_bodies(a1, env, t) for t in (-moment, 0.0, moment))
        bodies = a1.body_states[env].double().numpy()
        np.testing.assert_allclose(bodies[:, :3], now[0], atol=1e-5)
        np.testing.assert_allclose(bodies[:, 7:10], (after[0] - before[0]) / (2 * moment), atol=2e-3)
        spin = (after[1] - before[1]) / (2 * moment) @ np.swapaxes(now[1], 1, 2)
        np.testing.assert_allclose(bodies[:, 10:], spin[:, [2, 0, 1], [1, 2, 0]], atol=2e-3)
        x_axis = np.array([mat[:, 0] for mat in now[1]])
        q = bodies[:, 3:7]
        np.testing.assert_allclose(  # first column of the rotation matrix of a quaternion x, y, z, w
            x_axis,
            np.stack(
                (
                    1 - 2 * (q[:, 1] ** 2 + q[:, 2] ** 2),
                    2 * (q[:, 0] * q[:, 1] + q[:, 2] * q[:, 3]),
                    2 * (q[:, 0] * q[:, 2] - q[:, 1] * q[:, 3]),
                ),
                axis=1,
            ),
            atol=1e-5,
        )
    torch.testing.assert_close(a1.body_states[:, 0, :7].abs(), a1.root_states[:, :7].abs())
    torch.testing.assert_close(a1.body_states[:, 0, 7:], a1.root_states[:, 7:], atol=1e-5, rtol=1e-5)


def test_states_of_some_bodies_are_those_of_all_until_robots_move(a1):
    place_a1(a1, height=1.5)
    some = torch.tensor([4, 1])
    for _ in range(2):
        assert torch.equal(a1.states_of(some), a1.body_states[:, some])
        a1.step(A1_POSE.repeat(3, 1), 4)
    a1.set_root_states(everyone(a1), root_states(3, 2.5))
    assert torch.equal(a1.states_of(some), a1.body_states[:, some])
    assert (a1.states_of(some)[..., 2] > 2.0).all()


def test_root_spins_about_the_world_axis_it_was_given(a1):
    place_a1(a1, height=2.0)
    states = root_states(3, 2.0)
    states[:, 3:7] = torch.tensor([0.5, 0.5, 0.5, 0.5])  # body x points along world y
    states[:, 10] = 2.0  # about world x
    a1.set_root_states(everyone(a1), states)
    a1.step(A1_POSE.repeat(3, 1), 1)
    # q' = exp(w t / 2) q, whatever the body frame
    turn = torch.tensor([math.sin(0.005), 0.0, 0.0, math.cos(0.005)])
    expected = quat_mul(turn.repeat(3, 1), states[:, 3:7])
    torch.testing.assert_close(a1.root_states[:, 3:7], expected, atol=2e-4, rtol=0)


def test_pd_of_the_engine_is_pd(a1):
    """Torque = clip(strength * (kp (target - q) - kd qd)) of the state before the sub-step."""
    place_a1(a1, height=0.5)
    generator = torch.Generator().manual_seed(5)
    clipped = 0
    for _ in range(20):
        targets = A1_POSE + torch.randn(3, 12, generator=generator)
        position, speed = a1.dof_pos.clone(), a1.dof_vel.clone()
        a1.step(targets, 1)
        free = 20.0 * (targets - position) - 0.5 * speed
        expected = torch.minimum(torch.maximum(free, -a1.torque_limits), a1.torque_limits)
        clipped += int((free != expected).sum())
        torch.testing.assert_close(a1.torques, expected, atol=1e-3, rtol=1e-5)
    assert clipped > 10


def test_torques_from_outside_move_it_as_the_engine_does(backend, a1):
    by_torque = make(backend, a1_cfg("T"), 3)
    place_a1(a1)
    place_a1(by_torque)
    generator = torch.Generator().manual_seed(6)
    for _ in range(60):
        a1.step(A1_POSE + 0.2 * torch.randn(3, 12, generator=generator), 1)
        by_torque.step_torques(a1.torques)
        torch.testing.assert_close(by_torque.torques, a1.torques)
    torch.testing.assert_close(by_torque.dof_pos, a1.dof_pos, atol=1e-4, rtol=0)
    torch.testing.assert_close(by_torque.root_states, a1.root_states, atol=1e-3, rtol=0)
    torch.testing.assert_close(by_torque.contact_forces, a1.contact_forces, atol=0.1, rtol=1e-2)


def test_the_wrong_kind_of_command_is_refused(a1, bench):
    with pytest.raises(RuntimeError, match="call step"):
        a1.step_torques(torch.zeros(3, 12))
    with pytest.raises(RuntimeError, match="call step_torques"):
        bench.step(torch.zeros(3, 2), 1)
