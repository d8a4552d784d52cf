"""A G1 that walks by a clock; the rewards of Unitree's walking G1."""

from __future__ import annotations

import math
from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.g1.g1_config import G1Cfg
from legged_gym.envs.terms.mirror import mirrored

# how far each leg (left, right) is ahead of the clock, of a stride
_LEG_PHASES = (0.0, 0.5)
# N, from which on a foot that slips, or swings, counts as touching
_TOUCHING = 1.0


class G1(LeggedRobot):
    """Follows velocity commands, a step of each foot in every stride of the clock, and stands when told to."""

    cfg: G1Cfg

    def _init_buffers(self) -> None:
        super()._init_buffers()
        self._leg_phases = torch.tensor(_LEG_PHASES, device=self.device)
        sideways = [i for i, name in enumerate(self.dof_names) if "hip_roll" in name or "hip_yaw" in name]
        self._sideways_joints = torch.tensor(sideways, device=self.device)

    def phase(self) -> Tensor:
        """(N,) in [0, 1), fraction of the stride; 0 when an episode begins."""
        return self.episode_length_buf * (self.dt / self.cfg.rewards.stride_s) % 1.0

    def stance(self) -> Tensor:
        """(N, 2) bool, left and right: whether the clock has the foot on the ground; both of who is told to stand."""
        phases = (self.phase()[:, None] + self._leg_phases) % 1.0
        return (phases < self.cfg.rewards.stance_fraction) | self._told_to_stand()[:, None]

    # ---------------------------------------------------------------- observations

    @mirrored([-1.0, -1.0])  # left and right are half a stride apart
    def _obs_phase(self) -> Tensor:
        """Sine and cosine of 2 pi times the fraction of the stride."""
        angle = self.phase() * (2.0 * math.pi)
        return torch.stack((angle.sin(), angle.cos()), dim=1)

    def _describe_phase(self) -> Dict[str, Any]:
        return {
            "frequency": 1.0 / float(self.cfg.rewards.stride_s),
            "rule": "sin and cos of 2 pi frequency t, t s of the episode; the clock runs while the robot stands, too",
        }

    # ---------------------------------------------------------------- rewards

    def _reward_alive(self) -> Tensor:
        """1 in every step."""
        return torch.ones(self.num_envs, device=self.device)

    def _reward_hip_pos(self) -> Tensor:
        """Angles of the hips' roll and yaw squared."""
        return self.dof_pos.index_select(1, self._sideways_joints).square().sum(1)

    def _reward_contact(self) -> Tensor:
        """Number of feet that touch the ground, or do not, as the clock has it."""
        return (self.feet_contact == self.stance()).sum(1, dtype=torch.float32)

    def _reward_contact_no_vel(self) -> Tensor:
        """Velocities squared of feet that touch something, (m/s)^2."""
        return (self._feet_states()[..., 7:10].square().sum(-1) * self._feet_touch()).sum(1)

    def _reward_feet_swing_height(self) -> Tensor:
        """Squared error of the height above the ground of feet that touch nothing, m^2."""
        feet = self._feet_states()
        height = feet[..., 2] - self.height_scan.sample(feet[..., :2])
        return ((height - self.cfg.rewards.swing_height).square() * ~self._feet_touch()).sum(1)

    def _feet_touch(self) -> Tensor:
        return self.feet_forces.square().sum(-1) > _TOUCHING**2
