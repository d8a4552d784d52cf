"""A robot that walks by sight over lanes of obstacles, after Agarwal et al. 2022 (CoRL, arXiv:2211.07638).

On top of `LeggedRobot`: scandots (a cheap stand-in for depth), commands that depend on the ground, the rewards of that
work's supplement, and some that teach a robot sooner to walk on and where to put its trunk and feet.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.terms.mirror import mirrored
from legged_gym.rotations import yaw_from_quat
from legged_gym.sensors.edge_map import EdgeMap

# shares of the commands on flat ground: curves, turns in place; the rest is standing
_CURVES, _TURNS = 1.0 / 3.0, 2.0 / 3.0
_COMMANDS_RULE = (
    "over obstacles lin_vel_x and heading; on flat ground a third each of curves (flat_speed, curve_heading), turns in"
    " place to any heading, and standing"
)
# m around the base, in which the ground counts as what the trunk stands over
_UNDER_TRUNK = 0.31


class VisionRobot(LeggedRobot):
    """Walks straight on over obstacles, and in curves on flat ground.

    Attributes besides those of `LeggedRobot`:
        last_feet_forces: (N, F, 3) N, of the last policy step.
    """

    _STATE_BUFFERS = (*LeggedRobot._STATE_BUFFERS, "last_feet_forces")

    def _init_buffers(self) -> None:
        super()._init_buffers()
        self.last_feet_forces = torch.zeros_like(self.feet_forces)
        flat = [[name in self.cfg.commands.flat_tiles for name in row] for row in self._tile_names()]
        self._is_flat = torch.tensor(flat, device=self.device)
        rewards = self.cfg.rewards
        height_map = self.terrain.height_map if self.terrain is not None else None
        self._edges = EdgeMap(height_map, rewards.edge_margin, rewards.edge_drop, self.device)
        self._under_trunk = torch.nonzero(self.height_scan.points.abs().amax(1) < _UNDER_TRUNK).flatten()

    def _tile_names(self) -> List[List[str]]:
        """Types of tiles by level and column; a plane is one flat tile."""
        return [[self.cfg.commands.flat_tiles[0]]] if self.terrain is None else self.terrain.tile_types

    # ---------------------------------------------------------------- commands

    def _resample_commands(self, env_ids: Tensor) -> None:
        """Straight on at walking pace over obstacles; on flat ground a third each of curves, turns and standing."""
        cfg, count = self.cfg.commands, len(env_ids)
        new = torch.zeros(count, 4, device=self.device)
        new[:, 0] = self._uniform(cfg.walking_speed, count)
        new[:, 3] = self._uniform(cfg.ranges.heading, count)
        flat = self._is_flat[self.terrain_levels[env_ids], self.terrain_types[env_ids]]
        kind = self._uniform([0.0, 1.0], count)
        curve, turn = flat & (kind < _CURVES), flat & (kind >= _CURVES) & (kind < _TURNS)
        stand = flat & (kind >= _TURNS)
        heading = yaw_from_quat(self.root_states[env_ids, 3:7])
        new[:, 0] = torch.where(curve, self._uniform(cfg.ranges.flat_speed, count), new[:, 0])
        new[:, 0] *= ~(turn | stand)
        new[:, 3] = torch.where(curve, self._uniform(cfg.ranges.curve_heading, count), new[:, 3])
        new[:, 3] = torch.where(turn, self._uniform([-math.pi, math.pi], count), new[:, 3])
        new[:, 3] = torch.where(stand, heading, new[:, 3])
        self.standing[env_ids] = stand
        self.commands[env_ids] = new

    def trained_commands(self) -> Dict[str, Any]:
        """See `CommandTerms.trained_commands`."""
        commands = super().trained_commands()
        commands["ranges"]["lin_vel_x"] = list(self.cfg.commands.walking_speed)
        return {**commands, "min_norm": 0.0, "rule": _COMMANDS_RULE}

    # ---------------------------------------------------------------- observations

    def scandots_world(self) -> Tensor:
        """(N, P, 3) m, world: the points of the ground under the scandots."""
        place = self.height_scan.places(self.root_states[:, :3], self.root_states[:, 3:7])
        return torch.cat((place, self.measured_heights[..., None]), dim=-1)

    @mirrored("scan")
    def _obs_scandots(self) -> Tensor:
        """(N, P) m: how far the ground at each scandot lies below the feet of a standing robot."""
        return self.root_states[:, 2:3] - self.cfg.terrain.scandot_height - self.measured_heights

    def _describe_scandots(self) -> Dict[str, Any]:
        return self._describe_scan(self.cfg.terrain.scandot_height)

    # ---------------------------------------------------------------- rewards

    def _compute_reward(self) -> None:
        super()._compute_reward()
        self.last_feet_forces = self.feet_forces.clone()

    def reset_idx(self, env_ids: Tensor) -> None:
        """See `LeggedRobot.reset_idx`."""
        super().reset_idx(env_ids)
        self.last_feet_forces[env_ids] = 0.0

    def _reward_tracking(self) -> Tensor:
        """Commanded forward speed less the errors of forward speed, m/s, and of yaw rate, rad/s."""
        speed = (self.commands[:, 0] - self.base_lin_vel[:, 0]).abs()
        turn = (self.commands[:, 2] - self.base_ang_vel[:, 2]).abs()
        return self.commands[:, 0] - speed - turn

    def _reward_work(self) -> Tensor:
        """Mechanical power of all joints, W; braking counts as driving."""
        return (self.torques * self.dof_vel).abs().sum(1)

    def _reward_foot_jerk(self) -> Tensor:
        """Change of the feet's contact forces since the last step, N."""
        return (self.feet_forces - self.last_feet_forces).norm(dim=-1).sum(1)

    def _reward_feet_drag(self) -> Tensor:
        """Speed, |vx| + |vy|, of feet that touch the ground, m/s."""
        return (self._feet_states()[..., 7:9].abs().sum(-1) * self.feet_contact).sum(1)

    def _reward_progress(self) -> Tensor:
        """Speed towards the commanded heading as a share of the commanded one, -1 to 1.

        Unlike kernels of an error it pulls from afar. Along the trunk instead, it would pay those who walk in circles.
        """
        command, heading = self.commands[:, 0], self.commands[:, 3]
        speed = self.root_states[:, 7] * heading.cos() + self.root_states[:, 8] * heading.sin()
        return (torch.minimum(speed, command) / command.clamp(min=0.1)).clamp_(min=-1.0)

    def _reward_base_height(self) -> Tensor:
        """Squared error of the height above the ground under the trunk; the median of it, lest gaps count as ground."""
        ground = self.measured_heights.index_select(1, self._under_trunk).median(1).values
        return (self.root_states[:, 2] - ground - self.cfg.rewards.base_height_target).square()

    def _reward_feet_edge(self) -> Tensor:
        """Number of feet that stand on an edge, see `rewards.edge_margin`."""
        return (self._edges(self._feet_states()[..., :2]) & self.feet_contact).sum(1).float()

    def _reward_survival(self) -> Tensor:
        """1."""
        return torch.ones(self.num_envs, device=self.device)
