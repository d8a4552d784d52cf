"""Force sensors, Jacobians and mass matrices, from what the engine knows anyway."""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.isaacgym.world.build import Slot
from legged_gym.rotations import matrix_from_quat, quat_conjugate, quat_mul, quat_rotate

WRENCH = 9
"""Numbers that the engine's sensor of a net contact gives: force, torque and place."""


class ForceSensors:
    """What acts on bodies by contact, at the poses of sensors: (N S, 6) force and torque."""

    def __init__(self, world: Any) -> None:
        """Make the tensor."""
        self._states, sim = world.states, world.sim
        placed = [(slot.first_body + s[0], s[1], s[2]) for slot in world.slots for s in slot.asset.sensors]
        device, count = self._states.device, len(placed)
        self.tensor = torch.zeros(world.num_envs * count, 6, device=device)
        self._bodies = torch.tensor([body for body, _, _ in placed], dtype=torch.int64, device=device)
        poses = [[*pose.p, *pose.r] for _, pose, _ in placed]
        self._poses = torch.tensor(poses, device=device).view(count, 7)
        self._in_world = torch.tensor([bool(props.use_world_frame) for _, _, props in placed], device=device)
        if any(props.enable_forward_dynamics_forces for _, _, props in placed):
            sim.notice("force sensors measure contacts alone, not forces of joints and of inertia")

    def refresh(self) -> None:
        """Engine -> `tensor`."""
        states, count = self._states, len(self._bodies)
        if not count:
            return
        states.flush()
        ids, arrays = states.body_ids[self._bodies], states.arrays
        turn = arrays.xquat[:, ids][..., [1, 2, 3, 0]].float()
        place = arrays.xpos[:, ids].float() + quat_rotate(turn, self._poses[:, :3].expand(*turn.shape[:2], 3))
        raw = arrays.sensordata[:, -WRENCH * count :].float().reshape(-1, count, WRENCH)
        # a sensor reports what its body exerts
        force, torque, at = -raw[..., :3], -raw[..., 3:6], raw[..., 6:]
        torque = torque + torch.linalg.cross(at - place, force)
        back = quat_conjugate(quat_mul(turn, self._poses[:, 3:].expand(*turn.shape[:2], 4)))
        keep = self._in_world[:, None]
        out = self.tensor.view(-1, count, 6)
        out[..., :3] = torch.where(keep, force, quat_rotate(back, force))
        out[..., 3:] = torch.where(keep, torque, quat_rotate(back, torque))


class Dynamics:
    """Jacobians and mass matrices of the actors of one slot; columns of a free base are its velocities in the world.

    Attributes:
        jacobian: (N, links, 6, D + 6), rows linear then angular at the links' origins; of a fixed base (N, links - 1,
            6, D), without the root.
        mass: (N, D + 6, D + 6), or (N, D, D).
    """

    def __init__(self, world: Any, slot: Slot) -> None:
        """Make the tensors."""
        self._world, self._states, self._slot = world, world.states, slot
        self._number = int(slot.prefix[:-1])
        links, dofs = len(slot.body_ids), len(slot.joint_ids)
        base, device = 0 if slot.fixed else 6, self._states.device
        with torch.inference_mode(False):
            shape = world.num_envs, links - slot.fixed, 6, base + dofs
            self.jacobian = torch.zeros(shape, device=device)
            self.mass = torch.zeros(world.num_envs, base + dofs, base + dofs, device=device)
            self._moves, self._holder, self._hinge, self._axis, self._anchor = self._joints()

    def _joints(self) -> Tuple[Tensor, ...]:
        """What each joint moves (links, D) bool, the link that it is in (D,), and its kind, axis and place there."""
        slot, asset = self._slot, self._slot.asset
        numbers = {id(link): k for k, link in enumerate(asset.links)}
        moves = np.zeros((len(asset.links), len(asset.joints)), dtype=bool)
        holder: List[int] = []
        for link in asset.links:
            below = [numbers[id(part)] for part in link.walk()]
            for _ in link.joints:
                moves[below, len(holder)] = True
                holder.append(numbers[id(link)])
        kinds = np.array([joint.kind == "hinge" for joint in asset.joints], dtype=bool)
        model = self._world.engine.model
        axis, anchor = model.jnt_axis[slot.joint_ids], model.jnt_pos[slot.joint_ids]
        parts = moves, np.array(holder, dtype=np.int64), kinds, axis.astype(np.float32), anchor.astype(np.float32)
        return tuple(torch.from_numpy(part).to(self._states.device) for part in parts)

    def _columns(self, points: Tensor, place: Tensor, quat: Tensor) -> Tensor:
        """Jacobian (N, links, 6, columns) at points (N, links, 3) of the links."""
        count, links = points.shape[:2]
        turn, axis = quat[:, self._holder], self._axis.expand(count, -1, -1)
        axis = quat_rotate(turn, axis)
        anchor = place[:, self._holder] + quat_rotate(turn, self._anchor.expand(count, -1, -1))
        lever = points[:, :, None] - anchor[:, None]
        wide = axis[:, None].expand_as(lever)
        hinge = self._hinge[:, None]
        linear = torch.where(hinge, torch.linalg.cross(wide, lever), wide)
        columns = torch.cat((linear, wide * hinge), dim=-1) * self._moves[..., None]
        columns = columns.transpose(-1, -2)
        if self._slot.fixed:
            return columns
        base = torch.zeros(count, links, 6, 6, device=points.device)
        base[..., range(6), range(6)] = 1.0
        arm = points - place[:, :1]
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):  # velocity of a point: turning x arm
            base[..., i, 3 + j], base[..., i, 3 + k] = arm[..., k], -arm[..., j]
        return torch.cat((base, columns), dim=-1)

    def _poses(self) -> Tuple[Tensor, Tensor]:
        states, ids = self._states, torch.from_numpy(self._slot.body_ids).to(self._states.device)
        states.flush()
        return states.arrays.xpos[:, ids].float(), states.arrays.xquat[:, ids][..., [1, 2, 3, 0]].float()

    def refresh_jacobian(self) -> None:
        """Engine -> `jacobian`."""
        place, quat = self._poses()
        self.jacobian.copy_(self._columns(place, place, quat)[:, self._slot.fixed :])

    def refresh_mass(self) -> None:
        """Engine -> `mass`: sum over links of J' M J at their centres of mass, and armature."""
        place, quat = self._poses()
        tables = np.stack([env.actors[self._number].bodies for env in self._world.sim.envs]).astype(np.float32)
        bodies = torch.from_numpy(tables).to(place.device)
        jacobian = self._columns(place + quat_rotate(quat, bodies[..., 1:4]), place, quat)
        turn = matrix_from_quat(quat)
        inertia = turn @ bodies[..., 4:].unflatten(-1, (3, 3)) @ turn.transpose(-1, -2)
        linear, angular = jacobian[..., :3, :], jacobian[..., 3:, :]
        heavy = torch.cat((bodies[..., :1, None] * linear, inertia @ angular), dim=-2)
        torch.bmm(jacobian.flatten(1, 2).transpose(1, 2), heavy.flatten(1, 2), out=self.mass)
        dofs = np.stack([env.actors[self._number].dofs["armature"] for env in self._world.sim.envs])
        first = self.mass.shape[1] - dofs.shape[1]
        self.mass.diagonal(dim1=1, dim2=2)[:, first:] += torch.from_numpy(dofs).to(place.device)
