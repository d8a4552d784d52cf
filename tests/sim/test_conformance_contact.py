"""Contacts on every backend, against statics, Coulomb's law and action = reaction."""

from __future__ import annotations

import math

import pytest
import torch

from tests.sim.worlds import (
    A1_MASS,
    A1_POSE,
    GRAVITY,
    SLED_FRICTION,
    SLED_HALF_HEIGHT,
    SLED_MASS,
    SLOPE_TANGENT,
    everyone,
    place_a1,
    root_states,
    stand,
)

SLOPE_COSINE = 1.0 / math.sqrt(1.0 + SLOPE_TANGENT**2)


def hide_obstacles(sim):
    ids = everyone(sim)
    poses = torch.zeros(sim.num_envs, 2, 7)
    poses[..., 6] = 1.0
    sim.set_obstacles(ids, poses, torch.zeros(sim.num_envs, 2, 3))


def assert_feet_carry_weight(sim, envs=(0, 1, 2)):
    """On average over half a second; at any moment the robot may rock a little."""
    mean = torch.zeros_like(sim.contact_forces)
    for _ in range(25):
        stand(sim, 1)
        mean += sim.contact_forces / 25
    feet = sim.body_indices(["foot"])
    assert len(feet) == 4
    mean = mean[list(envs)]
    total = mean.sum(dim=1)
    weight = A1_MASS * GRAVITY
    assert total[:, 2].sub(weight).abs().max() < 1e-3 * weight
    assert total[:, :2].abs().max() < 5e-3 * weight
    assert (mean[:, feet, 2] > 5.0).all()
    torch.testing.assert_close(mean[:, feet].sum(dim=1), total)


def test_feet_carry_the_weight(a1):
    place_a1(a1)
    stand(a1, 125)
    assert_feet_carry_weight(a1)


def test_feet_carry_the_weight_on_a_height_field(a1_field):
    hide_obstacles(a1_field)
    place_a1(a1_field, height=0.5)
    stand(a1_field, 200)
    assert_feet_carry_weight(a1_field)


@pytest.mark.parametrize(("slot", "half_sizes"), [(0, [0.6, 0.5, 0.1]), (1, [0.7, 0.7, 0.1])], ids=["box", "cylinder"])
def test_feet_carry_the_weight_on_an_obstacle(a1_field, slot, half_sizes):
    """Here the robot's is the first geom of the pair; on the ground it is the second. One robot has no obstacle."""
    hide_obstacles(a1_field)
    poses = torch.zeros(2, 2, 7)
    poses[:, slot, 2], poses[..., 6] = 0.8, 1.0
    sizes = torch.zeros(2, 2, 3)
    sizes[:, slot] = torch.tensor(half_sizes)
    a1_field.set_obstacles(torch.tensor([0, 2]), poses, sizes)
    place_a1(a1_field, height=1.22)
    stand(a1_field, 175)
    assert_feet_carry_weight(a1_field, envs=(0, 2))
    height = a1_field.root_states[:, 2]
    assert (height[[0, 2]] - 0.9).sub(0.25).abs().max() < 0.05
    assert height[1] < 0.6
    hide_obstacles(a1_field)


def test_a_robot_cannot_lift_itself(a1_field):
    """Legs pressed against each other in the air: forces on bodies are there and cancel."""
    hide_obstacles(a1_field)
    place_a1(a1_field, height=4.0)
    crossed = A1_POSE.clone()
    crossed[0::3] = torch.tensor([-0.8, 0.8, -0.8, 0.8])
    largest = 0.0
    for _ in range(30):
        a1_field.step(crossed.repeat(3, 1), 4)
        assert a1_field.contact_forces.sum(dim=1).abs().max() < 2e-3
        largest = max(largest, a1_field.contact_forces.abs().max().item())
    assert largest > 1.0


@pytest.fixture(scope="module")
def sliding(sleds):
    """The four sleds half a second after they were let go and another half later.

    Returns velocities along the slope at both times, places, mean contact forces in between, and the time in between.
    """
    ids = everyone(sleds)
    sleds.set_friction(ids, 2.0 * torch.tensor(SLED_FRICTION) - 0.2)
    sleds.reset(ids)
    sleds.set_root_states(ids, root_states(4, SLED_HALF_HEIGHT))
    forces, speeds = torch.zeros(4, 3), []
    for k in range(200):
        sleds.step_torques(torch.zeros(4, 1))
        if k in (99, 199):
            speeds.append(sleds.root_states[:, 7].clone())
        if k > 99:
            forces += sleds.contact_forces.sum(dim=1) / 100
    return speeds, sleds.root_states.clone(), forces, 100 * sleds.sim_dt


def test_sleds_below_the_friction_angle_slide_as_coulomb_says(sliding):
    """Acceleration = g (sin - mu cos), with the mean of the two coefficients for mu."""
    speeds, _, _, time = sliding
    acceleration = (speeds[1] - speeds[0]) / time
    for env in (0, 1):
        expected = GRAVITY * SLOPE_COSINE * (SLOPE_TANGENT - SLED_FRICTION[env])
        assert acceleration[env].item() == pytest.approx(expected, rel=0.02)


def test_sleds_above_the_friction_angle_stick(sliding):
    speeds, states, _, _ = sliding
    assert speeds[1][2:].abs().max() < 0.005
    assert states[2:, 0].abs().max() < 0.005


def test_forces_on_sleds(sliding):
    """Normal force m g cos; tangential force mu N if it slides and m g sin if it sticks, up the slope.

    Means, as MuJoCo's soft contacts let a sliding box hop.
    """
    _, _, forces, _ = sliding
    normal = SLED_MASS * GRAVITY * SLOPE_COSINE
    torch.testing.assert_close(forces[:, 2], torch.full((4,), normal), rtol=0.02, atol=0)
    shares = torch.tensor([SLED_FRICTION[0], SLED_FRICTION[1], SLOPE_TANGENT, SLOPE_TANGENT])
    torch.testing.assert_close(forces[:, 0], -shares * forces[:, 2], rtol=1e-3, atol=0)
