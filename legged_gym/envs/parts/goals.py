"""Commands that lead along goals: those of a tile, or of a course."""

from __future__ import annotations

from typing import Optional

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.commands import VelocityCommands


class GoalCommands(VelocityCommands):
    """The heading is always that to the next goal of the tile, while the other commands are drawn; needs heading mode.

    Subclasses with goals of their own override `_take_goals`, `goal` and `num_goals`.

    Attributes:
        goals_reached: (N,) int64, goals reached in this episode.
        dwelt: (N,) int64, policy steps that the robot has been at its next goal without leaving it.
        reach: m, horizontally: how near a goal counts as reached.
        dwell: policy steps that it has to stay there before it goes on; 0 for none.
        gate: m, a goal also counts as reached by who comes past it along +x within this to either side; None: not so.
        driven: (N, 2) m/s, rad: speed and heading of who is driven by hand; NaN for who follows the goals.
    """

    goals_reached: Tensor
    dwelt: Tensor

    def __init__(self, env: RobotState, reach: float = 0.2, dwell: int = 0, gate: Optional[float] = None) -> None:
        """Take the goals; says so where they cannot be followed."""
        super().__init__(env)
        self.reach, self.dwell, self.gate = reach, dwell, gate
        self.driven = torch.full((self.num_envs, 2), torch.nan, device=self.device)
        if self._take_goals() and not self.cfg.heading_command:
            print("note: commands.heading_command is off, so nobody turns to the goals")
        self.buffer("goals_reached", dtype=torch.long)
        self.buffer("dwelt", dtype=torch.long)

    def _take_goals(self) -> bool:
        """Take the goals from the terrain; returns whether there are any."""
        goals, counts = np.zeros((1, 1, 0, 3)), np.zeros((1, 1), dtype=np.int64)
        if self.env.terrain is not None:
            goals, counts = self.env.terrain.tiles.goals, self.env.terrain.tiles.num_goals
        if not counts.any():
            print("note: the ground has no goals, so headings are as drawn")
            goals = np.full((*counts.shape, 1, 3), np.nan)
        self._goals = torch.as_tensor(goals, dtype=torch.float32, device=self.device)
        self._num_goals = torch.as_tensor(counts, device=self.device)
        return bool(counts.any())

    def goal(self, number: Tensor) -> Tensor:
        """(N, 3) m, world: each robot's goal of a number (N,), or its last; NaN on a tile without goals."""
        env = self.env
        return self._goals[env.terrain_levels, env.terrain_types, number.clamp(max=self._goals.shape[2] - 1)]

    def num_goals(self) -> Tensor:
        """(N,) int64, how many goals each robot has."""
        return self._num_goals[self.env.terrain_levels, self.env.terrain_types]

    def goals(self, ahead: int = 0) -> Tensor:
        """(N, 3) m, world: where each robot is to go next (or `ahead` goals later), or its last goal."""
        return self.goal(self.goals_reached + ahead)

    def course(self, robot: int) -> Tensor:
        """(n, 3) m, world: all goals of one robot, in their order."""
        numbers = range(int(self.num_goals()[robot]))
        goals = [self.goal(torch.full_like(self.goals_reached, number))[robot] for number in numbers]
        return torch.stack(goals) if goals else self.driven.new_zeros(0, 3)

    def target_yaw(self, ahead: int = 0) -> Tensor:
        """(N,) rad, world: the direction of that goal, or driven; NaN on a tile without goals."""
        away, driven = self.goals(ahead)[:, :2] - self.env.root_states[:, :2], self.driven[:, 1]
        return torch.where(driven.isnan(), torch.atan2(away[:, 1], away[:, 0]), driven)

    def finished(self) -> Tensor:
        """(N,) bool: there are goals, and the last one has been reached."""
        count = self.num_goals()
        return (count > 0) & (self.goals_reached >= count)

    def renew(self) -> None:
        """On to the next goal where one is reached, then as for other commands."""
        away = self.env.root_states[:, :2] - self.goals()[:, :2]
        near = away.norm(dim=1) < self.reach
        self.dwelt = torch.where(near, self.dwelt + 1, 0)
        reached = self.dwelt > self.dwell
        if self.gate is not None:
            reached |= (away[:, 0] > 0.0) & (away[:, 1].abs() < self.gate)
        reached &= ~self.finished()
        self.goals_reached += reached.long()
        self.dwelt *= ~reached
        super().renew()

    def steer(self) -> None:
        """Turn to the goal; robots on a tile without goals keep the heading that was drawn."""
        heading, speed = self.target_yaw(), self.driven[:, 0]
        self.env.commands[:, 0] = torch.where(speed.isnan(), self.env.commands[:, 0], speed)
        self.env.commands[:, 3] = torch.where(heading.isnan(), self.env.commands[:, 3], heading)
        super().steer()
