"""What a policy's description says of the columns of a log."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple

import numpy as np

from legged_gym.errors import UserError

GYRO, GRAVITY, SPEED = "base_ang_vel", "projected_gravity", "base_lin_vel"
POS, VEL, ACTIONS, COMMANDS, HEIGHT = "dof_pos", "dof_vel", "actions", "commands", "height_command"
ACTION, MOTOR = "action", "motor"
"""What the log says of the network's output, and what the joints were given; neither is an observation."""
Values = Dict[str, np.ndarray]
"""Term, or what is no observation -> (T, n) plain numbers, SI, before clip and scale."""

VECTORS, JOINTS = (GYRO, GRAVITY, SPEED), (POS, VEL, ACTIONS, ACTION, MOTOR)
_BEYOND, _STRANGE = 0.5, 0.1
"""How far beyond its range a command may be, and how fast it becomes strange then, of half the range."""
_LEAST = 0.05
"""The least half of a range."""
_FREEDOM = 3.0


class Term(NamedTuple):
    """A term of the observations.

    Attributes:
        name: of the term.
        group: the input that it is a part of.
        start, size: its columns there.
        scale: (size,), what plain SI values are multiplied by.
        clip: lowest and highest plain value; None for none.
        parts: size words for its columns.
        plain: whether its numbers are of now alone, few, and can be read off what the network is given.
    """

    name: str
    group: str
    start: int
    size: int
    scale: np.ndarray
    clip: Any
    parts: List[str]
    plain: bool


class Layout:
    """Terms of a policy by name.

    Attributes:
        description: of the policy.
        terms: name -> term, in the order of the description.
        joints: names, in order.
        default: (D,) rad.
        dt: s, a control step.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        """Read a description.

        Raises:
            UserError: an observation has no terms.
        """
        self.description = description
        self.joints = [joint["name"] for joint in description["joints"]]
        self.default = np.array([joint["default_pos"] for joint in description["joints"]])
        self.dt = float(description["control_dt"])
        self.terms: Dict[str, Term] = {}
        for group, content in description["observations"].items():
            if "terms" not in content:
                raise UserError("an observation of this policy has no terms; export the policy again")
            for entry in content["terms"]:
                name = entry["name"] if entry["name"] not in self.terms else f"{group}.{entry['name']}"
                self.terms[name] = self._term(name, group, entry, len(content["shape"]) == 1)

    def _term(self, name: str, group: str, entry: Mapping[str, Any], flat: bool) -> Term:
        size, kept = entry["size"], entry.get("history", 1)
        scale = np.broadcast_to(np.asarray(entry["scale"], float), size // kept if np.ndim(entry["scale"]) else size)
        now = kept == 1 and entry.get("hold", 1) == 1
        plain = flat and now and size <= max(24, len(self.joints)) and bool((scale != 0.0).all())
        return Term(name, group, entry["start"], size, scale, entry["clip"], self._parts(name, entry), plain)

    def _parts(self, name: str, entry: Mapping[str, Any]) -> List[str]:
        if "names" in entry:
            return list(entry["names"])
        if name in VECTORS:
            return ["x", "y", "z"]
        if entry["size"] == len(self.joints) and name in JOINTS:
            return self.joints
        return [str(i) for i in range(entry["size"])]

    def parts(self, name: str) -> List[str]:
        """Words for the columns of a term, or of what is no observation."""
        return self.terms[name].parts if name in self.terms else self.joints


def legs_of(joints: List[str]) -> List[List[int]]:
    """Indices of the joints of each leg or side, in equal order; one list of all where names do not say.

    Names that are equal but for one part, FL_hip_joint and FR_hip_joint, left_knee and right_knee, are partners.
    """
    prefixes = [name.split("_")[0] for name in joints]
    legs = [[i for i, prefix in enumerate(prefixes) if prefix == leg] for leg in dict.fromkeys(prefixes)]
    tails = [["_".join(joints[i].split("_")[1:]) for i in leg] for leg in legs]
    whole = len(legs) > 1 and len(legs[0]) > 1 and all(tail == tails[0] for tail in tails)
    return legs if whole else [list(range(len(joints)))]


def strangeness(layout: Layout, name: str, told: np.ndarray) -> float:
    """Nats a control step by which commands (T, n) of a term are beyond their ranges; 0 within, or not far beyond."""
    ranges = dict(layout.description["commands"]["ranges"])
    turning = layout.description["commands"]["heading"]
    if turning is not None:  # the yaw rate follows from the heading
        ranges["ang_vel_yaw"] = [-turning["limit"], turning["limit"]]
    parts = layout.parts(name) if name == COMMANDS else ["height"]
    columns = [i for i, part in enumerate(parts) if part in ranges]
    limits = np.array([ranges[parts[i]] for i in columns], float).reshape(-1, 2)
    middle, half = limits.mean(1), np.maximum(0.5 * np.diff(limits, axis=1)[:, 0], _LEAST)
    beyond = np.maximum(np.abs(told[:, columns] - middle) / half - 1.0 - _BEYOND, 0.0) / _STRANGE
    return float(0.5 * (_FREEDOM + 1.0) * np.log1p(beyond**2 / _FREEDOM).mean(0).sum())
