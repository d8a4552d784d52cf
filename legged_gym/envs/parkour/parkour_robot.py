"""A robot on a course of hurdles: what it observes of them, and how well it did."""

from __future__ import annotations

from types import MethodType
from typing import Any, Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from legged_gym.envs.parkour.crossings import Crossings, metrics_of_hurdles
from legged_gym.envs.parkour.guidance import FLAT, Guidance
from legged_gym.envs.parkour.hurdles import CourseCommands, Hurdles
from legged_gym.envs.parkour.rewards import ParkourRewards
from legged_gym.envs.terms.mirror import mirrored

# m: a hurdle of this height reads 1
_HEIGHT_SCALE = 0.6
_OF_GUIDANCE = ("detection_range", "lane_half_width", "back_sense")
_HURDLES_RULE = (
    "hurdles in the order of their places; heights at most 1 when divided by height_scale; what is higher than"
    " crawl_above is to be crawled under"
)
_NEAREST_RULE = (
    "of the hurdles not further than lane_half_width to either side and less than back_sense behind the base, in its"
    " yaw frame, that whose distance ahead is the smallest, sign left out; it counts when that is below detection_range"
)
# of ten rows of tiles, as which stages are logged, two rows a stage
_LAST_ROW = 9


class ParkourRobot(ParkourRewards):
    """Jumps over low bars and crawls under high ones."""

    command_part = CourseCommands
    velocity_commands: CourseCommands
    hurdles: Hurdles
    crossings: Crossings

    def _make_parts(self) -> None:
        super()._make_parts()
        self.hurdles = Hurdles(self, self.cfg.hurdles, self.velocity_commands)
        self.velocity_commands.follow(self.hurdles)
        self.use_part("obstacles", self.hurdles)
        self.crossings = Crossings(self, self.hurdles, self.cfg.guidance.trunk_half[0])
        self.use_part("crossings", self.crossings)
        for name, method in metrics_of_hurdles(self.hurdles.count).items():
            setattr(self, name, MethodType(method, self))
        self._see_hurdles()

    def _update_base(self, moved: Optional[Tensor] = None) -> None:
        super()._update_base(moved)
        self._seen = False

    def _see_hurdles(self) -> None:
        self.guidance = Guidance(self, self.hurdles, self.cfg.guidance, self.yaw, self._feet_positions)
        self._seen = True

    def _shown_levels(self) -> Tensor:
        return (2 * self.hurdles.stages).clamp(max=_LAST_ROW)

    def _compute_reward(self) -> None:
        self._see_hurdles()
        super()._compute_reward()

    @mirrored("same")
    def _obs_hurdles(self) -> Tensor:
        """Of each hurdle its height over 0.6 m, -1 for none, then of each -1 for none, 0 to jump, 1 to crawl."""
        there, heights = self.hurdles.there(), (self.hurdles.heights / _HEIGHT_SCALE).clamp(max=1.0)
        none = torch.full_like(heights, -1.0)
        return torch.cat((heights.where(there, none), self.hurdles.crawls().float().where(there, none)), dim=1)

    def _describe_hurdles(self) -> Dict[str, Any]:
        return {"height_scale": _HEIGHT_SCALE, "crawl_above": self.cfg.hurdles.crawl_above, "rule": _HURDLES_RULE}

    @mirrored("same")
    def _obs_nearest(self) -> Tensor:
        """1 for flat, jump or crawl, else 0; how far ahead the nearest hurdle is, in detection ranges; its height.

        Without one the last two are 1 and 0; heights are over 0.6 m.
        """
        if not self._seen or self.guidance.there is not self.hurdles.there():  # resets have changed it
            self._see_hurdles()
        seen, far = self.guidance, self.guidance.in_mode[FLAT]
        modes = torch.stack(seen.in_mode, dim=1)
        ahead = (seen.f / self.cfg.guidance.detection_range).masked_fill(far, 1.0)
        height = (seen.h / _HEIGHT_SCALE).masked_fill(far, 0.0)
        return torch.cat((modes, ahead[:, None], height[:, None]), dim=1)

    def _describe_nearest(self) -> Dict[str, Any]:
        numbers = {name: getattr(self.cfg.guidance, name) for name in _OF_GUIDANCE}
        return {**self._describe_hurdles(), **numbers, "rule": _NEAREST_RULE}

    def beside_policy(self) -> Tuple[Dict[str, Any], Dict[str, bytes]]:
        """See `LeggedRobot.beside_policy`: the course of the competition."""
        return {}, {"terrain.npz": self.hurdles.saved_course()}

    def situations(self) -> Optional[Tuple[Sequence[str], Tensor]]:
        """See `LeggedRobot.situations`: by the nearest hurdle."""
        return ("flat", "jump", "crawl"), self.guidance.mode

    def update_metrics(self) -> None:
        """See `MetricTerms.update_metrics`."""
        super().update_metrics()
        self._see_hurdles()
        self.crossings.watch(self.guidance, self._feet_positions())

    def _metric_success(self) -> Tensor:
        """Whether all goals were reached, with each hurdle passed between its posts."""
        return self.hurdles.success()

    def _metric_hurdles_passed(self) -> Tensor:
        """How many hurdles the robot has passed between their posts."""
        return self.hurdles.passed.sum(1).float()

    def _metric_hurdles_bypassed(self) -> Tensor:
        """How many hurdles the robot has gone round."""
        return self.hurdles.bypassed.sum(1).float()
