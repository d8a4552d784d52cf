"""A log against a policy: everything that is checked, in order."""

from __future__ import annotations

import os
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.logcheck import words
from legged_gym.logcheck.compare import Difference, compare
from legged_gym.logcheck.evidence import Evidence
from legged_gym.logcheck.layout import ACTION, ACTIONS, GRAVITY, GYRO, MOTOR, POS, VECTORS, VEL, Layout, Values
from legged_gym.logcheck.log_file import Log
from legged_gym.logcheck.mistakes import CONSTANT, MOST_SHIFT, OTHER, Mistake
from legged_gym.logcheck.readings import QUAT, SOURCES, built
from legged_gym.logcheck.replay import SAME, Replay
from legged_gym.logcheck.search import Found, Search
from legged_gym.logcheck.statistics import STATISTICS_FILE, Statistics
from legged_gym.sim2sim.network import Network

OK, WRONG, UNCHECKED = "ok", "WRONG", "not checked"

_MOST_ROWS = 150
"""Control steps that the evidence is the mean of, spread over the log."""
_FALLEN = 0.6  # cosine of how far gravity has turned since the beginning
_BEGINNING, _SHORTEST = 10, 24  # control steps
_NEARLY = 0.4
"""Share of a deviation of actions that noise leaves of it where a frame was turned back."""
_WILD = 2.5
"""How many times actions vary as in training, from which on joints cannot follow."""
_MARGIN = MOST_SHIFT + 2
_MOVING = (*VECTORS, POS, VEL, ACTIONS, "phase")
"""Terms that are never constant while a robot is at work."""


class Finding(NamedTuple):
    """What is wrong with one or two terms, of one cause.

    Attributes:
        terms: which; `action` is the logged action, `motor` what the joints were given, `gyro` and so on a reading.
        kind: as of `Mistake`.
        text, evidence, mend: in words.
        others: what would explain it nearly as well.
    """

    terms: Tuple[str, ...]
    kind: str
    text: str
    evidence: str
    mend: str
    others: Tuple[str, ...] = ()


class Report(NamedTuple):
    """All that was found.

    Attributes:
        findings: what is wrong.
        rows: term, `OK`, `WRONG` or `UNCHECKED`, and why.
        notes: more to know.
        steps: control steps of the log.
    """

    findings: List[Finding]
    rows: List[Tuple[str, str, str]]
    notes: List[str]
    steps: int


def check_log(policy: Network, path: str) -> Report:
    """Check a log.

    Raises:
        UserError: policy or log cannot be used.
    """
    return _Check(policy, path).run()


class _Check:
    """One log and what is known of it so far."""

    def __init__(self, policy: Network, path: str) -> None:
        self._policy, self._layout = policy, Layout(policy.description)
        folder = os.path.dirname(os.path.abspath(policy.path))
        self._statistics = Statistics(os.path.join(folder, STATISTICS_FILE), policy.description, self._layout)
        self._log = Log(path, self._layout)
        self._notes = list(self._log.notes)
        self._findings: List[Finding] = []
        terms = self._layout.terms
        self._seen = {name: values / terms[name].scale for name, values in self._log.seen.items() if terms[name].plain}
        self._readings = built(self._log, self._layout)
        self._values = self._first_values()

    def run(self) -> Report:
        """Constant columns, observations against readings, then what explains the rest."""
        dead = self._look_for_constants()
        self._rows = self._useful_rows()
        self._wild = self._actions_are_wild()
        self._gather()
        differences = self._compare(dead)
        for difference in differences:
            self._findings += _of_difference(difference, self._layout)
            if not difference.of_reading:
                self._values[difference.term] = self._readings[difference.term]
        self._gather()
        replay = self._replay(bool(dead))
        errors = [replay.error(each, self._given) for each in (self._given, self._values)] if replay else [0.0]
        needed = replay if min(errors) >= SAME else None
        saw = replay is not None and errors[0] < SAME
        misled = saw and any(not each.of_reading for each in differences)
        search = Search(self._layout, self._values, self._evidence, self._rows, needed, misled, saw, dead)
        found = search.run()
        self._findings += [_of_search(each, self._layout) for each in found]
        if not {GYRO, GRAVITY, "gyro", QUAT} & {term for finding in self._findings for term in finding.terms}:
            found += search.of_turning(found)
            self._findings += [_of_search(each, self._layout) for each in found if each.witness == "turns"]
        if needed is None:
            found += search.of_ranges(found)
            self._findings += [_of_search(each, self._layout) for each in found if each.witness == "range"]
        if replay is not None:
            left = replay.error(search.undone([each.cause for each in found]), self._given)
            self._tell_of_network(errors[0], left, bool(dead))
        return Report(self._findings, self._table(replay is not None), self._notes, self._log.steps)

    def _first_values(self) -> Values:
        """What the network saw, else what was read; what the log says of actions."""
        values = {**self._readings, **self._seen}
        if self._log.action.size:
            values[ACTION] = self._log.action
            values[MOTOR] = np.roll(self._log.action, 1, axis=0)
            if ACTIONS not in self._seen:
                values.pop(ACTIONS, None)
        elif ACTIONS in values:
            values[MOTOR] = values[ACTIONS]
        if GRAVITY not in self._seen and QUAT in self._log.readings:
            values[QUAT] = self._log.readings[QUAT]
        return values

    def _look_for_constants(self) -> Set[str]:
        """Columns that never change, which tell nothing; returns their terms."""
        found: Dict[str, np.ndarray] = {}
        for source, table in (("", self._seen), ("reading", self._readings)):
            for name, values in table.items():
                if name in _MOVING and name in self._statistics.terms and (source == "" or name not in self._seen):
                    dead = (np.ptp(values, axis=0) <= 0.0) & (self._statistics.std[name] > 0.0)
                    if dead.any():
                        found[name] = dead
        moving = [name for name in self._values if name in _MOVING and name != "phase"]
        if moving and all(name in found and found[name].all() for name in moving):
            raise UserError(f"{self._log.path}: nothing moves in this log; take one of the robot walking")
        for name, dead in found.items():
            cause = Mistake(name, CONSTANT, factor=np.where(dead, 0.0, 1.0))
            value = self._values[name][0, int(np.argmax(dead))]
            evidence = f"{value:.4g} in all {self._log.steps} control steps"
            self._findings.append(_finding((name,), cause, self._layout, evidence))
        return set(found)

    def _useful_rows(self) -> np.ndarray:
        """Control steps with neighbours, until a fall."""
        end, gravity = self._log.steps, self._values.get(GRAVITY)
        if gravity is not None:
            unit = gravity / np.linalg.norm(gravity, axis=1, keepdims=True).clip(1e-9)
            first = unit[:_BEGINNING].mean(0)
            fallen = np.flatnonzero(unit @ first < _FALLEN * np.linalg.norm(first))
            if len(fallen):
                end = max(int(fallen[0]), _SHORTEST)
                self._notes.append(f"the robot falls after {end * self._layout.dt:.2f} s; what comes later is left out")
        rows = np.arange(_MARGIN - 1, min(end, self._log.steps - _MARGIN))
        if len(rows) > _MOST_ROWS:
            rows = rows[np.linspace(0, len(rows) - 1, _MOST_ROWS).astype(int)]
        return rows

    def _actions_are_wild(self) -> bool:
        """Whether actions are so large that motors come to their limits, and joints do not follow as they do else."""
        if MOTOR not in self._values or ACTIONS not in self._statistics.terms:
            return False
        spread, usual = self._values[MOTOR][self._rows].std(0), self._statistics.std[ACTIONS]
        if not np.median(spread[usual > 0.0] / usual[usual > 0.0]) > _WILD:
            return False
        self._notes.append("actions are far beyond those of training: whether joints follow them was not checked")
        return True

    def _gather(self) -> None:
        """The evidence for the numbers as they now are."""
        live = {name: np.ptp(values, axis=0) > 0.0 for name, values in self._values.items() if name != QUAT}
        for name in live:
            if name not in _MOVING and name not in (ACTION, MOTOR):
                live[name][:] = True
        if self._wild and MOTOR in live:
            live[MOTOR][:] = False
        self._evidence = Evidence(self._layout, self._statistics, live)

    def _compare(self, dead: Set[str]) -> List[Difference]:
        return compare(self._layout, self._seen, self._readings, self._evidence, self._values, self._rows, dead)

    def _replay(self, blind: bool) -> Optional[Replay]:
        """The network on what it was given, if the log has all of that."""
        given = dict(self._log.seen)
        for name, term in self._layout.terms.items():
            if name not in given and name in self._readings and term.plain:
                plain = self._readings[name] if term.clip is None else np.clip(self._readings[name], *term.clip)
                given[name] = plain * term.scale
        missing = [name for name in self._layout.terms if name not in given]
        if missing or not self._log.action.size:
            lacking = [*missing, *([] if self._log.action.size else [ACTION])]
            self._notes.append(f"the network was not run: the log lacks {', '.join(lacking)}")
            return None
        self._given = {**self._readings, **self._seen, ACTION: self._log.action}
        return Replay(self._policy, self._layout, given, self._rows, blind)

    def _tell_of_network(self, before: float, after: float, dead: bool) -> None:
        """Whether the actions are the network's, as logged and with all mistakes undone."""
        if before < SAME:
            self._notes.append("the network gives the logged actions: it saw what the log says, mistakes included")
        elif after < max(SAME, _NEARLY * before):
            self._notes.append("with the mends the network gives the logged actions: it saw none of these mistakes")
        elif not dead:
            text = f"not what this network gives, by {100.0 * after:.0f} % of how much they vary"
            mend = (
                "compare the SHA-256 of the policy, its memory at the start, and every observation with docs/deploy.md"
            )
            self._findings.append(Finding((ACTION,), OTHER, text, "network on the logged observations", mend))

    def _table(self, replayed: bool) -> List[Tuple[str, str, str]]:
        """A line for every term and for what is no observation."""
        wrong = {term for finding in self._findings for term in finding.terms}
        rows = []
        for name in self._layout.terms:
            known = name in self._values and name in self._statistics.terms
            if name in wrong:
                rows.append((name, WRONG, ""))
            elif known and (name in (*_MOVING, "base_height") or name in self._readings or replayed):
                rows.append((name, OK, "" if name in self._seen else f"from {SOURCES.get(name, 'the readings')}"))
            elif name in self._log.seen and replayed:
                rows.append((name, OK, "by the network alone"))
            else:
                why = (
                    "the log does not have it" if name not in self._log.seen else "nothing tells of it but the network"
                )
                rows.append((name, UNCHECKED, why))
        for name in (ACTION, MOTOR):
            there = name in self._values and (replayed if name == ACTION else POS in self._values and not self._wild)
            rows.append((name, WRONG if name in wrong else OK if there else UNCHECKED, ""))
        rows += [(name, WRONG, "") for name in sorted(wrong - {row[0] for row in rows})]
        return rows


def _finding(
    terms: Tuple[str, ...], cause: Mistake, layout: Layout, evidence: str, others: Sequence[str] = ()
) -> Finding:
    return Finding(terms, cause.kind, words.what(cause, layout), evidence, words.mend(cause, layout), tuple(others))


def _of_search(found: Found, layout: Layout) -> Finding:
    terms = tuple(each.term for each in found.cause)
    if terms == (ACTION, MOTOR):
        terms = (ACTION,)
    others = [
        f"{words.subject([each.term for each in other])}: {words.what(other[0], layout)}" for other in found.others
    ]
    return _finding(terms, found.cause[0], layout, words.evidence_words(found.evidence), others)


def _of_difference(difference: Difference, layout: Layout) -> List[Finding]:
    other = difference.term if difference.of_reading else SOURCES.get(difference.term, "the readings")
    evidence = f"off from {other} by {100.0 * difference.before:.0f} %, {100.0 * difference.after:.1f} % with the mend"
    if difference.causes:
        return [_finding((difference.source,), cause, layout, evidence) for cause in difference.causes]
    text = f"not what {other} says, and nothing simple explains it"
    return [Finding((difference.source,), OTHER, text, evidence, "compare it with docs/deploy.md")]
