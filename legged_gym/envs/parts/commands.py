"""Velocity commands: sampling, heading mode, curriculum."""

from __future__ import annotations

import math
from typing import Any, Dict, Sequence

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import section_to_dict
from legged_gym.envs.base.state import RobotState
from legged_gym.envs.terms.reward_sum import ramp
from legged_gym.errors import UserError
from legged_gym.rotations import wrap_to_pi, yaw_from_quat

# share of the best tracking reward beyond which the command curriculum widens, and by how much, m/s
_CURRICULUM_SUCCESS, _CURRICULUM_STEP = 0.8, 0.5
# heading mode: yaw rate for an error of the heading, 1/s, and at most, rad/s
_HEADING_GAIN, _HEADING_LIMIT = 0.5, 1.0
_HEADING_RULE = (
    "yaw rate = gain * (heading - yaw, in [-pi, pi)), within +-limit, every step; yaw is the heading of the base's x"
    " axis; 0 for robots that are told to stand"
)
_NORM_RULE = "horizontal commands no longer than min_norm were zero"
# policy steps
_NEVER = 2**60
_SLOWEST = 0.3
_RAMPED = ("standing_fraction", "pure_fraction")


class CommandTerms(RobotState):
    """Commands (N, 4): forward and lateral velocity in the base frame, m/s, yaw rate, rad/s, heading, rad."""

    def _check_commands(self) -> None:
        for name in self.cfg.commands.ramps:
            if name not in _RAMPED:
                raise UserError(f"commands.ramps.{name}: what can grow is {' and '.join(_RAMPED)}")

    def _resample_commands(self, env_ids: Tensor) -> None:
        """Draw new commands for some environments."""
        cfg, ranges = self.cfg.commands, self.command_ranges
        count = len(env_ids)
        new = torch.zeros(count, 4, device=self.device)
        new[:, 0] = self._uniform(ranges.lin_vel_x, count)
        new[:, 1] = self._uniform(ranges.lin_vel_y, count)
        if cfg.heading_command:
            new[:, 3] = self._uniform(ranges.heading, count)
        else:
            new[:, 2] = self._uniform(ranges.ang_vel_yaw, count)
        pure, standing = self._fraction("pure_fraction"), self._fraction("standing_fraction")
        if pure > 0:
            self._make_pure(new, env_ids, pure)
        new[:, :2] *= (new[:, :2].norm(dim=1, keepdim=True) > cfg.min_norm).float()
        self.standing[env_ids] = False
        if standing > 0:
            stand = self._uniform([0.0, 1.0], count) < standing
            new[stand, :3] = 0.0
            self.standing[env_ids] = stand
        self.commands[env_ids] = new

    def _fraction(self, name: str) -> float:
        """A fraction of commands as it is now; see `commands.ramps`."""
        bounds = self.cfg.commands.ramps.get(name)
        return getattr(self.cfg.commands, name) * (1.0 if bounds is None else ramp(self.common_step_counter, bounds))

    def _make_pure(self, new: Tensor, env_ids: Tensor, fraction: float) -> None:
        """Leave a fraction of new commands (n, 4) one direction alone: along x, along y or a turn, a third each.

        They are slower than others, by a factor between `_SLOWEST` and 1: slow steps are what robots get wrong.
        """
        kind = self._uniform([0.0, 3.0 / fraction], len(env_ids)).long()  # from 3 on: all of them
        factor = torch.where(kind < 3, self._uniform([_SLOWEST, 1.0], len(env_ids)), 1.0)
        for axis in range(3):
            new[:, axis] *= factor * ((kind == axis) | (kind >= 3))
        straight = kind < 2
        heading = yaw_from_quat(self.root_states[env_ids, 3:7])
        new[:, 3] = torch.where(straight, heading, new[:, 3])

    def _update_commands(self) -> None:
        """New commands where they are due; in heading mode, the yaw rate that turns to the heading."""
        steps = self._policy_steps(self.cfg.commands.resampling_time)
        # robots that begin an episode have theirs already
        due = (self.episode_length_buf % steps == 0) & (self.episode_length_buf > 0)
        if due.any():
            self._resample_commands(torch.nonzero(due).flatten())
        self._steer_to_heading()

    def _steer_to_heading(self) -> None:
        """In heading mode, the yaw rate that turns to the heading, but for robots that are told to stand."""
        if self.cfg.commands.heading_command:
            error = wrap_to_pi(self.commands[:, 3] - yaw_from_quat(self.root_states[:, 3:7]))
            self.commands[:, 2] = (_HEADING_GAIN * error).clamp_(-_HEADING_LIMIT, _HEADING_LIMIT) * ~self.standing

    def _policy_steps(self, seconds: float) -> int:
        """Whole policy steps of an interval, at least one; of an infinite one, more than any run takes."""
        return max(int(seconds / self.dt), 1) if math.isfinite(seconds) else _NEVER

    def trained_commands(self) -> Dict[str, Any]:
        """What training draws commands from, for exported policies and cards; tasks with their own commands extend it.

        Returns:
            ranges: name -> [lowest, highest].
            min_norm: m/s.
            rule: how they are drawn, in words.
            heading: how the yaw rate follows from a heading; None where yaw rates are drawn.
        """
        cfg, ranges = self.cfg.commands, section_to_dict(self.command_ranges)
        heading = None
        if cfg.heading_command:
            ranges["ang_vel_yaw"] = [-_HEADING_LIMIT, _HEADING_LIMIT]
            heading = {"gain": _HEADING_GAIN, "limit": _HEADING_LIMIT, "rule": _HEADING_RULE}
        else:
            ranges.pop("heading", None)
        return {
            "ranges": ranges,
            "min_norm": float(cfg.min_norm),
            "rule": _NORM_RULE,
            "heading_command": bool(cfg.heading_command),
            "heading": heading,
        }

    def _update_command_curriculum(self, env_ids: Tensor) -> None:
        """Widen the range of forward velocity once episodes that end now have tracked it well."""
        names = self.reward_sum.names
        if "tracking_lin_vel" not in names or len(env_ids) == 0:
            return
        sums = self.reward_sum.episode_sums[names.index("tracking_lin_vel")]
        best = self.reward_sum.scale_of("tracking_lin_vel") * self.max_episode_length
        if float(sums[env_ids].mean()) > _CURRICULUM_SUCCESS * best:
            limit = self.cfg.commands.max_curriculum
            low, high = self.command_ranges.lin_vel_x
            low, high = low - _CURRICULUM_STEP, high + _CURRICULUM_STEP
            self.command_ranges.lin_vel_x = [min(max(low, -limit), 0.0), min(max(high, 0.0), limit)]

    def _uniform(self, bounds: Sequence[float], *shape: int) -> Tensor:
        """Uniform numbers of a shape in [low, high], from the environment's own generator."""
        low, high = bounds
        unit = torch.rand(shape, generator=self.generator, device=self.device)
        return unit.mul_(high - low).add_(low)
