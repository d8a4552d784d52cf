"""The terms of the task: what the robot sees of its goal, what it is paid for, and how well it did."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.envs.terms.mirror import mirrored
from legged_gym.rotations import quat_rotate_inverse


class GoalRobot(LeggedRobot):
    """Walks at a commanded speed to the goals of its tile, in their order."""

    command_part = GoalCommands
    velocity_commands: GoalCommands

    def _to_goal(self) -> Tensor:
        """(N, 3) m, world: from the base to the next goal; 0 on ground without goals."""
        return (self.velocity_commands.goals() - self.root_states[:, :3]).nan_to_num()

    @mirrored([1.0, -1.0])
    def _obs_goal(self) -> Tensor:
        """Where the next goal is, forward and to the left of the base, m."""
        return quat_rotate_inverse(self.root_states[:, 3:7], self._to_goal())[:, :2]

    def _reward_goal_progress(self) -> Tensor:
        """Speed towards the next goal, m/s."""
        direction = torch.nn.functional.normalize(self._to_goal()[:, :2], dim=1)
        return (self.root_states[:, 7:9] * direction).sum(1)

    def _termination_arrived(self) -> Tensor:
        """All goals have been reached."""
        return self.velocity_commands.finished()

    def _metric_goals_reached(self) -> Tensor:
        """How many goals the robot has reached."""
        return self.velocity_commands.goals_reached
