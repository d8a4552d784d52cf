"""Reading a robot from a URDF or MJCF file: the robot alone, with limits, masses and names, and feet that are bodies.

Actuators, sensors and keyframes that an MJCF file brings along are dropped, and so is its world: floor, lights, loose
objects. Control, observations and ground are the config's.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import mujoco

from legged_gym.errors import UserError, listed
from legged_gym.sim.robot import robot_limits, robot_scene, urdf_reader
from legged_gym.sim.robot.robot_feet import make_feet
from legged_gym.sim.robot.robot_parts import MOTOR_JOINTS, all_bodies, silence_engine


@dataclass
class RobotFile:
    """What was understood of a robot file.

    Attributes:
        spec: the MjSpec.
        root: its root body.
        velocity_limits: of a URDF, rad/s by joint; MJCF has none.
        kept_apart: bodies that stay bodies where fixed joints are collapsed, as a URDF asks for -> their joints.
        notes: what was left out, made up or looks wrong, one line each.
    """

    spec: Any
    root: Any
    velocity_limits: Dict[str, float]
    kept_apart: Dict[str, str]
    notes: List[str]


def load_robot(file: str, foot_name: str, joints: Iterable[str] = ()) -> RobotFile:
    """Read a robot file.

    Args:
        file: URDF or MJCF, of the robot alone or of a scene with one.
        foot_name: part of the names of feet, see `make_feet`.
        joints: names of its joints, to find it in a scene with other things that move.

    Raises:
        UserError: there is no such file, MuJoCo cannot read it, there is no robot in it, or its numbers cannot be.
    """
    if not os.path.isfile(file):
        raise UserError(f"no robot file at {file}: give a URDF or MJCF file as asset.file or with --asset (--xml-path)")
    silence_engine()
    notes: List[str] = []
    spec, urdf = _read(file, notes)
    velocities, endless = ({}, []) if urdf is None else urdf_reader.velocity_limits(urdf, file)
    root = robot_scene.find_root(spec, joints, file, notes)
    robot_scene.name_parts(root, notes)
    robot_scene.free_root(spec, root, file, notes)
    bodies = all_bodies(root)
    motors = [joint for body in bodies for joint in body.joints if joint.type in MOTOR_JOINTS]
    robot_limits.read_limits(spec, motors, file)
    robot_scene.leave_world(spec, root, notes)
    if urdf is not None:
        notes += urdf_reader.weigh_links(spec, root, file)
    make_feet(spec, root, foot_name, file)
    notes += robot_scene.notes_on_joints(bodies)
    notes += robot_limits.notes_on_limits(motors, urdf is not None, velocities, endless)
    kept_apart = {} if urdf is None else urdf_reader.links_kept_apart(urdf)
    return RobotFile(spec, root, velocities, kept_apart, [_with_file(note, file) for note in notes])


def _read(file: str, notes: List[str]) -> Tuple[Any, Optional[ElementTree.Element]]:
    """The MjSpec, and the root element of a URDF; without the links that a floating robot is not fixed to."""
    spec = _parsed(mujoco.MjSpec.from_file, file, file)
    urdf = urdf_reader.read_urdf(file)
    text, left_out = (None, []) if urdf is None else urdf_reader.without_floating_joint(urdf, file)
    if text is None:
        return spec, urdf
    notes.append(f"note: links above the floating joint are left out ({listed(left_out)})")
    spec = _parsed(mujoco.MjSpec.from_string, text, file)
    spec.modelfiledir = os.path.dirname(os.path.abspath(file))
    return spec, urdf


def _parsed(parse: Callable[[str], Any], source: str, file: str) -> Any:
    try:
        return parse(source)
    except ValueError as error:
        raise UserError(f"MuJoCo cannot read {file}: {' '.join(str(error).split())}") from error


def _with_file(note: str, file: str) -> str:
    """Put the file's name behind 'note:' or 'warning:'."""
    kind, text = note.split(": ", 1)
    return f"{kind}: {os.path.basename(file)}: {text}"
