"""Convolutional network over images."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple, Union, cast

import torch
import torch.nn.functional as F
from torch import nn

from rsl_rl.modules.mlp import ACTIVATIONS, MLP
from rsl_rl.storage.image_frames import RepeatedImages
from rsl_rl.utils.errors import RslRlError, check_choice, reject_unknown


class ConvNet(nn.Module):
    """Convolutions, each with an activation and a maximum over small squares -> average over a grid -> linear layers.

    The defaults turn a depth image of 58 x 87 pixels into 16 x 14 x 22, 32 x 3 x 5, 32 x 4 x 4 and 128 numbers.

    Args:
        section: of the configuration that the keys come from, for errors.
        shape: (C, H, W) of an image.
        activation: key of `ACTIVATIONS`.
        channels: outputs of each convolution.
        kernel_size: of all convolutions, or of each, pixels; so are the next three.
        stride: pixels.
        padding: zeros around the input, pixels.
        max_pool: side of the squares, pixels; 1 for none.
        average_pool: (rows, columns) of the grid; None for none.
        hidden_dims: widths of linear layers behind it, each with the activation.
        output_dim: of a linear layer at the end; None for none.
        **unknown: keys that do not exist.

    Raises:
        RslRlError: unknown key or activation, a list of another length than `channels`, or an image too small for the
            layers.

    Attributes:
        output_dim: length of an output.
    """

    _rows: torch.Tensor
    _columns: torch.Tensor

    def __init__(
        self,
        section: str,
        shape: Sequence[int],
        activation: str = "relu",
        channels: Sequence[int] = (16, 32),
        kernel_size: Union[int, Sequence[int]] = 3,
        stride: Union[int, Sequence[int]] = 2,
        padding: Union[int, Sequence[int]] = 1,
        max_pool: Union[int, Sequence[int]] = 2,
        average_pool: Optional[Sequence[int]] = (4, 4),
        hidden_dims: Sequence[int] = (),
        output_dim: Optional[int] = 128,
        **unknown: Any,
    ) -> None:
        super().__init__()
        reject_unknown(section, unknown, ConvNet.__init__)
        check_choice(f"{section}.activation", activation, ACTIVATIONS)
        sizes = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "max_pool": max_pool}
        columns = [_of_each(f"{section}.{name}", value, len(channels)) for name, value in sizes.items()]
        self.convolutions, self._max_pools = nn.ModuleList(), columns[3]
        self._activation = ACTIVATIONS[activation]
        self._is_monotonic = activation != "silu"
        size = [shape[1], shape[2]]
        for before, after, kernel, step, zeros, pool in zip([shape[0], *channels], channels, *columns):
            self.convolutions.append(nn.Conv2d(before, after, kernel, step, zeros))
            size = [((pixels + 2 * zeros - kernel) // step + 1) // pool for pixels in size]
        if min(size) < 1:
            raise RslRlError(
                f"{section}: nothing is left of an image of {shape[1]} x {shape[2]} pixels after "
                f"{len(channels)} convolutions of stride {stride} and max_pool {max_pool}"
            )
        self._averages = average_pool is not None
        if average_pool is not None:
            # Not part of the state: they follow from the sizes.
            self.register_buffer("_rows", averaging_matrix(size[0], average_pool[0]), persistent=False)
            self.register_buffer("_columns", averaging_matrix(size[1], average_pool[1]), persistent=False)
            size = list(average_pool)
        features = (channels[-1] if channels else shape[0]) * size[0] * size[1]
        self.mlp: Optional[MLP] = None
        if hidden_dims:
            *before, last = hidden_dims
            self.mlp, features = MLP(features, last, before, activation, activation), last
        self.output = None if output_dim is None else nn.Linear(features, output_dim)
        self.output_dim = features if output_dim is None else output_dim

    def forward(self, images: Union[torch.Tensor, RepeatedImages]) -> torch.Tensor:
        """Map (B, C, H, W) to (B, output_dim); of images that repeat, each is computed once."""
        if isinstance(images, RepeatedImages):
            return self(images.frames).index_select(0, images.index)
        x = images
        for convolution, pool in zip(cast("List[nn.Conv2d]", self.convolutions), self._max_pools):
            if torch.onnx.is_in_onnx_export():
                x = self._pooled(convolution(x), pool)
            else:
                x = self._convolve(convolution, x, pool)
        if self._averages:
            x = self._rows @ x @ self._columns.t()
        x = x.flatten(1)
        if self.mlp is not None:
            x = self.mlp(x)
        return x if self.output is None else self.output(x)

    def _pooled(self, x: torch.Tensor, pool: int) -> torch.Tensor:
        """Activation and maximum; for a monotonic activation the other way round, the same with a quarter of it."""
        if pool == 1:
            return self._activation(x)
        if self._is_monotonic:
            return self._activation(F.max_pool2d(x, pool))
        return F.max_pool2d(self._activation(x), pool)

    def _convolve(self, convolution: nn.Conv2d, x: torch.Tensor, pool: int) -> torch.Tensor:
        """One layer with channels innermost in memory: torch's maximum over squares is several times as fast then."""
        weight = convolution.weight.to(memory_format=torch.channels_last)
        x = F.conv2d(x, weight, convolution.bias, convolution.stride, cast("Tuple[int, int]", convolution.padding))
        return self._pooled(x.contiguous(memory_format=torch.channels_last), pool)


def _of_each(place: str, value: Union[int, Sequence[int]], count: int) -> List[int]:
    """A setting of each of so many convolutions."""
    values = [value] * count if isinstance(value, int) else list(value)
    if len(values) != count:
        raise RslRlError(f"{place} has {len(values)} numbers, channels {count}; give as many, or one for all")
    return values


def averaging_matrix(size: int, cells: int) -> torch.Tensor:
    """The averages of adaptive pooling along one axis, as a matrix (cells, size).

    Cell i covers the pixels floor(i * size / cells) to ceil((i + 1) * size / cells) - 1, as in torch's
    adaptive_avg_pool. Exported files know no adaptive pooling of sizes that do not divide, but they multiply matrices.
    """
    matrix = torch.zeros(cells, size)
    for cell in range(cells):
        first, end = cell * size // cells, -(-(cell + 1) * size // cells)
        matrix[cell, first:end] = 1.0 / (end - first)
    return matrix
