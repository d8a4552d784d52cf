"""Observations against the raw readings of the same log, which say exactly how one was made of the other."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import numpy as np

from legged_gym.logcheck.evidence import Evidence
from legged_gym.logcheck.layout import ACTIONS, COMMANDS, Layout, Values
from legged_gym.logcheck.mistakes import Mistake, candidates
from legged_gym.logcheck.readings import SOURCES

_SAME, _BETTER, _APART = 0.02, 0.5, 0.5
"""Deviations, relative to how much a column varies: equal; of the first, for a cause; too far without one."""
_PREFERRED = 8.0
"""Nats a control step by which an observation has to be the more likely for its reading to be wrong."""
_EDGE = 4  # control steps


class Difference(NamedTuple):
    """An observation that is not what the readings say.

    Attributes:
        term: which.
        of_reading: whether it is the reading that is wrong.
        causes: what undoes it, one after the other; empty if nothing does.
        before, after: deviation as it is and without the causes, relative to how much the term varies.
    """

    term: str
    of_reading: bool
    causes: List[Mistake]
    before: float
    after: float

    @property
    def source(self) -> str:
        """What is wrong, by its name in the log."""
        return SOURCES.get(self.term, self.term) if self.of_reading else self.term


def compare(
    layout: Layout, seen: Values, readings: Values, evidence: Evidence, values: Values, rows: np.ndarray, dead: Set[str]
) -> List[Difference]:
    """All differences.

    Args:
        layout: of the observations.
        seen: terms as the network was given them, in plain SI units.
        readings: the same made of raw readings.
        evidence: which of both is more likely.
        values: the log otherwise.
        rows: (R,) control steps that the evidence is taken at.
        dead: terms that are not looked at.
    """
    both = [name for name in seen if name in readings and name not in dead and name != ACTIONS]
    apart = {name: _apart(seen[name], readings[name]) for name in both}
    apart = {name: before for name, before in apart.items() if before > _SAME}
    values = {**values, **{name: readings[name] for name in apart}}
    now, found = evidence.loss(evidence.state(values, rows)), []
    for name, before in apart.items():
        other = evidence.loss(evidence.state({**values, name: seen[name]}, rows))
        wrong = name != COMMANDS and other + _PREFERRED < now
        logged, truth = (readings[name], seen[name]) if wrong else (seen[name], readings[name])
        causes, after = _explain(layout, {**values, name: logged}, name, truth)
        if after < _BETTER * before or before > _APART:
            found.append(Difference(name, wrong, causes if after < _BETTER * before else [], before, after))
    return found


def _apart(logged: np.ndarray, truth: np.ndarray) -> float:
    """Largest deviation of a column, relative to how much it varies or is, that is exceeded a tenth of the time."""
    size = np.maximum(truth.std(0), 0.1 * np.abs(truth).max())
    off = np.abs(logged - truth)[_EDGE:-_EDGE] / np.maximum(size, 1e-6)
    return float(np.percentile(off.max(1), 90.0))


def _explain(
    layout: Layout, values: Dict[str, np.ndarray], name: str, truth: np.ndarray
) -> Tuple[List[Mistake], float]:
    """Up to two mistakes that make most of the difference, and what is left of it."""
    single = [cause[0] for cause in candidates(layout, [name])]
    causes: List[Mistake] = []
    left = _apart(values[name], truth)
    for _ in range(2):
        best: Optional[Mistake] = None
        least = _BETTER * left if causes else 0.99 * left
        for mistake in single:
            apart = _apart(mistake.undo(values, layout.dt), truth)
            if apart < least:
                best, least = mistake, apart
        if best is None:
            break
        causes.append(best)
        left = least
        values = {**values, name: best.undo(values, layout.dt)}
        if left <= _SAME:
            break
    return causes, left
