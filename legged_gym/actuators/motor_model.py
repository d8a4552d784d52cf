"""A geared electric motor under PD control, in formulas: what an actuator network has to learn.

Once a sub-step of dt s, of error e and velocity v:

    command     u(t) = Kp e(t) - Kd v(t)
    delay       d(t) = u(t - k dt)
    limits      m(t) = d(t) within [-S (1 + v/V), S (1 - v/V)], both ends of which stay within +-L
    current     i(t) = i(t - dt) + (1 - exp(-dt/T)) (m(t) - i(t - dt))
    friction    torque = i(t) - C tanh(v/w) - B v

S is the stall torque and V the no-load speed of the straight torque-speed line of a DC motor at full voltage, in both
directions; L is the torque of the largest current. The current follows with a time constant T. C is Coulomb friction,
with its jump at zero velocity drawn out over w, and B viscous friction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from legged_gym.actuators.actuator import Actuator
from legged_gym.errors import UserError, in_file
from legged_gym.reading import read_json
from legged_gym.setting_types import Number
from legged_gym.settings import Typed, typed


@dataclass(frozen=True)
class MotorParameters(Typed):
    """Numbers of a motor, all at the joint.

    Attributes:
        stiffness: Kp, N m/rad.
        damping: Kd, N m s/rad.
        delay: k, sub-steps.
        stall_torque: S, N m.
        no_load_speed: V, rad/s.
        torque_limit: L, N m.
        current_lag: T, s; 0 for none.
        coulomb_friction: C, N m.
        friction_speed: w, rad/s.
        viscous_friction: B, N m s/rad.
    """

    stiffness: float = typed(Number(unit="N m/rad", low=0.0, high=1e9))
    damping: float = typed(Number(unit="N m s/rad", low=0.0, high=1e9))
    delay: int = typed(Number(unit="sub-steps", low=0, high=1000, whole=True), 0)
    stall_torque: float = typed(Number(unit="N m", above=0.0, high=1e9, inf=True), math.inf)
    no_load_speed: float = typed(Number(unit="rad/s", above=0.0, high=1e9, inf=True), math.inf)
    torque_limit: float = typed(Number(unit="N m", above=0.0, high=1e9, inf=True), math.inf)
    current_lag: float = typed(Number(unit="s", low=0.0, high=1e9), 0.0)
    coulomb_friction: float = typed(Number(unit="N m", low=0.0, high=1e9), 0.0)
    friction_speed: float = typed(Number(unit="rad/s", above=0.0, high=1e9), 0.1)
    viscous_friction: float = typed(Number(unit="N m s/rad", low=0.0, high=1e9), 0.0)

    def __post_init__(self) -> None:
        """Convert the values to their types.

        Raises:
            UserError: a value that cannot be.
        """
        self.convert_fields("a motor's ")
        if math.isinf(self.stall_torque) and math.isfinite(self.no_load_speed):
            raise UserError("a motor with a no_load_speed needs a stall_torque")

    @staticmethod
    def read(path: str) -> MotorParameters:
        """Read a JSON object with the attributes as its keys.

        Raises:
            UserError: the file cannot be read, has an unknown key or lacks one, or a value is no number.
        """
        values = read_json(path)
        known = list(MotorParameters.types())
        if not isinstance(values, dict) or set(values) - set(known) or not {"stiffness", "damping"} <= set(values):
            raise UserError(f"{path} must hold stiffness, damping and may hold {', '.join(known[2:])}, nothing else")
        with in_file(path):
            return MotorParameters(**values)


class MotorModel(Actuator):
    """The motors of N robots with D joints each."""

    def __init__(self, parameters: MotorParameters, dt: float, num_envs: int, num_joints: int, device: Any) -> None:
        """Motors at rest; `dt` s is a sub-step."""
        self.parameters = parameters
        lag = parameters.current_lag
        self._share = 1.0 - math.exp(-dt / lag) if lag > 0 else 1.0
        self.memory = {
            "commands": torch.zeros(parameters.delay, num_envs, num_joints, device=device),  # newest first
            "torque": torch.zeros(1, num_envs, num_joints, device=device),  # i, as a torque
        }

    def torques(self, errors: Tensor, velocities: Tensor) -> Tensor:
        """See `Actuator.torques`."""
        motor, produced = self.parameters, self.memory["torque"][0]
        command = self._delayed(motor.stiffness * errors - motor.damping * velocities)
        droop = velocities / motor.no_load_speed
        largest = motor.torque_limit
        upper = (motor.stall_torque * (1.0 - droop)).clamp(-largest, largest)
        lower = (-motor.stall_torque * (1.0 + droop)).clamp(-largest, largest)
        produced = produced + self._share * (torch.minimum(torch.maximum(command, lower), upper) - produced)
        self.memory["torque"] = produced[None]
        friction = motor.coulomb_friction * torch.tanh(velocities / motor.friction_speed)
        return produced - friction - motor.viscous_friction * velocities

    def _delayed(self, command: Tensor) -> Tensor:
        commands = self.memory["commands"]
        if not len(commands):
            return command
        self.memory["commands"] = torch.cat((command[None], commands[:-1]))
        return commands[-1]
