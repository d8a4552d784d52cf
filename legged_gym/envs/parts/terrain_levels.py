"""Where robots stand on a grid of tiles: the curriculum that moves them between levels, and visits to all tiles."""

from __future__ import annotations

from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part


class Tiles(Part):
    """Rows of the terrain are levels of difficulty, columns are types."""

    def __init__(self, env: RobotState) -> None:
        """Know the tiles of an environment with terrain."""
        super().__init__(env)
        assert env.terrain is not None
        self.origins = torch.as_tensor(env.terrain.env_origins, device=self.device)
        self.num_levels, self.num_types = self.origins.shape[:2]

    def place(self, env_ids: Tensor, levels: Tensor, types: Tensor) -> None:
        """Where environments (n,) begin their next episodes."""
        env = self.env
        env.terrain_levels[env_ids], env.terrain_types[env_ids] = levels, types
        env.env_origins[env_ids] = self.origins[levels, types]


class TerrainLevels(Tiles):
    """Robots go up and down in level and keep their type.

    Attributes:
        curriculum: whether they do; without, they stay where they were put at first.
    """

    asked_as = ("tiles", "terrain_curriculum")

    def __init__(self, env: RobotState) -> None:
        """Distribute the robots."""
        super().__init__(env)
        cfg, count = env.cfg.terrain, self.num_envs
        self.curriculum = bool(cfg.curriculum)
        highest = min(cfg.max_init_terrain_level if self.curriculum else self.num_levels, self.num_levels - 1)
        levels = torch.randint(0, highest + 1, (count,), generator=env.generator, device=self.device)
        everyone = torch.arange(count, device=self.device)
        self.place(everyone, levels, everyone * self.num_types // count)
        assert env.terrain is not None
        self._finish_x = torch.as_tensor(env.terrain.finish_x, device=self.device)
        self._far = (env.terrain.tile_length if cfg.mesh_type == "mesh" else cfg.terrain_length) / 2

    def prepare(self, env_ids: Tensor) -> None:
        """See `Part`; the first reset of a run moves nobody."""
        if self.curriculum and self.env.ever_reset:
            self.env._update_terrain_curriculum(env_ids)

    def promote(self, env_ids: Tensor) -> None:
        """Up a level after crossing the tile, down after less than half the commanded distance."""
        env = self.env
        distance = (env.root_states[env_ids, :2] - env.env_origins[env_ids, :2]).norm(dim=1)
        commanded = env.commands[env_ids, :2].norm(dim=1) * env.cfg.env.episode_length_s
        up = self._crossed(env_ids, distance)
        self.move(env_ids, up, (distance < 0.5 * commanded) & ~up)

    def move(self, env_ids: Tensor, up: Tensor, down: Tensor) -> None:
        """Environments (n,) go a level up or down where (n,) bool says so, and beyond the last one anywhere."""
        env = self.env
        levels = env.terrain_levels[env_ids] + up.long() - down.long()
        rows = self.num_levels
        # who solves the last level starts again anywhere, so that easy ground is not forgotten
        anywhere = torch.randint(0, rows, levels.shape, generator=env.generator, device=self.device)
        self.place(env_ids, torch.where(levels >= rows, anywhere, levels.clamp(min=0)), env.terrain_types[env_ids])

    def _crossed(self, env_ids: Tensor, distance: Tensor) -> Tensor:
        """(n,) bool: beyond the finish of a lane; on other tiles, half a tile or more m from the origin."""
        env = self.env
        finish = self._finish_x[env.terrain_levels[env_ids], env.terrain_types[env_ids]]
        far = distance > self._far
        return torch.where(finish.isnan(), far, env.root_states[env_ids, 0] > finish)

    def log(self) -> Dict[str, Any]:
        """The mean level."""
        return {"terrain_level": self.env.terrain_levels.float().mean()} if self.curriculum else {}


class TileSchedule(Tiles):
    """Sends robots to all tiles of the map in turn, each equally often (give or take one episode).

    The order is a fixed shuffle, so that few episodes are spread over all levels and types too.
    """

    def __init__(self, env: RobotState) -> None:
        """Plan the tiles."""
        super().__init__(env)
        order = torch.randperm(self.num_levels * self.num_types, generator=torch.Generator().manual_seed(0))
        self._order = order.to(self.device)
        self.start(0)

    def start(self, first: int) -> None:
        """Environment i begins its next episode on tile `first` + i of the order."""
        self._turns = first + torch.arange(self.num_envs, device=self.device)

    def prepare(self, env_ids: Tensor) -> None:
        """Give environments (n,) the tiles of their next episodes."""
        tile = self._order[self._turns[env_ids] % len(self._order)]
        self._turns[env_ids] += self.num_envs
        self.place(env_ids, tile // self.num_types, tile % self.num_types)
