"""A robot that walks by sight over lanes of obstacles, after Agarwal et al. 2022 (CoRL, arXiv:2211.07638).

On top of `LeggedRobot`: scandots (a cheap stand-in for depth), commands that depend on the ground, the rewards of that
work's supplement, and some that teach a robot sooner to walk on and where to put its trunk and feet.
"""

from __future__ import annotations

from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.terms.mirror import mirrored
from legged_gym.envs.vision.lane_commands import LaneCommands
from legged_gym.sensors.edge_map import EdgeMap

# m around the base, in which the ground counts as what the trunk stands over
_UNDER_TRUNK = 0.31


class VisionRobot(LeggedRobot):
    """Walks straight on over obstacles, and in curves on flat ground.

    Attributes besides those of `LeggedRobot`:
        last_feet_forces: (N, F, 3) N, of the last policy step.
    """

    cfg: Any  # with the settings of walking by sight
    command_part = LaneCommands
    velocity_commands: LaneCommands
    last_feet_forces: Tensor

    def _init_buffers(self) -> None:
        super()._init_buffers()
        self.buffer("last_feet_forces", len(self.feet_indices), 3)
        rewards = self.cfg.rewards
        height_map = self.terrain.height_map if self.terrain is not None else None
        self._edges = EdgeMap(height_map, rewards.edge_margin, rewards.edge_drop, self.device)
        self._under_trunk = torch.nonzero(self.height_scan.points.abs().amax(1) < _UNDER_TRUNK).flatten()

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

    @mirrored("same")
    def _obs_on_flat(self) -> Tensor:
        """1 on flat tiles, else 0."""
        return self.velocity_commands.on_flat()[:, None].float()

    # ---------------------------------------------------------------- rewards

    def _compute_reward(self) -> None:
        super()._compute_reward()
        self.last_feet_forces = self.feet_forces.clone()

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
        """Speed towards the commanded heading as a fraction of the commanded one, -1 to 1; 0 where that is 0.

        Unlike kernels of an error it pulls from afar. Along the trunk instead, it would pay those who walk in circles.
        """
        command, heading = self.commands[:, 0], self.commands[:, 3]
        speed = self.root_states[:, 7] * heading.cos() + self.root_states[:, 8] * heading.sin()
        return (torch.minimum(speed, command) / command.clamp(min=0.1)).clamp_(min=-1.0) * (command > 0.0)

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
