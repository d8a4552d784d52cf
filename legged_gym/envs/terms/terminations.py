"""Termination terms: `_termination_<name>() -> (N,) bool`, with the threshold of their table entry."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.errors import UserError


class TerminationTerms(RobotState):
    """The ways an episode can end; an entry in `terminations` switches one on."""

    def _threshold(self, name: str) -> float:
        """The threshold of an entry that needs one number."""
        threshold = getattr(self.cfg.terminations, name).threshold
        if not isinstance(threshold, (int, float)):
            raise UserError(f"terminations.{name}.threshold: expected one number, got {threshold}")
        return float(threshold)

    def _termination_base_contact(self) -> Tensor:
        """A body of `asset.terminate_after_contacts_on` feels more than `threshold` N."""
        limit = self._threshold("base_contact")
        forces = self.contact_forces.index_select(1, self.termination_contact_indices)
        return (forces.square().sum(-1) > limit**2).any(1)

    def _termination_time_out(self) -> Tensor:
        """The episode has lasted longer than `env.episode_length_s`."""
        return self.episode_length_buf > self.max_episode_length

    def _termination_tilt(self) -> Tensor:
        """The base leans more than `threshold` rad from upright."""
        return -self.projected_gravity[:, 2] < math.cos(min(self._threshold("tilt"), math.pi))

    def _termination_roll(self) -> Tensor:
        """The roll angle (of yaw, then pitch, then roll) exceeds `threshold` degrees to either side."""
        _, y, z = self.projected_gravity.unbind(1)
        return torch.atan2(y, -z).abs() > math.radians(self._threshold("roll"))

    def _termination_pitch(self) -> Tensor:
        """The pitch angle exceeds `threshold` degrees to either side."""
        limit = math.radians(min(self._threshold("pitch"), 90.0))
        return self.projected_gravity[:, 0].abs() > math.sin(limit)
