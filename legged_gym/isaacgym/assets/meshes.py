"""Meshes of assets, in what formats they come; MuJoCo collides their convex hulls."""

from __future__ import annotations

import os
from typing import Any, Dict, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.tree import Mesh

# MuJoCo reads these itself
_NATIVE = (".obj", ".stl")
_LEAST_VERTICES = 4
_loaded: Dict[str, Tuple[np.ndarray, np.ndarray]] = {}


def add_mesh(mj: Any, mesh: Mesh, known: Dict[Any, str]) -> str:
    """Add a mesh to a spec once; returns its name there."""
    key = (mesh.file, tuple(mesh.scale), id(mesh.vertices))
    if key not in known:
        vertices, faces = _triangles(mesh)
        name = known[key] = f"mesh_{len(known)}"
        added = mj.add_mesh(name=name, uservert=vertices.reshape(-1), userface=faces.reshape(-1))
        added.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
    return known[key]


def _triangles(mesh: Mesh) -> Tuple[np.ndarray, np.ndarray]:
    if mesh.vertices is None:
        vertices, faces = _read(mesh.file)
    else:
        assert mesh.faces is not None
        vertices, faces = mesh.vertices, mesh.faces
    scaled = vertices * np.asarray(mesh.scale)
    return scaled, faces if np.prod(mesh.scale) > 0 else faces[:, ::-1]


def _read(file: str) -> Tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a file, read once."""
    if file not in _loaded:
        if not os.path.isfile(file):
            raise UserError(f"there is no mesh {file}: assets must lie beside their robot file or in the asset folder")
        native = os.path.splitext(file)[1].lower() in _NATIVE
        _loaded[file] = _by_mujoco(file) if native else _by_trimesh(file)
        if len(_loaded[file][0]) < _LEAST_VERTICES:
            raise UserError(f"{file}: a mesh of {len(_loaded[file][0])} vertices is no body: the file may be damaged")
    return _loaded[file]


def _by_mujoco(file: str) -> Tuple[np.ndarray, np.ndarray]:
    mj = mujoco.MjSpec()
    mesh = mj.add_mesh(name="mesh", file=os.path.abspath(file))
    mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
    mj.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="mesh", contype=0, conaffinity=0)
    try:
        model = mj.compile()
    except ValueError:
        return _by_trimesh(file)  # of another dialect of the format
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, model.mesh_quat[0])
    return model.mesh_vert @ turn.reshape(3, 3).T + model.mesh_pos[0], model.mesh_face.copy()


def _by_trimesh(file: str) -> Tuple[np.ndarray, np.ndarray]:
    try:
        import trimesh
    except ImportError:
        raise UserError(f"{file}: meshes of this kind need trimesh: pip install trimesh pycollada") from None
    try:
        loaded: Any = trimesh.load(file, force="mesh", process=False)
        return np.asarray(loaded.vertices, dtype=np.float64), np.asarray(loaded.faces, dtype=np.int64)
    except Exception as error:  # damage shows up as any of a dozen exception types
        raise UserError(f"{file}: no mesh that can be read ({' '.join(str(error).split())})") from None
