"""Commands that lead along the goals of a tile."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.commands import VelocityCommands


class GoalCommands(VelocityCommands):
    """The heading is always that to the next goal of the tile, while the other commands are drawn; needs heading mode.

    Attributes:
        goals_reached: (N,) int64, goals reached in this episode.
        reach: m, horizontally: how near a goal counts as reached.
    """

    goals_reached: Tensor

    def __init__(self, env: RobotState, reach: float = 0.2) -> None:
        """Take the goals from the terrain; says so where they cannot be followed."""
        super().__init__(env)
        self.reach = reach
        goals, counts = np.zeros((1, 1, 0, 3)), np.zeros((1, 1), dtype=np.int64)
        if env.terrain is not None:
            goals, counts = env.terrain.tiles.goals, env.terrain.tiles.num_goals
        if not counts.any():
            print("note: the ground has no goals, so headings are as drawn")
            goals = np.full((*counts.shape, 1, 3), np.nan)
        elif not self.cfg.heading_command:
            print("note: commands.heading_command is off, so nobody turns to the goals")
        self._goals = torch.as_tensor(goals, dtype=torch.float32, device=self.device)
        self._num_goals = torch.as_tensor(counts, device=self.device)
        self.buffer("goals_reached", dtype=torch.long)

    def goals(self) -> Tensor:
        """(N, 3) m, world: where each robot is to go next, or its last goal; NaN on a tile without goals."""
        env, next_goal = self.env, self.goals_reached.clamp(max=self._goals.shape[2] - 1)
        return self._goals[env.terrain_levels, env.terrain_types, next_goal]

    def finished(self) -> Tensor:
        """(N,) bool: there are goals, and the last one has been reached."""
        there = self._num_goals[self.env.terrain_levels, self.env.terrain_types]
        return (there > 0) & (self.goals_reached >= there)

    def renew(self) -> None:
        """On to the next goal where one is reached, then as for other commands."""
        distance = (self.goals()[:, :2] - self.env.root_states[:, :2]).norm(dim=1)
        self.goals_reached += ((distance < self.reach) & ~self.finished()).long()
        super().renew()

    def steer(self) -> None:
        """Turn to the goal; robots on a tile without goals keep the heading that was drawn."""
        away = self.goals()[:, :2] - self.env.root_states[:, :2]
        heading = torch.atan2(away[:, 1], away[:, 0])
        self.env.commands[:, 3] = torch.where(heading.isnan(), self.env.commands[:, 3], heading)
        super().steer()
