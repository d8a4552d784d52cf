"""Rules for the learning rate."""

from __future__ import annotations

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
