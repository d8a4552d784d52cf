"""Scaling observations by what has been seen of them."""

from __future__ import annotations

from typing import Any, Optional

import torch
from torch import nn

LIMIT = 10.0  # standard deviations
_STILL = 1e-10  # what varies less than this is a constant, but for rounding


class EmpiricalNormalization(nn.Module):
    """Shifts and scales each entry of a vector by the mean and standard deviation of all samples so far.

    What was hardly ever seen would come out huge: the result is within `LIMIT`, and an entry that has been the same in
    all samples is only shifted, so that a network that has learned nothing of it hears of a change as it is.

    Attributes:
        mean: (D,) running mean; 0 before the first sample.
        var: (D,) running variance (of the population, not the sample estimate); 1 before the first sample.
        count: number of samples so far.
        frozen: take in no more samples.
    """

    mean: torch.Tensor
    var: torch.Tensor
    count: torch.Tensor

    def __init__(self, dim: int, eps: float = 1e-2) -> None:
        """Begin with no samples.

        Args:
            dim: D, length of a vector.
            eps: added to the standard deviation, so that entries that hardly ever move are not blown up.
        """
        super().__init__()
        self.eps = eps
        self.frozen = False
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("var", torch.ones(dim))
        self.register_buffer("count", torch.tensor(0, dtype=torch.int64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise (..., D)."""
        deviation = torch.where(self.var > _STILL, self.var.sqrt() + self.eps, torch.ones_like(self.var))
        return ((x - self.mean) / deviation).clamp(-LIMIT, LIMIT)

    @torch.no_grad()
    def update(self, x: torch.Tensor, distributed: Optional[Any] = None) -> None:
        """Take in the samples (B, D); of all ranks, where several work, each with the same B.

        Merges the moments of two sets of samples (Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise
        algorithm for computing sample variances", eq. 2.1).
        """
        if self.frozen:
            return
        new = x.shape[0]
        var, mean = torch.var_mean(x, dim=0, unbiased=False)
        if distributed is not None:
            new *= distributed.world_size
            own_mean = mean.clone()
            distributed.all_reduce_mean_([mean])
            var = var + (own_mean - mean).square()
            distributed.all_reduce_mean_([var])
        if not bool(var.isfinite().all()):
            # One broken sample would stay in the mean for ever.
            return
        self.count += new
        rate = new / self.count.to(x.dtype)
        shift = mean - self.mean
        self.mean += rate * shift
        self.var += rate * (var - self.var) + rate * (1.0 - rate) * shift.square()
