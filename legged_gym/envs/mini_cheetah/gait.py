"""The reference gait: joint angles of one leg over one cycle of a trot in place."""

from __future__ import annotations

import csv
import math
from typing import Optional

import numpy as np
import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.reading import path_of

COLUMNS = ["HAA", "HFE", "KFE"]
# rows of the generated table, and the row in which its swing ends
_ROWS, _SWING_END = 140, 67


def generate_gait() -> np.ndarray:
    """A trot in place that lifts the foot by 6 cm in the first half of the cycle and stands in the second.

    Returns:
        (140, 3) rad, offsets of haa, hfe and kfe from the default pose, evenly spaced in phase.
    """
    progress = np.minimum(np.arange(_ROWS) / _SWING_END, 1.0)
    lift = np.maximum(np.sin(math.pi * progress), 0.0) ** 1.5
    return np.stack((np.full(_ROWS, -0.005), 0.052 - 0.173 * lift, -0.072 + 0.389 * lift), axis=1)


def read_gait(path: str) -> np.ndarray:
    """A gait from a CSV file with the header HAA,HFE,KFE: one row a moment, evenly spaced in phase, rad.

    Returns:
        (R, 3).

    Raises:
        UserError: the file cannot be read or is no such table.
    """
    try:
        with open(path_of(path), newline="", encoding="utf-8") as file:
            header, *rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
            gait = np.array(rows, dtype=float)
    except OSError as error:
        raise UserError(f"control.gait_file: cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise UserError(f"control.gait_file: {path} is no table of numbers below the header HAA,HFE,KFE") from None
    if header != COLUMNS or gait.shape != (len(rows), 3) or len(rows) < 2 or not np.isfinite(gait).all():
        raise UserError(f"control.gait_file: {path} needs the header HAA,HFE,KFE and two rows of numbers or more")
    return gait


class ReferenceGait:
    """Looks a gait up at any phase, linearly between the rows and around the end of the cycle."""

    def __init__(self, file: Optional[str], device: torch.device) -> None:
        """Read the file, or generate the gait without one.

        Raises:
            UserError: the file is no gait.
        """
        gait = generate_gait() if file is None else read_gait(file)
        self._rows = len(gait)
        self._table = torch.as_tensor(np.vstack((gait, gait[:1])), dtype=torch.float32, device=device)

    def __call__(self, phase: Tensor) -> Tensor:
        """Offsets (..., 3) rad from the default pose at phases (...) in [0, 2 pi]; swing comes before pi."""
        row = phase * (self._rows / (2.0 * math.pi))
        low = row.long().clamp_(0, self._rows - 1)
        return torch.lerp(self._table[low], self._table[low + 1], (row - low)[..., None])
