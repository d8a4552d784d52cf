"""Products of matrices on CPUs, outside of automatic differentiation.

torch multiplies float32 matrices with MKL, which uses AVX-512 on Intel alone. oneDNN uses it on every CPU that has it:
on an AMD Zen 5 it is twice as fast. torch calls it for convolutions, and for linear layers in what it compiles.
"""

from __future__ import annotations

from typing import Optional

import torch
import torch.nn.functional as F
from torch.nn.grad import conv2d_weight

# What torch's compiler calls for a linear layer; absent from builds without oneDNN.
_onednn_linear = getattr(torch.ops.mkldnn, "_linear_pointwise", None)

# A matrix of B rows and D columns is in memory the same as 16 images of B / 16 pixels with D interleaved channels. With
# fewer than 16 images oneDNN is not asked when there is a single thread.
NUM_IMAGES = 16


def linear(x: torch.Tensor, weight: torch.Tensor, bias: Optional[torch.Tensor] = None) -> torch.Tensor:
    """Compute x W^T + b, (B, M), of x (B, K), W (M, K), which may be transposed views, and b (M)."""
    if _onednn_linear is None or x.dtype != torch.float32 or x.device.type != "cpu":
        return F.linear(x, weight, bias)
    return _onednn_linear(x, weight, bias, "none", [], "")


def transposed_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Compute a^T b, (M, K), of a (B, M) and b (B, K): the derivative by the weight of a linear layer."""
    if a.shape[0] % NUM_IMAGES != 0 or a.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return a.t() @ b
    size = (a.shape[1], b.shape[1], 1, 1)
    return conv2d_weight(as_images(b), size, as_images(a)).flatten(1)


def as_images(x: torch.Tensor) -> torch.Tensor:
    """View (B, D), B a multiple of 16, as images (16, D, 1, B / 16)."""
    return x.contiguous().view(NUM_IMAGES, 1, -1, x.shape[1]).permute(0, 3, 1, 2)
