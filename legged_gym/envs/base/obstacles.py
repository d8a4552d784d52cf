"""The obstacles of a config, each where its environment is."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.sim.simulator import Simulator


class Obstacles:
    """Places obstacles; they go along when an environment moves to another tile."""

    def __init__(self, cfg: LeggedRobotCfg, sim: Simulator) -> None:
        """Give the obstacles of a simulator of the same config their sizes."""
        self._sim = sim
        entries = list(table(cfg.obstacles).values())
        poses = [[*entry.pos, *entry.rot] for entry in entries]
        self._poses = torch.tensor(poses, dtype=torch.float32, device=sim.device)
        half_sizes = torch.tensor([entry.half_sizes() for entry in entries]).repeat(sim.num_envs, 1, 1)
        for k, entry in enumerate(entries):
            if entry.envs is not None:
                half_sizes[[env not in entry.envs for env in range(sim.num_envs)], k] = 0.0
        everyone = torch.arange(sim.num_envs, device=sim.device)
        sim.set_obstacles(everyone, self._poses.repeat(sim.num_envs, 1, 1), half_sizes.to(sim.device))

    def place(self, env_ids: Tensor, origins: Tensor) -> None:
        """Put the obstacles of environments (n,), sorted, to where their origins (n, 3) are."""
        poses = self._poses.repeat(len(env_ids), 1, 1)
        poses[..., :3] += origins[:, None]
        self._sim.set_obstacles(env_ids, poses)
