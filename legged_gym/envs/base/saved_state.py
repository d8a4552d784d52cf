"""What of an environment a checkpoint holds."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from torch import Tensor

from legged_gym.envs.parts.control import JointControl
from legged_gym.errors import UserError


class SavedState(JointControl):
    """Saves and restores the environment; buffers that come later, here or in a subclass, go to `_STATE_BUFFERS`."""

    obs_buf: Dict[str, Tensor]
    _ever_reset: bool

    def _update_base(self) -> None:
        raise NotImplementedError  # the environment's own

    # What every checkpoint has had from the first version on; buffers that are not here may be absent from one.
    _FIRST_BUFFERS = (
        "actions", "last_actions", "last_dof_vel", "commands", "rew_buf", "reset_buf", "time_out_buf",
        "episode_length_buf", "feet_air_time", "last_contacts", "measured_heights", "terrain_levels",
        "terrain_types", "env_origins", "friction_coeffs", "added_masses", "com_displacements", "motor_strengths",
        "push_phases", "env_p_gains", "env_d_gains", "_substep_dof_vel", "_action_history",
    )  # fmt: skip
    _STATE_BUFFERS: Tuple[str, ...] = (*_FIRST_BUFFERS, "standing")

    @property
    def late_state(self) -> Tuple[str, ...]:
        """Entries of `state_dict` that checkpoints from before they existed lack."""
        late = [name for name in self._STATE_BUFFERS if name not in SavedState._FIRST_BUFFERS]
        # Fields of the model are saved when they differ between robots; the others are those of the robot file.
        return (*late, "control", "sim.fields", "observation_history")

    def state_dict(self) -> Dict[str, Any]:
        """Everything needed to go on bit for bit: physics, buffers, curricula, random numbers."""
        state: Dict[str, Any] = {name: getattr(self, name).clone() for name in self._STATE_BUFFERS}
        state["delays"] = None if self._delays is None else self._delays.clone()
        state["control"] = self._control_state()
        state["depth_camera"] = None if self.depth_camera is None else self.depth_camera.state_dict()
        state["episode_sums"] = self.reward_sum.episode_sums.clone()
        frames = self.observation_history.state_dict()
        if frames:
            state["observation_history"] = frames
        state["observations"] = {name: obs.clone() for name, obs in self.obs_buf.items()}
        state["lin_vel_x_range"] = list(self.command_ranges.lin_vel_x)
        state["counters"] = [self.common_step_counter, self.num_failures, int(self._ever_reset)]
        state["generator"] = self.generator.get_state()
        state["sim"] = self.sim.state_dict()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` of an environment of the same config returned, or an earlier version of it.

        Raises:
            UserError: it is of another number of environments.
        """
        if len(state["actions"]) != self.num_envs:
            raise UserError(f"the saved state has {len(state['actions'])} environments, this run {self.num_envs}")
        self.sim.load_state_dict(state["sim"])
        for name in self._STATE_BUFFERS:
            if name in state:
                setattr(self, name, state[name].to(self.device).clone())
        self._delays = None if state["delays"] is None else state["delays"].to(self.device).clone()
        if "control" in state:
            self._load_control_state(state["control"])
        if self.depth_camera is not None:
            self.depth_camera.load_state_dict(state.get("depth_camera") or {})
        self.reward_sum.episode_sums.copy_(state["episode_sums"])
        self.command_ranges.lin_vel_x = list(state["lin_vel_x_range"])
        self.common_step_counter, self.num_failures, ever_reset = state["counters"]
        self._ever_reset = bool(ever_reset)
        self.observation_history.load_state_dict(state.get("observation_history", {}), self.common_step_counter)
        self.generator.set_state(state["generator"].cpu())
        self._update_base()
        self.obs_buf = {name: obs.to(self.device).clone() for name, obs in state["observations"].items()}
