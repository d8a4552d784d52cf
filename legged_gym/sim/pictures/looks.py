"""Shapes and poses for programs that draw by themselves, such as a page in a browser."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.sim.pictures.raytracer import geom_colors
from legged_gym.sim.pictures.rendering import ROOT, SceneRenderer, SceneState
from legged_gym.sim.simulator import Camera, Looks, Shape


class MujocoLooks(Looks):
    """Of a scene of its own, so that nothing else sees its poses."""

    def __init__(
        self,
        scene: SceneRenderer,
        state_of: Callable[[int], SceneState],
        cylinders: np.ndarray,
        every_body: bool = False,
    ) -> None:
        """Gather the shapes of a scene.

        Args:
            scene: with the model.
            state_of: the state of an environment.
            cylinders: (K,) which obstacles are some.
            every_body: show all bodies, not those of the first robot alone.
        """
        self._scene, self._state_of = scene, state_of
        self.obstacles = ["cylinder" if is_cylinder else "box" for is_cylinder in cylinders]
        model = scene.model
        root = int(model.body_rootid[ROOT])
        self._bodies = np.arange(ROOT, model.nbody) if every_body else np.flatnonzero(model.body_rootid == root)
        self.parts = [model.body(body).name.replace("/", "_") for body in self._bodies]
        rows = {int(body): row for row, body in enumerate(self._bodies)}
        self.parents = [rows.get(int(model.body_parentid[body]), -1) for body in self._bodies]
        self.shapes = _shapes(model, scene.option.geomgroup, self._bodies)

    def poses(self, env_id: int) -> np.ndarray:
        """See `Looks.poses`."""
        data, state = self._scene.data, self._state_of(env_id)
        data.qpos[:], data.mocap_pos[:], data.mocap_quat[:] = state.qpos, state.mocap_pos, state.mocap_quat
        mujoco.mj_kinematics(self._scene.model, data)
        poses = np.empty((len(self._bodies), 7))
        poses[:, :3] = data.xpos[self._bodies]
        poses[:, 3:] = data.xquat[self._bodies][:, [1, 2, 3, 0]]
        return poses

    def obstacle_poses(self, env_id: int) -> Tuple[np.ndarray, np.ndarray]:
        """See `Looks.obstacle_poses`."""
        state = self._state_of(env_id)
        return np.concatenate((state.mocap_pos, state.mocap_quat[:, [1, 2, 3, 0]]), axis=1), state.obstacle_sizes

    def snapshot(self, env_id: int) -> SceneState:
        """See `Looks.snapshot`."""
        return SceneState(*(part.copy() for part in self._state_of(env_id)))

    def picture(self, snapshot: SceneState, camera: Camera, width: int, height: int) -> np.ndarray:
        """See `Looks.picture`."""
        return self._scene.render(snapshot, camera, width, height)

    def close(self) -> None:
        """See `Looks.close`."""
        self._scene.close()


def _shapes(model: Any, groups: np.ndarray, bodies: np.ndarray) -> List[Shape]:
    """What of the bodies is shown, one shape for each colour of each body."""
    colors = geom_colors(model).round(3)
    pieces: Dict[Tuple[int, Tuple[float, float, float]], List[Tuple[np.ndarray, np.ndarray]]] = {}
    rows = {int(body): row for row, body in enumerate(bodies)}
    for geom in range(model.ngeom):
        row = rows.get(int(model.geom_bodyid[geom]))
        if row is None or not groups[min(int(model.geom_group[geom]), len(groups) - 1)]:
            continue
        vertices, faces = _geometry(model, geom)
        rotation = np.empty(9)
        mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
        red, green, blue = colors[geom].tolist()
        placed = vertices @ rotation.reshape(3, 3).T + model.geom_pos[geom]
        pieces.setdefault((row, (red, green, blue)), []).append((placed, faces))
    return [Shape(row, *_joined(found), color) for (row, color), found in pieces.items()]


def _joined(pieces: List[Tuple[np.ndarray, np.ndarray]]) -> Tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *(len(vertices) for vertices, _ in pieces)])
    faces = [faces + offset for (_, faces), offset in zip(pieces, offsets)]
    return np.concatenate([vertices for vertices, _ in pieces]), np.concatenate(faces)


def _geometry(model: Any, geom: int) -> Tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a geom in its own frame."""
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.mesh(int(model.geom_dataid[geom]))
        vertices = slice(int(mesh.vertadr[0]), int(mesh.vertadr[0] + mesh.vertnum[0]))
        faces = slice(int(mesh.faceadr[0]), int(mesh.faceadr[0] + mesh.facenum[0]))
        return np.array(model.mesh_vert[vertices]), np.array(model.mesh_face[faces])
    try:
        from trimesh import creation
    except ImportError:
        raise UserError("drawing shapes needs trimesh: pip install -e .[viewer]") from None

    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        made = creation.box(extents=2.0 * size)
    elif kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        made = creation.cylinder(radius=size[0], height=2.0 * size[1], sections=24)
    elif kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        made = creation.capsule(radius=size[0], height=2.0 * size[1], count=[16, 16])
        made.vertices[:, 2] -= made.bounds.mean(axis=0)[2]
    else:
        made = creation.icosphere(subdivisions=2)
        made.vertices *= size if kind == mujoco.mjtGeom.mjGEOM_ELLIPSOID else size[0]
    return np.array(made.vertices), np.array(made.faces)
