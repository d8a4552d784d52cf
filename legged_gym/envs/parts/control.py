"""From actions to joint torques: which controller runs at every sub-step, and what it remembers."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

import torch
from torch import Tensor

from legged_gym.actuators.actuator import Actuator
from legged_gym.actuators.files import load_actuator
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.failures import Failures
from legged_gym.envs.parts.part import Part
from legged_gym.errors import UserError

POSITION_TYPES = ("P", "actuator_net")
"""Control types whose actions are joint positions."""


def complete_control(cfg: LeggedRobotCfg) -> None:
    """Check the section `control`, and say in its own words what legged_gym's configs say in others, in place.

    Raises:
        UserError: settings do not go together.
    """
    control = cfg.control
    if getattr(control, "use_actuator_network", False):  # how legged_gym's configs say it
        control.control_type = "actuator_net"
    if control.control_type == "actuator_net" and not control.actuator_net_file:
        raise UserError("control.control_type actuator_net needs control.actuator_net_file")
    if control.target_filter is not None and control.control_type not in POSITION_TYPES:
        raise UserError(f"control.target_filter needs control.control_type {' or '.join(POSITION_TYPES)}")


class JointControl(Part):
    """The control types: P runs in the engine, the others give it torques at every sub-step.

    Attributes:
        actuator: the drives of control type actuator_net, else None.
        delays: (N,) int64, policy steps, where actions are delayed.
        filtered_offsets: (N, D) rad, joint targets less default positions after the target filter.
        failures: told of every sub-step.
        listeners: called with what the simulator was given, (N, D), and for how many sub-steps.
    """

    asked_as = ("control", "control")

    delays: Tensor
    filtered_offsets: Tensor
    _action_history: Tensor  # (longest delay + 1, N, D), newest first
    _substep_dof_vel: Tensor  # (N, D) rad/s, before the last sub-step

    def __init__(self, env: RobotState, failures: Failures) -> None:
        """Begin with robots at rest.

        Args:
            env: the environment.
            failures: told of every sub-step.
        """
        super().__init__(env)
        self.cfg, self.sim, self.failures = env.cfg.control, env.sim, failures
        self.listeners: List[Callable[[Tensor, int], None]] = []
        count, joints, longest = self.num_envs, env.num_actions, self.cfg.action_delay[1]
        self._delayed = longest > 0
        if self._delayed:
            self.buffer("delays", dtype=torch.long, at_reset=None)
        self._action_history = torch.zeros(longest + 1, count, joints, device=self.device)
        self.keep("_action_history")
        self.buffer("_substep_dof_vel", joints)
        self.buffer("filtered_offsets", joints)
        self.actuator: Optional[Actuator] = None
        if self.cfg.control_type == "actuator_net":
            self.actuator = load_actuator(self.cfg.actuator_net_file, self.sim.sim_dt, count, joints, self.device)

    def use_actuator(self, actuator: Actuator) -> None:
        """Have other drives from now on."""
        self.actuator = actuator

    def simulate(self, actions: Tensor) -> None:
        """Advance the physics by one policy step with actions (N, D), under the control type of the config."""
        cfg = self.cfg
        actions = self.delay(actions) if self._delayed else actions
        self.failures.begin()
        at_once = cfg.control_type == "P" and cfg.target_filter is None
        for _ in range(1 if at_once else cfg.decimation):
            substeps = cfg.decimation if at_once else 1
            if cfg.control_type == "P":
                inputs = self._targets(actions)
                self.sim.step(inputs, substeps)
            else:
                inputs = self.env._compute_torques(actions)
                self._substep_dof_vel.copy_(self.env.dof_vel)
                self.sim.step_torques(inputs)
            for listener in self.listeners:
                listener(inputs, substeps)

    def _targets(self, actions: Tensor) -> Tensor:
        """Joint positions (N, D) rad that this sub-step asks for; moves the target filter on."""
        offsets = actions * self.cfg.action_scale
        if self.cfg.target_filter is not None:
            offsets = self.filtered_offsets.lerp_(offsets, self.cfg.target_filter)
        return offsets + self.env.default_dof_pos

    def torques(self, actions: Tensor) -> Tensor:
        """Torques (N, D) of one sub-step for the control types that the engine does not run itself."""
        env = self.env
        if self.actuator is not None:
            return self.actuator.torques(self._targets(actions) - env.dof_pos, env.dof_vel)
        scaled = actions * self.cfg.action_scale
        if self.cfg.control_type == "T":
            return scaled
        acceleration = (env.dof_vel - self._substep_dof_vel) / self.sim.sim_dt
        return env.env_p_gains * (scaled - env.dof_vel) - env.env_d_gains * acceleration

    def delay(self, actions: Tensor) -> Tensor:
        """The actions (N, D) that reach the motors now, each environment's own delay ago."""
        self._action_history = torch.cat((actions[None], self._action_history[:-1]))
        return self._action_history[self.delays, torch.arange(self.num_envs, device=self.device)]

    def reset(self, env_ids: Tensor) -> None:
        """Forget the past of environments (n,) and draw their delays."""
        if self.actuator is not None:
            self.actuator.reset(env_ids)
        if self._delayed:
            low, high = self.cfg.action_delay
            self.delays[env_ids] = torch.randint(
                low, high + 1, (len(env_ids),), generator=self.env.generator, device=self.device
            )
            self._action_history[:, env_ids] = 0.0

    def state_dict(self) -> Dict[str, Any]:
        """See `Part`."""
        state = super().state_dict()
        drives = None if self.actuator is None else self.actuator.state_dict()
        state["control"] = {"filtered_offsets": state.pop("filtered_offsets"), "actuator": drives}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Part`."""
        own = state.get("control", {})
        super().load_state_dict({**state, **own})
        if self.actuator is not None and own:
            self.actuator.load_state_dict(own["actuator"] or {})
