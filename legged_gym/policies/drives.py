"""The drives of control type actuator_net as a function of tensors, to be exported like the policy that they obey.

``actuator.onnx`` beside the policy computes one physics step of all joints of a batch of robots, whatever the drives
are made of: an MLP, an LSTM, or a motor in formulas. It keeps no state; what drives remember goes in and out.
"""

from __future__ import annotations

from typing import Any, Dict, List

import torch
from torch import Tensor, nn

from legged_gym.actuators.files import load_actuator
from legged_gym.policies.exported_policy import as_list
from legged_gym.policies.metadata import describe_step

ACTUATOR_FILE = "actuator.onnx"
_RULE = (
    "once a physics step: error = joint target - pos, rad, and velocity = vel, rad/s, in the order of joints, give"
    " torque, N m, before torque_limit; memory starts each episode at zero, each output goes into its input at the next"
    " step"
)


class ActuatorStep(nn.Module):
    """One physics step of drives: errors, velocities and memories in, torques and memories out."""

    def __init__(self, file: str, dt: float, num_joints: int) -> None:
        """Load drives; `dt` s is a physics step."""
        super().__init__()
        self._actuator = load_actuator(file, dt, 1, num_joints)
        self.network = self._actuator.network  # a part of this module, or it could not be traced
        # a memory of no sample at all is nothing to pass on
        self._kept = {name: tensor for name, tensor in self._actuator.memory.items() if tensor.numel()}
        self._num_joints = num_joints
        self.eval()

    def forward(self, error: Tensor, velocity: Tensor, *memory: Tensor) -> Any:
        """Map errors and velocities (N, D), then memories (k, N, D, ...), to torques (N, D), then memories."""
        self._actuator.memory.update(zip(self._kept, memory))
        torque = self._actuator.torques(error, velocity)
        return (torque, *(self._actuator.memory[name] for name in self._kept)) if self._kept else torque

    def step(self, inputs: Any) -> List[Tensor]:
        """As `forward`, from a sequence to a list."""
        with torch.no_grad():
            return as_list(self(*inputs))

    def describe(self) -> Dict[str, Any]:
        """Inputs, outputs and memory, as those of a policy are described."""
        joints = [self._num_joints]
        return {**describe_step({"error": joints, "velocity": joints}, {"torque": joints}, self._kept), "rule": _RULE}
