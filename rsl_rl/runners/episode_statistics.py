"""Returns and lengths of finished episodes, and the means of what the environment logs."""

from __future__ import annotations

from collections import deque
from math import fsum
from typing import Any, Deque, Dict, Iterable, List, Mapping, Optional, Union

import torch

from rsl_rl.utils.distributed import Distributed

WINDOW = 100  # finished episodes of each process that the means run over


class EpisodeStatistics:
    """Watches the rewards and dones of N environments.

    All work of a step is a few operations on (N,) tensors where the environments live; nothing is copied to the host
    before `end_rollout`, so the statistics cost a GPU no synchronisation per step.

    Args:
        num_envs: N.
        device: of the rewards and dones.
    """

    def __init__(self, num_envs: int, device: Union[str, torch.device]) -> None:
        # float64: an episode of a thousand small rewards should not depend on the order of its sum.
        self._returns = torch.zeros(num_envs, dtype=torch.float64, device=device)
        self._lengths = torch.zeros(num_envs, dtype=torch.int64, device=device)
        self._finished_returns: Deque[float] = deque(maxlen=WINDOW)
        self._finished_lengths: Deque[int] = deque(maxlen=WINDOW)
        self._finished: Dict[str, float] = {}
        self._start_rollout()

    def _start_rollout(self) -> None:
        self._step_returns: List[torch.Tensor] = []
        self._step_lengths: List[torch.Tensor] = []
        self._step_dones: List[torch.Tensor] = []
        self._log_sums: Dict[str, Any] = {}
        self._log_counts: Dict[str, float] = {}
        self._totals: Dict[str, Any] = {}

    def step(
        self,
        rewards: torch.Tensor,
        dones: torch.Tensor,
        log: Optional[Mapping[str, Any]],
        counts: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Add one step.

        Args:
            rewards: (N,) rewards of the step.
            dones: (N,) bool, episodes that ended with this step.
            log: what the environment logs about the episodes that ended, name -> number or 0-d tensor; None or empty
                when none did.
            counts: what the environment counts, name -> number or 0-d tensor of this step.
        """
        self._returns = self._returns + rewards
        self._lengths = self._lengths + 1
        self._step_returns.append(self._returns)
        self._step_lengths.append(self._lengths)
        self._step_dones.append(dones.clone())
        self._returns = self._returns.masked_fill(dones, 0.0)
        self._lengths = self._lengths.masked_fill(dones, 0)
        for name, value in (log or {}).items():
            # Adding makes a new tensor, so an environment may go on to overwrite its own.
            self._log_sums[name] = self._log_sums.get(name, 0.0) + value
            self._log_counts[name] = self._log_counts.get(name, 0) + 1
        for name, value in (counts or {}).items():
            self._totals[name] = self._totals.get(name, 0) + value

    def end_rollout(self, distributed: Optional[Distributed] = None) -> Dict[str, float]:
        """Take in the episodes that finished since the last call, oldest first.

        Args:
            distributed: the processes that train together; what is returned is of all of them.

        Returns:
            The mean of each logged number over the steps that logged it, and the total of each that was counted.
        """
        if self._step_dones:
            episodes = torch.stack((torch.stack(self._step_returns), torch.stack(self._step_lengths).double()))
            returns, lengths = episodes[:, torch.stack(self._step_dones)].tolist()
            self._finished_returns.extend(returns)
            self._finished_lengths.extend(map(int, lengths))
        own: List[Dict[str, float]] = [
            self._on_host(self._log_sums),
            self._log_counts,
            self._on_host(self._totals),
            self._sums_of_finished(),
        ]
        parts = [own] if distributed is None else distributed.gather_objects(own)
        sums, counts, totals, self._finished = (_added(tables) for tables in zip(*parts))
        self._start_rollout()
        return {**{name: total / counts[name] for name, total in sums.items()}, **totals}

    def _on_host(self, table: Mapping[str, Any]) -> Dict[str, float]:
        """Numbers and 0-d tensors as numbers; the device is waited for once."""
        tensors = {name: value for name, value in table.items() if isinstance(value, torch.Tensor)}
        there = [value.reshape(()).to(self._returns) for value in tensors.values()]
        found = dict(zip(tensors, torch.stack(there).tolist() if there else ()))
        return {name: found[name] if name in found else float(value) for name, value in table.items()}

    def _sums_of_finished(self) -> Dict[str, float]:
        lengths = self._finished_lengths
        return {"episodes": len(lengths), "returns": fsum(self._finished_returns), "lengths": sum(lengths)}

    @property
    def mean_reward(self) -> Optional[float]:
        """Mean return of the last finished episodes, or None before the first."""
        return self._mean_of_finished("returns")

    @property
    def mean_length(self) -> Optional[float]:
        """Mean length in steps of the last finished episodes, or None before the first."""
        return self._mean_of_finished("lengths")

    def _mean_of_finished(self, what: str) -> Optional[float]:
        episodes = self._finished.get("episodes", 0)
        return self._finished[what] / episodes if episodes else None

    def state_dict(self) -> Dict[str, Any]:
        """Everything to go on with after a rollout, as plain data."""
        return {
            "returns": self._returns,
            "lengths": self._lengths,
            "finished_returns": list(self._finished_returns),
            "finished_lengths": list(self._finished_lengths),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` gave."""
        self._returns = state["returns"].to(self._returns.device)
        self._lengths = state["lengths"].to(self._lengths.device)
        self._finished_returns = deque(state["finished_returns"], maxlen=WINDOW)
        self._finished_lengths = deque(state["finished_lengths"], maxlen=WINDOW)
        self._finished = self._sums_of_finished()
        self._start_rollout()


def _added(tables: Iterable[Mapping[str, float]]) -> Dict[str, float]:
    """Add up numbers of the same name."""
    total: Dict[str, float] = {}
    for table in tables:
        for name, value in table.items():
            total[name] = total.get(name, 0) + value
    return total
