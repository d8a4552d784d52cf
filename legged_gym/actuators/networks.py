"""Networks that stand for a drive, and their stepping.

An MLP sees errors and velocities of the last few samples (Hwangbo et al., "Learning agile and dynamic motor skills for
legged robots", Science Robotics 2019): e(t), e(t - s), ..., v(t), v(t - s), .... An LSTM sees e(t), v(t) alone. One
network serves all joints: every (robot, joint) pair is a row of its batch. Networks take rad and rad/s and give N m;
their scales are inside.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from legged_gym.actuators.actuator import Actuator
from legged_gym.errors import UserError
from legged_gym.setting_types import Items, Number, Text
from legged_gym.settings import Typed, typed

# share by which an interval between samples may differ from a whole number of sub-steps
_MEASURED = 0.02
ACTIVATIONS = {"softsign": nn.Softsign, "tanh": nn.Tanh, "relu": nn.ReLU, "elu": nn.ELU, "linear": nn.Identity}


@dataclass(frozen=True)
class NetworkSpec(Typed):
    """What a network is built from, saved with its weights.

    Attributes:
        type: mlp or lstm.
        hidden_sizes: widths of the hidden layers; those of an LSTM are equal.
        activation: of an MLP, a key of `ACTIVATIONS`.
        history: samples that an MLP sees, the present one among them; 1 for an LSTM.
        sample_interval: s between these samples, for an LSTM between two steps; None: whatever a sub-step takes.
        error_scale: rad, input of 1.
        velocity_scale: rad/s, input of 1.
        torque_scale: N m, output of 1.
    """

    type: str = typed(Text(choices=("mlp", "lstm")))
    hidden_sizes: List[int] = typed(Items(of=Number(low=1, whole=True)), ())
    activation: str = typed(Text(choices=tuple(ACTIVATIONS)), "softsign")
    history: int = typed(Number(low=1, whole=True), 1)
    sample_interval: Optional[float] = typed(Number(none=True, above=0.0), None)
    error_scale: float = typed(Number(above=0.0), 1.0)
    velocity_scale: float = typed(Number(above=0.0), 1.0)
    torque_scale: float = typed(Number(above=0.0), 1.0)

    def __post_init__(self) -> None:
        """Convert the values to their types.

        Raises:
            UserError: a value that cannot be.
        """
        self.convert_fields("an actuator network's ")
        if self.type == "lstm" and (len(set(self.hidden_sizes)) != 1 or self.history != 1):
            raise UserError("an actuator LSTM has hidden_sizes that are all equal, and history 1")

    @staticmethod
    def from_dict(values: Any) -> NetworkSpec:
        """The spec of what `to_dict` gave.

        Raises:
            UserError: the type is missing, an entry is unknown or cannot be.
        """
        if not isinstance(values, dict):
            raise UserError(f"metadata of an actuator network is a table of its entries, not {type(values).__name__}")
        try:
            return NetworkSpec(**values)
        except TypeError as error:
            raise UserError(f"metadata of an actuator network: {str(error).split('() ')[-1]}") from None

    def to_dict(self) -> Dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def spacing(self, dt: float) -> int:
        """Sub-steps of `dt` s between two samples.

        Raises:
            UserError: they are no whole number, or not one for an LSTM.
        """
        ratio = 1.0 if self.sample_interval is None else self.sample_interval / dt
        spacing = round(ratio)
        # an interval that was measured is off by a little
        if spacing < 1 or abs(ratio - spacing) > _MEASURED * ratio or (self.type == "lstm" and spacing != 1):
            times = "sim.dt times a whole number" if self.type == "mlp" else "sim.dt"
            raise UserError(
                f"the actuator network was made for samples every {self.sample_interval:g} s, which must be {times};"
                f" sim.dt is {dt:g} s"
            )
        return spacing


class ActuatorMLP(nn.Module):
    """Torques from a history: (B, 2 * history) -> (B, 1)."""

    def __init__(self, spec: NetworkSpec) -> None:
        """Build the layers that a spec asks for."""
        super().__init__()
        widths = [2 * spec.history, *spec.hidden_sizes]
        layers: List[nn.Module] = []
        for width, following in zip(widths, widths[1:]):
            layers += [nn.Linear(width, following), ACTIVATIONS[spec.activation]()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
        scales = torch.tensor([spec.error_scale] * spec.history + [spec.velocity_scale] * spec.history)
        self.register_buffer("input_factor", 1.0 / scales, persistent=False)
        self.torque_scale = float(spec.torque_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Map errors (rad) and velocities (rad/s), newest first, to torques (N m)."""
        return self.layers(x * self.input_factor) * self.torque_scale  # type: ignore[operator]


class ActuatorLSTM(nn.Module):
    """Torques from a memory, called as legged_gym calls ANYmal's network: (B, 1, 2), (h, c) -> (B, 1), (h, c)."""

    def __init__(self, spec: NetworkSpec) -> None:
        """Build the layers that a spec asks for."""
        super().__init__()
        self.lstm = nn.LSTM(2, spec.hidden_sizes[0], len(spec.hidden_sizes), batch_first=True)
        self.output = nn.Linear(spec.hidden_sizes[0], 1)
        factor = torch.tensor([1.0 / spec.error_scale, 1.0 / spec.velocity_scale])
        self.register_buffer("input_factor", factor, persistent=False)
        self.torque_scale = float(spec.torque_scale)

    def forward(self, x: Tensor, state: Tuple[Tensor, Tensor]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        """Map error (rad) and velocity (rad/s) of T samples (B, T, 2) to torques (B * T, 1) N m; states (L, B, H)."""
        out, state = self.lstm(x * self.input_factor, state)  # type: ignore[operator]
        return self.output(out.reshape(-1, out.shape[2])) * self.torque_scale, state


def build_network(spec: NetworkSpec) -> nn.Module:
    """The network of a spec, with torch's default initialisation."""
    return ActuatorMLP(spec) if spec.type == "mlp" else ActuatorLSTM(spec)


class MLPActuator(Actuator):
    """Drives by an MLP over the last samples."""

    network: nn.Module

    def __init__(
        self, network: nn.Module, spec: NetworkSpec, dt: float, num_envs: int, num_joints: int, device: Any = "cpu"
    ) -> None:
        """Take a network, which is on the device; `dt` s is a sub-step."""
        self.network, self._spacing = network, spec.spacing(dt)
        length = (spec.history - 1) * self._spacing + 1
        self.memory = {"inputs": torch.zeros(length, num_envs, num_joints, 2, device=device)}

    @torch.no_grad()
    def torques(self, errors: Tensor, velocities: Tensor) -> Tensor:
        """See `Actuator.torques`."""
        newest = torch.stack((errors, velocities), dim=-1)[None]
        self.memory["inputs"] = inputs = torch.cat((newest, self.memory["inputs"][:-1]))
        samples = inputs[:: self._spacing]
        rows = samples.permute(1, 2, 3, 0).reshape(-1, 2 * len(samples))
        return self.network(rows).view(errors.shape)


class LSTMActuator(Actuator):
    """Drives by an LSTM with a state for each joint."""

    network: nn.Module

    def __init__(
        self, network: nn.Module, spec: NetworkSpec, dt: float, num_envs: int, num_joints: int, device: Any = "cpu"
    ) -> None:
        """Take a network, which is on the device; `dt` s is a sub-step."""
        spec.spacing(dt)
        self.network = network
        shape = (len(spec.hidden_sizes), num_envs, num_joints, spec.hidden_sizes[0])
        self.memory = {name: torch.zeros(shape, device=device) for name in ("hidden", "cell")}

    @torch.no_grad()
    def torques(self, errors: Tensor, velocities: Tensor) -> Tensor:
        """See `Actuator.torques`."""
        rows = torch.stack((errors, velocities), dim=-1).view(-1, 1, 2)
        hidden, cell = (tensor.flatten(1, 2) for tensor in self.memory.values())
        torques, state = self.network(rows, (hidden, cell))
        for name, value in zip(("hidden", "cell"), state):
            self.memory[name] = value.view(self.memory[name].shape)
        return torques.view(errors.shape)
