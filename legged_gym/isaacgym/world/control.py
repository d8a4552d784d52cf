"""What drives and forces of bodies are told: kept until the next step, targets for longer."""

from __future__ import annotations

from typing import Any, List, Optional

import numpy as np
import torch
from torch import Tensor

from legged_gym.isaacgym.enums import CoordinateSpace, DofDriveMode
from legged_gym.isaacgym.world.build import Slot
from legged_gym.isaacgym.world.scene import Sim
from legged_gym.isaacgym.world.states import States
from legged_gym.rotations import quat_rotate


class Control:
    """Of N environments with D drives; a drive's force is ctrl - stiffness q - damping qd.

    Attributes:
        efforts, positions, velocities: (N, D) what each mode is given.
    """

    def __init__(self, sim: Sim, engine: Any, slots: List[Slot], states: States) -> None:
        """Begin with zeros."""
        self.sim, self.engine, self.states = sim, engine, states
        shape = states.num_envs, states.num_dofs
        self.efforts, self.positions, self.velocities = (
            torch.zeros(shape, dtype=engine.arrays.ctrl.dtype, device=engine.device) for _ in range(3)
        )
        self.read_drives()
        self._pushed = self._given = False
        self._changed = True

    def read_drives(self) -> None:
        """Modes and gains of all drives."""
        rows = [np.concatenate([actor.dofs for actor in env.actors]) for env in self.sim.envs]
        table = np.stack(rows)
        modes, real = table["driveMode"], self.engine.arrays.ctrl.dtype

        def where(mode: DofDriveMode, values: Any) -> Tensor:
            return torch.from_numpy(np.where(modes == mode, values, 0.0)).to(self.engine.device, real)

        with torch.inference_mode(False):
            self._effort = where(DofDriveMode.DOF_MODE_EFFORT, 1.0)
            self._kp = where(DofDriveMode.DOF_MODE_POS, table["stiffness"])
            self._kd = where(DofDriveMode.DOF_MODE_VEL, table["damping"])
            fastest = np.where(table["velocity"] > 0.0, table["velocity"], np.inf)
            self._fastest = torch.from_numpy(fastest).to(self.engine.device, real)
        self._only_efforts = bool((modes == DofDriveMode.DOF_MODE_EFFORT).all())
        self._changed = True

    def hold_speeds(self) -> None:
        """No joint is faster than the `velocity` of its DOF, as in PhysX; 0 is no limit.

        Torques from outside that damp a light link overshoot, and without a limit each time by more.
        """
        speeds = self.states.dof_speeds()
        # asking a GPU would wait for it
        if self.engine.device.type != "cpu" or bool((speeds.abs() > self._fastest).any()):
            self.states.set_dof_speeds(torch.minimum(torch.maximum(speeds, -self._fastest), self._fastest))

    def set(self, name: str, values: Tensor, actors: Optional[Tensor] = None) -> None:
        """Give 'efforts', 'positions' or 'velocities' (N D,) to all drives, or to those of some actors."""
        own: Tensor = getattr(self, name)
        values = values.reshape(own.shape)
        self._changed = True
        self._given |= name == "efforts"
        if actors is None:
            own.copy_(values)
            return
        for env_ids, slot in self.states.by_slot(actors):
            span = slice(slot.first_dof, slot.first_dof + len(slot.joint_ids))
            own[env_ids, span] = values[env_ids, span].to(own)

    def apply(self) -> None:
        """Write what is to act in the next step."""
        if not self._changed:
            return
        ctrl = self.engine.arrays.ctrl
        if self._only_efforts:
            ctrl.copy_(self.efforts)
        else:
            ctrl.copy_(self._effort * self.efforts + self._kp * self.positions + self._kd * self.velocities)
        self._changed = False

    def clear(self) -> None:
        """Forget efforts and forces of the step that is over."""
        if self._given:
            self.efforts.zero_()
            self._given, self._changed = False, True
        if self._pushed:
            self.engine.arrays.xfrc_applied.zero_()
            self._pushed = False

    def push(
        self, force: Optional[Tensor], torque: Optional[Tensor], space: int, place: Optional[Tensor] = None
    ) -> None:
        """Add forces (N B, 3) and torques to what acts on bodies, at their centres of mass or at places (N B, 3)."""
        states, arrays = self.states, self.engine.arrays
        shape = states.num_envs, states.num_bodies, 3
        given = [None if part is None else part.to(states.device).reshape(shape) for part in (force, torque, place)]
        force, torque, place = given
        needs_pose = place is not None or space == CoordinateSpace.LOCAL_SPACE
        if needs_pose:
            states.flush()
        quat = arrays.xquat[:, states.body_ids][..., [1, 2, 3, 0]].to(torch.float32) if needs_pose else None
        if quat is not None and space == CoordinateSpace.LOCAL_SPACE:
            force = None if force is None else quat_rotate(quat, force)
            torque = None if torque is None else quat_rotate(quat, torque)
        if place is not None and force is not None and quat is not None:
            lever = self._lever(place, quat, space)
            moment = torch.linalg.cross(lever, force)
            torque = moment if torque is None else torque + moment
        for part, columns in ((force, slice(0, 3)), (torque, slice(3, 6))):
            if part is not None:
                arrays.xfrc_applied[:, states.body_ids, columns] += part.to(arrays.xfrc_applied.dtype)
                self._pushed = True

    def _lever(self, place: Tensor, quat: Tensor, space: int) -> Tensor:
        """From the centres of mass to places, in world axes."""
        states = self.states
        com = quat_rotate(quat, states.centres_of_mass())
        if space == CoordinateSpace.LOCAL_SPACE:
            return quat_rotate(quat, place) - com
        return place - states.body_places() - com
