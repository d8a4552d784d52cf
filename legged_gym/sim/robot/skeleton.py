"""The tree of a robot's links and where it puts them: forward kinematics of many poses at once, in torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import mujoco
import numpy as np
import torch
from torch import Tensor

from legged_gym.errors import UserError, listed
from legged_gym.rotations import quat_rotate
from legged_gym.sim.robot.robot_file import load_robot
from legged_gym.sim.robot.robot_parts import collides, compiled_copy, rigid_part

# place and orientation, by components (T,)
_Pose = Tuple[Sequence[Tensor], Sequence[Tensor]]
_RING = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)])


@dataclass
class Soles:
    """What a foot stands on: P balls in the frame of its link.

    Attributes:
        link: index of the link.
        centers: (P, 3) m.
        radii: (P,) m.
    """

    link: int
    centers: Tensor
    radii: Tensor


@dataclass
class Skeleton:
    """L links, each after its parent and the root first, with J hinges; numbers are float64.

    Attributes:
        file: where it was read.
        link_names: of the L links, those that are fixed to others too.
        joint_names: of the J joints, in the order of the links.
        parents: (L,) index of the link that a link hangs on; -1 for the root.
        joint_of: (L,) index of the joint that a link turns by, -1 for none.
        offsets: (L, 3) m, place of a link in its parent's frame at angle 0.
        turns: (L, 4) x, y, z, w, the same for its orientation.
        axes: (L, 3) of the joint, in the link's frame.
        anchors: (L, 3) m, a point on that axis.
        limits: (J, 2) rad.
        speeds: (J,) rad/s, infinite where the file has no limit.
        soles: of the feet, by the order of links.
    """

    file: str
    link_names: List[str]
    joint_names: List[str]
    parents: List[int]
    joint_of: List[int]
    offsets: Tensor
    turns: Tensor
    axes: Tensor
    anchors: Tensor
    limits: Tensor
    speeds: Tensor
    soles: List[Soles]

    @property
    def foot_names(self) -> List[str]:
        """Links with soles."""
        return [self.link_names[foot.link] for foot in self.soles]

    def link_indices(self, names: Sequence[str]) -> List[int]:
        """Where links stand.

        Raises:
            UserError: a name is none of a link.
        """
        missing = [name for name in names if name not in self.link_names]
        if missing:
            raise UserError(f"{self.file} has no link {listed(missing)}; it has {listed(self.link_names)}")
        return [self.link_names.index(name) for name in names]

    def poses(
        self, root_pos: Tensor, root_quat: Tensor, joints: Tensor, links: Optional[Sequence[int]] = None
    ) -> Tuple[Tensor, Tensor]:
        """Where links are.

        Args:
            root_pos: (T, 3) m.
            root_quat: (T, 4) x, y, z, w.
            joints: (T, J) rad.
            links: indices of the K links that are asked for; None for all.

        Returns:
            Positions (T, K, 3) and orientations (T, K, 4), in the world frame.
        """
        wanted = list(range(len(self.parents)) if links is None else links)
        places: Dict[int, _Pose] = {0: (root_pos.unbind(1), root_quat.unbind(1))}
        bent = [(torch.sin(half), torch.cos(half)) for half in (0.5 * joints).unbind(1)]
        for link in wanted:
            self._place(link, places, bent)
        pos = [torch.stack(list(places[link][0]), dim=1) for link in wanted]
        return torch.stack(pos, dim=1), torch.stack([torch.stack(list(places[k][1]), dim=1) for k in wanted], dim=1)

    def _place(self, link: int, places: Dict[int, _Pose], bent: Sequence[Tuple[Tensor, Tensor]]) -> _Pose:
        """Component by component, as columns of T numbers are far faster than rows of three or four."""
        if link in places:
            return places[link]
        above, turned = self._place(self.parents[link], places, bent)
        pos = [a + b for a, b in zip(above, _rotated(turned, self.offsets[link].tolist()))]
        quat = _product(turned, self.turns[link].tolist())
        if self.joint_of[link] >= 0:
            (sin, cos), anchor = bent[self.joint_of[link]], self.anchors[link].tolist()
            before, quat = quat, _product(quat, [*(sin * a for a in self.axes[link].tolist()), cos])
            if any(anchor):
                pos = [p + a - b for p, a, b in zip(pos, _rotated(before, anchor), _rotated(quat, anchor))]
        places[link] = (pos, quat)
        return places[link]

    def sole_points(self, root_pos: Tensor, root_quat: Tensor, joints: Tensor) -> List[Tensor]:
        """The lowest points of the balls of each foot, (T, P, 3) m a foot."""
        pos, quat = self.poses(root_pos, root_quat, joints, [foot.link for foot in self.soles])
        points = []
        for k, foot in enumerate(self.soles):
            centers = foot.centers.to(pos)[None].expand(len(pos), -1, -1)
            place = pos[:, k, None] + quat_rotate(quat[:, k, None].expand(-1, centers.shape[1], -1), centers)
            place[..., 2] -= foot.radii.to(pos)
            points.append(place)
        return points


def _rotated(q: Sequence[Tensor], v: Sequence[float]) -> List[Tensor]:
    (x, y, z, w), (a, b, c) = q, v
    s, t, u = 2.0 * (c * y - b * z), 2.0 * (a * z - c * x), 2.0 * (b * x - a * y)
    return [a + w * s + y * u - z * t, b + w * t + z * s - x * u, c + w * u + x * t - y * s]


def _product(p: Sequence[Tensor], q: Sequence[Any]) -> List[Tensor]:
    (x, y, z, w), (a, b, c, d) = p, q
    vector = [w * a + x * d + y * c - z * b, w * b + y * d + z * a - x * c, w * c + z * d + x * b - y * a]
    return [*vector, w * d - x * a - y * b - z * c]


def read_skeleton(file: str, foot_name: str = "ankle_roll") -> Skeleton:
    """Read the links of a robot file.

    Raises:
        UserError: the file is refused, has no feet of that name, or a link with other joints than one hinge.
    """
    loaded = load_robot(file, foot_name)
    spec, model = compiled_copy(loaded.spec, file)
    root = spec.body(loaded.root.name).id
    ids = [b for b in range(model.nbody) if model.body_rootid[b] == model.body_rootid[root] and b >= root]
    names = [str(model.body(b).name) for b in ids]
    hinges = {b: [int(j) for j in np.flatnonzero(model.jnt_bodyid == b)] for b in ids[1:]}
    for name, joints in zip(names[1:], hinges.values()):
        if len(joints) > 1 or any(model.jnt_type[j] != mujoco.mjtJoint.mjJNT_HINGE for j in joints):
            raise UserError(f"{file}: link {name} has other joints than one hinge, which motion clips need")
    moving = [b for b in ids[1:] if hinges[b]]
    of = [hinges[b][0] if b in moving else -1 for b in ids]
    joint_names = [str(model.joint(hinges[b][0]).name) for b in moving]
    limits = [model.jnt_range[j] if model.jnt_limited[j] else [-np.inf, np.inf] for j in of if j >= 0]
    feet = [b for b in ids if foot_name in model.body(b).name]
    soles = [_soles(spec, model, b, ids.index(b)) for b in feet]
    soles = [foot for foot in soles if len(foot.radii)]
    if not soles:
        raise UserError(f"{file} has no link '{foot_name}' with a collision shape: give a part of the names of feet")
    return Skeleton(
        file=file,
        link_names=names,
        joint_names=joint_names,
        parents=[-1, *(ids.index(int(model.body_parentid[b])) for b in ids[1:])],
        joint_of=[moving.index(b) if b in moving else -1 for b in ids],
        offsets=torch.tensor(model.body_pos[ids]),
        turns=torch.tensor(model.body_quat[ids][:, [1, 2, 3, 0]]),
        axes=torch.tensor(model.jnt_axis[of]),
        anchors=torch.tensor(model.jnt_pos[of]),
        limits=torch.tensor(np.array(limits, dtype=float).reshape(-1, 2)),
        speeds=torch.tensor([float(loaded.velocity_limits.get(name, np.inf)) for name in joint_names]).double(),
        soles=soles,
    )


def _soles(spec: Any, model: Any, body: int, link: int) -> Soles:
    """The balls that bound the collision shapes of a foot and of what is fixed to it."""
    centers, radii = [np.zeros((0, 3))], [np.zeros(0)]
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    for part in rigid_part(spec.body(model.body(body).name)):
        for geom in part.geoms:
            if collides(geom):
                points, radius = _balls(model, geom.id)
                world = points @ data.geom_xmat[geom.id].reshape(3, 3).T + data.geom_xpos[geom.id]
                centers.append((world - data.xpos[body]) @ data.xmat[body].reshape(3, 3))
                radii.append(np.full(len(points), radius))
    return Soles(link, torch.tensor(np.concatenate(centers)), torch.tensor(np.concatenate(radii)))


def _balls(model: Any, geom: int) -> Tuple[np.ndarray, float]:
    """Points in the frame of a geom, and the radius around them that makes the shape."""
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        return np.zeros((1, 3)), float(size[0])
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return np.array([[0.0, 0.0, -size[1]], [0.0, 0.0, size[1]]]), float(size[0])
    if kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        return np.array([[*(size[0] * spot), z] for z in (-size[1], size[1]) for spot in _RING]), 0.0
    if kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.mesh(int(model.geom_dataid[geom]))
        first = int(mesh.vertadr[0])
        return np.array(model.mesh_vert[first : first + int(mesh.vertnum[0])], dtype=float), 0.0
    half = size  # a box; of an ellipsoid, the box around it
    return np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) * half, 0.0
