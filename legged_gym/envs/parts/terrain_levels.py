"""Where robots stand on rough terrain, and the curriculum that moves them between levels."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState


class TerrainLevels(RobotState):
    """Rows of the terrain are levels of difficulty, columns are types; a robot keeps its type."""

    def _place_on_terrain(self) -> None:
        """Levels, types and origins of the environments."""
        n, device = self.num_envs, self.device
        self.terrain_levels = torch.zeros(n, dtype=torch.long, device=device)
        self.terrain_types = torch.zeros(n, dtype=torch.long, device=device)
        self.env_origins = torch.zeros(n, 3, device=device)
        self._curriculum = self.terrain is not None and bool(self.cfg.terrain.curriculum)
        if self.terrain is None:
            return
        cfg = self.cfg.terrain
        highest = min(cfg.max_init_terrain_level, cfg.num_rows - 1) if self._curriculum else cfg.num_rows - 1
        self.terrain_levels = torch.randint(0, highest + 1, (n,), generator=self.generator, device=device)
        self.terrain_types = torch.arange(n, device=device) * cfg.num_cols // n
        self._tile_origins = torch.as_tensor(self.terrain.env_origins, device=device)
        self._finish_x = torch.as_tensor(self.terrain.finish_x, device=device)
        self.env_origins = self._tile_origins[self.terrain_levels, self.terrain_types]

    def _update_terrain_curriculum(self, env_ids: Tensor) -> None:
        """Up a level after crossing the tile, down after less than half the commanded distance."""
        distance = (self.root_states[env_ids, :2] - self.env_origins[env_ids, :2]).norm(dim=1)
        commanded = self.commands[env_ids, :2].norm(dim=1) * self.cfg.env.episode_length_s
        up = self._crossed(env_ids, distance)
        down = (distance < 0.5 * commanded) & ~up
        levels = self.terrain_levels[env_ids] + up.long() - down.long()
        rows = self.cfg.terrain.num_rows
        # who solves the last level starts again anywhere, so that easy ground is not forgotten
        anywhere = torch.randint(0, rows, levels.shape, generator=self.generator, device=self.device)
        self.terrain_levels[env_ids] = torch.where(levels >= rows, anywhere, levels.clamp(min=0))
        self.env_origins[env_ids] = self._tile_origins[self.terrain_levels[env_ids], self.terrain_types[env_ids]]

    def _crossed(self, env_ids: Tensor, distance: Tensor) -> Tensor:
        """(n,) bool: beyond the finish of a lane; on other tiles, half a tile or more m from the origin."""
        finish = self._finish_x[self.terrain_levels[env_ids], self.terrain_types[env_ids]]
        far = distance > self.cfg.terrain.terrain_length / 2
        return torch.where(finish.isnan(), far, self.root_states[env_ids, 0] > finish)
