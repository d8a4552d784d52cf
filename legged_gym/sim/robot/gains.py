"""Gains by parts of joint names, for the engine's controller and for those in torch alike."""

from __future__ import annotations

from typing import Dict, Sequence

import numpy as np


def gains_of(dof_names: Sequence[str], table: Dict[str, float]) -> np.ndarray:
    """Gains (D,) from a table of name parts, as legged_gym: the last matching key wins, no match gives 0."""
    gains = np.zeros(len(dof_names))
    for i, name in enumerate(dof_names):
        for key, value in table.items():
            if key in name:
                gains[i] = value
    return gains
