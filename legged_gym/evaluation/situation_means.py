"""Means of what a policy tells of itself, in each situation of a task."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import torch
from torch import Tensor

from legged_gym.evaluation.intervals import ratio_of_sums


class SituationMeans:
    """Adds up K numbers of each robot, such as the weights that a gate gives to experts, by the situation it is in.

    The intervals take robots, not episodes, as independent.
    """

    def __init__(self, situations: Sequence[str], num_envs: int) -> None:
        """Begin with nothing; `situations` are M names."""
        self._situations, self._num_envs = list(situations), num_envs
        self._names: List[str] = []
        self._sums: Optional[Tensor] = None
        self._steps = torch.zeros(num_envs, len(self._situations), dtype=torch.float64)

    def add(self, situation: Tensor, values: Dict[str, Tensor]) -> None:
        """Take in a state: (N,) int64, the number of each robot's situation; name -> (N,), maybe nothing."""
        if not values:
            return
        self._names = list(values)
        there = torch.nn.functional.one_hot(situation.cpu(), len(self._situations)).double()
        numbers = torch.stack(list(values.values()), dim=1).cpu().double()
        added = there[:, :, None] * numbers[:, None]
        self._sums = added if self._sums is None else self._sums + added
        self._steps += there

    def table(self) -> Dict[str, Any]:
        """Situation -> name -> its mean there, {"mean", "ci95"}; nothing where nothing was told."""
        if self._sums is None:
            return {}
        return {
            situation: {
                name: ratio_of_sums(self._sums[:, m, k], self._steps[:, m]) for k, name in enumerate(self._names)
            }
            for m, situation in enumerate(self._situations)
        }
