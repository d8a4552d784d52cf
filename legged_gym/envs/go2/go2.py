"""A Go2 that follows commands for velocity and height, and jumps if it is told to."""

from __future__ import annotations

from typing import Any, Dict

from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.go2.commands import Go2Commands
from legged_gym.envs.go2.go2_dynaflow_config import Go2Cfg
from legged_gym.envs.go2.jumps import JUMP_STEPS, JumpTerms
from legged_gym.envs.terms.mirror import mirrored
from legged_gym.errors import UserError


class Go2(JumpTerms, LeggedRobot):
    """Walks at a commanded velocity and height."""

    cfg: Go2Cfg
    command_part = Go2Commands

    def _observation_tables(self) -> Dict[str, Dict[str, Any]]:
        """The layout that was chosen, as the group `policy`; `critic` has what it shows and more."""
        layouts, name = table(self.cfg.observations), self.cfg.env.obs_layout
        critic = table(layouts.pop("critic", None))
        if name not in layouts:
            raise UserError(f"env.obs_layout is '{name}': use {', '.join(layouts)}")
        policy = table(layouts[name])
        return {"policy": policy, "critic": {**policy, **critic}}

    def command_columns(self) -> Dict[str, Tensor]:
        """See `LeggedRobot.command_columns`; the height of the base, and that of a jump which begins."""
        return {**super().command_columns(), "height": self.height_commands, "jump": self.jump_commands}

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
        """Fraction of the jump under way that is still to come."""
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
