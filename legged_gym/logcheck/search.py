"""Which mistakes make a log most likely: one after the other, each looked at again when the next is known."""

from __future__ import annotations

from typing import AbstractSet, Counter, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from legged_gym.logcheck.evidence import Evidence, State
from legged_gym.logcheck.layout import (
    ACTION,
    ACTIONS,
    COMMANDS,
    GRAVITY,
    GYRO,
    HEIGHT,
    MOTOR,
    Layout,
    Values,
    strangeness,
)
from legged_gym.logcheck.mistakes import (
    EARLY,
    FRAME,
    IN_DEGREES,
    LATE,
    MOST_SHIFT,
    ORDER,
    SCALE,
    SIGN,
    Candidate,
    candidates,
)
from legged_gym.logcheck.replay import Replay
from legged_gym.logcheck.turning import unturned

MOST_MISTAKES = 4
_LEAST_GAIN, _FEW = 1.5, 40.0
"""Nats a control step that a mistake has to explain, and what few rows add to it, in nats of all of them."""
_MISLED = 60.0
"""The former of robots that are known to have acted on wrong numbers: they move as they never did in training."""
_ACTED = 10.0
"""The same after a mistake that the policy acted on, by the evidence alone: what is left is a robot that stumbles."""
_UNEXPLAINED, _STRANGEST, _USUAL = 0.08, 150.0, 0.6
"""Share of what stays unexplained that a mistake has to explain, as robots that fall do all sorts of things; nats a
control step above which it grows no more; and what a column of a walk has."""
_STATIC, _WALKING, _SHARE = ("spread", "legs"), ("spread", "legs", "all"), 0.3
"""Evidence of posture, which other ground and loads change; that and what else holds for robots alone that walk as in
training, of which less speaks for a mistake where the network acted on all there is; how much of it counts."""
_AGAINST = 2.5
"""How many times evidence against a mistake counts: one that is there is told of by all that tells of its term."""
_TOLD = 0.4
"""Weight of mistakes in what a robot is told, without the network: commands are whatever somebody wants."""
_CLOSE = 0.85
"""Share of the best gain at which another cause is told, too."""
_FIRST_ROWS = 40
"""Control steps that all candidates are tried at, before the promising ones are at all of them."""
_PROMISING, _PROMISING_OF_TERM = 30, 5
"""The best candidates of all and of each term."""
_UNSEEN = 4
"""Columns of a term of which all candidates go on, as little but the network may tell of them."""

_LENGTHS_STAY = (ORDER, SIGN, LATE, EARLY, FRAME)
"""Mistakes of gyroscope and gravity that leave vectors as long as they are."""
_LEAST_NATS, _ALIKE, _QUIET = 20.0, 6.0, 2.1
"""What such a mistake has to explain of how gravity turns, in nats of the whole log; by how many another explains it
alike; and how much more than the noise of gravity may be left, or something else is wrong."""


class Found(NamedTuple):
    """A mistake.

    Attributes:
        cause: what undoes it.
        gain: nats a control step by which the log is more likely without it.
        evidence: the same by factor, the largest first.
        others: causes of other terms that explain nearly as much.
        witness: what alone tells of it, "turns" or "range"; empty for all together.
    """

    cause: Candidate
    gain: float
    evidence: List[Tuple[str, float]]
    others: List[Candidate]
    witness: str = ""


def _terms(found: Sequence[Found]) -> Set[str]:
    return {mistake.term for each in found for mistake in each.cause}


class Search:
    """A log and all that speaks for or against mistakes in it."""

    def __init__(
        self,
        layout: Layout,
        values: Values,
        evidence: Evidence,
        rows: np.ndarray,
        replay: Optional[Replay] = None,
        misled: bool = False,
        saw: bool = False,
        dead: AbstractSet[str] = frozenset(),
    ) -> None:
        """Prepare.

        Args:
            layout: of the observations.
            values: the log in plain SI units.
            evidence: what its columns allow.
            rows: (R,) control steps that it is taken at.
            replay: the network on the log, where its actions are not those of the log; None leaves it out.
            misled: whether the policy is known to have acted on wrong numbers, so that the robot may do anything.
            saw: whether the network gives the logged actions, so that it acted on all mistakes of observations.
            dead: terms with constant columns, of which the network tells nothing.
        """
        self._layout, self._base, self._evidence, self._replay = layout, values, evidence, replay
        self._saw, self._dead = saw, dead
        self._rows, self._few = rows, rows[:: max(1, len(rows) // _FIRST_ROWS)]
        self._least = _MISLED if misled else _LEAST_GAIN + _FEW / len(rows)
        both = ACTION in values and ACTIONS in values
        self._there = [name for name in values if both or name not in (ACTION, ACTIONS)]
        self._candidates = candidates(layout, self._there)
        self._weights = np.array([min(mistake.weight for mistake in cause) for cause in self._candidates])
        if replay is None:
            told = [cause[0].term in (COMMANDS, HEIGHT) for cause in self._candidates]
            self._weights[told] *= _TOLD

    def run(self) -> List[Found]:
        """The mistakes, in the order in which they are to be undone."""
        found: List[Found] = []
        for _ in range(MOST_MISTAKES):
            best = self._best([each.cause for each in found])
            if best is None:
                break
            found = self._again([*found, best])
        return found

    def of_turning(self, found: Sequence[Found]) -> List[Found]:
        """At most one mistake of gyroscope or gravity, too small for `run` or of a robot that moves as it never did.

        How gravity turns is what the gyroscope says, whatever the robot does, so the noise of this very log is the
        measure. What would explain that alike is told apart by all other evidence.
        """
        values = self.undone([each.cause for each in found])
        if not all(name in values for name in (GYRO, GRAVITY)):
            return []
        first, last = int(self._rows[0]) - MOST_SHIFT, int(self._rows[-1]) + MOST_SHIFT - 1
        before = unturned(values, first, last, self._layout.dt)
        nats: Dict[int, float] = {}
        for index, cause in enumerate(self._candidates):
            if len(cause) == 1 and cause[0].term in (GYRO, GRAVITY) and cause[0].kind in _LENGTHS_STAY:
                new = {**values, cause[0].term: cause[0].undo(values, self._layout.dt)}
                after = unturned(new, first, last, self._layout.dt)
                if (after.spread < _QUIET * after.noise).all():
                    nats[index] = after.samples * float(np.log(before.spread / after.spread).sum())
        if not nats or max(nats.values()) < _LEAST_NATS:
            return []
        state, most = self._evidence.state(values, self._rows), max(nats.values())
        alike = [index for index, gain in nats.items() if gain > most - _ALIKE]
        gains = {index: self._gain(state, self._candidates[index]) for index in alike}
        best = max(alike, key=lambda index: (gains[index] + nats[index] / len(self._rows)) * self._weights[index])
        others = [
            self._candidates[index]
            for index in alike
            if self._candidates[index][0].term != self._candidates[best][0].term
        ]
        return [
            Found(self._candidates[best], gains[best], [("turns", nats[best] / len(self._rows))], others[:1], "turns")
        ]

    def of_ranges(self, found: Sequence[Found]) -> List[Found]:
        """Commands that are wrong by a factor, where the robot did what it was told: none is far beyond its range."""
        values = self.undone([each.cause for each in found])
        more: List[Found] = []
        for name in sorted({COMMANDS, HEIGHT} & set(values) - _terms(found)):
            before = strangeness(self._layout, name, values[name])
            best: Optional[Candidate] = None
            most = _LEAST_GAIN
            for cause in self._candidates if before > 0.0 else ():
                if cause[0].term == name and cause[0].kind in (SCALE, IN_DEGREES):
                    told = cause[0].undo(values, self._layout.dt)
                    gain = before - strangeness(self._layout, name, told) + cause[0].volume * told.shape[1]
                    if gain > most:
                        best, most = cause, gain
            if best is not None:
                more.append(Found(best, most, [("range", most)], [], "range"))
        return more

    def undone(self, causes: Sequence[Candidate]) -> Values:
        """The log without mistakes; wrong frames last, as they are turned by other terms."""
        values = dict(self._base)
        for mistake in sorted((each for cause in causes for each in cause), key=lambda each: each.kind == FRAME):
            values[mistake.term] = mistake.undo(values, self._layout.dt)
        return values

    def _again(self, found: List[Found]) -> List[Found]:
        """Look at each of several mistakes again, with the others undone."""
        for index in range(len(found) - 1 if len(found) > 1 else 0):
            rest = [each.cause for k, each in enumerate(found) if k != index]
            better = self._best(rest)
            if better is None:
                return [each for k, each in enumerate(found) if k != index]
            found[index] = better
        return found

    def _best(self, known: Sequence[Candidate]) -> Optional[Found]:
        """The next mistake, after those that are known; None if nothing explains enough."""
        values = self.undone(known)
        wrong = bool(self._dead) or any(mistake.term not in (MOTOR, ACTION) for cause in known for mistake in cause)
        least = max(self._least, _ACTED if self._saw and wrong else 0.0)
        first, state = (self._evidence.state(values, rows) for rows in (self._few, self._rows))
        gains = np.array([self._gain(first, cause) for cause in self._candidates])
        for index in self._promising(gains):
            gains[index] = self._gain(state, self._candidates[index])
        gains += self._replayed(values, gains)
        weighted = gains * self._weights
        best = int(np.argmax(weighted))
        cause = self._candidates[best]
        if not weighted[best] > max(least, self._unexplained([*known, cause])):
            return None
        parts = sorted(self._gains(state, cause).items(), key=lambda part: -part[1])
        others: Dict[Tuple[str, ...], Candidate] = {}
        for index in np.argsort(-weighted):
            if weighted[index] < _CLOSE * weighted[best]:
                break
            terms = tuple(mistake.term for mistake in self._candidates[index])
            if terms != tuple(mistake.term for mistake in cause):
                others.setdefault(terms, self._candidates[index])
        return Found(cause, float(gains[best]), parts, list(others.values()))

    def _unexplained(self, known: Sequence[Candidate]) -> float:
        """A share of how much less likely than a walk of training a log stays, with mistakes undone."""
        state = self._evidence.state(self.undone(known), self._rows)
        return _UNEXPLAINED * min(_STRANGEST, float(state.losses.sum()) - _USUAL * len(state.losses))

    def _promising(self, gains: np.ndarray) -> List[int]:
        """The best candidates of all and of each term; all others are worth nothing from then on."""
        order = np.argsort(-gains * self._weights)
        seen: Counter[Tuple[str, ...]] = Counter()
        chosen = set(order[:_PROMISING].tolist())
        for index in order.tolist():
            terms = tuple(mistake.term for mistake in self._candidates[index])
            seen[terms] += 1
            if seen[terms] <= _PROMISING_OF_TERM or (len(self._layout.parts(terms[0])) < _UNSEEN and len(terms) == 1):
                chosen.add(index)
        gains[[index for index in order.tolist() if index not in chosen]] = -np.inf
        return sorted(chosen)

    def _gain(self, state: State, cause: Candidate) -> float:
        """All evidence together."""
        total = 0.0
        for name, gain in self._gains(state, cause).items():
            doubted = name in (_WALKING if self._saw and gain > 0.0 else _STATIC)
            total += gain * (1.0 if gain > 0.0 else _AGAINST) * (_SHARE if doubted else 1.0)
        return total

    def _gains(self, state: State, cause: Candidate) -> Dict[str, float]:
        """How much more likely each piece of evidence makes the log without a mistake, nats a control step."""
        new: Values = {}
        for mistake in cause:
            new[mistake.term] = mistake.undo({**state.values, **new}, self._layout.dt)
        return self._evidence.gains(state, new, {mistake.term: mistake.volume for mistake in cause})

    def _replayed(self, values: Values, gains: np.ndarray) -> np.ndarray:
        """What the network adds to the gains of those candidates that may win."""
        added = np.zeros(len(gains))
        if self._replay is None:
            return added
        blind = {MOTOR, *self._dead}
        tried = [k for k in np.flatnonzero(np.isfinite(gains)) if self._candidates[k][0].term not in blind]
        versions = [values]
        for index in tried:
            new = dict(values)
            for mistake in self._candidates[index]:
                new[mistake.term] = mistake.undo(new, self._layout.dt)
            versions.append(new)
        losses = self._replay.loss(versions, self._base)
        added[tried] = losses[0] - losses[1:]
        return added
