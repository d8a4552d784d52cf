"""The weighted sum of reward terms."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from torch import Tensor

from legged_gym.envs.terms.tables import check_values, find_term
from legged_gym.errors import UserError


class RewardSum:
    """Weighted sum of reward terms, with the per-episode sums that are logged.

    Attributes:
        names: active terms in order.
        episode_sums: (T, N) weighted sums since the last reset.
    """

    def __init__(
        self,
        env: object,
        scales: Mapping[str, float],
        dt: float,
        num_envs: int,
        device: torch.device,
        ramps: Optional[Mapping[str, Sequence[int]]] = None,
    ) -> None:
        """Resolve the methods of all non-zero scales.

        Args:
            env: object with `_reward_<name>` methods.
            scales: name -> weight per second.
            dt: seconds of a policy step; every weight is multiplied by it.
            num_envs: N.
            device: device of the sums.
            ramps: name -> [first, last] policy step between which its weight grows from 0 to full.

        Raises:
            UserError: a name has no method, a term does not give (N,), or a ramp is of a term that is off.
        """
        for name in ramps or {}:
            if not scales.get(name):
                raise UserError(f"rewards.ramps.{name}: rewards.scales has no term of that name with a non-zero weight")
        self.names = [name for name, scale in scales.items() if scale]
        self._terms = [find_term(env, "_reward_", name, "rewards.scales") for name in self.names]
        self._scales = torch.tensor([scales[name] * dt for name in self.names], device=device)[:, None]
        self._full_scales = self._scales.clone()
        self._ramps = {self.names.index(name): ramp for name, ramp in (ramps or {}).items()}
        self._ramped: List[float] = []
        self._popped: Tuple[int, Tensor]
        # the reward for dying is added after clipping, or clipping would hide it
        self._final = self.names.index("termination") if "termination" in self.names else None
        self.episode_sums = torch.zeros(len(self.names), num_envs, device=device)
        for name, term in zip(self.names, self._terms):
            check_values(term, f"rewards.scales.{name}", (num_envs,))

    def compute(self, only_positive: bool, step: int = 0) -> Tensor:
        """The reward (N,) of this step; adds the terms to `episode_sums`.

        Args:
            only_positive: clip negative totals (without `termination`) at zero.
            step: policy steps since the start, for ramps.
        """
        shares = [ramp(step, bounds) for bounds in self._ramps.values()]
        if shares != self._ramped:
            self._ramped = shares
            for row, share in zip(self._ramps, shares):
                self._scales[row] = self._full_scales[row] * share
        if not self._terms:
            return torch.zeros_like(self.episode_sums[0]) if len(self.episode_sums) else self.episode_sums.sum(0)
        values = torch.stack([term() for term in self._terms]).mul_(self._scales)
        self.episode_sums += values
        if not only_positive:
            return values.sum(0)
        if self._final is None:
            return _clip_negative(values.sum(0))
        final = values[self._final].clone()
        values[self._final] = 0.0
        return _clip_negative(values.sum(0)).add_(final)

    def scale_of(self, name: str) -> float:
        """Weight of a term times dt, once its ramp is over."""
        return float(self._full_scales[self.names.index(name)])

    def state_dict(self) -> Dict[str, Tensor]:
        """The sums (N,) of each term by its name: a run may go on with other terms."""
        return dict(zip(self.names, self.episode_sums.clone()))

    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """Take the saved sums; terms that have none begin with 0."""
        for name, sums in zip(self.names, self.episode_sums):
            sums.copy_(saved[name]) if name in saved else sums.zero_()

    def pop_means(self, env_ids: Tensor, episode_length_s: float, more: bool = False) -> Tensor:
        """Mean episode sums (T,) of some environments per second of a full episode; clears their sums.

        Args:
            env_ids: (n,).
            episode_length_s: of a full episode.
            more: whether those of the last call count too, and with them those that counted there.
        """
        now, (before, earlier) = len(env_ids), self._popped if more else (0, 0.0)
        means = self.episode_sums.index_select(1, env_ids).mean(dim=1) / episode_length_s
        self.episode_sums.index_fill_(1, env_ids, 0.0)
        self._popped = before + now, (before * earlier + now * means) / (before + now)
        return self._popped[1]


def ramp(step: int, bounds: Sequence[int]) -> float:
    """0 up to the first of two policy steps, 1 from the last on, growing evenly between them."""
    first, last = bounds
    return min(max((step - first) / (last - first), 0.0), 1.0)


def _clip_negative(total: Tensor) -> Tensor:
    """Negative totals as 0, -inf as NaN: clipping must not hide a term that went wrong."""
    return total.clamp(min=0.0) + (total - total)
