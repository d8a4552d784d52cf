"""From actions to joint torques: which controller runs at every sub-step, and what it remembers."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

import torch
from torch import Tensor

from legged_gym.actuators.actuator import Actuator
from legged_gym.actuators.files import load_actuator
from legged_gym.envs.base.name_checks import check_gains
from legged_gym.envs.parts.failures import FailureHandling
from legged_gym.errors import UserError
from legged_gym.sim.robot.gains import gains_of

CONTROL_TYPES = ("P", "V", "T", "actuator_net")
POSITION_TYPES = ("P", "actuator_net")
"""Control types whose actions are joint positions."""


class JointControl(FailureHandling):
    """The control types: P runs in the engine, the others give it torques at every sub-step.

    Attributes:
        actuator: the drives of control type actuator_net, else None.
    """

    actuator: Optional[Actuator]
    _delays: Optional[Tensor]  # (N,) int64, policy steps; None if no action is ever delayed
    _action_history: Tensor  # (longest delay + 1, N, D), newest first
    _substep_dof_vel: Tensor  # (N, D) rad/s, before the last sub-step
    _filtered_offsets: Tensor  # (N, D) rad, joint targets less default positions after the target filter

    def _check_control(self) -> None:
        control = self.cfg.control
        if getattr(control, "use_actuator_network", False):  # how legged_gym's configs say it
            control.control_type = "actuator_net"
        if control.control_type == "actuator_net" and not control.actuator_net_file:
            raise UserError("control.control_type actuator_net needs control.actuator_net_file")
        share = control.target_filter
        if share is not None and control.control_type not in POSITION_TYPES:
            raise UserError(f"control.target_filter needs control.control_type {' or '.join(POSITION_TYPES)}")

    def _gains(self, gains: Dict[str, float], setting: str) -> Tensor:
        """Gains (D,) by parts of joint names, the last match wins; `setting` is where they stand."""
        if self.cfg.control.control_type in ("P", "V"):
            check_gains(self.dof_names, gains, setting)
        return torch.as_tensor(gains_of(self.dof_names, gains), dtype=torch.float32, device=self.device)

    def _init_control(self) -> None:
        control, count, joints = self.cfg.control, self.num_envs, self.num_actions
        longest = control.action_delay[1]
        self._delays = torch.zeros(count, dtype=torch.long, device=self.device) if longest > 0 else None
        self._action_history = torch.zeros(longest + 1, count, joints, device=self.device)
        self._substep_dof_vel = torch.zeros(count, joints, device=self.device)
        self._filtered_offsets = torch.zeros(count, joints, device=self.device)
        self.actuator = None
        if control.control_type == "actuator_net":
            self.actuator = load_actuator(control.actuator_net_file, self.sim.sim_dt, count, joints, self.device)

    def _simulate(self) -> None:
        """Advance the physics by one policy step under the control type of the config."""
        control = self.cfg.control
        actions = self._delay(self.actions) if self._delays is not None else self.actions
        self._begin_failures()
        if control.control_type == "P" and control.target_filter is None:
            self.sim.step(self._targets(actions), control.decimation)
            self._collect_failure()
            return
        for _ in range(control.decimation):
            if control.control_type == "P":
                self.sim.step(self._targets(actions), 1)
            else:
                torques = self._compute_torques(actions)
                self._substep_dof_vel.copy_(self.dof_vel)
                self.sim.step_torques(torques)
            self._collect_failure()

    def _targets(self, actions: Tensor) -> Tensor:
        """Joint positions (N, D) rad that this sub-step asks for; moves the target filter on."""
        offsets = actions * self.cfg.control.action_scale
        if self.cfg.control.target_filter is not None:
            offsets = self._filtered_offsets.lerp_(offsets, self.cfg.control.target_filter)
        return offsets + self.default_dof_pos

    def _compute_torques(self, actions: Tensor) -> Tensor:
        """Torques (N, D) of one sub-step for the control types that the engine does not run itself."""
        if self.actuator is not None:
            return self.actuator.torques(self._targets(actions) - self.dof_pos, self.dof_vel)
        scaled = actions * self.cfg.control.action_scale
        if self.cfg.control.control_type == "T":
            return scaled
        acceleration = (self.dof_vel - self._substep_dof_vel) / self.sim.sim_dt
        return self.env_p_gains * (scaled - self.dof_vel) - self.env_d_gains * acceleration

    def _delay(self, actions: Tensor) -> Tensor:
        """The actions (N, D) that reach the motors now, each environment's own delay ago."""
        self._action_history = torch.cat((actions[None], self._action_history[:-1]))
        return self._action_history[self._delays, torch.arange(self.num_envs, device=self.device)]

    def _reset_control(self, env_ids: Tensor) -> None:
        """Forget the past of environments (n,) and draw their delays."""
        self._substep_dof_vel[env_ids] = 0.0
        self._filtered_offsets[env_ids] = 0.0
        if self.actuator is not None:
            self.actuator.reset(env_ids)
        if self._delays is not None:
            low, high = self.cfg.control.action_delay
            self._delays[env_ids] = torch.randint(
                low, high + 1, (len(env_ids),), generator=self.generator, device=self.device
            )
            self._action_history[:, env_ids] = 0.0

    def _control_state(self) -> Dict[str, Any]:
        return {
            "filtered_offsets": self._filtered_offsets.clone(),
            "actuator": None if self.actuator is None else self.actuator.state_dict(),
        }

    def _load_control_state(self, state: Mapping[str, Any]) -> None:
        self._filtered_offsets.copy_(state["filtered_offsets"])
        if self.actuator is not None:
            self.actuator.load_state_dict(state["actuator"] or {})
