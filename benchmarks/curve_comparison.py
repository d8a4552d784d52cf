"""Whether two sets of learning curves, each of several seeds, can be told apart."""

from __future__ import annotations

import math
import os
import sys
from typing import Any, Dict, List, NamedTuple, Sequence

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.evaluation.intervals import student_t


class Difference(NamedTuple):
    """What two sets of curves differ by at one point of the training.

    Attributes:
        samples: transitions collected.
        first: mean over the seeds of the first set.
        second: likewise.
        half_width: of the 95 % interval of `second - first`.
    """

    samples: int
    first: float
    second: float
    half_width: float

    @property
    def is_significant(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return abs(self.second - self.first) > self.half_width


def differences(first: Dict[str, Any], second: Dict[str, Any], metric: str) -> List[Difference]:
    """Compare a metric at every point that all curves have.

    The interval is that of Student's t for two samples with a common variance: the seeds are the samples, so what a
    curve owes to its seed counts as noise.

    Args:
        first: a learning curve, as `learning_curve.py` writes it.
        second: another one.
        metric: name.

    Raises:
        ValueError: fewer than two seeds on a side.
    """
    values = [[_by_samples(run, metric) for run in curve["runs"]] for curve in (first, second)]
    if min(len(runs) for runs in values) < 2:
        raise ValueError("curves are compared over at least two seeds each")
    common = set.intersection(*(set(run) for runs in values for run in runs))
    found = []
    for samples in sorted(common):
        a, b = ([run[samples] for run in runs] for runs in values)
        found.append(Difference(samples, _mean(a), _mean(b), _half_width(a, b)))
    return found


def _by_samples(run: Dict[str, Any], metric: str) -> Dict[int, float]:
    return {point["samples"]: point["metrics"][metric]["mean"] for point in run["points"]}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _half_width(a: Sequence[float], b: Sequence[float]) -> float:
    dof = len(a) + len(b) - 2
    squares = sum((x - _mean(values)) ** 2 for values in (a, b) for x in values)
    return student_t(dof) * math.sqrt(squares / dof * (1.0 / len(a) + 1.0 / len(b)))
