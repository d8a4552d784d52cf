"""Generalised advantage estimation."""

from __future__ import annotations

from typing import Optional, Tuple

import torch

from rsl_rl.utils.gradients import Group


def compute_gae(
    rewards: torch.Tensor,
    values: torch.Tensor,
    last_values: torch.Tensor,
    dones: torch.Tensor,
    time_outs: torch.Tensor,
    gamma: float,
    lam: float,
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Estimate advantages and returns of T steps (Schulman et al. 2016, arXiv:1506.02438, eq. 16).

    With d = 0 at the end of an episode and 1 elsewhere,

        delta[t] = r[t] + gamma * d[t] * V[t+1] - V[t]
        A[t]     = delta[t] + gamma * lam * d[t] * A[t+1]

    An episode that was merely truncated would have gone on. The observation after it is not available (it belongs to
    the next episode), so V[t] stands in for the value of what was truncated: r[t] + gamma * V[t] replaces r[t].

    Args:
        rewards: (T, N).
        values: (T, N), V before each step.
        last_values: (N,), V after the last step.
        dones: (T, N) bool, the episode ended with the step.
        time_outs: (T, N) bool, it was truncated; a subset of `dones`.
        gamma: discount of a step.
        lam: weight of longer estimates; 0: only delta, 1: the whole return minus V.

    Returns:
        advantages: (T, N), A.
        returns: (T, N), A + V.
    """
    alive = 1.0 - dones.to(values.dtype)
    next_values = torch.cat([values[1:], last_values.unsqueeze(0)])
    advantages = rewards + gamma * (alive * next_values + time_outs * values) - values
    carry = gamma * lam * alive
    for step in reversed(range(advantages.shape[0] - 1)):
        advantages[step].addcmul_(carry[step], advantages[step + 1])
    return advantages, advantages + values


def normalized(advantages: torch.Tensor, distributed: Optional[Group] = None) -> torch.Tensor:
    """Shift and scale to mean 0 and standard deviation 1 over the rollout, of all processes if several work."""
    count = advantages.numel()
    mean = advantages.mean()
    if distributed is not None:
        distributed.all_reduce_mean_([mean])
        count *= distributed.world_size
    centred = advantages - mean
    variance = centred.square().mean()
    if distributed is not None:
        distributed.all_reduce_mean_([variance])
    return centred / ((variance * (count / max(count - 1, 1))).sqrt() + 1e-8)
