"""Observations from raw readings, as the description of the policy says."""

from __future__ import annotations

from typing import Dict, Optional

import numpy as np

from legged_gym.logcheck.layout import ACTIONS, COMMANDS, GRAVITY, GYRO, HEIGHT, POS, SPEED, VEL, Layout
from legged_gym.logcheck.log_file import Log

QUAT = "quat"
SOURCES = {GYRO: "gyro", GRAVITY: QUAT, SPEED: "lin_vel", POS: "q", VEL: "dq", "base_height": "height", "phase": "time"}
"""Term -> the reading it is made of."""


def built(log: Log, layout: Layout) -> Dict[str, np.ndarray]:
    """Terms (T, n) in plain SI units that the readings of a log allow."""
    found = {}
    for name in layout.terms:
        values = _term(name, log, layout)
        if values is not None:
            found[name] = values
    return found


def gravity_of(quat: np.ndarray) -> np.ndarray:
    """Unit vector of gravity (T, 3) in the base, of orientations x, y, z, w (T, 4)."""
    x, y, z, w = (quat / np.linalg.norm(quat, axis=1, keepdims=True).clip(1e-9)).T
    return np.stack((2.0 * (w * y - x * z), -2.0 * (y * z + w * x), 2.0 * (x * x + y * y) - 1.0), axis=1)


def _term(name: str, log: Log, layout: Layout) -> Optional[np.ndarray]:
    readings, commands = log.readings, log.commands
    if name == COMMANDS and all(part in commands for part in layout.terms[name].parts):
        return np.stack([commands[part] for part in layout.terms[name].parts], axis=1)
    if name == HEIGHT and "height" in commands:
        return commands["height"][:, None]
    if name == ACTIONS and log.action.size:
        return np.concatenate((np.zeros((1, log.action.shape[1])), log.action[:-1]))
    source = SOURCES.get(name, "")
    if source not in readings:
        return None
    if name == GRAVITY:
        return gravity_of(readings[source])
    return readings[source] - layout.default if name == POS else readings[source]
