"""Convolutional network over time."""

from __future__ import annotations

from typing import Any, Optional, Sequence

import torch
from torch import nn

from rsl_rl.modules.mlp import ACTIVATIONS
from rsl_rl.utils.errors import RslRlError, check_choice, reject_unknown


class HistoryConv(nn.Module):
    """One linear layer for each frame of a history -> convolutions over the frames, all with an activation.

    The defaults turn 10 frames into 30 x 10, 20 x 4, 10 x 3 and 30 numbers (Kumar et al. 2021, arXiv:2107.04034).

    Args:
        section: of the configuration that the keys come from, for errors.
        shape: (F) of a flat history.
        activation: key of `ACTIVATIONS`.
        frames: H, of each term.
        term_dims: numbers in a frame of each term, where all frames of one term stand in front of those of the next;
            None for a history of one term.
        frame_dim: outputs of the layer for each frame.
        channels: outputs of each convolution.
        kernel_sizes: of each convolution, frames.
        strides: of each convolution, frames.
        **unknown: keys that do not exist.

    Raises:
        RslRlError: unknown key or activation, or a history that does not fit the layers.

    Attributes:
        output_dim: length of an output.
    """

    def __init__(
        self,
        section: str,
        shape: Sequence[int],
        activation: str = "elu",
        frames: int = 10,
        term_dims: Optional[Sequence[int]] = None,
        frame_dim: int = 30,
        channels: Sequence[int] = (20, 10),
        kernel_sizes: Sequence[int] = (4, 2),
        strides: Sequence[int] = (2, 1),
        **unknown: Any,
    ) -> None:
        super().__init__()
        reject_unknown(section, unknown, HistoryConv.__init__)
        check_choice(f"{section}.activation", activation, ACTIVATIONS)
        self._frames, self._term_dims = frames, [shape[0] // frames] if term_dims is None else list(term_dims)
        if len(shape) != 1 or frames * sum(self._term_dims) != shape[0]:
            raise RslRlError(f"{section}: {frames} frames of {self._term_dims} numbers are no group of {list(shape)}")
        if not len(channels) == len(kernel_sizes) == len(strides):
            raise RslRlError(f"{section}: channels, kernel_sizes and strides have an entry for each convolution")
        self._activation = ACTIVATIONS[activation]
        self.frame = nn.Linear(sum(self._term_dims), frame_dim)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(*sizes) for sizes in zip([frame_dim, *channels], channels, kernel_sizes, strides)
        )
        left = frames
        for kernel, stride in zip(kernel_sizes, strides):
            left = (left - kernel) // stride + 1
        if left < 1:
            raise RslRlError(f"{section}: nothing is left of {frames} frames after {len(channels)} convolutions")
        self.output_dim = left * [frame_dim, *channels][-1]

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        """Map (B, F) to (B, output_dim)."""
        terms = history.split([self._frames * size for size in self._term_dims], dim=1)
        frames = torch.cat([term.unflatten(1, (self._frames, -1)) for term in terms], dim=2)
        x = self._activation(self.frame(frames)).transpose(1, 2)
        for convolution in self.convolutions:
            x = self._activation(convolution(x))
        return x.flatten(1)
