"""Small tools for the parts of a robot file: bodies, joints, the engine's compiler and its log."""

from __future__ import annotations

import os
import warnings
from typing import Any, Callable, List, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError

# fields of a model in which a NaN or an infinity goes through MuJoCo's compiler
_FINITE = ("body_pos", "body_quat", "body_ipos", "geom_pos", "geom_quat", "jnt_pos", "jnt_axis")
MOTOR_JOINTS = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


def joint_name(body: Any) -> str:
    """Of the joint to the parent; a body that is fixed has its own name alone."""
    return str(body.joints[0].name if body.joints else body.name)


def all_bodies(body: Any, key: Callable[[Any], str] = joint_name) -> List[Any]:
    """The body and its descendants, children by the names of their joints: the order Isaac Gym gives links."""
    bodies = [body]
    for child in sorted(body.bodies, key=key):
        bodies += all_bodies(child, key)
    return bodies


def rigid_part(body: Any) -> List[Any]:
    """The body and what is fixed to it, further from the root."""
    return [body, *(part for child in body.bodies if not child.joints for part in rigid_part(child))]


def motor_joints(body: Any) -> List[Any]:
    """The joints of a body that get a motor: hinges and slides."""
    return [joint for joint in body.joints if joint.type in MOTOR_JOINTS]


def collides(geom: Any) -> bool:
    """Whether a geom is a collision shape; else it is there for pictures."""
    return bool(geom.contype != 0 or geom.conaffinity != 0)


def compile_spec(spec: Any, file: str, quiet: bool = False) -> Any:
    """The MjModel of a spec; what MuJoCo has to say becomes one line each, unless it is to be `quiet`.

    Raises:
        UserError: MuJoCo refuses it, or a place in it is no number.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = spec.compile()
        except ValueError as error:
            reason = " ".join(str(error).split("The static bodies of")[0].split("The visual elements of")[0].split())
            raise UserError(f"MuJoCo cannot compile {file}: {reason}") from error
    for warning in caught if not quiet else ():
        print(f"warning: MuJoCo says of {os.path.basename(file)}: {' '.join(str(warning.message).split())}")
    for field in _FINITE:
        bad = np.flatnonzero(~np.isfinite(getattr(model, field)).all(axis=1))
        if bad.size:
            kind, first = field.split("_")[0], int(bad[0])
            body = first if kind == "body" else getattr(model, f"{kind}_bodyid")[first]
            raise UserError(f"{file}: {field} of body {model.body(body).name} has a NaN or an infinity: give numbers")
    return model


def compiled_copy(spec: Any, file: str) -> Tuple[Any, Any]:
    """A copy of a spec and its MjModel, with every body and every geom; afterwards the copy's parts know their ids."""
    copy = spec.copy()
    copy.compiler.fusestatic = copy.compiler.discardvisual = False
    copy.compiler.balanceinertia = True
    return copy, compile_spec(copy, file, quiet=True)


def silence_engine() -> None:
    """Keep MuJoCo from writing MUJOCO_LOG.TXT and to the console: errors are raised, the rest is ours to tell."""
    config = mujoco.MjLogConfig.get()
    config.logto_file = config.logto_console = False
    mujoco.MjLogConfig.set(config)
