"""Frames of observation terms that are seen more than once: histories, and values held for some policy steps."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Union

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.base.table_entries import ObsTerm
from legged_gym.envs.parts.part import Part
from legged_gym.envs.terms.observation_groups import ImageGroup, ObservationGroup


class ObservationHistory(Part):
    """The frames of N robots, in buffers "frames.group.term" (N, history, k), the newest last.

    Attributes:
        groups: those with a term that has a history or is held.
        fresh_frames: (N,) bool, robots of which no frame of the present episode was taken yet: the next fills all.
    """

    fresh_frames: Tensor

    def __init__(self, env: RobotState, groups: Mapping[str, Union[ObservationGroup, ImageGroup]]) -> None:
        """Make room for all terms that need it."""
        super().__init__(env)
        self.groups = {
            name: group
            for name, group in groups.items()
            if isinstance(group, ObservationGroup) and any(entry.remembers for entry in group.table.values())
        }
        for name, group in self.groups.items():
            for term, size in zip(group.names, group.frame_sizes):
                if group.table[term].remembers:
                    self.buffer(f"frames.{name}.{term}", group.table[term].history, size, at_reset=None)
        self.buffer("fresh_frames", dtype=torch.bool, at_reset=1.0)
        self._last_step = -1

    def extend(self, observations: Dict[str, Tensor], ages: Tensor, step: int) -> None:
        """Take in the newest frames and put histories and held values in their places.

        Args:
            observations: group -> (N, sum of its frame sizes); becomes (N, width of the group).
            ages: (N,) policy steps of each episode.
            step: policy steps since the start; who looks twice in a step sees the second frame instead of the first.
        """
        again, self._last_step = step == self._last_step, step
        for name, group in self.groups.items():
            parts = list(observations[name].split(group.frame_sizes, dim=1))
            for index, term in enumerate(group.names):
                entry = group.table[term]
                if entry.remembers:
                    frames = self._take(f"frames.{name}.{term}", entry, parts[index][:, None], ages, again)
                    parts[index] = (frames.flip(1) if entry.newest_first else frames).flatten(1)
            observations[name] = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        self.fresh_frames = torch.zeros_like(self.fresh_frames)

    def _take(self, key: str, entry: ObsTerm, frame: Tensor, ages: Tensor, again: bool) -> Tensor:
        """The frames (N, history, k) of a term with the newest (N, 1, k), where one is due."""
        old: Tensor = getattr(self, key)
        new = torch.cat((old[:, :-1] if again else old[:, 1:], frame), dim=1)
        if entry.hold > 1:
            new = torch.where((ages % entry.hold == entry.offset)[:, None, None], new, old)
        new = torch.where(self.fresh_frames[:, None, None], frame, new)
        setattr(self, key, new)
        return new

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Part`; a state of an earlier version, without frames, leaves all robots fresh."""
        self.fresh_frames.fill_(True)
        super().load_state_dict(state)
        self._last_step = -1
