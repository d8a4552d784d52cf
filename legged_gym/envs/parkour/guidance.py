"""What a robot's rewards depend on at a course of hurdles: which one is next, how far, and what clears it."""

from __future__ import annotations

from typing import Sequence

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parkour.hurdles import Hurdles
from legged_gym.envs.parkour.hurdles_config import BAR, PLATE, GuidanceCfg
from legged_gym.rotations import yaw_from_quat

FLAT, JUMP, CRAWL = range(3)


class Guidance:
    """Hurdles around N robots at one moment; scalars are those of the nearest one that counts.

    Attributes:
        forward, lateral: (N, H) m, hurdles from the base in its yaw frame.
        mode: (N,) int64, FLAT, JUMP or CRAWL.
        f, side: (N,) m, likewise of the nearest; h: (N,) m, its height.
        top, underside: (N,) m above the ground, of its bar.
        height: (N,) m of the base above the ground.
        trunk_top: (N,) m, the highest corner of the trunk's box above the ground.
        feet: (N, 4) m above the ground.
        speed: (N,) m/s, forward in the yaw frame, not below 0; `planar`: m/s, horizontal.
    """

    def __init__(self, env: RobotState, hurdles: Hurdles, cfg: GuidanceCfg, feet: Tensor) -> None:
        """Look at the present state; `feet` (N, 4) m are the heights of the feet in the world."""
        root, origin = env.root_states, env.env_origins
        yaw = yaw_from_quat(root[:, 3:7])[:, None]
        dx = origin[:, :1] + hurdles.places - root[:, :1]
        dy = (origin[:, 1:2] - root[:, 1:2]).expand_as(dx)
        self.there = hurdles.there()
        self.forward, self.lateral = yaw.cos() * dx + yaw.sin() * dy, yaw.cos() * dy - yaw.sin() * dx
        counts = self.there & (self.lateral.abs() <= cfg.lane_half_width) & (self.forward > -cfg.back_sense)
        distance, nearest = torch.where(counts, self.forward.abs(), torch.inf).min(1)
        nearest = nearest[:, None]
        self.f, self.side = (each.gather(1, nearest)[:, 0] for each in (self.forward, self.lateral))
        self.h = hurdles.heights.gather(1, nearest)[:, 0]
        crawl = hurdles.crawls().gather(1, nearest)[:, 0]
        self.mode = torch.where(distance < cfg.detection_range, torch.where(crawl, CRAWL, JUMP), FLAT)
        self.underside = PLATE[2] + self.h
        self.top = self.underside + BAR[2]
        self.height = root[:, 2] - origin[:, 2]
        self.trunk_top = self.height + _highest(env.projected_gravity, cfg.trunk_middle, cfg.trunk_half)
        self.feet = feet - origin[:, 2:]
        velocity = root[:, 7:9]
        self.speed = (yaw[:, 0].cos() * velocity[:, 0] + yaw[:, 0].sin() * velocity[:, 1]).clamp(min=0.0)
        self.planar = velocity.norm(dim=1)

    def feet_at_bar(self) -> Tensor:
        """(N,) m, the lower of the two front feet before the bar, of the two rear feet behind it."""
        front, rear = self.feet[:, :2].amin(1), self.feet[:, 2:].amin(1)
        return torch.where(self.f > 0.0, front, rear)


def _highest(gravity: Tensor, middle: Sequence[float], half: Sequence[float]) -> Tensor:
    """(N,) m, how high the highest corner of a box is above the base; `gravity` in the base frame points down."""
    middles, halves = (torch.tensor(each, device=gravity.device) for each in (middle, half))
    return -(gravity * middles).sum(1) + (gravity.abs() * halves).sum(1)


def gate(speed: Tensor, full: float) -> Tensor:
    """(N,) 0 at rest, 1 from a speed of `full` m/s on."""
    return (speed / full).clamp(0.0, 1.0)
