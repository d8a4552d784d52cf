"""From a file to a clip of one robot: rate, names of joints, order of quaternions; each settled by what is in the file.

What a file does not say is found out where the robot's own geometry decides it, and asked for where it does not.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import List, Optional, Sequence, Set, Tuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.errors import UserError, in_file, listed
from legged_gym.motions.clip import Clip, joints_by_name, rates, stem
from legged_gym.motions.contacts import foot_contacts, stand_on_ground
from legged_gym.motions.readers import RawClip, read_raw
from legged_gym.sim.robot.skeleton import Skeleton

_LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
_ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")
_WRIST = ("wrist_roll", "wrist_pitch", "wrist_yaw")


def _sided(parts: Sequence[str]) -> List[str]:
    return [f"{side}_{part}_joint" for side in ("left", "right") for part in parts]


G1_12 = _sided(_LEG)
G1_23 = [*G1_12, *(f"waist_{axis}_joint" for axis in ("yaw", "roll", "pitch")), *_sided(_ARM)]
G1_29 = [*G1_23[:15], *_sided([*_ARM, *_WRIST])]
"""Joints of the G1 in the order of its files, which those without names of joints have."""

# m: links may differ so much, on average over the frames, in another version of the robot; more is another order
_SAME, _SIMILAR = 2e-3, 0.05
# m, where no ground is
_HIGH = 20.0
# radians of a quaternion's length from 1
_UNIT = 0.02
# frames that the order of joints and of quaternions is found out with
_LOOKED_AT = 1500
# the wrong order of quaternions must be worse by this factor, and by this much, m
_CLEARLY, _AT_LEAST = 1.25, 2e-3


def read_clip(
    path: str,
    skeleton: Skeleton,
    fps: Optional[float] = None,
    default_fps: Optional[float] = None,
    quat_order: Optional[str] = None,
) -> Tuple[Clip, List[str]]:
    """Read a file as a clip of a robot.

    Args:
        path: of any kind that `readers` knows.
        skeleton: of the robot.
        fps: frames a second, whatever the file says.
        default_fps: the same where the file says nothing.
        quat_order: "xyzw" or "wxyz"; None to find it out.

    Returns:
        The clip with all joints of the robot, and notes on what was made of the file.

    Raises:
        UserError: the file cannot be read, is of another robot, or leaves a question open, with what to do.
    """
    raw = read_raw(path)
    with in_file(path):
        notes: List[str] = []
        rate = _rate_of(path, raw, fps, default_fps, notes)
        names, links = _names_of(raw, skeleton)
        joints, still, left_out = joints_by_name(torch.from_numpy(raw.joints), names, skeleton.joint_names)
        _check_angles(joints, skeleton)
        if still:
            notes.append(f"it has no {listed(still)}, which stay at 0")
        if left_out:
            notes.append(f"joints that the robot does not have are left out: {listed(left_out)}")
        root_pos, root_quat = joints.new_zeros(len(joints), 3), joints.new_tensor([[0.0, 0.0, 0.0, 1.0]])
        if raw.root_pos is None or raw.root_quat is None:
            notes.append("it has joints alone: the robot stands upright on the spot")
            root_quat = root_quat.repeat(len(joints), 1)
        else:
            root_pos = torch.from_numpy(raw.root_pos)
            height = float(root_pos[:, 2].median())
            if abs(height) > _HIGH:
                raise UserError(f"its root is {height:.0f} m high: write places in m, above a ground at height 0")
            order = quat_order or raw.quat_order
            root_quat = _quats(raw.root_quat, order, root_pos, joints, skeleton, notes)
        nothing = torch.zeros(len(joints), 0, dtype=torch.bool)
        clip = Clip(path, rate, list(skeleton.joint_names), root_pos, root_quat, joints, nothing)
        if raw.link_pos is not None and links:
            _compare_links(clip, skeleton, links, raw.link_pos, left_out, notes)
        if raw.root_pos is None:
            clip = stand_on_ground(clip, skeleton)
    return _with_contacts(clip, raw, skeleton, notes), notes


def _rate_of(path: str, raw: RawClip, fps: Optional[float], default: Optional[float], notes: List[str]) -> float:
    rate = next((given for given in (fps, raw.fps, default) if given is not None), None)
    if rate is None:
        hint = re.search(r"(\d+) ?(?:hz|fps)", path.lower())
        says = f"; its name says {hint.group(1)}" if hint else ""
        raise UserError(f"the file does not say how many frames a second it has: give --fps{says}")
    if not 1.0 <= rate <= 1000.0:
        raise UserError(f"a rate of {rate:g} frames a second; give the true one with --fps")
    if raw.fps is not None and abs(rate - raw.fps) > 1e-3:
        notes.append(f"it says {raw.fps:g} frames a second, and is read with the {rate:g} that were asked for")
    elif raw.fps is None and fps is None:
        notes.append(f"it does not say how many frames a second it has: {rate:g} are assumed")
    return float(rate)


def _check_angles(joints: Tensor, skeleton: Skeleton) -> None:
    """Refuse what is no radians: half a turn beyond a joint's limit."""
    low, high = skeleton.limits.to(joints).unbind(1)
    beyond = torch.maximum(low - joints, joints - high).amax(0)
    joint = int(beyond.argmax())
    if beyond[joint] > math.pi:
        reached = float(joints[:, joint][joints[:, joint].abs().argmax()])
        raise UserError(
            f"{skeleton.joint_names[joint]} reaches {reached:.1f} rad, and its limits are {float(low[joint]):.2f} and "
            f"{float(high[joint]):.2f}: angles are in degrees (write them in rad), or columns in another order"
        )


def _names_of(raw: RawClip, skeleton: Skeleton) -> Tuple[List[str], Optional[List[str]]]:
    """Names of joints and links; without any the robot's order, or the one that stored places of links prove."""
    count = raw.joints.shape[1]
    if raw.joint_names is not None:
        return raw.joint_names, raw.link_names
    orders = [skeleton.joint_names]
    if set(G1_12) & set(skeleton.joint_names):  # whatever the order in the robot's own file is
        orders += [G1_12, G1_23, G1_29]
    known = {len(order): order for order in orders}
    if count not in known:
        raise UserError(
            f"{count} joints without names, {len(skeleton.joint_names)} in {skeleton.file}: it is of another robot, or "
            "lacks columns (root place, quaternion, joints)"
        )
    if raw.link_pos is None or raw.link_names is not None:
        return known[count], raw.link_names
    # bodies without names: those that move, by one of the two orders that engines have
    for level in (False, True):
        links = _moving_links(skeleton, level)
        if len(links) == raw.link_pos.shape[1]:
            joints = [skeleton.joint_names[skeleton.joint_of[skeleton.link_names.index(link)]] for link in links[1:]]
            if len(joints) == count and _distance(raw, skeleton, joints, links) < _SIMILAR:
                return joints, links
    raise UserError(
        "its joints and bodies have no names, and in no known order do joints give the stored places of bodies: "
        "write joint_names and body_names into it"
    )


def _moving_links(skeleton: Skeleton, by_level: bool) -> List[str]:
    """The root and the links with joints: branch by branch, or level by level."""
    links = [k for k, joint in enumerate(skeleton.joint_of) if joint >= 0 or k == 0]
    if by_level:
        links.sort(key=lambda link: _depth(skeleton, link))
    return [skeleton.link_names[link] for link in links]


def _depth(skeleton: Skeleton, link: int) -> int:
    return 0 if link == 0 else 1 + _depth(skeleton, skeleton.parents[link])


def _distance(raw: RawClip, skeleton: Skeleton, joints: Sequence[str], links: Sequence[str]) -> float:
    """Metres between stored places of links, seen from the first, and those that joints in an order give."""
    assert raw.link_pos is not None
    some = slice(0, _LOOKED_AT)
    angles, _, _ = joints_by_name(torch.from_numpy(raw.joints[some]), joints, skeleton.joint_names)
    still = angles.new_zeros(len(angles), 3), angles.new_tensor([0.0, 0.0, 0.0, 1.0]).repeat(len(angles), 1)
    places, _ = skeleton.poses(*still, angles, skeleton.link_indices(links))
    stored = torch.from_numpy(raw.link_pos[some])
    # distances from the root do not depend on how it is turned
    return float(((places - places[:, :1]).norm(dim=2) - (stored - stored[:, :1]).norm(dim=2)).abs().mean(0).max())


def _quats(
    stored: np.ndarray, order: Optional[str], root_pos: Tensor, joints: Tensor, skeleton: Skeleton, notes: List[str]
) -> Tensor:
    """Quaternions x, y, z, w of unit length, whose order is found out unless it is given."""
    length = np.linalg.norm(stored, axis=1)
    if abs(length - 1.0).max() > _UNIT:
        frame = int(np.argmax(abs(length - 1.0)))
        raise UserError(f"the quaternion of frame {frame} has length {length[frame]:.3f}; columns are in another order")
    quats = torch.from_numpy(stored / length[:, None])
    candidates = {"xyzw": quats, "wxyz": quats[:, [1, 2, 3, 0]]}
    if order is None:
        unrest = {name: _unrest(root_pos, quat, joints, skeleton) for name, quat in candidates.items()}
        order, other = sorted(unrest, key=lambda name: unrest[name])
        if unrest[other] < _CLEARLY * unrest[order] + _AT_LEAST:
            raise UserError(
                "whether its quaternions are x, y, z, w or w, x, y, z cannot be told from how its feet move: "
                "give --quat_order, and z up"
            )
        notes.append(f"its quaternions are {', '.join(order)}: so feet stand still, and not the other way")
    return candidates[order]


def _unrest(root_pos: Tensor, quat: Tensor, joints: Tensor, skeleton: Skeleton) -> float:
    """How much the soles of the lower foot tilt and move, and how far the robot hangs below them; small if true."""
    some = slice(0, _LOOKED_AT)
    soles = skeleton.sole_points(root_pos[some], quat[some], joints[some])
    lows = torch.stack([foot[..., 2].amin(1) for foot in soles], dim=1)
    lower = lows.argmin(1, keepdim=True)
    head = skeleton.poses(root_pos[some], quat[some], joints[some])[0][..., 2]
    hanging = (lows.amin(1) - head.amin(1)).clamp_min(0.0)
    tilt = torch.stack([foot[..., 2].amax(1) for foot in soles], dim=1) - lows
    step = torch.stack([rates(foot, 1.0).norm(dim=2).mean(1) for foot in soles], dim=1)
    return float((tilt.gather(1, lower) + 3.0 * step.gather(1, lower) + hanging[:, None]).mean())


def _compare_links(
    clip: Clip, skeleton: Skeleton, links: Sequence[str], stored: np.ndarray, left_out: Sequence[str], notes: List[str]
) -> None:
    """Hold forward kinematics against the stored places of links.

    Raises:
        UserError: they are far apart.
    """
    loose = {f"{stem(name)}_link" for name in left_out}
    known = [k for k, name in enumerate(links) if name in skeleton.link_names and not _hangs_on(skeleton, name, loose)]
    if not known:
        return
    names = [links[k] for k in known]
    places, _ = skeleton.poses(clip.root_pos, clip.root_quat, clip.joints, skeleton.link_indices(names))
    far = (places - torch.from_numpy(stored[:, known])).norm(dim=2).mean(0)
    worst = int(far.argmax())
    if far[worst] > _SIMILAR:
        raise UserError(
            f"its joints put {names[worst]} {float(far[worst]):.2f} m from where the file says it is: joints or links "
            "are in another order than their names, or it is another robot (--robot)"
        )
    if far[worst] > _SAME:
        notes.append(f"{names[worst]} is {1e3 * float(far[worst]):.0f} mm from where the file says: another model")


def _hangs_on(skeleton: Skeleton, link: str, loose: Set[str]) -> bool:
    place = skeleton.link_names.index(link)
    while place >= 0:
        if skeleton.link_names[place] in loose:
            return True
        place = skeleton.parents[place]
    return False


def _with_contacts(clip: Clip, raw: RawClip, skeleton: Skeleton, notes: List[str]) -> Clip:
    """Contacts of the file, foot by foot, or those that follow from how the feet move."""
    sides = [name.split("_")[0] for name in skeleton.foot_names]
    stored = {name.split("_")[0]: contact for name, contact in raw.contacts.items()}
    names = tuple(skeleton.foot_names)
    if sides and all(side in stored for side in sides):
        contacts = torch.from_numpy(np.stack([stored[side] for side in sides], axis=1))
        return replace(clip, contacts=contacts, contact_names=names)
    if stored:
        notes.append(f"its contacts of {listed(list(raw.contacts))} are not those of {listed(names)}: worked out anew")
    return replace(clip, contacts=foot_contacts(clip, skeleton), contact_names=names)
