"""A robot on a course of hurdles: what it observes of them, and how well it did."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.parkour.guidance import Guidance
from legged_gym.envs.parkour.hurdles import CourseCommands, Hurdles
from legged_gym.envs.parkour.rewards import ParkourRewards
from legged_gym.envs.terms.mirror import mirrored

# m: a hurdle of this height reads 1
_HEIGHT_SCALE = 0.6


class ParkourRobot(ParkourRewards):
    """Jumps over low bars and crawls under high ones."""

    command_part = CourseCommands
    hurdles: Hurdles

    def _make_parts(self) -> None:
        super()._make_parts()
        self.hurdles = Hurdles(self, self.cfg.hurdles, self.velocity_commands)
        self.velocity_commands.hurdles = self.hurdles
        self.use_part("obstacles", self.hurdles)
        self._see_hurdles()

    def _see_hurdles(self) -> None:
        self.guidance = Guidance(self, self.hurdles, self.cfg.guidance, self._feet_states()[..., 2])

    def _compute_reward(self) -> None:
        self._see_hurdles()
        super()._compute_reward()

    @mirrored("same")
    def _obs_hurdles(self) -> Tensor:
        """Of each hurdle its height over 0.6 m, -1 for none, then of each -1 for none, 0 to jump, 1 to crawl."""
        there, heights = self.hurdles.there(), (self.hurdles.heights / _HEIGHT_SCALE).clamp(max=1.0)
        none = torch.full_like(heights, -1.0)
        return torch.cat((heights.where(there, none), self.hurdles.crawls().float().where(there, none)), dim=1)

    def _metric_success(self) -> Tensor:
        """Whether all goals were reached, with each hurdle passed between its posts."""
        return self.hurdles.success().float()

    def _metric_hurdles_passed(self) -> Tensor:
        """How many hurdles the robot has passed between their posts."""
        return self.hurdles.passed.sum(1).float()

    def _metric_hurdles_bypassed(self) -> Tensor:
        """How many hurdles the robot has gone round."""
        return self.hurdles.bypassed.sum(1).float()
