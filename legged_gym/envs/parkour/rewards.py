"""What robots are paid for on a course of hurdles."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.parkour.goal_robot import GoalRobot
from legged_gym.envs.parkour.guidance import CRAWL, FLAT, JUMP, Guidance, gate
from legged_gym.envs.parkour.hurdles import CourseCommands

# m: height of the base where no hurdle is near
_WALKING_HEIGHT = 0.40
# m/s: from these forward speeds on clearance is paid in full, and height from this speed
_CLEARANCE_SPEED, _HEIGHT_SPEED = 0.35, 0.2
# m: over the bar by this, and further by this share of what the bar is higher than 0.2 m
_JUMP_MARGIN, _JUMP_SLOPE = 0.08, 0.30


class ParkourRewards(GoalRobot):
    """Terms besides those that every robot with goals has; `guidance` is of the state that is rewarded."""

    velocity_commands: CourseCommands
    guidance: Guidance

    def _in_mode(self, mode: int) -> Tensor:
        return self.guidance.in_mode[mode]

    # ---------------------------------------------------------------- the way

    def _reward_alive(self) -> Tensor:
        """1 in every step."""
        return torch.ones_like(self.rew_buf)

    def _reward_tracking_goal_vel(self) -> Tensor:
        """Speed towards the goal up to the commanded one, as a share of it; backwards at most -1."""
        return super()._reward_tracking_goal_vel().clamp(min=-1.0)

    def _reward_lateral_deviation_penalty(self) -> Tensor:
        """2 for who is 0.45 m beside the middle of a hurdle, 0 within 0.3 m."""
        seen, cfg = self.guidance, self.cfg.guidance
        near = seen.there & (seen.forward > -cfg.back_sense) & (seen.forward < cfg.detection_range)
        aside = ((seen.lateral.abs() - 0.3) / 0.15).clamp(0.0, 1.0)
        return 2.0 * (aside.square() * near).amax(1)

    # ---------------------------------------------------------------- hurdles

    def _reward_height_guidance(self) -> Tensor:
        """Bell curve about the walking height, for who moves and has no hurdle near."""
        seen = self.guidance
        bell = torch.exp(-((seen.height - _WALKING_HEIGHT) / 0.04).square())
        return bell * gate(seen.planar, _HEIGHT_SPEED) * self._in_mode(FLAT)

    def _reward_jump_clearance(self) -> Tensor:
        """How surely the feet at the bar clear it, while the bar is under the robot; more for higher bars."""
        seen = self.guidance
        at_bar = self._in_mode(JUMP) & (seen.f >= -0.25) & (seen.f <= 0.65)
        margin = _JUMP_MARGIN + _JUMP_SLOPE * (seen.h - 0.20).clamp(min=0.0)
        cleared = torch.sigmoid(25.0 * (seen.feet_at_bar() - seen.top - margin))
        return cleared * (seen.h / 0.35).clamp(0.8, 1.6) * gate(seen.speed, _CLEARANCE_SPEED) * at_bar

    def _reward_crawl_clearance(self) -> Tensor:
        """Crouching as low as the bar asks for, and the trunk below it, the more the nearer the bar."""
        seen = self.guidance
        near = (1.0 - seen.f.abs() / self.cfg.guidance.detection_range).clamp(0.0, 1.0)
        room = (0.18 + 0.25 * (seen.h - 0.40).clamp(min=0.0)).clamp(0.15, 0.30)
        target, width = (seen.h - room).clamp(0.25, 0.39), 0.04 * (1.0 + 2.0 * (1.0 - near))
        crouched = torch.exp(-((seen.height - target) / width).square())
        below = torch.sigmoid(30.0 * (seen.underside - seen.trunk_top))
        value = near * (0.6 * crouched + 0.4 * below) * (seen.h / 0.4).clamp(1.0, 1.6)
        return value * gate(seen.speed, _CLEARANCE_SPEED) * self._in_mode(CRAWL)

    def _reward_successful_traversal(self) -> Tensor:
        """Forward speed behind a hurdle that was just passed, in the middle of it."""
        seen = self.guidance
        passed = ~self._in_mode(FLAT) & (seen.f > -0.55) & (seen.f < 0.0)
        middle, speed = (1.0 - seen.side.abs() / 0.35).clamp(0.0, 1.0), gate(seen.speed, 0.4)
        return middle * speed * (seen.h / 0.35).clamp(0.8, 1.5) * passed

    def _reward_mode_mismatch(self) -> Tensor:
        """Near 1 for feet that stay low before a low bar, and for a trunk that stays high before a high one."""
        seen = self.guidance
        over = (0.08 + 0.25 * (seen.h - 0.20).clamp(min=0.0)).clamp(0.08, 0.28)
        low = (seen.top + over - seen.feet.amax(1)).clamp(min=0.0)
        high = (seen.trunk_top - seen.underside).clamp(min=0.0)
        deficit = torch.where(self._in_mode(JUMP), 15.0 * low, 20.0 * high)
        return 2.0 * (torch.sigmoid(deficit) - 0.5) * ~self._in_mode(FLAT)

    # ---------------------------------------------------------------- gait and effort

    def _reward_foot_symmetry(self) -> Tensor:
        """exp(-difference / 0.12 m) of the heights of left and right feet."""
        feet = self.guidance.feet
        return torch.exp(-(feet[:, 0::2] - feet[:, 1::2]).abs().sum(1) / 0.12)

    def _reward_feet_air_time(self) -> Tensor:
        """Seconds beyond 0.15 that feet were in the air, over the time of a step, paid at touch-down."""
        return ((self.feet_air_time - 0.15).clamp(min=0.0) * self.first_contact).sum(1) / self.dt

    def _reward_torques(self) -> Tensor:
        """Torques squared; a tenth under high bars, a hundredth at low ones."""
        share = torch.where(self._in_mode(JUMP), 0.01, torch.where(self._in_mode(CRAWL), 0.1, 1.0))
        return super()._reward_torques() * share

    def _reward_lin_vel_z(self) -> Tensor:
        """Vertical velocity in the world squared, where no hurdle is near."""
        return self.root_states[:, 9].square() * self._in_mode(FLAT)
