"""Clips changed: another rate, held ends, fewer frames, the mirror image."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import List, Tuple

import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.motions.clip import Clip
from legged_gym.rotations import quat_rotate, quat_slerp
from legged_gym.sim.robot.skeleton import Skeleton

# rates that differ by less are the same
_SAME_RATE = 0.01


def resampled(clip: Clip, fps: float) -> Clip:
    """N frames as ceil(N fps / clip.fps), evenly spread from the first to the last.

    Places and angles are linear in between, orientations spherical; contacts are those of the nearest frame. A rate
    within 1 % of the wanted one is taken for it.
    """
    factor = fps / clip.fps
    if abs(factor - 1.0) < _SAME_RATE:
        return replace(clip, fps=fps)
    count = max(2, math.ceil(len(clip) * factor - 1e-9))
    times = torch.linspace(0.0, len(clip) - 1.0, count, dtype=torch.float64)
    before = times.long().clamp_max(len(clip) - 2)
    part = (times - before).to(clip.joints)[:, None]
    first, second = clip.taken(before), clip.taken(before + 1)
    return replace(
        clip,
        fps=fps,
        root_pos=torch.lerp(first.root_pos, second.root_pos, part),
        root_quat=quat_slerp(first.root_quat, second.root_quat, part),
        joints=torch.lerp(first.joints, second.joints, part),
        contacts=torch.where(part < 0.5, first.contacts, second.contacts),
    )


def cut_off(clip: Clip, start: int = 0, end: int = -1) -> Clip:
    """Frames `start` to `end`, without the latter; -1 for all that follow.

    Raises:
        UserError: fewer than two frames are left.
    """
    frames = torch.arange(len(clip))[start : None if end < 0 else end]
    if len(frames) < 2:
        raise UserError(
            f"{clip.path}: {len(frames)} of its {len(clip)} frames are left from frame {start} on; two are the least"
        )
    return clip.taken(frames)


def with_held_ends(clip: Clip, before: int, after: int) -> Clip:
    """The first frame held for so many more, and the last one."""
    return clip.taken(torch.arange(-before, len(clip) + after).clamp(0, len(clip) - 1))


def mirrored(clip: Clip, skeleton: Skeleton) -> Clip:
    """The mirror image: left and right exchanged at the plane y = 0.

    Raises:
        UserError: the robot is not its own mirror image by the names of its joints.
    """
    index, sign = mirror_of_joints(skeleton)
    feet = [clip.contact_names.index(_other_side(name)) for name in clip.contact_names]
    return replace(
        clip,
        root_pos=clip.root_pos * clip.root_pos.new_tensor([1.0, -1.0, 1.0]),
        root_quat=clip.root_quat * clip.root_quat.new_tensor([-1.0, 1.0, -1.0, 1.0]),
        joints=clip.joints[:, index] * sign.to(clip.joints),
        contacts=clip.contacts[:, feet],
    )


def mirror_of_joints(skeleton: Skeleton) -> Tuple[List[int], Tensor]:
    """A mirrored robot has angles `sign * joints[index]`; (J,) each.

    An axis is a pseudovector: its y stays and x and z turn round. Whether that is the axis of the partner or its
    opposite is read in the pose of all zeros.

    Raises:
        UserError: a joint has no partner, or one with another axis.
    """
    names = skeleton.joint_names
    zero = torch.zeros(1, len(names), dtype=torch.float64)
    upright = torch.tensor([[0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
    _, quats = skeleton.poses(zero[:, :3], upright, zero)
    axes = {}
    for link, joint in enumerate(skeleton.joint_of):
        if joint >= 0:
            axes[names[joint]] = quat_rotate(quats[0, link], skeleton.axes[link])
    index, sign = [], torch.zeros(len(names), dtype=torch.float64)
    for row, name in enumerate(names):
        partner = _other_side(name)
        image = (
            axes[partner] * axes[partner].new_tensor([-1.0, 1.0, -1.0]) if partner in axes else torch.zeros(3).double()
        )
        along = float(image @ axes[name])
        if abs(abs(along) - 1.0) > 1e-3:
            raise UserError(f"{skeleton.file}: {name} has no mirror image {partner}, so clips cannot be mirrored")
        index.append(names.index(partner))
        sign[row] = round(along)
    return index, sign


def _other_side(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")
