"""Which experts of a policy act in which situation of a task."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import torch
from torch import Tensor

from legged_gym.evaluation.intervals import ratio_of_sums


class ExpertUse:
    """Adds up the weights that a gate gives to K experts, by the situation that each robot is in.

    The intervals take robots, not episodes, as independent.
    """

    def __init__(self, situations: Sequence[str], num_envs: int) -> None:
        """Begin with nothing; `situations` are M names."""
        self._situations, self._num_envs = list(situations), num_envs
        self._experts: List[str] = []
        self._weights: Optional[Tensor] = None
        self._steps = torch.zeros(num_envs, len(self._situations), dtype=torch.float64)

    def add(self, situation: Tensor, weights: Dict[str, Tensor]) -> None:
        """Take in a state: (N,) int64, the number of each robot's situation; expert -> (N,) its weight."""
        self._experts = list(weights)
        there = torch.nn.functional.one_hot(situation.cpu(), len(self._situations)).double()
        shares = torch.stack(list(weights.values()), dim=1).cpu().double()
        added = there[:, :, None] * shares[:, None]
        self._weights = added if self._weights is None else self._weights + added
        self._steps += there

    def table(self) -> Dict[str, Any]:
        """Situation -> expert -> its mean weight there, {"mean", "ci95"}."""
        if self._weights is None:
            return {}
        return {
            situation: {
                expert: ratio_of_sums(self._weights[:, m, k], self._steps[:, m])
                for k, expert in enumerate(self._experts)
            }
            for m, situation in enumerate(self._situations)
        }
