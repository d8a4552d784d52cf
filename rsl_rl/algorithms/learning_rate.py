"""Rules for the learning rate."""

from __future__ import annotations

import math

_STEP = 1.5


def adapt_to_kl(rate: float, kl: float, desired_kl: float, minimum: float, maximum: float) -> float:
    """Change the rate so that the policy moves by about `desired_kl` nats in an update (legged_gym's rule).

    Args:
        rate: current learning rate.
        kl: how far the policy has moved from the one that collected the rollout.
        desired_kl: how far it should get; a factor of two either way is let pass.
        minimum: lower bound of the rate.
        maximum: upper bound of the rate.
    """
    if kl > 2.0 * desired_kl:
        return max(minimum, rate / _STEP)
    if kl < 0.5 * desired_kl:
        return min(maximum, rate * _STEP)
    return rate


def cosine(initial: float, final: float, progress: float) -> float:
    """Go from `initial` to `final` along half a cosine (Loshchilov, Hutter 2017, arXiv:1608.03983, eq. 5).

    Args:
        initial: rate at progress 0.
        final: rate at progress 1 and beyond.
        progress: fraction of the training that is over.
    """
    return final + 0.5 * (initial - final) * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
