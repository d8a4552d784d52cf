"""Mistakes in words: what is wrong, and the mend in one line."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np

from legged_gym.errors import listed
from legged_gym.logcheck.layout import ACTION, ACTIONS, GRAVITY, MOTOR, Layout, legs_of
from legged_gym.logcheck.mistakes import (
    CONSTANT,
    EARLY,
    FRAME,
    IN_DEGREES,
    LATE,
    OFFSET,
    ORDER,
    SCALE,
    SIGN,
    Mistake,
)

_FEW = 6  # parts that are named one by one
NAMES = {MOTOR: "the command to the joints", ACTION: "the logged action"}


def what(mistake: Mistake, layout: Layout) -> str:
    """What is wrong with a term."""
    name, parts = mistake.term, layout.parts(mistake.term)
    if mistake.kind == ORDER:
        return _order(mistake, parts)
    if mistake.kind == SIGN:
        return f"{_names(_negative(mistake), parts)} negated"
    if mistake.kind == IN_DEGREES:
        wrong = f"{_scaled(mistake, parts)} in degrees".strip()
        return wrong if mistake.note == "" else "divided by 180/pi once too often"
    if mistake.kind == SCALE:
        return _scale(mistake)
    if mistake.kind == OFFSET:
        return (
            "not relative to the default pose" if mistake.note == "absolute" else "the default pose is taken off twice"
        )
    if mistake.kind in (LATE, EARLY):
        return f"{_steps(abs(mistake.shift))} {'late' if mistake.kind == LATE else 'early'}"
    if mistake.kind == FRAME:
        if name == GRAVITY:
            return "turned by the inverse of the orientation"
        return "in the world frame instead of the base's"
    if mistake.kind == CONSTANT:
        return f"{_names(_dead(mistake), parts)} constant"
    return mistake.note


def mend(mistake: Mistake, layout: Layout) -> str:
    """What to do about it."""
    name, parts = mistake.term, layout.parts(mistake.term)
    if mistake.note == "wxyz":
        return "give the quaternion as x, y, z, w"
    if mistake.kind in (ORDER, SIGN):
        return _columns(mistake, parts)
    if mistake.kind == IN_DEGREES:
        way = "pi/180" if mistake.note == "" else "180/pi"
        return f"multiply {_scaled(mistake, parts) or 'it'} by {way}"
    if mistake.kind == SCALE:
        return f"multiply by {_number(mistake.factor)}"
    if mistake.kind == OFFSET:
        sign = "subtract default_pos of each joint" if mistake.note == "absolute" else "add default_pos of each joint"
        return f"{sign} ({', '.join(f'{value:g}' for value in layout.default)})"
    if mistake.kind in (LATE, EARLY):
        return _time_mend(mistake)
    if mistake.kind == FRAME:
        if name == GRAVITY:
            return "gravity in the base is R^T (0, 0, -1), with R from the base to the world"
        return "turn it by R^T, with R from the base to the world"
    if mistake.kind == CONSTANT:
        return "give what is measured" if name not in (ACTIONS,) else "give the last action"
    return "compare it with docs/deploy.md"


def _time_mend(mistake: Mistake) -> str:
    if mistake.term == MOTOR:
        return "send the action in the control step that it was computed in, or train with that action_delay"
    if mistake.term == ACTIONS:
        return "give the action of the row before"
    return "read it in the control step that it is given to the network in, as all others"


def _order(mistake: Mistake, parts: Sequence[str]) -> str:
    if mistake.note == "wxyz":
        return "the quaternion is w, x, y, z"
    take = list(mistake.take or ())
    moved = [i for i, k in enumerate(take) if i != k]
    pairs = [(i, take[i]) for i in moved if i < take[i]]
    signs = "" if mistake.factor is None else f", {_names(_negative(mistake), parts)} negated"
    legs = _legs(take, parts)
    if legs:
        return f"the joints of {legs} exchanged{signs}"
    if all(take[take[i]] == i for i in moved):
        text = listed([f"{parts[i]} and {parts[k]}" for i, k in pairs])
        return f"{text} exchanged{signs}"
    held: List[str] = [""] * len(parts)
    for i, k in enumerate(take):
        held[k] = parts[i]
    return f"its columns are {', '.join(held)}{signs}"


def _legs(take: Sequence[int], parts: Sequence[str]) -> str:
    """Pairs of whole legs, or sides, that are exchanged; nothing if it is anything else."""
    groups = legs_of(list(parts))
    of = {group[0]: k for k, group in enumerate(groups)}
    other = [of.get(take[group[0]], -1) for group in groups]
    whole = all(k >= 0 and [take[i] for i in group] == groups[k] for k, group in zip(other, groups))
    if len(groups) < 2 or len(parts) <= _FEW or not whole or any(other[k] != i for i, k in enumerate(other)):
        return ""
    names = [parts[group[0]].split("_")[0] for group in groups]
    return ", ".join(f"{names[i]} and {names[k]}" for i, k in enumerate(other) if i < k)


def _columns(mistake: Mistake, parts: Sequence[str]) -> str:
    """Which columns to give, in the order of the policy."""
    take = list(mistake.take) if mistake.take is not None else list(range(len(parts)))
    signs = np.ones(len(parts)) if mistake.factor is None else mistake.factor
    if mistake.take is None:
        return f"multiply {_names(_negative(mistake), parts)} by -1"
    columns = ", ".join(f"{'-' if sign < 0 else ''}{k}" for k, sign in zip(take, signs))
    order = "the order of the policy's joints" if len(parts) > _FEW else ", ".join(parts)
    return f"give its columns [{columns}], to have {order}"


def _scale(mistake: Mistake) -> str:
    known = {
        "unscaled": "not multiplied by its scale", "twice": "multiplied by its scale twice", "m/s2": "in m/s2",
        "scaled": "multiplied by the scale of actions",
        "scaled twice": "multiplied by the scale of actions once too often",
    }  # fmt: skip
    factor = np.ones(1) if mistake.factor is None else mistake.factor
    return known.get(mistake.note, f"{_number(1.0 / factor)} times what it should be")


def _scaled(mistake: Mistake, parts: Sequence[str]) -> str:
    """The parts that are rescaled, nothing for all."""
    changed = np.flatnonzero(np.asarray(mistake.factor) != 1.0).tolist()
    return "" if len(changed) == len(parts) else listed([parts[i] for i in changed])


def _negative(mistake: Mistake) -> List[int]:
    return np.flatnonzero(np.asarray(mistake.factor) < 0.0).tolist()


def _dead(mistake: Mistake) -> List[int]:
    return np.flatnonzero(np.asarray(mistake.factor) == 0.0).tolist()


def _names(which: Sequence[int], parts: Sequence[str]) -> str:
    return ("all" if len(parts) > 1 else "it is") if len(which) == len(parts) else listed([parts[i] for i in which])


def _number(factor: object) -> str:
    values = np.atleast_1d(np.asarray(factor, float))
    return (
        f"{values[0]:.4g}" if np.allclose(values, values[0]) else f"({', '.join(f'{value:.4g}' for value in values)})"
    )


def _steps(count: int) -> str:
    return "a control step" if count == 1 else f"{count} control steps"


def subject(terms: Sequence[str]) -> str:
    """Terms by name."""
    return " and ".join(NAMES.get(term, term) for term in terms)


def evidence_words(parts: Sequence[Tuple[str, float]]) -> str:
    """The strongest pieces of evidence, in nats a control step."""
    names = {
        "spread": "how it is spread", "speeds": "joint speeds against angles", "turns": "gyroscope against gravity",
        "tracking": "joints against actions", "drive": "joints' motion against actions", "legs": "base against legs",
        "all": "each number from all others", "last action": "last action against action", "clock": "the clock",
        "range": "ranges of commands",
    }  # fmt: skip
    strong = [(names.get(name, name), gain) for name, gain in parts if gain > 0.1][:2]
    return ", ".join(f"{name} {gain:+.1f}" for name, gain in strong)
