"""Calls that acquire, refresh and set tensors."""

from __future__ import annotations

from typing import Any, Optional

import torch

from legged_gym.isaacgym.enums import CoordinateSpace
from legged_gym.isaacgym.gymtorch import Tensor, as_torch
from legged_gym.isaacgym.world.scene import Sim


def _states(sim: Sim, call: str) -> Any:
    return sim.needs_world(call).states


def _some(indices: Any, count: Optional[int]) -> Any:
    """The first `count` indices."""
    chosen = as_torch(indices).flatten()
    return chosen if count is None else chosen[: int(count)]


class Tensors:
    """See the module."""

    # ---------------------------------------------------------------- states

    def acquire_actor_root_state_tensor(self, sim: Sim) -> Tensor:
        """(actors, 13)."""
        return Tensor(_states(sim, "acquire_actor_root_state_tensor").root)

    def acquire_dof_state_tensor(self, sim: Sim) -> Tensor:
        """(DOFs, 2)."""
        return Tensor(_states(sim, "acquire_dof_state_tensor").dof)

    def acquire_rigid_body_state_tensor(self, sim: Sim) -> Tensor:
        """(bodies, 13)."""
        return Tensor(_states(sim, "acquire_rigid_body_state_tensor").bodies)

    def acquire_net_contact_force_tensor(self, sim: Sim) -> Tensor:
        """(bodies, 3)."""
        return Tensor(_states(sim, "acquire_net_contact_force_tensor").contact)

    def acquire_dof_force_tensor(self, sim: Sim) -> Tensor:
        """(DOFs,)."""
        return Tensor(_states(sim, "acquire_dof_force_tensor").dof_force)

    def refresh_actor_root_state_tensor(self, sim: Sim) -> bool:
        """Simulation -> tensor."""
        _states(sim, "refresh_actor_root_state_tensor").refresh_root()
        return True

    def refresh_dof_state_tensor(self, sim: Sim) -> bool:
        """Simulation -> tensor."""
        _states(sim, "refresh_dof_state_tensor").refresh_dof()
        return True

    def refresh_rigid_body_state_tensor(self, sim: Sim) -> bool:
        """Simulation -> tensor."""
        _states(sim, "refresh_rigid_body_state_tensor").refresh_bodies()
        return True

    def refresh_net_contact_force_tensor(self, sim: Sim) -> bool:
        """Simulation -> tensor."""
        _states(sim, "refresh_net_contact_force_tensor").refresh_contact()
        return True

    def refresh_dof_force_tensor(self, sim: Sim) -> bool:
        """Simulation -> tensor."""
        _states(sim, "refresh_dof_force_tensor").refresh_dof_force()
        return True

    def set_actor_root_state_tensor(self, sim: Sim, states: Any) -> bool:
        """Of all actors."""
        _states(sim, "set_actor_root_state_tensor").set_root(as_torch(states))
        return True

    def set_actor_root_state_tensor_indexed(self, sim: Sim, states: Any, indices: Any, count: Any = None) -> bool:
        """Of some actors, by their indices in the simulation."""
        _states(sim, "set_actor_root_state_tensor_indexed").set_root(as_torch(states), _some(indices, count))
        return True

    def set_dof_state_tensor(self, sim: Sim, states: Any) -> bool:
        """Of all DOFs."""
        _states(sim, "set_dof_state_tensor").set_dof(as_torch(states))
        return True

    def set_dof_state_tensor_indexed(self, sim: Sim, states: Any, indices: Any, count: Any = None) -> bool:
        """Of the DOFs of some actors."""
        _states(sim, "set_dof_state_tensor_indexed").set_dof(as_torch(states), _some(indices, count))
        return True

    # ---------------------------------------------------------------- drives

    def set_dof_actuation_force_tensor(self, sim: Sim, efforts: Any) -> bool:
        """For the next step."""
        return _drive(sim, "efforts", efforts)

    def set_dof_actuation_force_tensor_indexed(self, sim: Sim, efforts: Any, indices: Any, count: Any = None) -> bool:
        """For the next step, of some actors."""
        return _drive(sim, "efforts", efforts, _some(indices, count))

    def set_dof_position_target_tensor(self, sim: Sim, targets: Any) -> bool:
        """Until they are set anew."""
        return _drive(sim, "positions", targets)

    def set_dof_position_target_tensor_indexed(self, sim: Sim, targets: Any, indices: Any, count: Any = None) -> bool:
        """Until they are set anew, of some actors."""
        return _drive(sim, "positions", targets, _some(indices, count))

    def set_dof_velocity_target_tensor(self, sim: Sim, targets: Any) -> bool:
        """Until they are set anew."""
        return _drive(sim, "velocities", targets)

    def set_dof_velocity_target_tensor_indexed(self, sim: Sim, targets: Any, indices: Any, count: Any = None) -> bool:
        """Until they are set anew, of some actors."""
        return _drive(sim, "velocities", targets, _some(indices, count))

    # ---------------------------------------------------------------- forces on bodies

    def apply_rigid_body_force_tensors(
        self, sim: Sim, forceTensor: Any = None, torqueTensor: Any = None, space: int = CoordinateSpace.ENV_SPACE
    ) -> bool:
        """At centres of mass, for the next step."""
        control = sim.needs_world("apply_rigid_body_force_tensors").control
        control.push(_given(forceTensor), _given(torqueTensor), int(space))
        return True

    def apply_rigid_body_force_at_pos_tensors(
        self, sim: Sim, forceTensor: Any = None, posTensor: Any = None, space: int = CoordinateSpace.ENV_SPACE
    ) -> bool:
        """At places, for the next step."""
        control = sim.needs_world("apply_rigid_body_force_at_pos_tensors").control
        control.push(_given(forceTensor), None, int(space), _given(posTensor))
        return True


def _given(tensor: Any) -> Optional[torch.Tensor]:
    return None if tensor is None else as_torch(tensor)


def _drive(sim: Sim, name: str, values: Any, actors: Optional[torch.Tensor] = None) -> bool:
    sim.needs_world("a drive's target").control.set(name, as_torch(values), actors)
    return True
