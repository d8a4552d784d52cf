"""Mistakes that a log may have been made with, each as what undoes it."""

from __future__ import annotations

import itertools
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from legged_gym.logcheck.layout import (
    ACTION,
    ACTIONS,
    GRAVITY,
    GYRO,
    JOINTS,
    MOTOR,
    POS,
    SPEED,
    VECTORS,
    VEL,
    Layout,
    Values,
    legs_of,
)
from legged_gym.logcheck.readings import QUAT, gravity_of
from legged_gym.logcheck.turning import base_from_world, gravity_from_inverse

DEGREES = 180.0 / np.pi
MOST_SHIFT = 3
"""Control steps that a term may be late."""
ORDER, SIGN, SCALE, IN_DEGREES, OFFSET, LATE, EARLY, FRAME, CONSTANT, OTHER = (
    "order", "sign", "scale", "degrees", "offset", "late", "early", "frame", "constant", "other",
)  # fmt: skip

_RARE = 0.7
"""Weight of what is thought of, but what nobody does without a reason."""
_TWO = 0.85
"""Weight of one cause that makes two terms wrong, times that of each of them."""
_START_YAWS = np.arange(8) * np.pi / 4.0
_MOST_COLUMNS = 4  # of a term of which all orders and signs are tried
_MOST_ORDERS = 24


class Mistake(NamedTuple):
    """Of one term.

    Attributes:
        term: which.
        kind: one of the words above.
        take: column i of the truth is this column of the log; None for all as they are.
        factor, offset: (n,), with which the truth is made of them.
        shift: control steps that the log is late.
        turn: from all values and the control step to the truth of this term.
        note: what kind of it.
        weight: how readily it is believed.
    """

    term: str
    kind: str
    take: Optional[Tuple[int, ...]] = None
    factor: Optional[np.ndarray] = None
    offset: Optional[np.ndarray] = None
    shift: int = 0
    turn: Optional[Callable[[Values, float], np.ndarray]] = None
    note: str = ""
    weight: float = 1.0

    def undo(self, values: Values, dt: float) -> np.ndarray:
        """The term as it would be without the mistake, (T, n)."""
        if self.turn is not None:
            return self.turn(values, dt)
        found = values[self.term]
        if self.take is not None:
            found = found[:, list(self.take)]
        if self.factor is not None:
            found = found * self.factor
        if self.offset is not None:
            found = found + self.offset
        return np.roll(found, -self.shift, axis=0) if self.shift else found

    @property
    def volume(self) -> float:
        """Logarithm of what undoing shrinks a column by, mean of the columns; 0 for what widens them."""
        return 0.0 if self.factor is None else float(np.minimum(np.log(np.abs(self.factor)), 0.0).mean())


Candidate = Tuple[Mistake, ...]
"""Of several terms at once, as one cause has them."""


def candidates(layout: Layout, there: Sequence[str]) -> List[Candidate]:
    """All that is thought of, likely causes first.

    Args:
        layout: of the observations.
        there: terms that can be wrong, `ACTION`, `MOTOR` and `QUAT` among them if the log has them.
    """
    found: List[Candidate] = []
    for name in there:
        if name == ACTION:  # the joints were not given what the log says
            found += [(mistake, mistake._replace(term=MOTOR)) for mistake in _of(layout, name)]
        elif name != QUAT:
            found += [(mistake,) for mistake in _of(layout, name)]
    if GRAVITY in there and QUAT in there:
        found += [(mistake,) for mistake in _quaternions()]
    for pair, makers in (((POS, VEL), (_joint_orders, _joint_signs)), ((GYRO, GRAVITY), (_axes,))):
        if all(name in there for name in pair):
            for make in makers:
                both = zip(*(make(layout, name) for name in pair))
                found += [(a, b._replace(weight=_TWO * b.weight)) for a, b in both]
    return found


def _of(layout: Layout, name: str) -> Iterator[Mistake]:
    size = len(layout.parts(name))
    yield from _scales(layout, name)
    if name in VECTORS:
        yield from _axes(layout, name)
    elif name in JOINTS and size == len(layout.joints):
        yield from _joint_orders(layout, name)
        yield from _joint_signs(layout, name)
    elif size <= _MOST_COLUMNS:
        yield from _small(layout, name)
    # within the delays of training, which differ from robot to robot, no joint is late
    low, high = layout.description["actions"]["delay_steps"] if name == MOTOR else (0, 0)
    for steps in range(1 + high - low, MOST_SHIFT + 1):
        # what the joints do comes later than what the log says they were given
        way = -1 if name == MOTOR else 1
        yield Mistake(name, LATE, shift=way * steps)
        yield Mistake(name, EARLY, shift=-way * steps, weight=_RARE)
    if name == POS:
        yield Mistake(name, OFFSET, offset=-layout.default, note="absolute")
        yield Mistake(name, OFFSET, offset=layout.default, note="twice")
    if name in (GYRO, SPEED):
        for start in _START_YAWS:
            yield Mistake(name, FRAME, turn=base_from_world(name, start), note="world")
    if name == GRAVITY:
        for start in _START_YAWS:
            yield Mistake(name, FRAME, turn=gravity_from_inverse(start), note="inverse")


def _quaternions() -> Iterator[Mistake]:
    yield Mistake(GRAVITY, ORDER, turn=lambda values, dt: gravity_of(values[QUAT][:, [1, 2, 3, 0]]), note="wxyz")
    yield Mistake(GRAVITY, FRAME, turn=lambda values, dt: gravity_of(values[QUAT] * [-1, -1, -1, 1]), note="inverse")


def _axes(layout: Layout, name: str) -> Iterator[Mistake]:
    """All signs and orders of three axes."""
    for take in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            moved, turned = take != (0, 1, 2), min(signs) < 0.0
            if moved or turned:
                rare = take not in ((0, 1, 2), (1, 0, 2)) or signs == (1.0, 1.0, -1.0)
                factor = np.array(signs) if turned else None
                weight = _RARE if rare else 1.0
                yield Mistake(name, ORDER if moved else SIGN, take if moved else None, factor, weight=weight)


def _small(layout: Layout, name: str) -> Iterator[Mistake]:
    size = len(layout.parts(name))
    for take in itertools.permutations(range(size)):
        if take != tuple(range(size)):
            yield Mistake(name, ORDER, take)
    for signs in itertools.product((1.0, -1.0), repeat=size):
        if min(signs) < 0.0:
            yield Mistake(name, SIGN, factor=np.array(signs))
    if size > 1:
        for i in range(size):
            yield Mistake(name, IN_DEGREES, factor=np.where(np.arange(size) == i, 1.0 / DEGREES, 1.0))


def _joint_orders(layout: Layout, name: str) -> Iterator[Mistake]:
    """Legs in any order, joint by joint instead of leg by leg, joints of a leg in another order, pairs exchanged."""
    size, table = len(layout.joints), np.array(legs_of(layout.joints))
    orders = [table[list(order)] for order in itertools.islice(itertools.permutations(range(len(table))), _MOST_ORDERS)]
    inside = list(itertools.islice(itertools.permutations(range(table.shape[1])), 1, _MOST_ORDERS))
    if table.shape[1] > _MOST_COLUMNS:  # too many: neighbours and the whole turned round
        steps = np.arange(table.shape[1])
        inside = [tuple(order) for order in (*(_exchanged(steps, i, i + 1) for i in steps[:-1]), steps[::-1])]
    back = np.argsort(table.ravel())
    takes = [order.ravel()[back] for order in orders] + [table[:, list(order)].ravel()[back] for order in inside]
    takes += [np.argsort(order.T.ravel()) for order in orders] + [order.T.ravel() for order in orders]
    takes += [_exchanged(np.arange(size), i, j) for i, j in itertools.combinations(range(size), 2)]
    known = {tuple(range(size))}
    for take in (tuple(int(i) for i in each) for each in takes):
        if take not in known:
            known.add(take)
            yield Mistake(name, ORDER, take)


def _exchanged(order: np.ndarray, i: int, j: int) -> np.ndarray:
    order = order.copy()
    order[[i, j]] = order[[j, i]]
    return order


def _joint_signs(layout: Layout, name: str) -> Iterator[Mistake]:
    """All, single ones, the same joint of several legs, all of a leg."""
    size, table = len(layout.joints), np.array(legs_of(layout.joints))
    groups = [list(range(size)), *([i] for i in range(size)), *table.tolist()]
    for joint in table.T:
        for count in range(2, len(joint) + 1):
            groups += [list(chosen) for chosen in itertools.combinations(joint, count)]
    for group in groups:
        yield Mistake(name, SIGN, factor=np.where(np.isin(np.arange(size), group), -1.0, 1.0))


def _scales(layout: Layout, name: str) -> Iterator[Mistake]:
    size = len(layout.parts(name))
    scale = layout.terms[name].scale if name in layout.terms else np.ones(size)
    factors = [(np.full(size, 1.0 / DEGREES), IN_DEGREES, ""), (np.full(size, DEGREES), IN_DEGREES, "twice")]
    factors += [(scale, SCALE, "unscaled"), (1.0 / scale, SCALE, "twice")]
    if name in (ACTIONS, ACTION, MOTOR):
        share = layout.description["actions"]["scale"]
        factors += [(np.full(size, 1.0 / share), SCALE, "scaled"), (np.full(size, share), SCALE, "scaled twice")]
    if name == GRAVITY:
        factors.append((np.full(size, 1.0 / 9.81), SCALE, "m/s2"))
    factors += [(np.full(size, factor), SCALE, "") for factor in (0.5, 2.0, 0.1, 10.0, 1e-3, 1e3)]
    known = [np.ones(size)]
    for factor, kind, note in factors:
        if not any(np.allclose(factor, each) for each in known):
            known.append(factor)
            yield Mistake(name, kind, factor=factor, note=note)
