"""Reading a robot from a URDF or MJCF file: the robot alone, with feet that are bodies.

Actuators, sensors and keyframes that an MJCF file brings along are dropped, and so is its world: floor, lights, loose
objects. Control, observations and ground are the config's.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from typing import Any, Dict, List, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError

# what a geom keeps when it moves to a body of its own; the rest comes from its default class
_MOVED = ("type", "size", "quat", "fromto", "meshname", "rgba", "contype", "conaffinity", "group", "density", "mass")


def load_robot(file: str, foot_name: str) -> Tuple[Any, Any, Dict[str, float]]:
    """Read a robot file.

    Args:
        file: URDF or MJCF, of the robot alone or of a scene with one.
        foot_name: part of the names of feet, see `_make_feet`.

    Returns:
        The MjSpec; its root body; velocity limits of a URDF by joint, rad/s (MJCF has none).

    Raises:
        UserError: there is no such file, MuJoCo cannot read it, or there is no robot in it.
    """
    if not os.path.isfile(file):
        raise UserError(f"no robot file at {file}: give a URDF or MJCF file as asset.file or with --asset (--xml-path)")
    try:
        spec = mujoco.MjSpec.from_file(file)
    except ValueError as error:
        raise UserError(f"MuJoCo cannot read {file}: {' '.join(str(error).split())}") from error
    _keep_torque_limits(spec)
    for element in [*spec.actuators, *spec.sensors, *spec.keys]:
        spec.delete(element)
    root = _leave_world(spec, file)
    _make_feet(spec, root, foot_name)
    return spec, root, _urdf_velocity_limits(file)


def _leave_world(spec: Any, file: str) -> Any:
    """Delete what belongs to the world and not to the robot; return the root: the first body that has joints."""
    bodies = list(spec.worldbody.bodies)
    roots = [body for body in bodies if any(subtree.joints for subtree in all_bodies(body))]
    if not roots:
        raise UserError(f"{file} has no body with a joint, so there is no robot in it")
    loose = [*spec.worldbody.geoms, *(body for body in bodies if body is not roots[0])]
    if loose:
        names = ", ".join(str(element.name) or "without name" for element in loose)
        print(f"note: {os.path.basename(file)}: parts of its world are left out ({names}); the ground is env.terrain")
    for element in [*loose, *spec.worldbody.lights]:
        spec.delete(element)
    return roots[0]


def _make_feet(spec: Any, root: Any, foot_name: str) -> None:
    """Where no body is called a foot, turn geoms that are into bodies, fixed where the geom was.

    MJCF files often have the foot as a geom of the calf. It counts as a foot if its name or that of its default class
    contains `foot_name`; a body of the latter kind is called `<geom>_<foot_name>`. Mass stays where it was.
    """
    bodies = all_bodies(root)
    if any(foot_name in str(body.name) for body in bodies):
        return
    for body in bodies:
        for geom in list(body.geoms):
            name, collides = str(geom.name), geom.contype != 0 or geom.conaffinity != 0
            if not name or not collides or not (foot_name in name or foot_name in str(geom.classname.name)):
                continue
            foot = body.add_body(name=name if foot_name in name else f"{name}_{foot_name}", pos=geom.pos)
            moved = foot.add_geom(geom.classname)
            for field in _MOVED:
                setattr(moved, field, getattr(geom, field))
            if body.explicitinertial:
                moved.mass = 0.0  # the calf's inertia counts it already
            spec.delete(geom)
            moved.name = name


def all_bodies(body: Any) -> List[Any]:
    """The body and its descendants, children in alphabetical order: the order Isaac Gym gives links and joints."""
    bodies = [body]
    for child in sorted(body.bodies, key=lambda b: str(b.name)):
        bodies += all_bodies(child)
    return bodies


def _keep_torque_limits(spec: Any) -> None:
    """Move the limits of an MJCF file's actuators to their joints, where those of a URDF stand already."""
    names = {str(joint.name) for joint in spec.joints}
    for actuator in spec.actuators:
        if actuator.trntype != mujoco.mjtTrn.mjTRN_JOINT or actuator.target not in names:
            continue
        joint = spec.joint(actuator.target)
        direct = actuator.gaintype == mujoco.mjtGain.mjGAIN_FIXED and actuator.biastype == mujoco.mjtBias.mjBIAS_NONE
        limits = np.array(actuator.forcerange)
        if not limits.any() and direct:
            limits = np.array(actuator.ctrlrange) * actuator.gainprm[0]
        if limits.any() and not np.any(joint.actfrcrange):
            joint.actfrcrange = limits * actuator.gear[0]


def _urdf_velocity_limits(file: str) -> Dict[str, float]:
    """Joint velocity limits of a URDF, which MuJoCo's importer does not keep; empty for MJCF."""
    limits = {}
    for joint in ElementTree.parse(file).getroot().findall("joint"):
        limit = joint.find("limit")
        if limit is not None and limit.get("velocity") is not None:
            limits[joint.get("name", "")] = float(limit.get("velocity", "inf"))
    return limits
