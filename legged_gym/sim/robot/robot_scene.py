"""From a scene to the robot alone: which body it is, and what of its file is left out, with a note of each."""

from __future__ import annotations

from typing import Any, Iterable, List, Sequence

import mujoco
import numpy as np

from legged_gym.errors import UserError, listed
from legged_gym.sim.robot.robot_parts import MOTOR_JOINTS, all_bodies, motor_joints

_LEFT_OUT = (
    "actuators", "sensors", "keys", "cameras", "lights", "skins", "flexes", "hfields", "texts", "tuples", "numerics",
)  # fmt: skip
_FLOATING = [mujoco.mjtJoint.mjJNT_SLIDE] * 3 + [mujoco.mjtJoint.mjJNT_HINGE] * 3


def find_root(spec: Any, joints: Iterable[str], file: str, notes: List[str]) -> Any:
    """The robot's root: among the world's bodies with motors, the one with most joints of `joints`, else most joints.

    Raises:
        UserError: there is none.
    """
    motors = {body: [str(j.name) for b in all_bodies(body) for j in motor_joints(b)] for body in spec.worldbody.bodies}
    roots = [body for body, names in motors.items() if names]
    if not roots:
        raise UserError(f"{file} has no body with a joint that a motor can move, so there is no robot in it")
    known = set(joints)
    root = max(roots, key=lambda body: (len(known.intersection(motors[body])), len(motors[body])))
    if len([body for body in spec.worldbody.bodies if any(b.joints for b in all_bodies(body))]) > 1:
        others = listed(_called(body) for body in spec.worldbody.bodies if body is not root)
        notes.append(f"note: {_called(root)} is taken for the robot, which has most of the joints, and not {others}")
    return root


def leave_world(spec: Any, root: Any, notes: List[str]) -> None:
    """Delete what is not the robot's, what refers to it, and what the config says in the file's place."""
    world = [*spec.worldbody.geoms, *(body for body in spec.worldbody.bodies if body is not root)]
    if world:
        names = listed(dict.fromkeys(_called(element) for element in world))
        notes.append(f"note: parts of its world are left out ({names}); the ground is env.terrain")
    _leave_pairs(spec, {str(geom.name) for geom in spec.worldbody.geoms} - {""}, notes)
    # before their bodies go, which would take some of these along without a word
    _leave_couplings(spec, root, notes)
    for name in _LEFT_OUT:
        for element in list(getattr(spec, name)):
            spec.delete(element)
    for element in world:
        spec.delete(element)
    _leave_options(spec, root, notes)


def _called(element: Any) -> str:
    return str(element.name) or "without name"


def _leave_pairs(spec: Any, ground: Iterable[str], notes: List[str]) -> None:
    """Contact pairs go; a geom that was paired with a part of the world collides with the ground."""
    if not spec.pairs:
        return
    notes.append("note: contact pairs are left out; shapes that they pair with the world collide with the ground")
    ground = set(ground)
    partners = set()
    for pair in list(spec.pairs):
        names = {str(pair.geomname1), str(pair.geomname2)}
        if names & ground:
            partners |= names - ground
        spec.delete(pair)
    for geom in spec.geoms:
        if str(geom.name) in partners:
            geom.contype = 1


def _leave_couplings(spec: Any, root: Any, notes: List[str]) -> None:
    """Excludes, tendons and constraints that hold on to something else than the robot go, and so do mimic joints."""
    own = {str(body.name) for body in all_bodies(root)}
    for exclude in list(spec.excludes):
        if not {str(exclude.bodyname1), str(exclude.bodyname2)} <= own:
            spec.delete(exclude)
    mimics, outside = [], []
    for equality in list(spec.equalities):
        if equality.type == mujoco.mjtEq.mjEQ_JOINT:
            mimics.append(f"{equality.name1} follows {equality.name2 or 'its start'}")
            spec.delete(equality)
        elif equality.objtype == mujoco.mjtObj.mjOBJ_BODY and not {str(equality.name1), str(equality.name2)} <= own:
            outside.append(f"{equality.name1} to {equality.name2 or 'world'}")
            spec.delete(equality)
    for tendon in list(spec.tendons):
        if any(str(wrap.target.parent.name) not in own for wrap in tendon.path if hasattr(wrap.target, "parent")):
            outside.append(_called(tendon))
            spec.delete(tendon)
    if mimics:
        notes.append(
            f"warning: mimic joints are not supported ({listed(mimics)}): each is a joint of its own here, with a motor"
            " and an angle; make it fixed in the file if it should not move"
        )
    if outside:
        notes.append(f"note: couplings with the world are left out ({listed(outside)})")


def _leave_options(spec: Any, root: Any, notes: List[str]) -> None:
    """The file's <option> and the like would change what the settings in `sim` mean."""
    default = mujoco.MjSpec()
    names = [name for name in dir(spec.option) if not name.startswith("_")]
    changed = [name for name in names if np.any(getattr(spec.option, name) != getattr(default.option, name))]
    flags = [
        name[len("mjDSBL_") :].lower()
        for name, bit in mujoco.mjtDisableBit.__members__.items()
        if int(bit) & spec.option.disableflags and name.startswith("mjDSBL_")
    ]
    if changed:
        off = f", with {listed(flags)} disabled" if flags else ""
        notes.append(f"note: its <option> is left out ({listed(changed)}{off}); env.sim has these settings")
    spec.option, spec.stat = default.option, default.stat
    spec.memory, spec.njmax, spec.nconmax = default.memory, default.njmax, default.nconmax
    weightless = [body for body in all_bodies(root) if body.gravcomp]
    if weightless:
        notes.append(f"note: gravcomp is left out ({listed(_called(body) for body in weightless)})")
    for body in weightless:
        body.gravcomp = 0.0
    low, high = spec.compiler.inertiagrouprange
    for geom in spec.geoms:  # groups are ours, so what they say of masses is said now
        if not low <= geom.group <= high:
            geom.mass = 0.0
    spec.compiler.inertiagrouprange = [0, mujoco.mjNGROUP - 1]


def free_root(spec: Any, root: Any, file: str, notes: List[str]) -> None:
    """Leave the root with one free joint or none: three slides and three hinges are a free joint in disguise.

    Raises:
        UserError: it has other joints.
    """
    kinds, names = [joint.type for joint in root.joints], listed(_called(joint) for joint in root.joints)
    if not kinds or kinds == [mujoco.mjtJoint.mjJNT_FREE]:
        return
    if sorted(kinds, key=int) != sorted(_FLOATING, key=int):
        raise UserError(
            f"{file}: the root {root.name} moves by {names}: it needs one free joint, or none for a base that"
            " asset.fix_base_link holds; remove these joints, or put a body without joints around it"
        )
    notes.append(f"note: a free joint takes the place of {names} of the root {root.name}")
    for joint in list(root.joints):
        spec.delete(joint)
    root.add_freejoint()


def name_parts(root: Any, notes: List[str]) -> None:
    """Give bodies and joints without a name one that tells where they are."""
    bodies = _in_file_order(root)
    taken = {str(body.name) for body in bodies} | {str(joint.name) for body in bodies for joint in body.joints}
    made_up = []

    def call(element: Any, kind: str, stem: str) -> None:
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        element.name = name
        taken.add(name)
        made_up.append(f"{kind} {name}")

    for body in bodies:
        if not body.name:
            place = " ".join(f"{x:g}" for x in body.pos)
            call(body, "body", f"{body.parent.name}_part")
            made_up[-1] += f" (at {place} in {body.parent.name})"
        for joint in body.joints:
            if not joint.name and joint.type in MOTOR_JOINTS:
                call(joint, "joint", f"{body.name}_joint")
    if made_up:
        notes.append(f"note: parts without name are called {listed(made_up)}")


def _in_file_order(body: Any) -> List[Any]:
    return [body, *(part for child in body.bodies for part in _in_file_order(child))]


def notes_on_joints(bodies: Sequence[Any]) -> List[str]:
    """One line on ball joints, which nothing drives."""
    balls = [_called(joint) for body in bodies for joint in body.joints if joint.type == mujoco.mjtJoint.mjJNT_BALL]
    return [f"note: ball joints have no motor and are not observed ({listed(balls)})"] if balls else []
