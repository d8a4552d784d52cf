"""The losses of PPO (Schulman et al. 2017, arXiv:1707.06347)."""

from __future__ import annotations

from typing import Optional

import torch


def clipped_surrogate(
    log_probs: torch.Tensor, old_log_probs: torch.Tensor, advantages: torch.Tensor, clip: float
) -> torch.Tensor:
    """Negated clipped objective (0-d), eq. 7 of the paper; all arguments are (B,)."""
    ratio = (log_probs - old_log_probs).exp()
    return -torch.min(advantages * ratio, advantages * ratio.clamp(1.0 - clip, 1.0 + clip)).mean()


def value_loss(
    values: torch.Tensor, old_values: torch.Tensor, returns: torch.Tensor, clip: Optional[float]
) -> torch.Tensor:
    """Mean squared error (0-d) of values (B,).

    With a `clip`, the larger one of this error and that of a value moved by at most `clip` from the old one, so that
    nothing is gained by moving further.
    """
    errors = (values - returns).square()
    if clip is not None:
        clipped = old_values + (values - old_values).clamp(-clip, clip)
        errors = torch.max(errors, (clipped - returns).square())
    return errors.mean()
