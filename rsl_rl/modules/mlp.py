"""Multi-layer perceptron."""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, cast

import torch
import torch.nn.functional as F
from torch import nn

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

# To torch, a batch smaller than this is not worth oneDNN when there is a single thread.
_ONEDNN_BATCH = 16
# Below this, what a convolution takes to set up is not made up for.
_MIN_CONVOLVED_ROWS = 256


class MLP(nn.Module):
    """Linear layers with an activation between each two.

    The last layer computes in float32 under autocast too. Log-probabilities amplify an error of an action by the
    inverse of its standard deviation, and a bfloat16 has less than three digits.
    """

    def __init__(self, input_dim: int, output_dim: int, hidden_dims: Sequence[int], activation: str = "elu") -> None:
        """Build the layers, with torch's default initialisation.

        Args:
            input_dim: length of an input.
            output_dim: length of an output.
            hidden_dims: lengths in between; empty for a single linear layer.
            activation: key of `ACTIVATIONS`.

        Raises:
            RslRlError: unknown activation.
        """
        super().__init__()
        check_choice("policy.activation", activation, ACTIVATIONS)
        dims = [input_dim, *hidden_dims]
        self.hidden = nn.ModuleList(nn.Linear(width, next_width) for width, next_width in zip(dims, dims[1:]))
        self.output = nn.Linear(dims[-1], output_dim)
        self._activation = ACTIVATIONS[activation]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, input_dim) to (B, output_dim)."""
        hidden = cast("List[nn.Linear]", self.hidden)
        if self._as_convolutions(x):
            # In memory (B, D) is the same as 16 images of B / 16 pixels with D interleaved channels.
            image = x.contiguous().view(_ONEDNN_BATCH, 1, -1, x.shape[1]).permute(0, 3, 1, 2)
            for layer in hidden:
                image = self._activation(F.conv2d(image, layer.weight[:, :, None, None], layer.bias))
            x = image.permute(0, 2, 3, 1).reshape(x.shape[0], -1)
        else:
            for layer in hidden:
                x = self._activation(layer(x))
        if not torch.is_autocast_enabled(x.device.type):
            return self.output(x)
        with torch.autocast(x.device.type, enabled=False):
            return self.output(x.float())

    def _as_convolutions(self, x: torch.Tensor) -> bool:
        """Whether to compute linear layers as 1x1 convolutions, the same sums by another library.

        On a CPU torch multiplies float32 matrices with MKL and convolves with oneDNN. MKL uses AVX-512 on Intel alone,
        oneDNN on every CPU that has it: on an AMD Zen 5 it is twice as fast, forward and backward. In evaluation mode
        layers stay what they are called, so that exported graphs are plain.
        """
        return (
            self.training
            and x.device.type == "cpu"
            and x.shape[0] % _ONEDNN_BATCH == 0
            and x.shape[0] >= _MIN_CONVOLVED_ROWS
            and torch.backends.mkldnn.is_available()
        )
