"""Multi-layer perceptron."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence, cast

import torch
import torch.nn.functional as F
from torch import nn

from rsl_rl.modules.products import NUM_IMAGES, as_images
from rsl_rl.utils.errors import check_choice

# Each may overwrite its argument: the derivative of all but silu follows from the result alone, and at the batch sizes
# of PPO not writing a second tensor saves time. (torch derives elu from the result without another exponential.)
ACTIVATIONS: Dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "elu": F.elu_,
    "relu": F.relu_,
    "lrelu": F.leaky_relu_,
    "selu": F.selu_,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
    "silu": F.silu,
}

# Below this, what a convolution takes to set up is not made up for.
_MIN_CONVOLVED_ROWS = 256


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

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, input_dim) to (B, output_dim)."""
        hidden = cast("List[nn.Linear]", self.hidden)
        if self._as_convolutions(x):
            image = as_images(x)
            for layer in hidden:
                image = self._activation(F.conv2d(image, layer.weight[:, :, None, None], layer.bias))
            x = image.permute(0, 2, 3, 1).reshape(x.shape[0], -1)
        else:
            for layer in hidden:
                x = self._activation(layer(x))
        if not torch.is_autocast_enabled(x.device.type):
            x = self.output(x)
        else:
            with torch.autocast(x.device.type, enabled=False):
                x = self.output(x.float())
        return x if self._output_activation is None else self._output_activation(x)

    def _as_convolutions(self, x: torch.Tensor) -> bool:
        """Whether to compute linear layers as 1x1 convolutions, the same sums by another library.

        On a CPU torch multiplies float32 matrices with MKL and convolves with oneDNN, which may be twice as fast,
        forward and backward (see `modules.products`). In evaluation mode layers stay what they are called, so that
        exported graphs are plain.
        """
        return (
            self.training
            and x.device.type == "cpu"
            and x.shape[0] % NUM_IMAGES == 0
            and x.shape[0] >= _MIN_CONVOLVED_ROWS
            and torch.backends.mkldnn.is_available()
        )
