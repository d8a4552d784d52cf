"""Model fields per environment on every backend: they act as physics says, and on their environment alone."""

from __future__ import annotations

import pytest
import torch

from tests.sim.worlds import (
    A1_POSE,
    CART_LIMIT,
    CART_MASS,
    GRAVITY,
    PENDULUM_ARM,
    PENDULUM_INERTIA,
    PENDULUM_MASS,
    a1_cfg,
    everyone,
    make,
    place_a1,
)


def speeds_after_one_push(bench, force, torque):
    """(3, 2) from rest with the pendulum held out level."""
    ids = everyone(bench)
    bench.reset(ids)
    bench.set_dof_states(ids, torch.tensor([[0.0, torch.pi / 2]]).repeat(3, 1), torch.zeros(3, 2))
    bench.step_torques(torch.tensor([[force, torque]]).repeat(3, 1))
    return bench.dof_vel.clone()


@pytest.fixture(autouse=True)
def nominal_afterwards(bench):
    yield
    ids = everyone(bench)
    for body in ("cart", "pendulum"):
        bench.set_masses(ids, body, torch.zeros(3))
        bench.set_coms(ids, body, torch.zeros(3, 3))
    bench.set_motor_strength(ids, torch.ones(3, 2))
    bench.set_joint_friction(ids, torch.zeros(3, 2))


def test_mass(bench):
    nominal = speeds_after_one_push(bench, 6.0, 3.0)
    bench.set_masses(torch.tensor([1, 2]), "cart", torch.tensor([1.0, -0.5]))
    changed = speeds_after_one_push(bench, 6.0, 3.0)
    assert torch.equal(changed[0], nominal[0])
    torch.testing.assert_close(changed[:, 1], nominal[:, 1])
    expected = 6.0 * bench.sim_dt / torch.tensor([CART_MASS, CART_MASS + 1.0, CART_MASS - 0.5])
    torch.testing.assert_close(changed[:, 0], expected, rtol=1e-5, atol=0)


def test_inertia_goes_with_mass(bench):
    """Twice the mass of the same shape: gravity turns it as before, a torque half as fast."""
    by_gravity, by_both = speeds_after_one_push(bench, 0.0, 0.0), speeds_after_one_push(bench, 0.0, 8.0)
    bench.set_masses(torch.tensor([2]), "pendulum", torch.tensor([PENDULUM_MASS]))
    heavy_by_gravity = speeds_after_one_push(bench, 0.0, 0.0)
    heavy_by_both = speeds_after_one_push(bench, 0.0, 8.0)
    assert torch.equal(heavy_by_both[:2], by_both[:2])
    assert heavy_by_gravity[2, 1].item() == pytest.approx(by_gravity[2, 1].item(), rel=1e-5)
    by_torque, heavy_by_torque = (by_both - by_gravity)[2, 1], (heavy_by_both - heavy_by_gravity)[2, 1]
    assert heavy_by_torque.item() == pytest.approx(0.5 * by_torque.item(), rel=1e-4)


def test_centre_of_mass(bench):
    nominal = speeds_after_one_push(bench, 0.0, 0.0)
    bench.set_coms(torch.tensor([0]), "pendulum", torch.tensor([[0.0, 0.0, -0.1]]))
    changed = speeds_after_one_push(bench, 0.0, 0.0)
    assert torch.equal(changed[1:], nominal[1:])
    arms = torch.tensor([PENDULUM_ARM + 0.1, PENDULUM_ARM, PENDULUM_ARM])
    expected = -PENDULUM_MASS * GRAVITY * arms / (PENDULUM_INERTIA + PENDULUM_MASS * arms**2) * bench.sim_dt
    torch.testing.assert_close(changed[:, 1], expected, rtol=1e-4, atol=0)


def test_motor_strength_comes_before_the_limit(bench):
    bench.set_motor_strength(torch.tensor([1, 2]), torch.tensor([[0.5, 1.0], [3.0, 1.0]]))
    speeds_after_one_push(bench, 6.0, 1.0)
    torch.testing.assert_close(bench.torques[:, 0], torch.tensor([6.0, 3.0, CART_LIMIT]))
    assert (bench.torques[:, 1] == 1.0).all()


def test_joint_friction_of_one_environment(bench):
    """A cart of 2 kg that is pushed with 6 N against 2 N of friction, and one that 9 N hold."""
    nominal = speeds_after_one_push(bench, 6.0, 3.0)
    bench.set_joint_friction(torch.tensor([1, 2]), torch.tensor([[2.0, 0.0], [9.0, 0.0]]))
    changed = speeds_after_one_push(bench, 6.0, 3.0)
    assert torch.equal(changed[0], nominal[0])
    torch.testing.assert_close(changed[:, 1], nominal[:, 1])
    expected = torch.tensor([6.0, 6.0 - 2.0]) / CART_MASS * bench.sim_dt
    torch.testing.assert_close(changed[:2, 0], expected, rtol=1e-4, atol=0)
    assert 0.0 <= changed[2, 0] < 0.11 * expected[0]  # constraints give way a little
    bench.set_joint_friction(torch.tensor([1, 2]), torch.zeros(2, 2))
    torch.testing.assert_close(speeds_after_one_push(bench, 6.0, 3.0), nominal)


def test_impossible_mass(bench):
    with pytest.raises(ValueError, match=r"body cart of 2\.000 kg would get a mass of -1\.000 kg"):
        bench.set_masses(torch.tensor([0]), "cart", torch.tensor([-3.0]))


def test_gains_and_strength_of_the_pd(backend):
    sim = make(backend, a1_cfg(), 3)
    place_a1(sim, height=0.8)
    generator = torch.Generator().manual_seed(2)
    kp, kd = torch.full((3, 12), 20.0), torch.full((3, 12), 0.5)
    strength = torch.ones(3, 12)
    kp[1] = 10 + 20 * torch.rand(12, generator=generator)
    kd[1] = torch.rand(12, generator=generator)
    strength[2] = 0.5 + torch.rand(12, generator=generator)
    sim.set_gains(torch.tensor([1]), kp[1:2], kd[1:2])
    sim.set_motor_strength(torch.tensor([2]), strength[2:3])
    for _ in range(5):
        targets = A1_POSE + 0.3 * torch.randn(3, 12, generator=generator)
        position, speed = sim.dof_pos.clone(), sim.dof_vel.clone()
        sim.step(targets, 1)
        expected = strength * (kp * (targets - position) - kd * speed)
        expected = torch.minimum(torch.maximum(expected, -sim.torque_limits), sim.torque_limits)
        torch.testing.assert_close(sim.torques, expected, atol=1e-3, rtol=1e-4)


def test_friction_of_one_environment(backend):
    """On the same push-off, the robot on ice slips; the others do what they did."""
    sim = make(backend, a1_cfg(), 3)

    def run():
        place_a1(sim)
        states = sim.root_states.clone()
        states[:, 7] = 1.0
        sim.set_root_states(everyone(sim), states)
        for _ in range(25):
            sim.step(A1_POSE.repeat(3, 1), 4)
        return sim.root_states.clone()

    nominal = run()
    sim.set_friction(torch.tensor([1]), torch.tensor([-0.98]))
    changed = run()
    assert torch.equal(changed[[0, 2]], nominal[[0, 2]])
    assert changed[1, 0] > nominal[1, 0] + 0.1
