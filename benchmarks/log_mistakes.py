"""Mistakes of people who put a policy onto a robot, planted into logs: each one, step by step, on plain SI values.

A mistake changes what a program reads (`sensor`) or what it sends (`motor`). It can be planted while the policy walks,
so that it acts on what is wrong, or into the log of a walk afterwards.
"""

from __future__ import annotations

import collections
from typing import Any, Callable, Deque, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

Values = Dict[str, np.ndarray]
"""Term -> numbers in SI units, before their scale."""
Change = Callable[[Values, np.ndarray], None]
"""Changes the values of a step in place, given the rotation of the base (3, 3); has a memory of its own."""

DEGREES = 180.0 / np.pi


class Mistake(NamedTuple):
    """What is wrong and what `check-log` has to say of it.

    Attributes:
        name: for people.
        make: a fresh `Change` of what is sensed, or of ``"motor"`` alone.
        finds: (term, kind) that a report has to name, all of them.
    """

    name: str
    make: Callable[[], Change]
    finds: Tuple[Tuple[str, str], ...]

    @property
    def of_motors(self) -> bool:
        """Whether it is what the joints are given, which no log of a clean walk can be changed to."""
        return self.finds[0][0] == MOTOR


MOTOR = "motor"


def _map(term: str, function: Callable[[np.ndarray], np.ndarray]) -> Callable[[], Change]:
    def change(values: Values, _: np.ndarray) -> None:
        values[term] = function(values[term])

    return lambda: change


def _turned(term: str, function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[[], Change]:
    def change(values: Values, rotation: np.ndarray) -> None:
        values[term] = function(rotation, values[term])

    return lambda: change


def _late(term: str, steps: int = 1) -> Callable[[], Change]:
    def make() -> Change:
        past: Deque[np.ndarray] = collections.deque(maxlen=steps + 1)

        def change(values: Values, _: np.ndarray) -> None:
            past.append(values[term])
            values[term] = past[0]

        return change

    return make


def _together(*makers: Callable[[], Change]) -> Callable[[], Change]:
    def make() -> Change:
        changes = [maker() for maker in makers]

        def change(values: Values, rotation: np.ndarray) -> None:
            for each in changes:
                each(values, rotation)

        return change

    return make


def _signs(size: int, negative: Sequence[int]) -> np.ndarray:
    signs = np.ones(size)
    signs[list(negative)] = -1.0
    return signs


class _Joints(NamedTuple):
    """Orders of joints that people mistake for one another, as indices."""

    sides: List[int]
    by_type: List[int]
    ends: List[int]
    second_side: List[int]
    one: int


def _joints(names: Sequence[str]) -> _Joints:
    legs = 2 if names[0].startswith(("left", "right")) else 4
    size = len(names) // legs
    order = np.arange(len(names)).reshape(legs, size)
    swapped = order[[1, 0]] if legs == 2 else order[[1, 0, 3, 2]]
    ends = order[::-1] if legs == 2 else order[[2, 3, 0, 1]]
    if legs == 2:
        ends = order[:, [0, 1, 2, 3, 5, 4]]  # ankle roll before pitch
    first = 0 if legs == 4 else 1  # the joint that turns about the forward axis
    return _Joints(
        swapped.ravel().tolist(), order.T.ravel().tolist(), ends.ravel().tolist(),
        order[1::2, first].tolist(), 2 if legs == 4 else 3,
    )  # fmt: skip


class _Collection:
    """The mistakes that fit a policy."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.actions = description["actions"]
        self.terms = {term["name"]: term for group in description["observations"].values() for term in group["terms"]}
        self.default = np.array([joint["default_pos"] for joint in description["joints"]])
        self.joints = _joints([joint["name"] for joint in description["joints"]])
        self.found: List[Mistake] = []

    def add(self, name: str, make: Callable[[], Change], *finds: Tuple[str, str]) -> None:
        """Keep a mistake, if the policy has the terms that it is about."""
        if all(term in self.terms or term == MOTOR for term, _ in finds):
            self.found.append(Mistake(name, make, finds))

    def unscaled(self, name: str, term: str) -> None:
        """Add a term to which the scale of the observation was not applied."""
        self.add(f"{name} unscaled", _map(term, lambda v: v / np.array(self.terms[term]["scale"])), (term, "scale"))

    def vector(self, name: str, term: str) -> None:
        """Add what goes wrong with axes."""
        self.add(f"{name} negated", _map(term, lambda v: -v), (term, "sign"))
        self.add(f"{name} y negated", _map(term, lambda v: v * [1, -1, 1]), (term, "sign"))
        self.add(f"{name} x and y swapped", _map(term, lambda v: v[[1, 0, 2]]), (term, "order"))
        self.add(f"{name} late", _late(term), (term, "late"))


def mistakes_of(description: Mapping[str, Any]) -> List[Mistake]:
    """All that fit a policy."""
    collection = _Collection(description)
    _of_base(collection)
    _of_joints(collection)
    _of_actions_and_commands(collection)
    return collection.found


def _of_base(to: _Collection) -> None:
    add = to.add
    gyro, gravity, speed = "base_ang_vel", "projected_gravity", "base_lin_vel"
    to.vector("gyro", gyro)
    to.vector("gravity", gravity)
    add("gyro in degrees", _map(gyro, lambda v: v * DEGREES), (gyro, "degrees"))
    to.unscaled("gyro", gyro)
    add("gyro in the world frame", _turned(gyro, lambda r, v: r @ v), (gyro, "frame"))
    add("gyro zero", _map(gyro, np.zeros_like), (gyro, "constant"))
    add("gravity in m/s2", _map(gravity, lambda v: v * 9.81), (gravity, "scale"))
    add("gravity frozen", _map(gravity, lambda v: np.array([0.0, 0.0, -1.0])), (gravity, "constant"))
    add("gravity by the inverse rotation", _turned(gravity, lambda r, v: -r[:, 2]), (gravity, "frame"))
    backwards = _together(_map(gyro, lambda v: v * [-1, -1, 1]), _map(gravity, lambda v: v * [-1, -1, 1]))
    add("IMU mounted backwards", backwards, (gyro, "sign"), (gravity, "sign"))
    add("velocity in the world frame", _turned(speed, lambda r, v: r @ v), (speed, "frame"))
    add("velocity y negated", _map(speed, lambda v: v * [1, -1, 1]), (speed, "sign"))
    to.unscaled("velocity", speed)
    add("velocity zero", _map(speed, np.zeros_like), (speed, "constant"))


def _of_joints(to: _Collection) -> None:
    add, joints, default, size = to.add, to.joints, to.default, len(to.default)
    pos, vel = "dof_pos", "dof_vel"
    add("joint angles with default pose", _map(pos, lambda v: v + default), (pos, "offset"))
    add("joint angles in degrees", _map(pos, lambda v: v * DEGREES), (pos, "degrees"))
    add("joint angles negated", _map(pos, lambda v: -v), (pos, "sign"))
    add("joint angles late", _late(pos), (pos, "late"))
    add("one joint angle negated", _map(pos, lambda v: v * _signs(size, [joints.one])), (pos, "sign"))
    add("right hips negated", _map(pos, lambda v: v * _signs(size, joints.second_side)), (pos, "sign"))
    add("one joint angle frozen", _map(pos, lambda v: np.where(np.arange(size) == joints.one, 0, v)), (pos, "constant"))
    add("joint speeds in degrees", _map(vel, lambda v: v * DEGREES), (vel, "degrees"))
    to.unscaled("joint speeds", vel)
    add("joint speeds negated", _map(vel, lambda v: -v), (vel, "sign"))
    add("joint speeds late", _late(vel), (vel, "late"))
    add("joint speeds zero", _map(vel, np.zeros_like), (vel, "constant"))
    for name, order in (("left and right", joints.sides), ("legs and joints", joints.by_type)):
        add(f"joint angles: {name} exchanged", _map(pos, lambda v, o=order: v[o]), (pos, "order"))  # type: ignore[misc]
        add(f"joint speeds: {name} exchanged", _map(vel, lambda v, o=order: v[o]), (vel, "order"))  # type: ignore[misc]
    both = _together(_map(pos, lambda v: v[joints.ends]), _map(vel, lambda v: v[joints.ends]))
    add("joints in another order", both, (pos, "order"), (vel, "order"))


def _of_actions_and_commands(to: _Collection) -> None:
    add, joints, size, scale = to.add, to.joints, len(to.default), to.actions["scale"]
    act, told = "actions", "commands"
    add("last action scaled", _map(act, lambda v: v * scale), (act, "scale"))
    add("last action zero", _map(act, np.zeros_like), (act, "constant"))
    add("last action late", _late(act), (act, "late"))
    add("last action: left and right exchanged", _map(act, lambda v: v[joints.sides]), (act, "order"))

    to.unscaled("commands", told)
    add("command y negated", _map(told, lambda v: v * [1, -1, 1]), (told, "sign"))
    add("commanded yaw rate in degrees", _map(told, lambda v: v * [1, 1, DEGREES]), (told, "degrees"))
    add("commands x and y swapped", _map(told, lambda v: v[[1, 0, 2]]), (told, "order"))
    add("height command unscaled", _map("height_command", lambda v: v / 2.0), ("height_command", "scale"))
    add("phase: sine and cosine swapped", _map("phase", lambda v: v[::-1]), ("phase", "order"))
    add("phase frozen", _map("phase", lambda v: np.array([0.0, 1.0])), ("phase", "constant"))

    add("motors: left and right exchanged", _map(MOTOR, lambda v: v[joints.sides]), (MOTOR, "order"))
    add("motor of one joint reversed", _map(MOTOR, lambda v: v * _signs(size, [joints.one])), (MOTOR, "sign"))
    add("action scale twice", _map(MOTOR, lambda v: v * scale), (MOTOR, "scale"))
    low, high = to.actions["delay_steps"]
    if low == high:  # else a step more may be one that training had
        add("motors a step late", _late(MOTOR), (MOTOR, "late"))
