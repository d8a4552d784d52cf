"""A Go2 that follows commands for velocity and height, and jumps if it is told to."""

from __future__ import annotations

from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.go2.jumps import JUMP_STEPS, JumpTerms
from legged_gym.envs.terms.mirror import mirrored
from legged_gym.errors import UserError


class Go2(JumpTerms, LeggedRobot):
    """Walks at a commanded velocity and height.

    Attributes besides those of `LeggedRobot` and `JumpTerms`:
        height_commands: (N,) m, of the base above the ground.
    """

    _STATE_BUFFERS = (
        *LeggedRobot._STATE_BUFFERS, "height_commands", "jump_commands", "jump_targets", "jump_counter",
    )  # fmt: skip

    def _init_buffers(self) -> None:
        super()._init_buffers()
        self._init_jumps()
        self.height_commands = torch.zeros(self.num_envs, device=self.device)

    def _observation_tables(self) -> Dict[str, Dict[str, Any]]:
        """The layout that was chosen, as the group `policy`; `critic` has what it shows and more."""
        layouts, name = table(self.cfg.observations), self.cfg.env.obs_layout
        critic = table(layouts.pop("critic", None))
        if name not in layouts:
            raise UserError(f"env.obs_layout is '{name}': use {', '.join(layouts)}")
        policy = table(layouts[name])
        return {"policy": policy, "critic": {**policy, **critic}}

    # ---------------------------------------------------------------- commands

    def _resample_commands(self, env_ids: Tensor) -> None:
        """Draw velocities as the base does, and a height."""
        super()._resample_commands(env_ids)
        low, high = self.command_ranges.height
        heights = self._uniform([low, high], len(env_ids))
        self.height_commands[env_ids] = heights
        if self.cfg.commands.height_velocity_coupling:
            share = (heights - 0.5 * (low + high)).abs() / (high - low)  # 0 in the middle, 0.5 at both ends
            self.commands[env_ids, :3] *= (0.5 + share)[:, None]

    def _update_commands(self) -> None:
        super()._update_commands()
        self._update_jumps()

    def reset_idx(self, env_ids: Tensor) -> None:
        """See `LeggedRobot.reset_idx`."""
        super().reset_idx(env_ids)
        if self.cfg.commands.initial_height is not None:
            self.height_commands[env_ids] = self.cfg.commands.initial_height
        self.jump_commands[env_ids] = 0.0
        self.jump_counter[env_ids] = 0

    def trained_commands(self) -> Dict[str, Any]:
        """See `CommandTerms.trained_commands`; jumps are among them where they are switched on."""
        commands = super().trained_commands()
        if self.cfg.commands.jump_fraction == 0.0:
            del commands["ranges"]["jump"]
        return commands

    def height_errors(self) -> Tensor:
        """(N,) m, height of the base above the ground under it less the commanded one."""
        return self._height_of_base() - self.height_commands

    def _metric_height_error(self) -> Tensor:
        """|commanded - true| height above the ground, m."""
        return self.height_errors().abs()

    # ---------------------------------------------------------------- observations

    @mirrored("same")
    def _obs_height_command(self) -> Tensor:
        """Commanded height of the base above the ground, m."""
        return self.height_commands[:, None]

    @mirrored("same")
    def _obs_jump_command(self) -> Tensor:
        """Height of the base to jump to, m, in the step in which a jump begins; 0 otherwise."""
        return self.jump_commands[:, None]

    @mirrored("same")
    def _obs_jump_counter(self) -> Tensor:
        """Share of the jump under way that is still to come."""
        return self.jump_counter[:, None] / JUMP_STEPS

    def _describe_jump_counter(self) -> Dict[str, Any]:
        return {
            "steps": JUMP_STEPS,
            "rule": "steps left / steps, 1 in the step in which a jump begins; 0 without a jump",
        }

    # ---------------------------------------------------------------- rewards, four of them not while jumping

    def _reward_base_height_command(self) -> Tensor:
        """Squared error of the height of the base, m^2; 0 in a jump."""
        return self.height_errors().square() * (self.jump_counter == 0)

    def _reward_lin_vel_z(self) -> Tensor:
        """Vertical velocity squared; 0 in a jump."""
        return super()._reward_lin_vel_z() * (self.jump_counter == 0)

    def _reward_action_rate(self) -> Tensor:
        """Change of action squared; 0 in a jump."""
        return super()._reward_action_rate() * (self.jump_counter == 0)

    def _reward_similar_to_default(self) -> Tensor:
        """Distance of the joints from the default pose, rad; 0 in a jump."""
        return super()._reward_similar_to_default() * (self.jump_counter == 0)
