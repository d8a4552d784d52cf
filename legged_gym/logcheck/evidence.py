"""How likely a log is: how well each column follows from others, as it did while the policy walked in training.

A piece of evidence is a residual for every control step: what a column is, less what follows from others. Its loss is
the mean over time of -log p by Student's t with few degrees of freedom: what is far off counts little more than what is
off, so that a fall or a push does not outweigh a walk. Together they are a composite likelihood: what shrinks a column
pays for it with the logarithm of the factor, or everything would be best in degrees taken for radians. What widens a
column is paid nothing: a robot that stands still is no mistake.

What the joints were given stands for the observation of the last action wherever the robot's motion follows from it.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from legged_gym.logcheck.layout import ACTION, ACTIONS, GRAVITY, GYRO, MOTOR, POS, VECTORS, VEL, Layout, Values
from legged_gym.logcheck.statistics import Column, Statistics

_FREEDOM = 3.0
TURN_STEPS = 8
"""Control steps over which gravity turns more than its noise."""
_TURN = 0.025
"""Deviation of gravity turned by a gyroscope for so long."""
_SAME = 1e-3  # of an action, relative to how much it varies
_CLOCK = 0.02  # of the sine and cosine of a phase
_START = 0.6  # of a phase at the start: a hint that is less than what a mistake takes


class Special(NamedTuple):
    """Evidence that is not linear.

    Attributes:
        name: for people.
        targets: term of each column.
        terms: what is read.
        residuals: values and control steps (R,) -> (R, n), in deviations.
    """

    name: str
    targets: Tuple[str, ...]
    terms: Tuple[str, ...]
    residuals: Callable[[Values, np.ndarray], np.ndarray]


class State(NamedTuple):
    """Values and what they come to at some control steps."""

    values: Values
    rows: np.ndarray
    residuals: np.ndarray
    losses: np.ndarray
    special: List[float]


def t_loss(residuals: np.ndarray) -> np.ndarray:
    """(n,) means of -log p of residuals (R, n), in deviations, up to a constant."""
    return np.asarray(0.5 * (_FREEDOM + 1.0) * np.log1p(residuals**2 / _FREEDOM).mean(0))


class Evidence:
    """All that the columns of a log allow."""

    def __init__(self, layout: Layout, statistics: Statistics, live: Mapping[str, np.ndarray]) -> None:
        """Work out what follows from what.

        Args:
            layout: of the observations.
            statistics: of the policy.
            live: term, `ACTION` and `MOTOR` -> (n,), which columns can be used; terms that the log lacks are not in it.
        """
        self._statistics = statistics
        known = {
            ACTIONS if name == MOTOR else name: used for name, used in live.items() if name not in (ACTIONS, ACTION)
        }
        self._live = {name: known[name] & (statistics.std[name] > 0.0) for name in statistics.terms if name in known}
        self._names: List[str] = []
        self._targets: List[str] = []
        self._entries: List[Tuple[Sequence[Column], np.ndarray]] = []  # columns, weights (n, targets)
        self._gather(layout, [name for name, used in self._live.items() if used.any()])
        self._assemble()
        self._special: List[Special] = []
        if all(name in self._live and self._live[name].all() for name in (GYRO, GRAVITY)):
            self._special.append(_turns(layout.dt))
        if ACTIONS in live and ACTION in live:
            self._special.append(_last_action(layout, np.flatnonzero(live[ACTIONS] & live[ACTION])))
        if "phase" in live and live["phase"].all():
            self._special += _clock(layout)

    def state(self, values: Values, rows: np.ndarray) -> State:
        """What values come to at control steps whose neighbours are there too."""
        residuals = np.tile(self._constant, (len(rows), 1))
        for (name, later), weights in self._weights.items():
            residuals += values[name][rows + later] @ weights
        special = [float(t_loss(each.residuals(values, rows)).sum()) for each in self._special]
        return State(values, rows, residuals, t_loss(residuals), special)

    def loss(self, state: State) -> float:
        """Nats a control step."""
        return float(state.losses.sum()) + sum(state.special)

    def gains(self, state: State, new: Values, volumes: Mapping[str, float]) -> Dict[str, float]:
        """How much more likely each piece of evidence makes other values, nats a control step.

        Args:
            state: the values as they are.
            new: the terms that are others.
            volumes: of these terms, see `Mistake.volume`.
        """
        touched = np.zeros(len(self._targets), bool)
        change = np.zeros_like(state.residuals)
        for name, values in new.items():
            off = values - state.values[name] if name in state.values else values
            for later in (0, 1):
                if (name, later) in self._weights:
                    change += off[state.rows + later] @ self._weights[name, later]
                    touched |= self._touched[name]
        columns = np.flatnonzero(touched)
        gained = state.losses[columns] - t_loss(state.residuals[:, columns] + change[:, columns])
        found: Dict[str, float] = {}
        for column, gain in zip(columns.tolist(), gained.tolist()):
            name = self._names[column]
            found[name] = found.get(name, 0.0) + gain + volumes.get(self._targets[column], 0.0)
        whole = {**state.values, **new}
        for each, before in zip(self._special, state.special):
            if any(name in new for name in each.terms):
                paid = sum(volumes.get(name, 0.0) for name in each.targets)
                found[each.name] = before - float(t_loss(each.residuals(whole, state.rows)).sum()) + paid
        return found

    # ---------------------------------------------------------------- what follows from what

    def _gather(self, layout: Layout, have: Sequence[str]) -> None:
        for name in have:
            self._follows("spread", name, [])
        if POS in have and VEL in have:
            self._speeds(layout.dt)
        if POS in have and ACTIONS in have:
            for name, given in (("tracking", []), ("drive", [(POS, 0)])):
                self._follows(name, POS, [*given, (ACTIONS, 0), (ACTIONS, 1)], own=True)
        joints = [(name, later) for name in (POS, VEL) if name in have for later in (0, 1)]
        for name in VECTORS:
            if name in have and joints:
                self._follows("legs", name, joints)
        if have:
            self._everything(have)

    def _columns(self, terms: Sequence[Tuple[str, int]]) -> List[Column]:
        return [(name, int(i), later) for name, later in terms for i in np.flatnonzero(self._live[name])]

    def _follows(self, name: str, target: str, given: Sequence[Tuple[str, int]], own: bool = False) -> None:
        """Add a regression on what is given; `own`: each column from those of its number alone."""
        source = self._columns(given)
        for column in self._columns([(target, 1)]):
            used = [each for each in source if each[1] == column[1] or not own]
            weights, deviation = self._statistics.follow(column, used)
            self._add(name, target, [column, *used], np.concatenate(([1.0], -weights)) / deviation)

    def _speeds(self, dt: float) -> None:
        """Add joint speeds against differences of joint angles."""
        signs = np.array([0.5, 0.5, 1.0 / dt, -1.0 / dt])
        for i in np.flatnonzero(self._live[POS] & self._live[VEL]).tolist():
            columns = [(VEL, i, 0), (VEL, i, 1), (POS, i, 0), (POS, i, 1)]
            self._add("speeds", VEL, columns, signs / np.sqrt(signs @ self._statistics.covariance(columns) @ signs))

    def _everything(self, have: Sequence[str]) -> None:
        """Add each column from all others at this control step and the one before.

        But for actions: what a policy does on other ground is not linear in what it sees.
        """
        columns = self._columns([(name, later) for later in (0, 1) for name in have])
        precision = np.linalg.inv(self._statistics.covariance(columns))
        for k, column in enumerate(columns):
            if column[2] == 1 and column[0] != ACTIONS:
                self._add("all", column[0], columns, precision[:, k] / np.sqrt(precision[k, k]))

    def _add(self, name: str, target: str, columns: Sequence[Column], weights: np.ndarray) -> None:
        self._names.append(name)
        self._targets.append(_moved(target))
        self._entries.append((columns, weights))

    def _assemble(self) -> None:
        """One matrix for each term and control step."""
        shapes = {(name, later): len(self._statistics.mean[name]) for name in self._live for later in (0, 1)}
        self._weights = {
            (_moved(name), later): np.zeros((n, len(self._entries))) for (name, later), n in shapes.items()
        }
        self._constant = np.zeros(len(self._entries))
        for k, (columns, weights) in enumerate(self._entries):
            self._constant[k] = -self._statistics.means(columns) @ weights
            for (name, i, later), weight in zip(columns, weights):
                self._weights[_moved(name), later][i, k] += weight
        self._touched = {
            _moved(name): (self._weights[_moved(name), 0] != 0.0).any(0)
            | (self._weights[_moved(name), 1] != 0.0).any(0)
            for name in self._live
        }


def _moved(name: str) -> str:
    return MOTOR if name == ACTIONS else name


def _turns(dt: float) -> Special:
    """The gyroscope against how gravity turns: dg/dt = -w x g, which leaves out what turns about g."""

    def residuals(values: Values, rows: np.ndarray) -> np.ndarray:
        gravity, rate = values[GRAVITY], values[GYRO]
        turned = np.cumsum(np.cross(0.5 * (rate[1:] + rate[:-1]), 0.5 * (gravity[1:] + gravity[:-1])), axis=0) * dt
        turned = np.concatenate((np.zeros((1, 3)), turned))
        later = np.minimum(rows + TURN_STEPS, len(gravity) - 1)
        return np.asarray((gravity[later] - gravity[rows] + turned[later] - turned[rows]) / _TURN)

    return Special("turns", (GYRO,) * 3, (GYRO, GRAVITY), residuals)


def _last_action(layout: Layout, columns: np.ndarray) -> Special:
    """The observation of the last action is the action of the row before."""
    clip = layout.description["actions"]["clip"]

    def residuals(values: Values, rows: np.ndarray) -> np.ndarray:
        given = np.clip(values[ACTION][rows][:, columns], -clip, clip)
        deviation = _SAME * np.maximum(given.std(0), _SAME)
        return np.asarray((values[ACTIONS][rows + 1][:, columns] - given) / deviation)

    return Special("last action", (ACTIONS,) * len(columns), (ACTIONS, ACTION), residuals)


def _clock(layout: Layout) -> List[Special]:
    """Sine and cosine go on by a constant angle; they begin at 0 and 1, if the log begins with the episode."""
    entries = [term for group in layout.description["observations"].values() for term in group["terms"]]
    frequency = next(term.get("frequency") for term in entries if term["name"] == "phase")
    if frequency is None or len(layout.parts("phase")) != 2:
        return []
    angle = 2.0 * np.pi * frequency * layout.dt
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def residuals(values: Values, rows: np.ndarray) -> np.ndarray:
        phase = values["phase"]
        start = np.full(len(rows), _START * np.linalg.norm(phase[0] - [0.0, 1.0]))
        return np.column_stack(((phase[rows + 1] - phase[rows] @ turn) / _CLOCK, start))

    return [Special("clock", ("phase", "phase", "time"), ("phase",), residuals)]
