"""The motor against its formulas, one by one, and numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym.actuators.motor_model import MotorModel, MotorParameters
from legged_gym.errors import UserError

DT = 0.005


def motor(**numbers):
    return MotorModel(MotorParameters(**{"stiffness": 20.0, "damping": 0.5, **numbers}), DT, 1, 1, "cpu")


def step(model, error, velocity=0.0):
    return model.torques(torch.tensor([[float(error)]]), torch.tensor([[float(velocity)]])).item()


def test_without_any_of_its_effects_it_is_a_pd_controller():
    assert step(motor(), 0.3, 2.0) == pytest.approx(20.0 * 0.3 - 0.5 * 2.0)


def test_the_torque_follows_the_line_from_stall_torque_to_no_load_speed():
    model = motor(stiffness=1e6, damping=0.0, stall_torque=33.5, no_load_speed=21.0, torque_limit=30.0)
    assert step(model, 1.0, 0.0) == pytest.approx(30.0)  # the current's limit comes first
    assert step(model, 1.0, 10.5) == pytest.approx(33.5 / 2)
    assert step(model, 1.0, 21.0) == pytest.approx(0.0, abs=1e-4)
    assert step(model, 1.0, 25.2) == pytest.approx(-33.5 * 0.2, rel=1e-5)  # driven faster, it brakes
    assert step(model, 1.0, -10.5) == pytest.approx(30.0)  # braking has voltage to spare
    assert step(model, -1.0, 0.0) == pytest.approx(-30.0)
    assert step(model, -1.0, -10.5) == pytest.approx(-33.5 / 2)
    assert step(model, -1.0, 60.0) == pytest.approx(-30.0)


def test_the_command_comes_after_its_delay():
    model = motor(delay=2)
    torques = [step(model, error) for error in (0.1, 0.2, 0.3, 0.4)]
    assert torques == pytest.approx([0.0, 0.0, 2.0, 4.0])


def test_the_current_follows_exponentially():
    model = motor(current_lag=0.02)
    torques = [step(model, 0.1) for _ in range(8)]
    expected = [2.0 * (1.0 - math.exp(-(k + 1) * DT / 0.02)) for k in range(8)]
    assert torques == pytest.approx(expected, rel=1e-5)


def test_friction_opposes_motion():
    model = motor(stiffness=0.0, damping=0.0, coulomb_friction=0.8, friction_speed=0.5, viscous_friction=0.1)
    assert step(model, 0.0, 0.0) == 0.0
    assert step(model, 0.0, 0.5) == pytest.approx(-0.8 * math.tanh(1.0) - 0.05)
    assert step(model, 0.0, 10.0) == pytest.approx(-1.8)
    assert step(model, 0.0, -10.0) == pytest.approx(1.8)


def test_a_reset_stops_the_current_and_drops_commands_under_way():
    model = MotorModel(MotorParameters(20.0, 0.5, delay=1, current_lag=0.02), DT, 2, 1, "cpu")
    errors, still = torch.full((2, 1), 0.1), torch.zeros(2, 1)
    for _ in range(5):
        model.torques(errors, still)
    model.reset(torch.tensor([1]))
    torques = model.torques(still, still)
    assert torques[0, 0] > 1.0 and torques[1, 0] == 0.0


@pytest.mark.parametrize(
    "numbers",
    [
        {"delay": -1}, {"delay": 0.5}, {"delay": True}, {"stall_torque": 0.0}, {"no_load_speed": 20.0},
        {"friction_speed": 0.0}, {"stiffness": -1.0}, {"damping": -1.0}, {"coulomb_friction": -1.0},
        {"viscous_friction": -1.0}, {"current_lag": math.inf}, {"stiffness": 10**310}, {"torque_limit": "20"},
        *({name: math.nan} for name in MotorParameters.types()),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(numbers):
    with pytest.raises(UserError, match=f"a motor's {next(iter(numbers))}|needs a stall_torque"):
        motor(**numbers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"stiffness": NaN, "damping": 1}', "a motor's stiffness: expected a number, got nan"),
        ('{"stiffness": 20, "damping": true}', "a motor's damping: expected a number, got True"),
        ('{"stiffness": 20}', "must hold stiffness, damping"),
        ('{"stiffness": 20, "damping": 1, "damping": 2}', "damping stands twice"),
        ('{"stiffness": ' + "[" * 1000 + "]" * 1000 + ', "damping": 1}', "nested too deeply"),
    ],
)
def test_a_motor_file_that_cannot_be_is_named_in_one_line(tmp_path, text, message):
    path = tmp_path / "motor.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        MotorParameters.read(str(path))
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_a_whole_number_of_sub_steps_may_be_written_as_a_float(tmp_path):
    path = tmp_path / "motor.json"
    path.write_text('{"stiffness": 20, "damping": 1, "delay": 2.0, "torque_limit": Infinity}')
    model = MotorModel(MotorParameters.read(str(path)), DT, 1, 1, "cpu")
    assert model.memory["commands"].shape == (2, 1, 1)
