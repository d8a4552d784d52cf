"""What of an environment a checkpoint holds."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part
from legged_gym.errors import UserError

# What every checkpoint has had from the first version on; anything else may be absent from one.
_FIRST = frozenset({
    "actions", "last_actions", "last_dof_vel", "commands", "rew_buf", "reset_buf", "time_out_buf",
    "episode_length_buf", "feet_air_time", "last_contacts", "measured_heights", "terrain_levels",
    "terrain_types", "env_origins", "friction_coeffs", "added_masses", "com_displacements", "motor_strengths",
    "push_phases", "env_p_gains", "env_d_gains", "_substep_dof_vel", "_action_history",
    "delays", "depth_camera", "observations", "lin_vel_x_range", "counters", "generator", "sim",
})  # fmt: skip
_OTHERS = ("reward_sums", "observations", "counters", "generator", "sim")
"""What is neither a buffer nor a part's."""


class SavedState(RobotState):
    """Saves and restores the environment: the buffers of the robots and of all parts, and what no buffer is."""

    _STATE_BUFFERS: Tuple[str, ...] = ()
    """Tensors that a subclass makes itself, without `buffer`, and wants saved."""

    obs_buf: Dict[str, Tensor]
    parts: Dict[str, Part]

    def _update_base(self, moved: Optional[Tensor] = None) -> None:
        raise NotImplementedError  # the environment's own

    @property
    def late_state(self) -> Tuple[str, ...]:
        """Entries of `state_dict` that checkpoints from before they existed lack."""
        # Fields of the model are saved when they differ between robots; the others are those of the robot file.
        return (*(name for name in self.state_dict() if name not in _FIRST), "sim.fields")

    def _complete_buffers(self) -> None:
        """Names in checkpoints are common to all, and those in `_STATE_BUFFERS` are made by then."""
        for name in self._STATE_BUFFERS:
            if not hasattr(self, name):
                raise UserError(f"{type(self).__name__}._STATE_BUFFERS has {name}, which _init_buffers does not make")
            self._at_reset.setdefault(name, None)
        owners = [self.saved_buffers(), *(part.state_dict() for part in self.parts.values())]
        names = [*_OTHERS, *(name for owner in owners for name in owner)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UserError(f"{', '.join(twice)}: two buffers have the same name; rename one")

    def state_dict(self) -> Dict[str, Any]:
        """Everything needed to go on bit for bit: physics, buffers, curricula, random numbers."""
        state: Dict[str, Any] = dict(self.saved_buffers())
        for part in self.parts.values():
            state.update(part.state_dict())
        state["reward_sums"] = self.reward_sum.state_dict()
        state["observations"] = {name: obs.clone() for name, obs in self.obs_buf.items()}
        state["counters"] = [self.common_step_counter, self.num_failures, int(self.ever_reset)]
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
        self.load_buffers(state)
        for part in self.parts.values():
            part.load_state_dict(state)
        self.reward_sum.load_state_dict(state.get("reward_sums", {}))
        self.common_step_counter, self.num_failures, ever_reset = state["counters"]
        self.ever_reset = bool(ever_reset)
        self.generator.set_state(state["generator"].cpu())
        self._update_base()
        self.obs_buf = {name: obs.to(self.device).clone() for name, obs in state["observations"].items()}
