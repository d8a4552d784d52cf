"""The model: a robot file on a ground, with all that the description of a policy adds to the file."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Optional

import mujoco
import numpy as np

from legged_gym.errors import UserError, listed
from legged_gym.sim2sim.ground import Ground

GROUND_GROUP, VISUAL_GROUP, ROBOT_GROUP = 0, 2, 3
FOOT = "sim2sim_foot_"
"""Names of the shapes of foot k begin with this and k."""

_LEAST_ELEVATION, _BASE_THICKNESS = 1e-3, 1.0  # m, of height fields
_LARGEST_DEVIATION = 1e-3  # of the mass


def build_model(
    robot_file: str, description: Mapping[str, Any], ground: Ground, dt: float, visual: bool = False
) -> Any:
    """Compile a robot on a ground.

    Args:
        robot_file: URDF, or MJCF of the robot alone or of a scene, of which all but the robot is left out.
        description: of the policy.
        ground: what the robot stands on.
        dt: s, a physics step.
        visual: keep visual shapes, for pictures.

    Raises:
        UserError: the file cannot be read or is of another robot.
    """
    spec = _read(robot_file)
    root = _leave_robot(spec, robot_file, [joint["name"] for joint in description["joints"]])
    if description["physics"]["fixed_base"]:
        raise UserError("the base of this policy's robot is fixed; sim2sim runs robots that are free to move")
    if not any(joint.type == mujoco.mjtJoint.mjJNT_FREE for joint in root.joints):
        root.add_freejoint()
    spec.compiler.balanceinertia, spec.compiler.discardvisual = True, not visual
    _set_options(spec, description["physics"], dt)
    _set_collisions(spec, root, description)
    _add_ground(spec, ground)
    _add_motors(spec, description)
    if visual:
        from legged_gym.sim.pictures.scenery import add_scenery

        add_scenery(spec)
    try:
        model = spec.compile()
    except ValueError as error:
        raise UserError(f"MuJoCo cannot build {robot_file}: {' '.join(str(error).split())}") from error
    _set_joints(model, description["joints"])
    expected, found = description["physics"]["mass"], float(model.body_mass.sum())
    if abs(found - expected) > _LARGEST_DEVIATION * expected:
        print(f"note: {os.path.basename(robot_file)} weighs {found:.3f} kg, the robot of the policy {expected:.3f} kg")
    return model


def _read(file: str) -> Any:
    if not os.path.isfile(file):
        raise UserError(f"no robot file at {file}: give a URDF or MJCF file with --robot")
    try:
        return mujoco.MjSpec.from_file(file)
    except ValueError as error:
        raise UserError(f"MuJoCo cannot read {file}: {' '.join(str(error).split())}") from error


def _leave_robot(spec: Any, file: str, joints: List[str]) -> Any:
    """Drop all but the robot that has the joints; returns its root."""
    there = {str(joint.name) for joint in spec.joints}
    missing = [name for name in joints if name not in there]
    if missing:
        raise UserError(f"{file} is of another robot: it has no joint {listed(missing)}; give its file with --robot")
    root = spec.joint(joints[0]).parent
    while root.parent is not None and root.parent.name != "world":
        root = root.parent
    extras = [*spec.actuators, *spec.sensors, *spec.keys, *spec.lights, *spec.worldbody.geoms]
    for part in [*extras, *(body for body in spec.worldbody.bodies if body.name != root.name)]:
        spec.delete(part)
    return root


def _set_options(spec: Any, physics: Mapping[str, Any], dt: float) -> None:
    for name in ("gravity", "impratio", "iterations", "ls_iterations", "tolerance"):
        setattr(spec.option, name, physics[name])
    spec.option.timestep = dt
    for name, kind, prefix in (
        ("integrator", mujoco.mjtIntegrator, "mjINT_"),
        ("cone", mujoco.mjtCone, "mjCONE_"),
        ("solver", mujoco.mjtSolver, "mjSOL_"),
    ):
        members = {member.upper(): value for member, value in kind.__members__.items()}
        setattr(spec.option, name, members[(prefix + physics[name]).upper()])


def _set_collisions(spec: Any, root: Any, description: Mapping[str, Any]) -> None:
    physics = description["physics"]
    for body in spec.bodies:
        foot = description["feet"].index(body.name) if body.name in description["feet"] else None
        for k, geom in enumerate(body.geoms):
            geom.group = VISUAL_GROUP
            if str(geom.name).startswith(("ground", "obstacle_")):  # names of what is not the robot
                geom.name = f"robot_{geom.name}"
            if not (geom.contype or geom.conaffinity):
                continue
            geom.group, geom.contype, geom.conaffinity, geom.priority = ROBOT_GROUP, 0, 1, 1
            geom.contype = int(physics["self_collisions"])
            for name, value in physics["contact"].items():
                setattr(geom, name, value)
            if foot is not None:
                geom.name = f"{FOOT}{foot}_{k}"


def _add_ground(spec: Any, ground: Ground) -> None:
    rest = {"contype": 1, "conaffinity": 0, "group": GROUND_GROUP}
    ground.obstacles.add_to(spec, **rest)
    shape = {"name": "ground", **rest}
    if ground.heights is None:
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], **shape)
        return
    low, high = float(ground.heights.min()), float(ground.heights.max())
    elevation = max(high - low, _LEAST_ELEVATION)
    rows, columns = ground.heights.shape
    half_x, half_y = (0.5 * ground.cell * (count - 1) for count in (rows, columns))
    data = np.ascontiguousarray(((ground.heights - low) / elevation).T, dtype=np.float32)
    size = [half_x, half_y, elevation, _BASE_THICKNESS]
    spec.add_hfield(name="ground", nrow=columns, ncol=rows, size=size, userdata=data.reshape(-1))
    place = [ground.origin[0] + half_x, ground.origin[1] + half_y, low]
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="ground", pos=place, **shape)


def _add_motors(spec: Any, description: Mapping[str, Any]) -> None:
    for joint in description["joints"]:
        actuator = spec.add_actuator(name=joint["name"], target=joint["name"], trntype=mujoco.mjtTrn.mjTRN_JOINT)
        if description["actions"]["control_type"] == "P":
            actuator.set_to_position(kp=joint["stiffness"], kv=joint["damping"])
        else:
            actuator.set_to_motor()
        limit: Optional[float] = joint["torque_limit"]
        if limit is not None:
            actuator.forcelimited, actuator.forcerange = True, [-limit, limit]


def _set_joints(model: Any, joints: List[Mapping[str, Any]]) -> None:
    for joint in joints:
        dof = model.joint(joint["name"]).dofadr[0]
        model.dof_armature[dof] = joint["armature"]
        model.dof_damping[dof] = joint["passive_damping"]
        model.dof_frictionloss[dof] = joint["passive_friction"]
        model.joint(joint["name"]).stiffness[0] = joint["passive_stiffness"]
    mujoco.mj_setConst(model, mujoco.MjData(model))
