"""By which torques a robot would do what a clip shows, and which ones push its root through the legs that carry it."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Tuple

import mujoco
import numpy as np
import torch
from torch import Tensor

from legged_gym.motions.clip import Clip
from legged_gym.motions.contacts import foot_contacts
from legged_gym.rotations import yaw_from_quat
from legged_gym.sim.robot.robot_file import load_robot
from legged_gym.sim.robot.robot_parts import compiled_copy
from legged_gym.sim.robot.skeleton import Skeleton, Soles

# standard deviations, s, over which velocities are smoothed before they are differentiated, and torques afterwards
_SMOOTH_VELOCITIES, _SMOOTH_TORQUES = 0.05, 0.03
_FRICTION = 0.7
# N, of all feet together, above which legs push the root with all there is
_CARRIED = 50.0
# of forces against what the root lacks: lets all corners of a foot carry something
_RIDGE = 1e-4
_ITERATIONS = 300
_EDGES = np.array([[_FRICTION, 0.0, 1.0], [-_FRICTION, 0.0, 1.0], [0.0, _FRICTION, 1.0], [0.0, -_FRICTION, 1.0]])


class Torques(NamedTuple):
    """Of T frames and J joints, in the order of the skeleton.

    Attributes:
        needed: (T, J) N m, within the limits of the motors.
        pushes: (T, J, 4) N m for each N that the root is to be pushed with, forward and to the left, and each N m of
            roll and pitch; each leg gives the share that it carries.
    """

    needed: Tensor
    pushes: Tensor


def inverse_dynamics(clip: Clip, skeleton: Skeleton) -> Torques:
    """Of a clip with the skeleton's joints.

    What moves the root comes from the feet that touch the ground: the forces within friction cones at the corners of
    their soles that come closest. Armatures of motors are left out.
    """
    model = _model(skeleton)
    joints = [model.joint(name) for name in skeleton.joint_names]
    dofs = [int(joint.dofadr[0]) for joint in joints]
    poses = _poses(clip, model, skeleton)
    velocities = _smoothed(_velocities(model, poses, clip.fps), _SMOOTH_VELOCITIES * clip.fps).numpy()
    needed, reach, legs = _needed(model, poses, velocities, clip, skeleton)
    forces = _non_negative(reach[:, :6], needed[:, :6])
    torques = (needed - torch.einsum("tnk,tk->tn", reach, forces))[:, dofs]
    limits = torch.tensor(np.array([model.jnt_actfrcrange[joint.id] for joint in joints]))
    limits[limits[:, 0] >= limits[:, 1]] = torch.tensor([-torch.inf, torch.inf], dtype=limits.dtype)
    frames = _SMOOTH_TORQUES * clip.fps
    loads = _smoothed(forces.unflatten(1, (legs.shape[1], -1)).sum(2), 2.0 * frames)
    shares = loads / loads.sum(1, keepdim=True).clamp_min(_CARRIED)
    pushes = -torch.einsum("tf,tfij->tji", shares, legs[..., dofs])[..., [0, 1, 3, 4]]
    return Torques(_smoothed(torques, frames).clamp(limits[:, 0], limits[:, 1]), pushes)


def _model(skeleton: Skeleton) -> Any:
    """The robot alone, free to move; nothing but gravity acts on it."""
    loaded = load_robot(skeleton.file, skeleton.foot_names[0])
    if not loaded.root.joints:
        loaded.root.add_freejoint(name="root")
    model = compiled_copy(loaded.spec, skeleton.file)[1]
    off = mujoco.mjtDisableBit
    model.opt.disableflags |= off.mjDSBL_CONSTRAINT | off.mjDSBL_ACTUATION
    return model


def _poses(clip: Clip, model: Any, skeleton: Skeleton) -> np.ndarray:
    """(T, nq) as of MuJoCo."""
    qpos = np.tile(model.qpos0, (len(clip), 1))
    qpos[:, :3], qpos[:, 3:7] = clip.root_pos.numpy(), np.roll(clip.root_quat.numpy(), 1, axis=1)
    qpos[:, [model.joint(name).qposadr[0] for name in skeleton.joint_names]] = clip.joints.numpy()
    return qpos


def _velocities(model: Any, poses: np.ndarray, fps: float) -> Tensor:
    """(T, nv), to the next frame; in the last one, from the one before."""
    found = np.zeros((len(poses), model.nv))
    for t in range(len(poses) - 1):
        mujoco.mj_differentiatePos(model, found[t], 1.0 / fps, poses[t], poses[t + 1])
    found[-1] = found[-2]
    return torch.from_numpy(found)


def _needed(
    model: Any, poses: np.ndarray, velocities: np.ndarray, clip: Clip, skeleton: Skeleton
) -> Tuple[Tensor, Tensor, Tensor]:
    """Forces (T, nv) that the motion takes, what edges of friction cones give (T, nv, K), how feet move (T, F, 6, nv).

    The latter go and turn with the joints at the root's place, in the frame of its heading.
    """
    data, jacobian = mujoco.MjData(model), np.zeros((3, model.nv))
    accelerations = np.gradient(velocities, 1.0 / clip.fps, axis=0)
    feet = [(model.body(skeleton.link_names[foot.link]).id, _corners(foot)) for foot in skeleton.soles]
    known = list(clip.contact_names) == skeleton.foot_names
    down = (clip.contacts if known else foot_contacts(clip, skeleton)).numpy()
    needed, reach = np.zeros((len(poses), model.nv)), []
    legs, yaws = np.zeros((len(poses), len(feet), 2, 3, model.nv)), yaw_from_quat(clip.root_quat).numpy()
    for t, pose in enumerate(poses):
        data.qpos[:], data.qvel[:], data.qacc[:] = pose, velocities[t], accelerations[t]
        mujoco.mj_inverse(model, data)
        needed[t] = data.qfrc_inverse
        columns: List[np.ndarray] = []
        for (body, corners), touches, leg in zip(feet, down[t], legs[t]):
            mujoco.mj_jac(model, data, leg[0], leg[1], pose[:3], body)
            for corner in data.xpos[body] + corners @ data.xmat[body].reshape(3, 3).T:
                mujoco.mj_jac(model, data, jacobian, None, corner, body)
                columns += list(touches * (_EDGES @ jacobian))
        reach.append(np.stack(columns, axis=1))
    turns = np.zeros((len(poses), 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(yaws)
    turns[:, 0, 1], turns[:, 1, 0], turns[:, 2, 2] = np.sin(yaws), -np.sin(yaws), 1.0
    legs = np.einsum("tij,tfkjn->tfkin", turns, legs).reshape(len(poses), len(feet), 6, model.nv)
    return torch.from_numpy(needed), torch.from_numpy(np.stack(reach)), torch.from_numpy(legs)


def _corners(foot: Soles) -> np.ndarray:
    """(4, 3) m in the frame of the foot's link: where its sole reaches furthest, front and rear, left and right."""
    low = foot.centers.numpy() - np.array([0.0, 0.0, 1.0]) * foot.radii.numpy()[:, None]
    outwards = np.array([[x, y, -1.0] for x in (-1.0, 1.0) for y in (-1.0, 1.0)])
    return np.asarray(low[(low @ outwards.T).argmax(axis=0)])


def _non_negative(columns: Tensor, wanted: Tensor) -> Tensor:
    """Non-negative x (T, K), least |columns x - wanted|^2, of (T, 6, K), (T, 6), by accelerated projected gradients."""
    gram = columns.transpose(1, 2) @ columns + _RIDGE * torch.eye(columns.shape[2], dtype=columns.dtype)
    aim = torch.einsum("tnk,tn->tk", columns, wanted)
    step = 1.0 / (torch.linalg.matrix_norm(columns, 2).square() + _RIDGE)[:, None]
    x = ahead = torch.zeros_like(aim)
    for i in range(_ITERATIONS):
        new = (ahead - step * (torch.einsum("tij,tj->ti", gram, ahead) - aim)).clamp_min(0.0)
        ahead, x = new + i / (i + 3.0) * (new - x), new
    return x


def _smoothed(values: Tensor, deviation: float) -> Tensor:
    """(T, n) with a Gaussian of that many frames; the ends are held."""
    reach = int(3.0 * deviation) + 1
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=values.dtype) / deviation) ** 2)
    at = torch.arange(-reach, len(values) + reach).clamp(0, len(values) - 1)
    return torch.nn.functional.conv1d(values[at].T[:, None], (kernel / kernel.sum())[None, None])[:, 0].T
