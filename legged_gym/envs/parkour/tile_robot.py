"""A robot on the courses of Extreme Parkour: which levels it walks on, and what is paid for by the kind of ground."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.parkour.goal_robot import GoalRobot
from legged_gym.envs.terms.mirror import mirrored
from legged_gym.errors import UserError
from legged_gym.sensors.edge_map import EdgeMap
from legged_gym.terrain.parkour_tiles import PARKOUR_FLAT

# of the commanded distance: up a level from the first, down below the second
_UP, _DOWN = 0.8, 0.4


class ParkourTilesRobot(GoalRobot):
    """Follows the goals of tiles; goes up a level with a course that is finished or as long as commanded."""

    def _make_parts(self) -> None:
        super()._make_parts()
        if self.terrain is None or not self.terrain.tiles.num_goals.all():
            raise UserError("env.terrain: every tile needs goals: give mesh_type heightfield, and tile_types parkour_*")
        names = [[name == PARKOUR_FLAT for name in row] for row in self.terrain.tile_types]
        self._flat_tiles = torch.tensor(names, device=self.device)
        rewards = self.cfg.rewards
        self._edges = EdgeMap(self.terrain.height_map, rewards.edge_margin, rewards.edge_drop, self.device)

    def _on_flat(self) -> Tensor:
        """(N,) bool, whose course has nothing to climb or jump over."""
        return self._flat_tiles[self.terrain_levels, self.terrain_types]

    def _update_terrain_curriculum(self, env_ids: Tensor) -> None:
        away = (self.root_states[env_ids, :2] - self.env_origins[env_ids, :2]).norm(dim=1)
        commanded = self.commands[env_ids, 0] * self.cfg.env.episode_length_s
        up = self.velocity_commands.finished()[env_ids] | (away > _UP * commanded)
        self.terrain_curriculum.move(env_ids, up, (away < _DOWN * commanded) & ~up)

    @mirrored("same")
    def _obs_ground_class(self) -> Tensor:
        """1, 0 where there is something to climb or jump over, 0, 1 on flat courses."""
        flat = self._on_flat()
        return torch.stack((~flat, flat), dim=1).float()

    def _reward_lin_vel_z(self) -> Tensor:
        """Vertical velocity squared; half of it off flat courses."""
        return super()._reward_lin_vel_z() * torch.where(self._on_flat(), 1.0, 0.5)

    def _reward_orientation(self) -> Tensor:
        """Squared horizontal part of gravity in the base frame, on flat courses."""
        return super()._reward_orientation() * self._on_flat()

    def _feet_on_edges(self) -> Tensor:
        """(N,) how many feet touch the ground, now or in the last step, next to a drop."""
        on_edge = self._edges(self._feet_states()[..., :2])
        return (on_edge & (self._touching_now | self.feet_touched)).sum(1).float()

    def _reward_feet_edge(self) -> Tensor:
        """Feet that stand on edges, from level `rewards.edges_from_level` on."""
        return self._feet_on_edges() * (self.terrain_levels >= self.cfg.rewards.edges_from_level)

    def _metric_edge_violations(self) -> Tensor:
        """How many feet stand on edges."""
        return self._feet_on_edges()
