"""The Mini Cheetah: rewards that are largest at the wanted value, S(x) = exp(-x^2 / sigma), and a memory of targets."""

from __future__ import annotations

import math
from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.mini_cheetah.mini_cheetah_config import MiniCheetahCfg
from legged_gym.envs.terms.mirror import mirrored

# s^2, by which changes of the joint targets are divided
_RATE_UNIT = 0.0025
STANDING_COMMAND = 0.1
"""m/s or rad/s: commands up to this ask to stand."""
# how fast that fades above
_STANDING_SIGMA = 0.1


class MiniCheetah(LeggedRobot):
    """Follows velocity commands on flat ground.

    Attributes besides those of `LeggedRobot`:
        dof_pos_history: (N, 3, D) rad, joint targets less the default pose, newest first.
    """

    cfg: MiniCheetahCfg
    dof_pos_history: Tensor

    def _init_buffers(self) -> None:
        super()._init_buffers()
        self.buffer("dof_pos_history", 3, self.num_actions)
        scaling = self.cfg.scaling
        self._dof_pos_scale = self._gains(scaling.dof_pos, "scaling.dof_pos")
        self._dof_vel_scale = self._gains(scaling.dof_vel, "scaling.dof_vel")

    def _act(self, actions: Tensor) -> None:
        super()._act(actions)
        target = self.actions * self.cfg.control.action_scale
        self.dof_pos_history = torch.cat((target[:, None], self.dof_pos_history[:, :-1]), dim=1)

    # ---------------------------------------------------------------- observations

    @mirrored("joints")
    def _obs_dof_pos_history(self) -> Tensor:
        """The last three joint targets less the default pose, newest first, rad."""
        return self.dof_pos_history.flatten(1)

    def _describe_dof_pos_history(self) -> Dict[str, Any]:
        return {
            "length": self.dof_pos_history.shape[1],
            "rule": "a target is actions.scale times the clipped action, the newest of the last action; at first all 0",
        }

    # ---------------------------------------------------------------- rewards

    def _kernel(self, error: Tensor) -> Tensor:
        """S: 1 without error, and falling with its square."""
        return torch.exp(error.square() * (-1.0 / self.cfg.rewards.tracking_sigma))

    def _standing(self) -> Tensor:
        """(N,) 1 where the command is to stand, falling to 0 as it grows."""
        excess = (self.commands[:, :3].norm(dim=1) - STANDING_COMMAND).clamp_(min=0.0)
        return torch.exp(excess.square() * (-1.0 / _STANDING_SIGMA))

    def _reward_tracking_lin_vel(self) -> Tensor:
        """S of the horizontal velocity's error, which counts less the faster the command is."""
        command = self.commands[:, :2]
        error = (command - self.base_lin_vel[:, :2]) / (1.0 + command.abs())
        return self._kernel(error.norm(dim=1))

    def _reward_tracking_lin_vel_abs(self) -> Tensor:
        """S of the horizontal velocity's error in m/s, the `tracking_lin_vel` of other robots."""
        return super()._reward_tracking_lin_vel()

    def _reward_lin_vel_z(self) -> Tensor:
        """S of the vertical velocity."""
        return self._kernel(self.base_lin_vel[:, 2] / self.cfg.scaling.base_lin_vel)

    def _reward_ang_vel_xy(self) -> Tensor:
        """S of the roll rate plus S of the pitch rate."""
        return self._kernel(self.base_ang_vel[:, :2] / self.cfg.scaling.base_ang_vel).sum(1)

    def _reward_orientation(self) -> Tensor:
        """S of either horizontal part of gravity in the base frame, 2 when level."""
        return self._kernel(self.projected_gravity[:, :2]).sum(1)

    def _reward_min_base_height(self) -> Tensor:
        """S of how far the base is below `base_height_target`."""
        below = (self._obs_base_height()[:, 0] - self.cfg.rewards.base_height_target).clamp_(max=0.0)
        return self._kernel(below / self.cfg.scaling.base_height)

    def _reward_action_rate(self) -> Tensor:
        """First differences of the joint targets squared."""
        new, old, _ = self.dof_pos_history.unbind(1)
        return (new - old).square().sum(1) * (1.0 / _RATE_UNIT)

    def _reward_action_rate2(self) -> Tensor:
        """Second differences of the joint targets squared."""
        new, old, older = self.dof_pos_history.unbind(1)
        return (new - 2.0 * old + older).square().sum(1) * (1.0 / _RATE_UNIT)

    def _reward_dof_near_home(self) -> Tensor:
        """S of every joint's distance from the default pose, 12 at it."""
        return self._kernel((self.dof_pos - self.default_dof_pos) / self._dof_pos_scale).sum(1)

    def _reward_dof_vel(self) -> Tensor:
        """S of every joint's velocity, 12 at rest."""
        return self._kernel(self.dof_vel / self._dof_vel_scale).sum(1)

    def _reward_stand_still(self) -> Tensor:
        """For robots that are told to stand: joints at the default pose, within 5 degrees, and all at rest."""
        away = self._kernel((self.dof_pos - self.default_dof_pos) * (36.0 / math.pi)).mean(1)
        rest = self._kernel(self.dof_vel).mean(1)
        moving = self.base_lin_vel.square().mean(1) + self.base_ang_vel.square().mean(1)
        return (away + rest - moving) * self._standing()
