"""Estimates with 95 % confidence intervals, from independent episodes.

Means and rates over time are ratios of sums: what was summed over all episodes, over how long all of them lasted. A
mean of the episodes' own means would give one second of a short episode the weight of many seconds of a long one.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Sequence

import torch
from torch import Tensor

# quantile 0.975 of the standard normal distribution
_Z = 1.959963984540054


def ratio_of_sums(numerators: Tensor, denominators: Tensor) -> Dict[str, Any]:
    """Estimate sum(numerators) / sum(denominators); with denominators of 1 this is the plain mean.

    The interval is Student's t interval of the linearised ratio (Cochran, Sampling Techniques, 3rd ed., eq. 6.13): the
    residuals of the episodes, numerator - ratio * denominator, take the place of deviations from the mean.

    Args:
        numerators: (E,) one number an episode.
        denominators: (E,) likewise, not negative.

    Returns:
        {"mean": ratio, "ci95": [low, high]}; None where there is too little to tell.
    """
    numerators, denominators = numerators.double(), denominators.double()
    count, total = len(numerators), float(denominators.sum())
    if count == 0 or total == 0.0:
        return estimate(None, None, None)
    ratio = float(numerators.sum()) / total
    if count == 1:
        return estimate(ratio, None, None)
    residuals = numerators - ratio * denominators
    standard_error = math.sqrt(float(residuals.square().sum()) * count / (count - 1)) / total
    half = student_t(count - 1) * standard_error
    return estimate(ratio, ratio - half, ratio + half)


def share(events: Tensor) -> Dict[str, Any]:
    """Estimate the probability of an event by the fraction of episodes it occurred in.

    The interval is Wilson's score interval (1927), which keeps to [0, 1] and has a width even where no or all episodes
    had the event.

    Args:
        events: (E,) bool.

    Returns:
        {"mean": share, "ci95": [low, high]}; None without episodes.
    """
    count = len(events)
    if count == 0:
        return estimate(None, None, None)
    rate = float(events.double().mean())
    spread = 1.0 + _Z**2 / count
    middle = (rate + _Z**2 / (2 * count)) / spread
    half = _Z / spread * math.sqrt(rate * (1.0 - rate) / count + _Z**2 / (4 * count**2))
    # rounding may carry an end past the share itself
    return estimate(rate, min(max(middle - half, 0.0), rate), max(min(middle + half, 1.0), rate))


def estimate(mean: Optional[float], low: Optional[float], high: Optional[float]) -> Dict[str, Any]:
    """The form in which every metric is written down."""
    interval: List[Optional[float]] = [low, high]
    return {"mean": mean, "ci95": interval}


def student_t(dof: int) -> float:
    """Quantile 0.975 of Student's t distribution with `dof` degrees of freedom.

    Closed forms for 1 and 2, else the expansion about the normal quantile (Abramowitz & Stegun 26.7.5), whose error is
    below 0.2 %.
    """
    if dof == 1:
        return math.tan(math.pi * 0.475)
    if dof == 2:
        return 0.95 * math.sqrt(2.0 / (1.0 - 0.95**2))
    z = _Z
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / dof**power for power, term in enumerate(terms))


class SituationMeans:
    """Adds up K numbers of each robot, such as the weights that a gate gives to experts, by the situation it is in.

    The intervals take robots, not episodes, as independent.
    """

    def __init__(self, situations: Sequence[str], num_envs: int) -> None:
        """Begin with nothing; `situations` are M names."""
        self._situations, self._num_envs = list(situations), num_envs
        self._names: List[str] = []
        self._sums: Optional[Tensor] = None
        self._steps = torch.zeros(num_envs, len(self._situations), dtype=torch.float64)

    def add(self, situation: Tensor, values: Dict[str, Tensor]) -> None:
        """Take in a state: (N,) int64, the number of each robot's situation; name -> (N,), maybe nothing."""
        if not values:
            return
        self._names = list(values)
        there = torch.nn.functional.one_hot(situation.cpu(), len(self._situations)).double()
        numbers = torch.stack(list(values.values()), dim=1).cpu().double()
        added = there[:, :, None] * numbers[:, None]
        self._sums = added if self._sums is None else self._sums + added
        self._steps += there

    def table(self) -> Dict[str, Any]:
        """Situation -> name -> its mean there, {"mean", "ci95"}; nothing where nothing was told."""
        if self._sums is None:
            return {}
        return {
            situation: {
                name: ratio_of_sums(self._sums[:, m, k], self._steps[:, m]) for k, name in enumerate(self._names)
            }
            for m, situation in enumerate(self._situations)
        }
