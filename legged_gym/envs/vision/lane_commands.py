"""Commands on lanes of obstacles."""

from __future__ import annotations

import math
from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.commands import VelocityCommands
from legged_gym.rotations import yaw_from_quat

# fractions of the commands on flat ground: curves, turns in place; the rest is standing
_CURVES, _TURNS = 1.0 / 3.0, 2.0 / 3.0
_COMMANDS_RULE = (
    "over obstacles lin_vel_x and heading; on flat ground a third each of curves (flat_speed, curve_heading), turns in"
    " place to any heading, and standing"
)


class LaneCommands(VelocityCommands):
    """Straight on at walking pace over obstacles; on flat ground a third each of curves, turns and standing."""

    cfg: Any  # with the settings of walking by sight

    def __init__(self, env: RobotState) -> None:
        """Find the flat tiles; a plane is one."""
        super().__init__(env)
        flat_tiles = self.cfg.flat_tiles
        names = [[flat_tiles[0]]] if env.terrain is None else env.terrain.tile_types
        self._is_flat = torch.tensor([[name in flat_tiles for name in row] for row in names], device=self.device)

    def on_flat(self) -> Tensor:
        """(N,) bool, whether robots are on flat tiles."""
        return self._is_flat[self.env.terrain_levels, self.env.terrain_types]

    def draw(self, env_ids: Tensor) -> None:
        """See `VelocityCommands`."""
        env, cfg, count = self.env, self.cfg, len(env_ids)
        new = torch.zeros(count, 4, device=self.device)
        new[:, 0] = env._uniform(cfg.walking_speed, count)
        new[:, 3] = env._uniform(cfg.ranges.heading, count)
        flat = self.on_flat()[env_ids]
        kind = env._uniform([0.0, 1.0], count)
        curve, turn = flat & (kind < _CURVES), flat & (kind >= _CURVES) & (kind < _TURNS)
        stand = flat & (kind >= _TURNS)
        heading = yaw_from_quat(env.root_states[env_ids, 3:7])
        new[:, 0] = torch.where(curve, env._uniform(cfg.ranges.flat_speed, count), new[:, 0])
        new[:, 0] *= ~(turn | stand)
        new[:, 3] = torch.where(curve, env._uniform(cfg.ranges.curve_heading, count), new[:, 3])
        new[:, 3] = torch.where(turn, env._uniform([-math.pi, math.pi], count), new[:, 3])
        new[:, 3] = torch.where(stand, heading, new[:, 3])
        env.standing[env_ids], env.commands[env_ids] = stand, new

    def trained(self) -> Dict[str, Any]:
        """See `VelocityCommands`."""
        commands = super().trained()
        commands["ranges"]["lin_vel_x"] = list(self.cfg.walking_speed)
        return {**commands, "min_norm": 0.0, "rule": _COMMANDS_RULE}
