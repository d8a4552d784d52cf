"""What a robot's rewards depend on at a course of hurdles: which one is next, how far, and what clears it."""

from __future__ import annotations

from functools import cached_property
from typing import Callable, Sequence, Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parkour.hurdles import Hurdles
from legged_gym.envs.parkour.hurdles_config import BAR, PLATE, GuidanceCfg

FLAT, JUMP, CRAWL = range(3)


class Guidance:
    """Hurdles around N robots at one moment; scalars are those of the nearest one that counts.

    Attributes:
        forward, lateral: (N, H) m, hurdles from the base in its yaw frame.
        mode: (N,) int64, FLAT, JUMP or CRAWL.
        f, side: (N,) m, likewise of the nearest; h: (N,) m, its height.
        top, underside: (N,) m above the ground, of its bar.

    The rest is computed when it is first asked for, in the same state.
    """

    def __init__(
        self, env: RobotState, hurdles: Hurdles, cfg: GuidanceCfg, yaw: Tensor, feet: Callable[[], Tensor]
    ) -> None:
        """Look at the present state: `yaw` (N,) rad of the base; `feet` gives (N, 4, 3) m, world, of the feet."""
        self._env, self._cfg, self._feet = env, cfg, feet
        root, origin = env.root_states, env.env_origins
        dx = origin[:, :1] + hurdles.places - root[:, :1]
        dy = origin[:, 1:2] - root[:, 1:2]
        cos, sin = self._heading = yaw.cos()[:, None], yaw.sin()[:, None]
        self.there = hurdles.there()
        self.forward, self.lateral = cos * dx + sin * dy, cos * dy - sin * dx
        counts = self.there & (self.lateral.abs() <= cfg.lane_half_width) & (self.forward > -cfg.back_sense)
        distance, nearest = torch.where(counts, self.forward.abs(), torch.inf).min(1)
        nearest = nearest[:, None]
        self.f, self.side = (each.gather(1, nearest)[:, 0] for each in (self.forward, self.lateral))
        self.h = hurdles.heights.gather(1, nearest)[:, 0]
        crawl = hurdles.crawls().gather(1, nearest)[:, 0]
        self.mode = torch.where(distance < cfg.detection_range, torch.where(crawl, CRAWL, JUMP), FLAT)
        self.underside = PLATE[2] + self.h
        self.top = self.underside + BAR[2]

    @cached_property
    def in_mode(self) -> Tuple[Tensor, Tensor, Tensor]:
        """(N,) bool for each mode."""
        return self.mode == FLAT, self.mode == JUMP, self.mode == CRAWL

    @cached_property
    def height(self) -> Tensor:
        """(N,) m, of the base above the ground."""
        return self._env.root_states[:, 2] - self._env.env_origins[:, 2]

    @cached_property
    def trunk_top(self) -> Tensor:
        """(N,) m, the highest corner of the trunk's box above the ground."""
        cfg = self._cfg
        return self.height + _highest(self._env.projected_gravity, cfg.trunk_middle, cfg.trunk_half)

    @cached_property
    def feet(self) -> Tensor:
        """(N, 4) m above the ground."""
        return self._feet()[..., 2] - self._env.env_origins[:, 2:]

    @cached_property
    def speed(self) -> Tensor:
        """(N,) m/s, forward in the yaw frame, not below 0."""
        cos, sin = self._heading
        along, across = self._env.root_states[:, 7:8], self._env.root_states[:, 8:9]
        return (cos * along + sin * across)[:, 0].clamp(min=0.0)

    @cached_property
    def planar(self) -> Tensor:
        """(N,) m/s, horizontal."""
        return self._env.root_states[:, 7:9].norm(dim=1)

    def feet_at_bar(self) -> Tensor:
        """(N,) m, the lower of the two front feet before the bar, of the two rear feet behind it."""
        front, rear = self.feet[:, :2].amin(1), self.feet[:, 2:].amin(1)
        return torch.where(self.f > 0.0, front, rear)


def _highest(gravity: Tensor, middle: Sequence[float], half: Sequence[float]) -> Tensor:
    """(N,) m, how high the highest corner of a box is above the base; `gravity` in the base frame points down."""
    columns = zip(gravity.unbind(1), middle, half)
    return sum(extent * axis.abs() - place * axis for axis, place, extent in columns)  # type: ignore[return-value]


def gate(speed: Tensor, full: float) -> Tensor:
    """(N,) 0 at rest, 1 from a speed of `full` m/s on."""
    return (speed / full).clamp(0.0, 1.0)
