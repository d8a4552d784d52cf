"""Convolutional network over images."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Union, cast

import torch
import torch.nn.functional as F
from torch import nn

from rsl_rl.modules.mlp import ACTIVATIONS
from rsl_rl.storage.repeated_images import RepeatedImages
from rsl_rl.utils.errors import RslRlError, check_choice, reject_unknown


class ConvNet(nn.Module):
    """Convolutions, each with an activation and a maximum over small squares -> average over a grid -> linear layer.

    The defaults turn a depth image of 58 x 87 pixels into 16 x 14 x 22, 32 x 3 x 5, 32 x 4 x 4 and 128 numbers.

    Attributes:
        output_dim: length of an output.
    """

    def __init__(
        self,
        section: str,
        shape: Sequence[int],
        activation: str = "relu",
        channels: Sequence[int] = (16, 32),
        kernel_size: int = 3,
        stride: int = 2,
        padding: int = 1,
        max_pool: int = 2,
        average_pool: Optional[Sequence[int]] = (4, 4),
        output_dim: Optional[int] = 128,
        **unknown: Any,
    ) -> None:
        """Build the layers, with torch's default initialisation.

        Args:
            section: of the configuration that the keys come from, for errors.
            shape: (C, H, W) of an image.
            activation: key of `ACTIVATIONS`.
            channels: outputs of each convolution.
            kernel_size: of all convolutions, pixels.
            stride: of all convolutions, pixels.
            padding: zeros around the input of each convolution, pixels.
            max_pool: side of the squares, pixels; 1 for none.
            average_pool: (rows, columns) of the grid; None for none.
            output_dim: of the linear layer; None for none.
            **unknown: keys that do not exist.

        Raises:
            RslRlError: unknown key or activation, or an image too small for the layers.
        """
        super().__init__()
        reject_unknown(section, unknown, ConvNet.__init__)
        check_choice(f"{section}.activation", activation, ACTIVATIONS)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size, stride, padding)
            for before, after in zip([shape[0], *channels], channels)
        )
        self._activation = ACTIVATIONS[activation]
        self._is_monotonic = activation != "silu"
        self._max_pool, self._stride, self._padding = max_pool, stride, padding
        size = [shape[1], shape[2]]
        for _ in channels:
            size = [((pixels + 2 * padding - kernel_size) // stride + 1) // max_pool for pixels in size]
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
        self.output = None if output_dim is None else nn.Linear(features, output_dim)
        self.output_dim = features if output_dim is None else output_dim

    _rows: torch.Tensor
    _columns: torch.Tensor

    def forward(self, images: Union[torch.Tensor, RepeatedImages]) -> torch.Tensor:
        """Map (B, C, H, W) to (B, output_dim); of images that repeat, each is computed once."""
        if isinstance(images, RepeatedImages):
            return self(images.frames).index_select(0, images.index)
        x = images
        for convolution in cast("List[nn.Conv2d]", self.convolutions):
            x = self._pooled(convolution(x)) if torch.onnx.is_in_onnx_export() else self._convolve(convolution, x)
        if self._averages:
            x = self._rows @ x @ self._columns.t()
        x = x.flatten(1)
        return x if self.output is None else self.output(x)

    def _pooled(self, x: torch.Tensor) -> torch.Tensor:
        """Activation and maximum; for a monotonic activation the other way round, the same with a quarter of it."""
        if self._max_pool == 1:
            return self._activation(x)
        if self._is_monotonic:
            return self._activation(F.max_pool2d(x, self._max_pool))
        return F.max_pool2d(self._activation(x), self._max_pool)

    def _convolve(self, convolution: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        """One layer with channels innermost in memory: torch's maximum over squares is several times as fast then."""
        weight = convolution.weight.to(memory_format=torch.channels_last)
        x = F.conv2d(x, weight, convolution.bias, self._stride, self._padding)
        return self._pooled(x.contiguous(memory_format=torch.channels_last))


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
