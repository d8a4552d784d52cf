"""Whether commands are such as training had: what the description of a policy says of them, and nothing else does."""

from __future__ import annotations

import numpy as np

from legged_gym.logcheck.layout import COMMANDS, Layout

HEIGHT = "height_command"
_BEYOND, _STRANGE = 0.5, 0.1
"""How far beyond its range a command may be, and how fast it becomes strange then, of half the range."""
_LEAST = 0.05
"""The least half of a range."""
_FREEDOM = 3.0


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
