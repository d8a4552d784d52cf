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

    Attributes:
        output_dim: length of an output.
    """

    def __init__(
        self,
        section: str,
        shape: Sequence[int],
        activation: str = "elu",
        frames: Optional[int] = None,
        frame_dim: int = 30,
        channels: Sequence[int] = (20, 10),
        kernel_sizes: Sequence[int] = (4, 2),
        strides: Sequence[int] = (2, 1),
        **unknown: Any,
    ) -> None:
        """Build the layers, with torch's default initialisation.

        Args:
            section: of the configuration that the keys come from, for errors.
            shape: (H, D) of a history, or (H * D), frame behind frame.
            activation: key of `ACTIVATIONS`.
            frames: H, for a flat one.
            frame_dim: outputs of the layer for each frame.
            channels: outputs of each convolution.
            kernel_sizes: of each convolution, frames.
            strides: of each convolution, frames.
            **unknown: keys that do not exist.

        Raises:
            RslRlError: unknown key or activation, or a history too short for the layers.
        """
        super().__init__()
        reject_unknown(section, unknown, HistoryConv.__init__)
        check_choice(f"{section}.activation", activation, ACTIVATIONS)
        length = frames or (shape[0] if len(shape) == 2 else 0)
        size = 1
        for extent in shape:
            size *= extent
        if not length or size % length:
            raise RslRlError(f"{section}: a history of shape {tuple(shape)} is not {length or '?'} frames; give frames")
        if not len(channels) == len(kernel_sizes) == len(strides):
            raise RslRlError(f"{section}: channels, kernel_sizes and strides have an entry for each convolution")
        self._activation = ACTIVATIONS[activation]
        self.frames = length
        self.frame = nn.Linear(size // length, frame_dim)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(*sizes) for sizes in zip([frame_dim, *channels], channels, kernel_sizes, strides)
        )
        for kernel, stride in zip(kernel_sizes, strides):
            length = (length - kernel) // stride + 1
        if length < 1:
            raise RslRlError(f"{section}: nothing is left of {self.frames} frames after {len(channels)} convolutions")
        self.output_dim = length * (channels[-1] if channels else frame_dim)

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        """Map (B, H, D) or (B, H * D) to (B, output_dim)."""
        x = self._activation(self.frame(history.reshape(history.shape[0], self.frames, -1))).transpose(1, 2)
        for convolution in self.convolutions:
            x = self._activation(convolution(x))
        return x.flatten(1)
