"""What a policy saw while it walked in its training environment, and what follows from one number to the other."""

from __future__ import annotations

import os
import zipfile
from typing import Any, List, Mapping, Sequence, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.logcheck.layout import GRAVITY, GYRO, POS, SPEED, VEL, Layout

STATISTICS_FILE = "statistics.npz"
_SENSORS = {GYRO: 0.06, GRAVITY: 0.015, SPEED: 0.05, POS: 0.005, VEL: 0.4}
"""Noise of good sensors, SI; the recording has none."""
_STANDING = {GRAVITY: (0.1, 0.1, 0.01), POS: 0.02}
"""How much else may be off all the time, SI: ground that slopes by 6 degrees, legs that carry more."""
_LEAST = 0.01  # of the standard deviation, for all others

Column = Tuple[str, int, int]
"""Term, column of it, control steps later: 0 or 1."""


class Statistics:
    """Moments in plain SI units, with the noise of good sensors on top.

    Attributes:
        terms: names of what is described.
        mean, std, low, high: name -> (n,).
    """

    def __init__(self, path: str, description: Mapping[str, Any], layout: Layout) -> None:
        """Read the file beside a policy.

        Raises:
            UserError: it is missing, damaged or of another policy.
        """
        again = "export the policy again"
        if not os.path.isfile(path):
            raise UserError(f"there are no statistics {path}; {again}")
        try:
            with np.load(path, allow_pickle=False) as file:
                columns, policy = file["columns"].tolist(), str(file["policy"])
                moments = [file[name].astype(float) for name in ("mean", "std", "low", "high")]
                triangle = file["correlation"].astype(float)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} is damaged ({error}); {again}") from None
        if policy != description.get("network", {}).get("sha256", policy):
            raise UserError(f"{path} is of another policy; {again}")
        size = 2 * len(columns)
        if any(len(each) != len(columns) for each in moments) or len(triangle) != size * (size + 1) // 2:
            raise UserError(f"{path} is damaged (its arrays do not belong together); {again}")
        self._place = {}
        scales, noise, standing = np.ones(len(columns)), np.zeros(len(columns)), np.zeros(len(columns))
        self.terms: List[str] = []
        index = {name: i for i, name in enumerate(columns)}
        for name, term in layout.terms.items():
            places = [index.get(f"{term.group}.{name.split('.')[-1]}[{i}]", -1) for i in range(term.size)]
            if term.plain and min(places) >= 0:
                self.terms.append(name)
                self._place[name], scales[places] = places, term.scale
                standing[places] = (moments[1][places] > 0.0) * np.array(_STANDING.get(name, 0.0))
                noise[places] = np.maximum(_SENSORS.get(name, 0.0), _LEAST * moments[1][places] / term.scale)
        self._mean, self._std, low, high = (each / scales for each in moments)
        at = self._place
        self.mean, self.std, self.low, self.high = (
            {name: each[at[name]] for name in self.terms} for each in (self._mean, self._std, low, high)
        )
        correlation = np.zeros((size, size))
        correlation[np.triu_indices(size)] = triangle
        correlation += np.triu(correlation, 1).T
        width = np.tile(self._std, 2)
        self._covariance = correlation * np.outer(width, width) + np.diag(np.tile(noise, 2) ** 2)
        self._covariance += np.tile(np.diag(standing**2), (2, 2))

    def places(self, columns: Sequence[Column]) -> List[int]:
        """Rows of the moments."""
        return [self._place[name][i] + later * len(self._mean) for name, i, later in columns]

    def means(self, columns: Sequence[Column]) -> np.ndarray:
        """(n,) of columns."""
        return np.tile(self._mean, 2)[self.places(columns)]

    def covariance(self, columns: Sequence[Column]) -> np.ndarray:
        """(n, n) of columns."""
        places = self.places(columns)
        return self._covariance[np.ix_(places, places)]

    def follow(self, target: Column, given: Sequence[Column]) -> Tuple[np.ndarray, float]:
        """What best follows from other columns: weights (n,) about the means, and the deviation that is left."""
        whole = self.covariance([target, *given])
        weights = np.linalg.solve(whole[1:, 1:], whole[1:, 0])
        return weights, float(np.sqrt(max(whole[0, 0] - whole[0, 1:] @ weights, 1e-12)))
