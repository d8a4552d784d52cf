"""Velocity commands: sampling, heading mode, curriculum."""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import section_to_dict
from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part
from legged_gym.envs.terms.reward_sum import ramp
from legged_gym.errors import UserError
from legged_gym.host import indices
from legged_gym.rotations import wrap_to_pi, yaw_from_quat

# fraction of the best tracking reward beyond which the command curriculum widens, and by how much, m/s
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


class VelocityCommands(Part):
    """Commands (N, 4): forward and lateral velocity in the base frame, m/s, yaw rate, rad/s, heading, rad.

    The hooks `_resample_commands` and `_update_commands` of the environment stand between the step and this part.
    """

    asked_as = ("commands", "velocity_commands")

    def __init__(self, env: RobotState) -> None:
        """All robots are told to stand until their first episode begins.

        Raises:
            UserError: `commands.ramps` names what cannot grow.
        """
        super().__init__(env)
        self.cfg, self.ranges = env.cfg.commands, env.command_ranges
        for name in self.cfg.ramps:
            if name not in _RAMPED:
                raise UserError(f"commands.ramps.{name}: what can grow is {' and '.join(_RAMPED)}")
        self._axes = torch.arange(3, device=self.device)
        env.buffer("commands", 4, at_reset=None)
        env.buffer("standing", dtype=torch.bool, at_reset=None)

    def reset(self, env_ids: Tensor) -> None:
        """See `Part`."""
        self.env._resample_commands(env_ids)

    def update(self) -> None:
        """See `Part`."""
        self.env._update_commands()

    def draw(self, env_ids: Tensor) -> None:
        """Draw new commands for some environments."""
        env, cfg, ranges, count = self.env, self.cfg, self.ranges, len(env_ids)
        forward, lateral = env._uniform(ranges.lin_vel_x, count), env._uniform(ranges.lin_vel_y, count)
        turn = env._uniform(ranges.heading if cfg.heading_command else ranges.ang_vel_yaw, count)
        none = torch.zeros_like(turn)
        new = torch.stack((forward, lateral, *((none, turn) if cfg.heading_command else (turn, none))), dim=1)
        pure, standing = self._fraction("pure_fraction"), self._fraction("standing_fraction")
        if pure > 0:
            self._make_pure(new, env_ids, pure)
        horizontal = new[:, :2]
        horizontal.mul_(horizontal.norm(dim=1, keepdim=True) > cfg.min_norm)
        stand = torch.zeros(count, dtype=torch.bool, device=self.device)
        if standing > 0:
            stand = env._uniform([0.0, 1.0], count) < standing
            new[:, :3].masked_fill_(stand[:, None], 0.0)
        env.standing.index_copy_(0, env_ids, stand)
        env.commands.index_copy_(0, env_ids, new)

    def _fraction(self, name: str) -> float:
        """A fraction of commands as it is now; see `commands.ramps`."""
        bounds, full = self.cfg.ramps.get(name), float(getattr(self.cfg, name))
        return full * (1.0 if bounds is None else ramp(self.env.common_step_counter, bounds))

    def _make_pure(self, new: Tensor, env_ids: Tensor, fraction: float) -> None:
        """Leave a fraction of new commands (n, 4) one direction alone: along x, along y or a turn, a third each.

        They are slower than others, by a factor between `_SLOWEST` and 1: slow steps are what robots get wrong.
        """
        env = self.env
        kind = env._uniform([0.0, 3.0 / fraction], len(env_ids)).long()  # from 3 on: all of them
        factor = torch.where(kind < 3, env._uniform([_SLOWEST, 1.0], len(env_ids)), 1.0)
        kept = (kind[:, None] == self._axes) | (kind >= 3)[:, None]
        new[:, :3].mul_(factor[:, None] * kept)
        heading = yaw_from_quat(env.root_states[env_ids, 3:7])
        new[:, 3] = torch.where(kind < 2, heading, new[:, 3])

    def renew(self) -> None:
        """New commands where they are due; in heading mode, the yaw rate that turns to the heading."""
        steps = self._policy_steps(self.cfg.resampling_time)
        # robots that begin an episode have theirs already
        ages = self.env.ages.of(self.env.episode_length_buf)
        due = (ages % steps == 0) & (ages > 0)
        if due.any():
            self.env._resample_commands(indices(due, self.device))
        self.steer()

    def refresh(self) -> None:
        """See `Part`."""
        self.steer()

    def steer(self) -> None:
        """In heading mode, the yaw rate that turns to the heading, but for robots that are told to stand."""
        env = self.env
        if self.cfg.heading_command:
            error = wrap_to_pi(env.commands[:, 3] - yaw_from_quat(env.root_states[:, 3:7]))
            env.commands[:, 2] = (_HEADING_GAIN * error).clamp_(-_HEADING_LIMIT, _HEADING_LIMIT) * ~env.standing

    def _policy_steps(self, seconds: float) -> int:
        """Whole policy steps of an interval, at least one; of an infinite one, more than any run takes."""
        return max(int(seconds / self.env.dt), 1) if math.isfinite(seconds) else _NEVER

    def trained(self) -> Dict[str, Any]:
        """See `LeggedRobot.trained_commands`."""
        cfg, ranges = self.cfg, section_to_dict(self.ranges)
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

    def widen(self, env_ids: Tensor) -> None:
        """Widen the range of forward velocity once episodes that end now have tracked it well."""
        rewards = self.env.reward_sum
        if "tracking_lin_vel" not in rewards.names or len(env_ids) == 0:
            return
        sums = rewards.episode_sums[rewards.names.index("tracking_lin_vel")]
        best = rewards.scale_of("tracking_lin_vel") * self.env.longest_episode
        if float(sums[env_ids].mean()) > _CURRICULUM_SUCCESS * best:
            limit = self.cfg.max_curriculum
            low, high = self.ranges.lin_vel_x
            low, high = low - _CURRICULUM_STEP, high + _CURRICULUM_STEP
            self.ranges.lin_vel_x = [min(max(low, -limit), 0.0), min(max(high, 0.0), limit)]

    def log(self) -> Dict[str, Any]:
        """The upper end of the range that the curriculum widens."""
        return {"max_command_x": self.ranges.lin_vel_x[1]} if self.cfg.curriculum else {}

    def state_dict(self) -> Dict[str, Any]:
        """See `Part`."""
        return {**super().state_dict(), "lin_vel_x_range": list(self.ranges.lin_vel_x)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Part`."""
        super().load_state_dict(state)
        self.load_ranges(state)

    def load_ranges(self, state: Mapping[str, Any]) -> None:
        """Go back to the ranges of a state alone, which may be of another number of robots."""
        if "lin_vel_x_range" in state:
            self.ranges.lin_vel_x = list(state["lin_vel_x_range"])
