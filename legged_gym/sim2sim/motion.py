"""A motion clip that a policy follows: the poses it asks for, and how well a robot did."""

from __future__ import annotations

import os
import zipfile
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

import mujoco
import numpy as np

from legged_gym.errors import UserError, listed

_FIRST_JUDGED = 2  # control step; robots begin beside their clip
_ROUNDING = 1e-3
_DRIVEN = {"joint_targets", "joint_shifts"}  # of some clips


class Reference:
    """The frames of a clip, one for each control step; beyond the last one it stays.

    Attributes:
        name: of the file.
        qpos: (T, nq), poses as of MuJoCo.
        joints: (T, D) rad, in the order of the description.
        targets: (T, D) rad, what actions are about that are about the clip; shifts: (T, D, 4), by feedback of the root.
        bodies: of the model, those whose places count.
        torso: of the model, whose place and heading the policy is told.
    """

    def __init__(self, path: str, model: Any, description: Mapping[str, Any]) -> None:
        """Read a clip.

        Raises:
            UserError: it cannot be read, or is of another robot or rate.
        """
        self.name, self.model, self.data = os.path.basename(path), model, mujoco.MjData(model)
        fields = _read(path)
        names = [joint["name"] for joint in description["joints"]]
        columns = {_stem(str(name)): k for k, name in enumerate(fields["joint_names"])}
        missing = [name for name in names if _stem(name) not in columns]
        if missing:
            raise UserError(f"{path} is a clip of another robot: it has no joint {listed(missing)}")
        if abs(float(fields["fps"]) * description["control_dt"] - 1.0) > _ROUNDING:
            rate = 1.0 / description["control_dt"]
            raise UserError(f"{path} has {float(fields['fps']):g} frames a second, and the policy acts {rate:g} times")
        order, driven = [columns[_stem(name)] for name in names], set(fields) >= _DRIVEN
        if description["motion"]["actions_about"] == "inverse_dynamics" and not driven:
            raise UserError(f"{path} has no joint_targets, which the policy needs: take one exported with it")
        self.joints = self.targets = fields["joints"][:, order].astype(float)
        self.shifts, self._gains = np.zeros((len(self.joints), len(order), 4)), np.zeros(4)
        if driven:
            self.targets, self.shifts = (fields[name][:, order].astype(float) for name in sorted(_DRIVEN)[::-1])
            self._gains = np.array(description["motion"]["feedback"])
        self.qpos = np.tile(model.qpos0, (len(self.joints), 1))
        self.qpos[:, :3], self.qpos[:, 3:7] = fields["root_pos"], np.roll(fields["root_quat"], 1, axis=1)
        self.qpos[:, [model.joint(name).qposadr[0] for name in names]] = self.joints
        self._dt, motion = description["control_dt"], description["motion"]
        self.bodies = [model.body(name).id for name in motion["bodies"]]
        self.torso = model.body(motion["torso"]).id

    def __len__(self) -> int:
        return len(self.qpos)

    def last(self, frame: int) -> int:
        """A frame, or the last one of the clip."""
        return min(frame, len(self) - 1)

    def at(self, frame: int) -> Any:
        """Places of all bodies in a frame, as of `MjData`; valid until the next call."""
        self.data.qpos[:] = self.qpos[self.last(frame)]
        mujoco.mj_kinematics(self.model, self.data)
        return self.data

    def centre(self, frame: int, qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
        """(D,) rad that an action of 0 asks for in the step to a frame, from the present state of the robot."""
        there, speed = self.qpos[self.last(frame - 1)], self.velocity(frame - 1)
        turn, own, wanted = np.zeros(3), np.zeros(4), np.zeros(9)
        mujoco.mju_negQuat(own, qpos[3:7])
        product = np.zeros(4)
        mujoco.mju_mulQuat(product, there[3:7], own)
        mujoco.mju_quat2Vel(turn, product, 1.0)
        rates = []
        for quat, rate in ((there[3:7], speed[3:6]), (qpos[3:7], qvel[3:6])):
            mujoco.mju_quat2Mat(wanted, quat)
            rates.append(wanted.reshape(3, 3) @ rate)
        errors = np.array([there[:3] - qpos[:3], speed[:3] - qvel[:3], turn, rates[0] - rates[1]])
        yaw = heading(qpos[3:7].tolist())
        level = errors[:, :2] @ np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        push = (self._gains[:, None] * level).reshape(2, 2, 2).sum(1).ravel()
        return np.asarray(self.targets[self.last(frame)] + self.shifts[self.last(frame)] @ push)

    def velocity(self, frame: int) -> np.ndarray:
        """(nv,), from a frame to the next one."""
        found, first = np.zeros(self.model.nv), min(frame, len(self) - 2)
        mujoco.mj_differentiatePos(self.model, found, self._dt, self.qpos[first], self.qpos[first + 1])
        return found


class Followed(NamedTuple):
    """What an episode came to; errors are means over its steps.

    Attributes:
        clip: name of the file.
        share: of the clip that was followed, 1 for all.
        body_pos_error: m, of the bodies whose places count.
        joint_error: rad, root mean square over the joints.
    """

    clip: str
    share: float
    body_pos_error: float
    joint_error: float


def follow(robot: Any, reference: Reference) -> Followed:
    """Let a robot follow a clip from its first frame until its end, or until a body is too far away."""
    robot.reference = reference
    robot.start()
    threshold, body_errors, joint_errors = robot.description["motion"]["threshold"], [], []
    for step in range(1, len(reference)):
        robot.step()
        there = reference.at(step).xpos[reference.bodies]
        away = np.linalg.norm(robot.data.xpos[reference.bodies] - there, axis=1)
        body_errors.append(float(away.mean()))
        turns = robot.joint_angles - reference.joints[reference.last(step)]
        joint_errors.append(float(np.sqrt(np.square(turns).mean())))
        if step >= _FIRST_JUDGED and not away.max() <= threshold:
            break
    share = len(body_errors) / (len(reference) - 1)
    return Followed(reference.name, share, float(np.mean(body_errors)), float(np.mean(joint_errors)))


def clips_beside(policy_path: str, description: Mapping[str, Any]) -> List[str]:
    """The clips that were exported with a policy."""
    folder = os.path.dirname(os.path.abspath(policy_path))
    return [os.path.join(folder, name) for name in description["motion"]["clips"]]


def ground_of_clip(policy_path: str, description: Mapping[str, Any], clip: str) -> Optional[str]:
    """The terrain that was exported with a clip of a policy; None for a plane."""
    beside = clips_beside(policy_path, description)
    grounds = dict(zip(beside, description["motion"].get("grounds", [])))
    name = grounds.get(os.path.abspath(clip))
    return None if name is None else os.path.join(os.path.dirname(beside[0]), name)


def heading(quat: Sequence[float]) -> float:
    """Of a quaternion w, x, y, z, rad."""
    w, x, y, z = quat
    return float(np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)))


def _stem(joint: str) -> str:
    return joint[: -len("_joint")] if joint.endswith("_joint") else joint


def _read(path: str) -> Dict[str, np.ndarray]:
    wanted = ("fps", "joint_names", "root_pos", "root_quat", "joints")
    try:
        with np.load(path) as file:
            fields = {name: file[name] for name in (*wanted, *(_DRIVEN & set(file)))}
    except OSError as error:
        raise UserError(f"cannot read the clip {path}: {error.strerror or error}") from error
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no clip of convert_motion.py or export.py ({error})") from error
    if len(fields["joints"]) < 2:
        raise UserError(f"{path} has {len(fields['joints'])} frames, at least 2 are needed")
    return fields
