"""Tensors of states in the layouts of the API, made once; refreshing fills them, setting writes to the engine."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.isaacgym.world.build import Slot
from legged_gym.isaacgym.world.scene import Sim
from legged_gym.rotations import quat_rotate, quat_rotate_inverse

_CONTACT = 3
# a position or velocity beyond this is none
_HUGE = 1e10


class States:
    """Of N environments with K actors, B bodies and D DOFs each.

    Attributes:
        root: (N K, 13) position, quaternion x, y, z, w, linear and angular velocity.
        dof: (N D, 2) position and velocity.
        bodies: (N B, 13) as `root`.
        contact: (N B, 3) N.
        dof_force: (N D,) N m.
    """

    def __init__(self, sim: Sim, engine: Any, slots: List[Slot]) -> None:
        """Make the tensors."""
        self.sim, self.engine, self.slots, self.arrays = sim, engine, slots, engine.arrays
        self.device = engine.device
        self.num_envs, self.num_actors = len(sim.envs), len(slots)
        self.num_bodies, self.num_dofs = sum(len(s.body_ids) for s in slots), sum(len(s.joint_ids) for s in slots)
        self.root = self._zeros(self.num_envs * self.num_actors, 13)
        self.dof = self._zeros(self.num_envs * self.num_dofs, 2)
        self.bodies = self._zeros(self.num_envs * self.num_bodies, 13)
        self.contact = self._zeros(self.num_envs * self.num_bodies, 3)
        self.dof_force = self._zeros(self.num_envs * self.num_dofs)
        self._contact_sum: Optional[Tensor] = None
        self._stale = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
        self._any_stale = False
        self._broken: Optional[Tensor] = None
        self.known_coms: Optional[Tensor] = None
        self._tables()

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(*shape, device=self.device)

    def _tables(self) -> None:
        slots, model = self.slots, self.engine.model
        self.body_ids = self._ids(np.concatenate([s.body_ids for s in slots]))
        self.body_roots = self._ids(model.body_rootid[self.body_ids.cpu().numpy()])
        self._qpos_ids = self._ids(np.concatenate([s.qpos_ids for s in slots]))
        self._qvel_ids = self._ids(np.concatenate([s.qvel_ids for s in slots]))
        self._root_order = self._ids(np.concatenate([_root_columns(s, model) for s in slots]))
        self._dof_order = torch.stack((self._qpos_ids, model.nq + self._qvel_ids), dim=1).flatten()
        self._any_fixed = any(slot.fixed for slot in slots)
        self.origins = self._environment_origins()

    def _ids(self, values: np.ndarray) -> Tensor:
        return torch.as_tensor(np.asarray(values, dtype=np.int64), device=self.device)

    def _environment_origins(self) -> Optional[Tensor]:
        """(N, 1, 3) what to add to a place in an environment; None where that changes nothing."""
        spaced = any(list(env.origin) != [0.0, 0.0, 0.0] for env in self.sim.envs)
        if not spaced or all(hasattr(ground, "normal") for ground in self.sim.grounds):
            return None
        origins = torch.tensor([list(env.origin) for env in self.sim.envs], device=self.device)
        return origins[:, None]

    def start(self) -> None:
        """Put all actors where they were created, and fill the tensors."""
        everybody = torch.arange(self.num_envs, device=self.device)
        self._place(everybody)
        self.flush()
        for name in ("root", "dof", "bodies"):
            getattr(self, f"refresh_{name}")()
        names = ("qpos", "qvel", "qacc_warmstart")
        self._created = {name: getattr(self.arrays, name).clone() for name in names}

    def _place(self, env_ids: Tensor) -> None:
        """Poses of creation, at rest."""
        envs = [self.sim.envs[k] for k in env_ids.tolist()]
        poses = torch.from_numpy(np.stack([[actor.pose for actor in env.actors] for env in envs]).astype(np.float32))
        rows = torch.zeros(len(envs), self.num_actors, 13, device=self.device)
        rows[..., :7] = poses.to(self.device)
        for number in range(self.num_actors):
            self._write_root(env_ids, number, rows[:, number])

    def restore(self, env_ids: Tensor) -> None:
        """Put environments back to how they were created, at rest."""
        self.engine.reset(env_ids)
        self._place(env_ids)
        self.arrays.ctrl[env_ids] = 0.0
        self._mark(env_ids)

    # ---------------------------------------------------------------- stepping

    def advance(self, substeps: int) -> Tuple[np.ndarray, str]:
        """Step; contact forces are the mean over the sub-steps."""
        self._any_stale = False
        self._stale.zero_()
        if substeps == 1 or self.sim.params.physx.contact_collection < 2:
            self._contact_sum = None
            return self._advance(substeps)
        total, failed, why = None, [], ""
        for _ in range(substeps):
            ids, reason = self._advance(1)
            failed.append(ids)
            why = why or reason
            now = self._contacts()
            total = now.clone() if total is None else total.add_(now)
        assert total is not None
        self._contact_sum = total / substeps
        return np.unique(np.concatenate(failed)), why

    def _advance(self, substeps: int) -> Tuple[np.ndarray, str]:
        """Step the engine; one that does not say who failed is mended where it runs, as asking it would wait for it."""
        told: Optional[Tuple[np.ndarray, str]] = self.engine.advance(substeps)
        if told is not None:
            return told
        arrays = self.arrays
        largest = torch.maximum(arrays.qpos.abs().amax(1), arrays.qvel.abs().amax(1))
        self._broken = ~(largest < _HUGE)[:, None]  # not ">=", as every comparison with NaN is false
        for name, created in self._created.items():
            array = getattr(arrays, name)
            array.copy_(torch.where(self._broken, created, array))
        return np.zeros(0, np.int64), ""

    def _contacts(self) -> Tensor:
        """(N, 3 B): the force that a sensor reports is the one that its body exerts."""
        return self.arrays.sensordata[:, : _CONTACT * self.num_bodies]

    def flush(self) -> None:
        """Recompute what depends on states that were set, if any were."""
        if self._any_stale:
            self.engine.forward(self._stale)
            self._any_stale = False
            self._stale.zero_()

    def _mark(self, env_ids: Tensor) -> None:
        self._stale[env_ids] = True
        self._any_stale = True

    # ---------------------------------------------------------------- refreshing

    def refresh_root(self) -> None:
        """Engine -> `root`."""
        self.root.copy_(self.root_now())

    def root_now(self) -> Tensor:
        """States (N K, 13) of the engine."""
        arrays = self.arrays
        parts = [arrays.qpos, arrays.qvel]
        if self._any_fixed:
            still = arrays.qvel.new_zeros(self.num_envs, 1)
            parts += [arrays.mocap_pos.flatten(1), arrays.mocap_quat.flatten(1), still]
        states = torch.cat(parts, dim=1).index_select(1, self._root_order).view(self.num_envs, self.num_actors, 13)
        if self.origins is not None:
            states[..., :3] -= self.origins
        states = states.float()
        # MuJoCo gives a free joint's angular velocity in the body frame
        states[..., 10:] = quat_rotate(states[..., 3:7], states[..., 10:])
        return states.view(-1, 13)

    def refresh_dof(self) -> None:
        """Engine -> `dof`."""
        rows = torch.cat((self.arrays.qpos, self.arrays.qvel), dim=1)
        self.dof.view(self.num_envs, -1).copy_(rows.index_select(1, self._dof_order))

    def refresh_bodies(self) -> None:
        """Engine -> `bodies`."""
        self.flush()
        out = self.bodies.view(self.num_envs, self.num_bodies, 13)
        self.engine.fill_bodies(out, self.body_ids, self.body_roots)
        if self.origins is not None:
            out[..., :3] -= self.origins
        self._hide_broken(self.bodies)

    def _hide_broken(self, tensor: Tensor) -> None:
        """What an environment that broke down in the last step left, and the engine does not know of."""
        if self._broken is not None:
            tensor.nan_to_num_(0.0, 0.0, 0.0)

    def refresh_contact(self) -> None:
        """Engine -> `contact`."""
        forces = self._contacts() if self._contact_sum is None else self._contact_sum
        self.contact.view(self.num_envs, -1).copy_(forces).neg_()
        self._hide_broken(self.contact)

    def refresh_dof_force(self) -> None:
        """Engine -> `dof_force`."""
        self.dof_force.view(self.num_envs, -1).copy_(self.arrays.actuator_force)

    # ---------------------------------------------------------------- setting

    def set_root(self, values: Tensor, actors: Optional[Tensor] = None) -> None:
        """States (N K, 13) of all actors, or of some by their index; what is as it was last refreshed stays exact."""
        values = values.reshape(-1, 13).to(self.device)
        if actors is None:
            # rows that were not edited keep what float32 cannot hold
            actors = torch.nonzero((values != self.root_now()).any(1)).flatten()
        actors = actors.to(self.device, torch.int64)
        rows = values[actors]
        for number in range(self.num_actors):
            mine = slice(None) if self.num_actors == 1 else actors % self.num_actors == number
            if len(actors[mine]):
                self._write_root(actors[mine] // self.num_actors, number, rows[mine])

    def _write_root(self, env_ids: Tensor, number: int, rows: Tensor) -> None:
        slot, arrays = self.slots[number], self.arrays
        real = arrays.qpos.dtype
        position, quat = rows[:, :3], rows[:, 3:7]
        if self.origins is not None:
            position = position + self.origins[env_ids, 0]
        pose = torch.cat((position, quat[:, 3:], quat[:, :3]), dim=1).to(real)
        if slot.fixed:
            arrays.mocap_pos[env_ids, slot.root], arrays.mocap_quat[env_ids, slot.root] = pose[:, :3], pose[:, 3:]
        else:
            arrays.qpos[env_ids, slot.root : slot.root + 7] = pose
            spin = quat_rotate_inverse(quat, rows[:, 10:13])
            arrays.qvel[env_ids, slot.root_vel : slot.root_vel + 6] = torch.cat((rows[:, 7:10], spin), dim=1).to(real)
        self._mark(env_ids)

    def set_dof(self, values: Tensor, actors: Optional[Tensor] = None) -> None:
        """States (N D, 2) of all DOFs, or of those of some actors."""
        states = values.reshape(self.num_envs, self.num_dofs, 2).to(self.device)
        if actors is None:
            actors = torch.arange(self.num_envs * self.num_actors, device=self.device)
        for env_ids, slot in self.by_slot(actors):
            first, last = slot.first_dof, slot.first_dof + len(slot.joint_ids)
            rows, arrays = env_ids[:, None], self.arrays
            own = states[env_ids, first:last].to(arrays.qpos.dtype)
            arrays.qpos[rows, self._qpos_ids[first:last]] = own[..., 0]
            arrays.qvel[rows, self._qvel_ids[first:last]] = own[..., 1]
            self._mark(env_ids)

    def dof_speeds(self) -> Tensor:
        """(N, D) as the engine has them."""
        return self.arrays.qvel[:, self._qvel_ids]

    def set_dof_speeds(self, speeds: Tensor) -> None:
        """Set speeds (N, D) of all DOFs; forces stay those of the step before."""
        self.arrays.qvel[:, self._qvel_ids] = speeds

    def by_slot(self, actors: Tensor) -> List[Tuple[Tensor, Slot]]:
        """Environments (n,) and slot of actors given by their index, for each slot that has DOFs."""
        actors = actors.to(self.device, torch.int64)
        envs, numbers = actors // self.num_actors, actors % self.num_actors
        found = []
        for number, slot in enumerate(self.slots):
            env_ids = envs if self.num_actors == 1 else envs[numbers == number]
            if len(slot.joint_ids) and len(env_ids):
                found.append((env_ids, slot))
        return found

    # ---------------------------------------------------------------- bodies

    def centres_of_mass(self) -> Tensor:
        """(N, B, 3) in the bodies' frames."""
        if self.known_coms is None:
            tables = [np.concatenate([actor.bodies[:, 1:4] for actor in env.actors]) for env in self.sim.envs]
            self.known_coms = torch.from_numpy(np.stack(tables).astype(np.float32)).to(self.device)
        return self.known_coms

    def body_places(self) -> Tensor:
        """(N, B, 3) in their environments."""
        places = self.arrays.xpos[:, self.body_ids].float()
        return places if self.origins is None else places - self.origins


def _root_columns(slot: Slot, model: Any) -> np.ndarray:
    """Columns of qpos, qvel, mocap_pos, mocap_quat and a zero, in the order of a root's state."""
    if not slot.fixed:
        pose = slot.root + np.array([0, 1, 2, 4, 5, 6, 3])
        return np.concatenate((pose, model.nq + slot.root_vel + np.arange(6)))
    start = model.nq + model.nv
    quats = start + 3 * model.nmocap
    zero = quats + 4 * model.nmocap
    position = start + 3 * slot.root + np.arange(3)
    return np.concatenate((position, quats + 4 * slot.root + np.array([1, 2, 3, 0]), [zero] * 6))
