"""Frames of observation terms that are seen more than once: histories, and values held for some policy steps."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Union

import torch
from torch import Tensor

from legged_gym.envs.base.table_entries import ObsTerm
from legged_gym.envs.terms.observation_groups import ImageGroup, ObservationGroup


class ObservationHistory:
    """The frames of N robots; empty, and free, where no term has a history or is held.

    Attributes:
        frames: "group.term" -> (N, history, k), the newest last.
        fresh: (N,) bool, robots of which no frame of the present episode was taken yet.
    """

    def __init__(
        self, groups: Mapping[str, Union[ObservationGroup, ImageGroup]], num_envs: int, device: torch.device
    ) -> None:
        """Make room for the terms of all groups that have a history or are held."""
        self._groups = {
            name: group
            for name, group in groups.items()
            if isinstance(group, ObservationGroup) and any(entry.remembers for entry in group.table.values())
        }
        self.frames = {
            f"{name}.{term}": torch.zeros(num_envs, group.table[term].history, size, device=device)
            for name, group in self._groups.items()
            for term, size in zip(group.names, group.frame_sizes)
            if group.table[term].remembers
        }
        self.fresh = torch.ones(num_envs, dtype=torch.bool, device=device)
        self._last_step = -1

    def reset(self, env_ids: Tensor) -> None:
        """Environments (n,) begin an episode: their next frame fills their histories."""
        if self.frames:
            self.fresh[env_ids] = True

    def extend(self, observations: Dict[str, Tensor], ages: Tensor, step: int) -> None:
        """Take in the newest frames and put histories and held values in their places.

        Args:
            observations: group -> (N, sum of its frame sizes); becomes (N, width of the group).
            ages: (N,) policy steps of each episode.
            step: policy steps since the start; who looks twice in a step sees the second frame instead of the first.
        """
        if not self._groups:
            return
        again, self._last_step = step == self._last_step, step
        for name, group in self._groups.items():
            parts = list(observations[name].split(group.frame_sizes, dim=1))
            for index, term in enumerate(group.names):
                entry = group.table[term]
                if entry.remembers:
                    frames = self._take(f"{name}.{term}", entry, parts[index][:, None], ages, again)
                    parts[index] = (frames.flip(1) if entry.newest_first else frames).flatten(1)
            observations[name] = torch.cat(parts, dim=1)
        self.fresh = torch.zeros_like(self.fresh)

    def _take(self, key: str, entry: ObsTerm, frame: Tensor, ages: Tensor, again: bool) -> Tensor:
        """The frames (N, history, k) of a term with the newest (N, 1, k), where one is due."""
        old = self.frames[key]
        new = torch.cat((old[:, :-1] if again else old[:, 1:], frame), dim=1)
        if entry.hold > 1:
            new = torch.where((ages % entry.hold == entry.offset)[:, None, None], new, old)
        new = torch.where(self.fresh[:, None, None], frame, new)
        self.frames[key] = new
        return new

    def state_dict(self) -> Dict[str, Any]:
        """All of it; empty where nothing is remembered."""
        if not self.frames:
            return {}
        return {"fresh": self.fresh.clone(), **{key: frames.clone() for key, frames in self.frames.items()}}

    def load_state_dict(self, state: Mapping[str, Tensor], step: int) -> None:
        """Take over a state at a number of policy steps; an empty one leaves all robots fresh."""
        self._last_step = step
        self.fresh = torch.ones_like(self.fresh)
        for key, saved in state.items():
            if key in self.frames:
                self.frames[key] = saved.to(self.fresh.device).clone()
        if "fresh" in state:
            self.fresh = state["fresh"].to(self.fresh.device).clone()
