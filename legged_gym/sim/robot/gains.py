"""Gains by parts of joint names, for the engine's controller and for those in torch alike."""

from __future__ import annotations

from typing import Dict, Mapping, Sequence

import numpy as np


def gains_of(dof_names: Sequence[str], table: Dict[str, float]) -> np.ndarray:
    """Gains (D,) from a table of name parts, as legged_gym: the last matching key wins, no match gives 0."""
    gains = np.zeros(len(dof_names))
    for i, name in enumerate(dof_names):
        for key, value in table.items():
            if key in name:
                gains[i] = value
    return gains


def torque_speed_of(dof_names: Sequence[str], table: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Stall torques and no-load speeds (2, D) from a table as for gains; no match gives infinity."""
    columns = [gains_of(dof_names, {key: pair[column] for key, pair in table.items()}) for column in (0, 1)]
    return np.where(np.array(columns) == 0, np.inf, columns)
