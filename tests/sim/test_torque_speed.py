"""What motors give at speed, on every backend, against the straight line of a direct-current motor."""

from __future__ import annotations

import pytest
import torch

from tests.sim.worlds import BENCH, CART_LIMIT, CART_MASS, everyone, make, urdf_cfg

STALL, NO_LOAD = 8.0, 2.0  # N and m/s of the cart's motor
STIFFNESS = 100.0
# demanded, speed -> given: the line goes from STALL at rest to 0 at NO_LOAD
QUADRANTS = {
    "drives forward": (50.0, 1.0, 4.0),
    "brakes while it goes back": (50.0, -1.0, 8.0),
    "drives back": (-50.0, -1.0, -4.0),
    "brakes while it goes forward": (-50.0, 1.0, -8.0),
    "asked for less than it can": (3.0, 1.0, 3.0),
    "at rest": (50.0, 0.0, 8.0),
    "too fast to drive": (50.0, 2.5, -2.0),
    "too fast, brakes": (-50.0, 2.5, -8.0),
}


def cart_cfg(folder, torque_speed):
    cfg = urdf_cfg(folder, BENCH, fix_base_link=True)
    cfg.control.control_type, cfg.control.stiffness, cfg.control.damping = "P", {"rail": STIFFNESS, "swing": 5.0}, {}
    cfg.control.torque_speed = torque_speed
    cfg.sim.dt = 0.002
    return cfg


def carts(backend, folder, torque_speed, num_envs=1):
    return make(backend, cart_cfg(folder, torque_speed), num_envs)


def given(sim, demands, speeds):
    """What the cart's motors give, (N,), when they are asked for demands at speeds; the pendulums hang still."""
    zeros, ids = torch.zeros(len(demands)), everyone(sim)
    sim.reset(ids)
    sim.set_dof_states(ids, torch.zeros(len(demands), 2), torch.stack((torch.tensor(speeds), zeros), dim=1))
    sim.step(torch.stack((torch.tensor(demands) / STIFFNESS, zeros), dim=1), 1)
    return sim.torques[:, 0]


def test_all_four_quadrants(backend, tmp_path):
    demands, speeds, forces = (list(column) for column in zip(*QUADRANTS.values()))
    sim = carts(backend, tmp_path, {"rail": [STALL, NO_LOAD]}, len(demands))
    torch.testing.assert_close(given(sim, demands, speeds), torch.tensor(forces))
    assert sim.torque_limits[0] == STALL and torch.isinf(sim.torque_limits[1])
    sim.close()


def test_the_limit_of_the_robot_file_holds_too(backend, tmp_path):
    """A line from 20 N at rest to 0 at 2 m/s leaves the 12 N of the file at 0.8 m/s."""
    sim = carts(backend, tmp_path, {"rail": [20.0, 2.0]}, 4)
    assert sim.torque_limits[0] == CART_LIMIT
    expected = torch.tensor([CART_LIMIT, 10.0, -CART_LIMIT, -10.0])
    torch.testing.assert_close(given(sim, [50.0, 50.0, -50.0, -50.0], [0.5, 1.0, 1.0, -1.0]), expected)
    sim.close()


def test_it_is_computed_anew_in_every_sub_step(backend, tmp_path):
    """A cart that is driven fully takes v <- v + dt F(v) / m every sub-step, and never passes the no-load speed."""
    sim = carts(backend, tmp_path, {"rail": [STALL, NO_LOAD]})
    sim.reset(everyone(sim))
    speed = 0.0
    for _ in range(500):
        sim.step(torch.tensor([[1000.0, 0.0]]), 4)
        for _ in range(4):
            speed += 0.002 * STALL * (1.0 - speed / NO_LOAD) / CART_MASS
    assert float(sim.dof_vel[0, 0]) == pytest.approx(speed, rel=1e-4)
    assert 0.99 * NO_LOAD < speed < NO_LOAD
    sim.close()


def test_without_curves_nothing_changes(backend, tmp_path):
    """Curves that no motor reaches give the same motion, also of robots with weak motors."""
    motions = []
    for curves in ({}, {"rail": [1e6, 1e6], "swing": [1e6, 1e6]}):
        sim = carts(backend, tmp_path, curves)
        sim.reset(everyone(sim))
        sim.set_motor_strength(everyone(sim), torch.tensor([[0.8, 0.9]]))
        sim.set_gains(everyone(sim), torch.tensor([[90.0, 6.0]]), torch.tensor([[1.0, 0.2]]))
        for k in range(50):
            sim.step(torch.tensor([[0.1 * (k % 7), 0.3]]), 4)
        motions.append(torch.cat((sim.dof_pos, sim.dof_vel)))
        sim.close()
    torch.testing.assert_close(*motions, rtol=1e-5, atol=1e-6)


def test_motors_that_are_told_torques_have_it_too(backend, tmp_path):
    cfg = cart_cfg(tmp_path, {"rail": [STALL, NO_LOAD]})
    cfg.control.control_type = "T"
    sim = make(backend, cfg, 2)
    sim.reset(everyone(sim))
    sim.set_motor_strength(everyone(sim), torch.tensor([[1.0, 1.0], [0.5, 1.0]]))
    sim.set_dof_states(everyone(sim), torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    sim.step_torques(torch.tensor([[6.0, 0.3], [6.0, 0.3]]))
    torch.testing.assert_close(sim.torques, torch.tensor([[4.0, 0.3], [3.0, 0.3]]))
    sim.close()
