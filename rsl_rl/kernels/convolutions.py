"""Linear layers as 1x1 convolutions, the same sums by another library (see `products`)."""

from __future__ import annotations

from typing import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import nn

from rsl_rl.kernels.products import NUM_IMAGES, as_images

# Below this, what a convolution takes to set up is not made up for.
_MIN_ROWS = 256


def can_read(x: torch.Tensor) -> bool:
    """Whether `layers` may read `x` (B, D), and is worth it."""
    return x.shape[0] % NUM_IMAGES == 0 and x.shape[0] >= _MIN_ROWS and torch.backends.mkldnn.is_available()


def layers(
    x: torch.Tensor, linear: Iterable[nn.Linear], activation: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Map (B, D) through linear layers, each with the activation."""
    image = as_images(x)
    for layer in linear:
        image = activation(F.conv2d(image, layer.weight[:, :, None, None], layer.bias))
    return image.permute(0, 2, 3, 1).reshape(x.shape[0], -1)
