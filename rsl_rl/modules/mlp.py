"""Multi-layer perceptron."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence, cast

import torch
import torch.nn.functional as F
from torch import nn

from rsl_rl import kernels
from rsl_rl.kernels import convolutions
from rsl_rl.utils.errors import check_choice

Activation = Callable[[torch.Tensor], torch.Tensor]
# Each may overwrite its argument: the derivative of all but silu follows from the result alone, and at the batch sizes
# of PPO not writing a second tensor saves time. (torch derives elu from the result without another exponential.)
ACTIVATIONS: Dict[str, Activation] = {
    "elu": F.elu_,
    "relu": F.relu_,
    "lrelu": F.leaky_relu_,
    "selu": F.selu_,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
    "silu": F.silu,
}


class MLP(nn.Module):
    """Linear layers with an activation between each two.

    The last layer computes in float32 under autocast too. Log-probabilities amplify an error of an action by the
    inverse of its standard deviation, and a bfloat16 has less than three digits.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        hidden_dims: Sequence[int],
        activation: str = "elu",
        output_activation: Optional[str] = None,
    ) -> None:
        """Build the layers, with torch's default initialisation.

        Args:
            input_dim: length of an input.
            output_dim: length of an output.
            hidden_dims: lengths in between; empty for a single linear layer.
            activation: key of `ACTIVATIONS`.
            output_activation: another one, after the last layer; None for none.

        Raises:
            RslRlError: unknown activation.
        """
        super().__init__()
        check_choice("policy.activation", activation, ACTIVATIONS)
        if output_activation is not None:
            check_choice("policy.output_activation", output_activation, ACTIVATIONS)
        dims = [input_dim, *hidden_dims]
        self.hidden = nn.ModuleList(nn.Linear(width, next_width) for width, next_width in zip(dims, dims[1:]))
        self.output = nn.Linear(dims[-1], output_dim)
        self._activation = ACTIVATIONS[activation]
        self._output_activation = None if output_activation is None else ACTIVATIONS[output_activation]

    def forward(self, x: torch.Tensor, added: Optional[torch.Tensor] = None) -> torch.Tensor:
        """Map (B, input_dim) to (B, output_dim); `added` (B, hidden_dims[0]) goes into the first hidden layer."""
        hidden = list(cast("List[nn.Linear]", self.hidden))
        if added is not None:
            x = self._activation(hidden.pop(0)(x) + added)
        if hidden and kernels.are_for(self, x) and convolutions.can_read(x):
            x = convolutions.layers(x, hidden, self._activation)
        else:
            for layer in hidden:
                x = self._activation(layer(x))
        if not torch.is_autocast_enabled(x.device.type):
            x = self.output(x)
        else:
            with torch.autocast(x.device.type, enabled=False):
                x = self.output(x.float())
        return x if self._output_activation is None else self._output_activation(x)
