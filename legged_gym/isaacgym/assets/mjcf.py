"""Reading an MJCF file into a tree of links: the compiled model, read back; children in the order of the document."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.asset import Asset
from legged_gym.isaacgym.assets.masses import weigh
from legged_gym.isaacgym.assets.tree import Joint, Link, Mesh, Shape, matrix_of
from legged_gym.isaacgym.enums import DofDriveMode
from legged_gym.isaacgym.parameters import FLOAT_MAX, ActuatorProperties

_JOINT, _GEOM = mujoco.mjtJoint, mujoco.mjtGeom
_KINDS = {int(_JOINT.mjJNT_HINGE): "hinge", int(_JOINT.mjJNT_SLIDE): "slide"}


def read_mjcf(file: str, options: Any, key: Tuple[Any, ...]) -> Asset:
    """The first tree of bodies of an MJCF file; it stands fixed if it has no free joint."""
    try:
        spec = mujoco.MjSpec.from_file(file)
        spec.compiler.fusestatic = spec.compiler.discardvisual = False
        model = spec.compile()
    except ValueError as error:
        raise UserError(f"MuJoCo cannot read {file}: {' '.join(str(error).split())}") from error
    if model.nbody < 2:
        raise UserError(f"load_asset: {file} has no body")
    root, free = _link(model, 1, file), model.jnt_type[: model.body_jntnum[1]].tolist() == [int(_JOINT.mjJNT_FREE)]
    root.pos, root.quat = np.zeros(3), np.array([1.0, 0, 0, 0])
    if root.joints:
        root = Link("world", children=[root])
    weigh(root, float(options.density), False)
    drives = _drives(model)
    for link in root.walk():
        for joint in link.joints:
            joint.drive, joint.stiffness, joint.effort = drives.get(joint.name, (0, joint.stiffness, joint.effort))
    asset = Asset(root, options, key)
    asset.fixed |= not free
    asset.actuators = [_actuator(model, i) for i in range(model.nu)]
    names = [model.body(i).name for i in range(model.nbody)]
    asset.excludes = [(names[pair >> 16], names[pair & 0xFFFF]) for pair in model.exclude_signature.tolist()]
    return asset


def _link(model: Any, body: int, file: str) -> Link:
    link = Link(model.body(body).name or f"body_{body}", model.body_pos[body].copy(), model.body_quat[body].copy())
    turn = matrix_of(model.body_iquat[body])
    link.mass, link.com = float(model.body_mass[body]), model.body_ipos[body].copy()
    link.inertia, link.weighed = turn @ np.diag(model.body_inertia[body]) @ turn.T, link.mass > 0.0
    first = model.body_jntadr[body]
    for number in range(first, first + model.body_jntnum[body]):
        if model.jnt_type[number] != _JOINT.mjJNT_FREE:
            link.joints.append(_joint(model, number, file))
    first = model.body_geomadr[body]
    for number in range(first, first + model.body_geomnum[body]):
        seen = model.geom_contype[number] == 0 and model.geom_conaffinity[number] == 0
        (link.visuals if seen else link.shapes).append(_shape(model, number))
    link.children = [_link(model, k, file) for k in range(body + 1, model.nbody) if model.body_parentid[k] == body]
    return link


def _joint(model: Any, number: int, file: str) -> Joint:
    name, kind = model.joint(number).name or f"joint_{number}", int(model.jnt_type[number])
    if kind not in _KINDS:
        raise UserError(f"{file}: joint {name} is a ball; make three hinges of it")
    dof = model.jnt_dofadr[number]
    joint = Joint(name, _KINDS[kind], model.jnt_axis[number].copy(), model.jnt_pos[number].copy())
    joint.limited = bool(model.jnt_limited[number])
    joint.lower, joint.upper = model.jnt_range[number] if joint.limited else (-FLOAT_MAX, FLOAT_MAX)
    joint.effort = joint.velocity = FLOAT_MAX
    if model.jnt_actfrclimited[number]:
        joint.effort = float(np.abs(model.jnt_actfrcrange[number]).max())
    joint.stiffness, joint.damping = _first(model.jnt_stiffness, number), _first(model.dof_damping, dof)
    joint.friction, joint.armature = float(model.dof_frictionloss[dof]), float(model.dof_armature[dof])
    return joint


def _first(values: np.ndarray, row: int) -> float:
    """Of a polynomial, the linear part."""
    return float(np.atleast_1d(values[row])[0])


def _shape(model: Any, number: int) -> Shape:
    pos, quat = model.geom_pos[number].copy(), model.geom_quat[number].copy()
    mesh = None
    if model.geom_type[number] == _GEOM.mjGEOM_MESH:
        data = model.geom_dataid[number]
        begin, count = model.mesh_vertadr[data], model.mesh_vertnum[data]
        face, faces = model.mesh_faceadr[data], model.mesh_facenum[data]
        mesh = Mesh(
            vertices=model.mesh_vert[begin : begin + count].astype(np.float64),
            faces=model.mesh_face[face : face + faces].copy(),
        )
    shape = Shape(_GEOM(int(model.geom_type[number])), list(model.geom_size[number]), pos, quat, mesh)
    shape.friction, shape.rgba = float(model.geom_friction[number, 0]), tuple(model.geom_rgba[number])
    return shape


def _drives(model: Any) -> Dict[str, Tuple[int, float, float]]:
    """Drive mode, stiffness and largest effort by joint."""
    found = {}
    for i in range(model.nu):
        name = model.joint(int(model.actuator_trnid[i, 0])).name
        gain = float(model.actuator_gainprm[i, 0])
        limit = float(np.abs(model.actuator_forcerange[i]).max()) if model.actuator_forcelimited[i] else FLOAT_MAX
        if model.actuator_biastype[i] == mujoco.mjtBias.mjBIAS_NONE:
            found[name] = (int(DofDriveMode.DOF_MODE_EFFORT), 0.0, limit)
        else:
            found[name] = (int(DofDriveMode.DOF_MODE_POS), gain, limit)
    return found


def _actuator(model: Any, i: int) -> Any:
    props = ActuatorProperties(control_limited=bool(model.actuator_ctrllimited[i]))
    props.motor_effort = abs(float(model.actuator_gear[i, 0]))
    props.lower_control_limit, props.upper_control_limit = model.actuator_ctrlrange[i]
    props.force_limited = bool(model.actuator_forcelimited[i])
    props.lower_force_limit, props.upper_force_limit = model.actuator_forcerange[i]
    return props
