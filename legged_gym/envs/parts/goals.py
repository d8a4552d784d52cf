"""Commands that lead along the goals of a tile."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.commands import VelocityCommands
from legged_gym.errors import UserError


class GoalCommands(VelocityCommands):
    """The heading is always that to the next goal of the tile, while the other commands are drawn; needs heading mode.

    Attributes:
        goals_reached: (N,) int64, goals reached in this episode.
        reach: m, horizontally: how near a goal counts as reached.
    """

    goals_reached: Tensor

    def __init__(self, env: RobotState, reach: float = 0.2) -> None:
        """Take the goals from the terrain.

        Raises:
            UserError: no tile has goals, or headings are not followed.
        """
        super().__init__(env)
        if env.terrain is None or not env.terrain.tiles.num_goals.any():
            raise UserError("goals are followed, but no tile of the terrain has any: choose terrain.tile_types that do")
        if not self.cfg.heading_command:
            raise UserError("goals are followed by their heading: set commands.heading_command = True")
        tiles, self.reach = env.terrain.tiles, reach
        self._goals = torch.as_tensor(tiles.goals, device=self.device)
        self._num_goals = torch.as_tensor(tiles.num_goals, device=self.device)
        self.buffer("goals_reached", dtype=torch.long)

    def goals(self) -> Tensor:
        """(N, 3) m, world: where each robot is to go next, or its last goal."""
        env, next_goal = self.env, self.goals_reached.clamp(max=self._goals.shape[2] - 1)
        return self._goals[env.terrain_levels, env.terrain_types, next_goal]

    def finished(self) -> Tensor:
        """(N,) bool: the last goal has been reached."""
        return self.goals_reached >= self._num_goals[self.env.terrain_levels, self.env.terrain_types]

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
