"""The Mini Cheetah with a reference gait: a trot whose phase runs on its own and is observed."""

from __future__ import annotations

import math
from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.mini_cheetah.gait import ReferenceGait
from legged_gym.envs.mini_cheetah.mini_cheetah import STANDING_COMMAND, MiniCheetah
from legged_gym.envs.mini_cheetah.mini_cheetah_config import LEGS, MiniCheetahRefCfg
from legged_gym.envs.terms.mirror import mirrored

# N, from which on a foot counts as loaded; in a trot each of two feet bears 40 N on average
_LOADED = 10.0
# how far each leg (RF, LF, RH, LH) is behind the first: diagonal legs move together
_LEG_PHASES = (0.0, math.pi, math.pi, 0.0)
_CYCLE = 2.0 * math.pi


class MiniCheetahRef(MiniCheetah):
    """Follows velocity commands at the rhythm of a trot, and stands when told to.

    Attributes besides those of `MiniCheetah`:
        phase: (N,) rad in [0, 2 pi); RF and LH swing before pi and stand after, LF and RH the other way round.
    """

    cfg: MiniCheetahRefCfg
    phase: Tensor

    def _init_buffers(self) -> None:
        super()._init_buffers()
        self.buffer("phase", at_reset=None)
        self.gait = ReferenceGait(self.cfg.control.gait_file, self.device)
        self._leg_phases = torch.tensor(_LEG_PHASES, device=self.device)

    def _update(self) -> None:
        self.phase = (self.phase + _CYCLE * self.cfg.control.gait_freq * self.dt) % _CYCLE
        super()._update()

    def reset_idx(self, env_ids: Tensor) -> None:
        """See `LeggedRobot.reset_idx`."""
        super().reset_idx(env_ids)
        self.phase[env_ids] = self._uniform([0.0, _CYCLE], len(env_ids))

    def leg_phases(self) -> Tensor:
        """(N, 4) rad in [0, 2 pi), phase of each leg in the order RF, LF, RH, LH."""
        return (self.phase[:, None] + self._leg_phases) % _CYCLE

    # ---------------------------------------------------------------- observations

    @mirrored([-1.0, -1.0])  # left and right are half a cycle apart
    def _obs_phase(self) -> Tensor:
        """Sine and cosine of the gait's phase, which grows by 2 pi `control.gait_freq` a second."""
        return torch.stack((self.phase.sin(), self.phase.cos()), dim=1)

    def _describe_phase(self) -> Dict[str, Any]:
        return {
            "frequency": float(self.cfg.control.gait_freq),
            "leg_phases": dict(zip(LEGS, _LEG_PHASES)),
            "rule": "sin and cos of p = p0 + 2 pi frequency t, t s of the episode, p0 any; a leg whose own phase, p and"
            " that of leg_phases, is below pi (mod 2 pi) swings",
        }

    @mirrored("same")
    def _obs_told_to_stand(self) -> Tensor:
        """1 where the command is to stand, else 0."""
        return (self.commands[:, :3].norm(dim=1, keepdim=True) <= STANDING_COMMAND).float()

    # ---------------------------------------------------------------- rewards

    def _moving(self) -> Tensor:
        """(N,) 1 where the command is to move, 0 where it is to stand."""
        return 1.0 - self._standing()

    def _reward_tracking_lin_vel(self) -> Tensor:
        """S of the horizontal velocity's error, where told to move."""
        return super()._reward_tracking_lin_vel() * self._moving()

    def _reward_tracking_ang_vel(self) -> Tensor:
        """S of the yaw rate's error, where told to move."""
        return super()._reward_tracking_ang_vel() * self._moving()

    def _reward_reference_traj(self) -> Tensor:
        """How near the joints are to the reference gait, where told to move: mean of S(e) - 0.2 |e|."""
        reference = self.default_dof_pos + self.gait(self.leg_phases()).flatten(1)
        error = (reference - self.dof_pos) / self._dof_pos_scale
        return (self._kernel(error) - 0.2 * error.abs()).mean(1) * self._moving()

    def _reward_swing_grf(self) -> Tensor:
        """Number of feet that bear load while they should swing, where told to move."""
        return (self._loaded() & self._swinging()).sum(1) * self._moving()

    def _reward_stance_grf(self) -> Tensor:
        """Number of feet that bear load while they should, where told to move."""
        return (self._loaded() & ~self._swinging()).sum(1) * self._moving()

    def _swinging(self) -> Tensor:
        return self.leg_phases() < math.pi

    def _loaded(self) -> Tensor:
        return self.feet_forces.norm(dim=-1) > _LOADED
