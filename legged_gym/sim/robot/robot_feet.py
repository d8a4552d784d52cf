"""Feet: bodies of a robot, made of geoms where the file has no bodies of that name."""

from __future__ import annotations

from typing import Any, Dict, List

import mujoco
import numpy as np

from legged_gym.errors import listed
from legged_gym.sim.robot.robot_parts import all_bodies, collides, compiled_copy, rigid_part

# what a geom keeps when it moves to a body of its own, besides its place, which is worked out
_MOVED = (
    "rgba", "material", "contype", "conaffinity", "group", "density", "mass", "typeinertia", "margin", "gap", "solref",
    "solimp", "solmix",
)  # fmt: skip


def make_feet(spec: Any, root: Any, foot_name: str, file: str) -> None:
    """Where no body is called a foot, turn geoms that are into bodies whose origin is the middle of the geom.

    MJCF files often have the foot as a geom of the calf. It counts as a foot if its name or that of its default class
    contains `foot_name`; a body of the latter kind is called `<geom>_<foot_name>`, or `<body>_<foot_name>` if the geom
    has no name. Mass stays where it was.
    """
    bodies = all_bodies(root)
    if any(foot_name in str(body.name) for body in bodies):
        return
    feet = [
        (body, k, geom)
        for body in bodies
        for k, geom in enumerate(body.geoms)
        if collides(geom) and (foot_name in str(geom.name) or foot_name in str(geom.classname.name))
    ]
    if not feet:
        return
    # where a geom is can be written in many ways (class, frame, ends, angles, mesh), which the compiler works out
    copy, model = compiled_copy(spec, file)
    from_geoms = spec.compiler.inertiafromgeom == mujoco.mjtInertiaFromGeom.mjINERTIAFROMGEOM_TRUE
    made: Dict[str, Any] = {}
    for body, k, geom in feet:
        name, number = str(geom.name), copy.body(body.name).geoms[k].id
        foot_body = name if foot_name in name else f"{name or body.name}_{foot_name}"
        if foot_body not in made:
            made[foot_body] = body.add_body(name=foot_body, pos=model.geom_pos[number])
        moved = made[foot_body].add_geom(geom.classname)
        _place(moved, geom, model, number, made[foot_body].pos)
        for field in _MOVED:
            setattr(moved, field, getattr(geom, field))
        if body.explicitinertial and not from_geoms:
            moved.mass = 0.0  # the calf's inertia counts it already
        spec.delete(geom)
        moved.name = name


def _place(moved: Any, geom: Any, model: Any, number: int, origin: np.ndarray) -> None:
    """Give a geom shape and place of the compiled one, in a body at `origin` that is not turned."""
    moved.type, moved.size = mujoco.mjtGeom(int(model.geom_type[number])), model.geom_size[number]
    moved.alt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
    moved.fromto = [np.nan] * 6
    moved.meshname = ""
    pos, quat = model.geom_pos[number].copy(), model.geom_quat[number].copy()
    mesh = int(model.geom_dataid[number])
    if mesh >= 0:  # the compiler has moved the geom into the frame of the mesh's inertia, and will do so again
        moved.meshname = geom.meshname
        inverse, shift = np.zeros(4), np.zeros(3)
        mujoco.mju_negQuat(inverse, model.mesh_quat[mesh])
        mujoco.mju_mulQuat(quat, model.geom_quat[number], inverse)
        mujoco.mju_rotVecQuat(shift, model.mesh_pos[mesh], quat)
        pos -= shift
    moved.pos, moved.quat = pos - origin, quat


def notes_on_feet(root: Any, foot_name: str) -> List[str]:
    """One line for each thing about the feet that cannot be meant."""
    feet = [body for body in all_bodies(root) if foot_name in str(body.name)]
    notes = []
    bare = [str(foot.name) for foot in feet if not any(collides(g) for part in rigid_part(foot) for g in part.geoms)]
    if bare:
        notes.append(f"warning: feet that can never touch: {listed(bare)} have no collision shape")
    for foot in feet:
        below = [str(body.name) for body in all_bodies(foot)[1:] if foot_name in str(body.name)]
        if below:
            notes.append(
                f"warning: asset.foot_name '{foot_name}' matches {foot.name} and, below it, {listed(below)}:"
                " each counts as a foot; give a part of the names of feet alone"
            )
    return notes
