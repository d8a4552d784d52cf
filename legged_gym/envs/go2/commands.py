"""Commands of a Go2: velocities, the height of its base, and jumps."""

from __future__ import annotations

from typing import Any, Dict, Type

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.go2.go2_dynaflow_config import Go2Cfg
from legged_gym.envs.go2.jumps import JUMP_STEPS, JumpTerms
from legged_gym.envs.parts.commands import VelocityCommands


class Go2Commands(VelocityCommands):
    """Commands of height come with those of velocity; jumps begin in any step. See `JumpTerms` for what they are."""

    env: JumpTerms
    cfg: Type[Go2Cfg.commands]

    def __init__(self, env: RobotState) -> None:
        """Nobody jumps."""
        super().__init__(env)
        env.buffer("height_commands", at_reset=None)
        env.buffer("jump_commands")
        env.buffer("jump_targets", at_reset=None)
        env.buffer("jump_counter", dtype=torch.long)

    def draw(self, env_ids: Tensor) -> None:
        """Draw velocities as the base does, and a height."""
        super().draw(env_ids)
        env, (low, high) = self.env, self.ranges.height
        heights = env._uniform([low, high], len(env_ids))
        env.height_commands[env_ids] = heights
        if self.cfg.height_velocity_coupling:
            share = (heights - 0.5 * (low + high)).abs() / (high - low)  # 0 in the middle, 0.5 at both ends
            env.commands[env_ids, :3] *= (0.5 + share)[:, None]

    def reset(self, env_ids: Tensor) -> None:
        """See `Part`."""
        super().reset(env_ids)
        if self.cfg.initial_height is not None:
            self.env.height_commands[env_ids] = self.cfg.initial_height

    def renew(self) -> None:
        """Count down, and begin a jump where a robot is told to and does not jump already."""
        super().renew()
        env, fraction = self.env, self.cfg.jump_fraction
        env.jump_commands.zero_()
        env.jump_counter.sub_(1).clamp_(min=0)
        if fraction > 0.0:
            begins = (env._uniform([0.0, 1.0], self.num_envs) < fraction) & (env.jump_counter == 0)
            heights = env._uniform(self.ranges.jump, self.num_envs)
            env.jump_commands.add_(heights * begins)
            env.jump_targets.copy_(torch.where(begins, heights, env.jump_targets))
            env.jump_counter.masked_fill_(begins, JUMP_STEPS)

    def trained(self) -> Dict[str, Any]:
        """See `VelocityCommands`; jumps are among them where they are switched on."""
        commands = super().trained()
        if self.cfg.jump_fraction == 0.0:
            del commands["ranges"]["jump"]
        return commands
