"""The obstacles of a config, each where its environment is."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part


class Obstacles(Part):
    """Places obstacles; they go along when an environment moves to another tile."""

    def __init__(self, env: RobotState) -> None:
        """Give the obstacles of an environment's config their sizes and places."""
        super().__init__(env)
        entries = list(table(env.cfg.obstacles).values())
        poses = [[*entry.pos, *entry.rot] for entry in entries]
        self._poses = torch.tensor(poses, dtype=torch.float32, device=self.device)
        half_sizes = torch.tensor([entry.half_sizes() for entry in entries]).repeat(self.num_envs, 1, 1)
        for k, (name, entry) in enumerate(table(env.cfg.obstacles).items()):
            if entry.envs is not None:
                if not any(number < self.num_envs for number in entry.envs):
                    print(f"note: obstacles.{name} is in none of the {self.num_envs} environments")
                half_sizes[[number not in entry.envs for number in range(self.num_envs)], k] = 0.0
        everyone = torch.arange(self.num_envs, device=self.device)
        self._half_sizes = half_sizes.to(self.device)
        env.sim.set_obstacles(everyone, self._poses.repeat(self.num_envs, 1, 1), self._half_sizes)
        Obstacles.reset(self, everyone)

    def reset(self, env_ids: Tensor) -> None:
        """Put the obstacles of environments (n,), sorted, to where their origins are."""
        poses = self._poses.repeat(len(env_ids), 1, 1)
        poses[..., :3] += self.env.env_origins[env_ids][:, None]
        self.env.sim.set_obstacles(env_ids, poses)
