"""Limits and other numbers of joints: one reading for URDF and MJCF, and an error for what cannot be."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

import mujoco
import numpy as np

from legged_gym.errors import UserError, listed
from legged_gym.sim.robot.robot_parts import MOTOR_JOINTS

_NOT_NEGATIVE = ("damping", "frictionloss", "armature", "stiffness")
_JOINT_DRIVES = (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT)


def read_limits(spec: Any, joints: Sequence[Any], file: str) -> None:
    """Check the numbers of joints and give each its torque limit as `actfrcrange`, zeros where it has none.

    Limits of an MJCF file's actuators move to their joints, where those of a URDF stand already.

    Raises:
        UserError: a number of a joint is NaN, negative where it cannot be, or a range is turned round.
    """
    drives: Any = {}
    for actuator in spec.actuators:
        if actuator.trntype in _JOINT_DRIVES:
            drives.setdefault(str(actuator.target), []).append(actuator)
    for joint in joints:
        where = f"{file}: joint {joint.name}"
        for field in _NOT_NEGATIVE:
            value = float(np.atleast_1d(getattr(joint, field))[0])  # of a polynomial, the linear part
            if not (np.isfinite(value) and value >= 0):
                raise UserError(f"{where}: {field} is {value:g}; it cannot be negative, infinite or no number")
        _ends(joint.limited, joint.range, f"{where}: range")
        if not np.isfinite(joint.range).any():
            joint.limited = mujoco.mjtLimited.mjLIMITED_FALSE
        limits = _ends(joint.actfrclimited, joint.actfrcrange, f"{where}: torque limit")
        for actuator in drives.get(str(joint.name), ()):
            if limits is None:
                limits = _drive_limits(actuator, where)
        joint.actfrclimited = mujoco.mjtLimited.mjLIMITED_FALSE  # the actuator will have the limit
        joint.actfrcrange = np.zeros(2) if limits is None or not np.isfinite(limits).all() else limits


def _drive_limits(actuator: Any, where: str) -> Optional[np.ndarray]:
    """Lowest and highest torque of an actuator at its joint; a gear may turn the sign round."""
    direct = actuator.gaintype == mujoco.mjtGain.mjGAIN_FIXED and actuator.biastype == mujoco.mjtBias.mjBIAS_NONE
    limits = _ends(actuator.forcelimited, actuator.forcerange, f"{where}: forcerange")
    if limits is None and direct:
        limits = _ends(actuator.ctrllimited, actuator.ctrlrange, f"{where}: ctrlrange")
        limits = None if limits is None else limits * actuator.gainprm[0]
    return None if limits is None else np.sort(limits * actuator.gear[0])


def _ends(limited: Any, ends: Any, what: str) -> Optional[np.ndarray]:
    """The ends of a range as they are written; None if it does not apply, as a range of two zeros."""
    low, high = (float(end) for end in ends)
    if np.isnan(low) or np.isnan(high):
        raise UserError(f"{what} is {low:g} to {high:g}: give numbers")
    if limited == mujoco.mjtLimited.mjLIMITED_FALSE or low == high == 0:
        return None
    if low > high:
        raise UserError(f"{what} is {low:g} to {high:g}: the lower end must come first")
    return np.array([low, high])


def notes_on_limits(joints: Sequence[Any], urdf: bool, velocities: Any, endless: Sequence[str]) -> List[str]:
    """One line that names joints without torque limit, range or velocity limit, if there are any.

    Args:
        joints: those with motors.
        urdf: whether the file is one; MJCF has no velocity limits.
        velocities: velocity limits by joint name.
        endless: joints that are meant to have no range.
    """
    names = [str(joint.name) for joint in joints if joint.type in MOTOR_JOINTS]
    lacking = {
        "torque limit": [str(joint.name) for joint in joints if not np.any(joint.actfrcrange)],
        "range": [str(joint.name) for joint in joints if _has_no_range(joint) and str(joint.name) not in endless],
        "velocity limit": [name for name in names if urdf and name not in velocities],
    }
    parts = [f"no {what}: {listed(having, names)}" for what, having in lacking.items() if having]
    return [f"note: {'; '.join(parts)}"] if parts else []


def _has_no_range(joint: Any) -> bool:
    return joint.limited == mujoco.mjtLimited.mjLIMITED_FALSE or not np.any(joint.range)
