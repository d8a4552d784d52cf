"""What a drive is to the environment: errors and velocities in, torques out, with a memory for each joint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Dict, Mapping, Optional

from torch import Tensor, nn

from legged_gym.errors import UserError


class Actuator(ABC):
    """The drives of N robots with D joints each.

    What they compute is a function of tensors, without a change in place, so that it can be exported.

    Attributes:
        memory: what the drives remember between two sub-steps, by name, each (k, N, D, ...); zero at the start of an
            episode: a joint that has been at rest at its target.
        network: what computes the torques; None for formulas.
    """

    memory: Dict[str, Tensor]
    network: Optional[nn.Module] = None

    @abstractmethod
    def torques(self, errors: Tensor, velocities: Tensor) -> Tensor:
        """The torques of this sub-step; moves the memory on.

        Args:
            errors: (N, D) rad, target less joint position.
            velocities: (N, D) rad/s.

        Returns:
            (N, D) N m, before the limits of the robot file.
        """

    def reset(self, env_ids: Tensor) -> None:
        """Forget the past of robots (n,); others keep every bit."""
        for tensor in self.memory.values():
            tensor[:, env_ids] = 0.0

    def state_dict(self) -> Dict[str, Tensor]:
        """All that it takes to go on bit for bit."""
        return {name: tensor.clone() for name, tensor in self.memory.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state_dict` of drives of the same kind returned.

        Raises:
            UserError: it is of another kind.
        """
        saved, own = ({name: tuple(tensor.shape) for name, tensor in each.items()} for each in (state, self.memory))
        if saved != own:
            raise UserError(
                f"the saved state is of other drives: it holds {saved}, these {own}; resume with the run's"
                " control.control_type and control.actuator_net_file"
            )
        for name, tensor in self.memory.items():
            tensor.copy_(state[name])
