"""Distribution of actions."""

from __future__ import annotations

import math

import torch
from torch import nn

from rsl_rl.utils.errors import RslRlError

# Standard deviations outside of these are of no use to a policy whose actions are of order one, and lead to overflow.
MIN_STD = 1e-3
MAX_STD = 1e2

_LOG_2_PI = math.log(2.0 * math.pi)


class GaussianDistribution(nn.Module):
    """Independent normal distributions around given means, with learned standard deviations equal in all states.

    The parameter is the logarithm of the standard deviation, which is therefore positive whatever a learning step does.
    """

    def __init__(self, num_actions: int, init_std: float = 1.0) -> None:
        """Start with one standard deviation for all actions.

        Args:
            num_actions: A.
            init_std: between MIN_STD and MAX_STD.

        Raises:
            RslRlError: `init_std` is out of bounds.
        """
        super().__init__()
        if not MIN_STD <= init_std <= MAX_STD:
            raise RslRlError(f"policy.init_noise_std is {init_std}, expected {MIN_STD} to {MAX_STD}")
        self.log_std = nn.Parameter(torch.full((num_actions,), math.log(init_std)))

    @property
    def std(self) -> torch.Tensor:
        """(A,) standard deviations."""
        return self.log_std.exp()

    def sample(self, mean: torch.Tensor) -> torch.Tensor:
        """Draw actions (B, A) around `mean` (B, A)."""
        return torch.addcmul(mean, self.std, torch.randn_like(mean))

    def log_prob(self, mean: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Log-density (B,) of `actions` (B, A) around `mean` (B, A)."""
        deviation = (actions - mean) * (-self.log_std).exp()
        return -0.5 * deviation.square().sum(dim=-1) - self.log_std.sum() - 0.5 * _LOG_2_PI * mean.shape[-1]

    def entropy(self) -> torch.Tensor:
        """Entropy (0-d) in nats; the same around every mean."""
        return self.log_std.sum() + 0.5 * (1.0 + _LOG_2_PI) * self.log_std.numel()

    def kl_from(self, old_mean: torch.Tensor, old_log_std: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """KL divergence (B,) in nats of this distribution around `mean` from an older one: KL(old || new).

        Args:
            old_mean: (B, A).
            old_log_std: (A,).
            mean: (B, A).
        """
        log_ratio = self.log_std - old_log_std
        inverse_variance = (-2.0 * self.log_std).exp()
        spread = (log_ratio + 0.5 * (-2.0 * log_ratio).exp() - 0.5).sum()
        return spread + 0.5 * ((mean - old_mean).square() * inverse_variance).sum(dim=-1)

    @torch.no_grad()
    def fill_(self, std: float) -> None:
        """Begin anew with one standard deviation for all actions."""
        self.log_std.fill_(math.log(std))

    @torch.no_grad()
    def clamp_(self, highest: float = MAX_STD) -> None:
        """Bring the standard deviations back between MIN_STD and `highest`; call it after each learning step.

        Clamping where they are used would instead cut off their gradient and hold them outside for ever.
        """
        self.log_std.clamp_(math.log(MIN_STD), math.log(highest))
