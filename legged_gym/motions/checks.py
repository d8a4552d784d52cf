"""What is wrong with a clip, in words: limits, speeds, accelerations, feet off or below the ground, skating, gaps."""

from __future__ import annotations

import math
from typing import List, Optional, Tuple, Union

import torch
from torch import Tensor

from legged_gym.motions.clip import Clip, angular_velocity, rates
from legged_gym.motions.contacts import CONTACT_HEIGHT, Ground, sole_heights, standing_height, standing_heights
from legged_gym.sim.robot.skeleton import Skeleton

# beyond a joint's limit, rad: less is rounding
_BEYOND = 0.002
# rad/s^2; the fastest kicks of people stay below
_ACCELERATION = 1500.0
# m that a robot stands above or below the ground, and that a sole may dip in
_STANDING, _SUNK = 0.015, 0.03
# s that a jump takes at most, and m that the ground of a clip may rise
_FLIGHT, _DRIFT = 0.8, 0.03
# m/s of a sole that is on the ground in two frames, and the share of such frames from which on it is a fault
_SKATING, _SKATING_SHARE = 0.3, 0.1
# between two frames: m/s and rad/s of the root, and of joints beyond which nobody moves
_ROOT_SPEED, _ROOT_TURN, _JOINT_SPEED = 5.0, 25.0, 60.0
# s that nothing at all moves within a clip
_FROZEN = 0.1


def faults(clip: Clip, skeleton: Skeleton, ground: Optional[Ground] = None) -> List[str]:
    """One line for each fault of a clip on the ground that belongs to it."""
    found = [*_limits(clip, skeleton), *_speeds(clip, skeleton), *_gaps(clip)]
    standing, height = standing_heights(clip, skeleton, ground), standing_height(clip, skeleton, ground)
    if abs(height) > _STANDING:
        found.append(f"{'floats' if height > 0 else 'sinks'}: it stands {100 * abs(height):.1f} cm "
                     f"{'above' if height > 0 else 'below'} the ground (--repair_height)")  # fmt: skip
    heights = sole_heights(clip, skeleton, ground)
    lowest = torch.stack([foot.amin(1) for foot in heights]).amin(0)
    # on toes or knees the links of feet are high, and in the air their soles are too
    found += _drift(clip, torch.minimum(standing, lowest) - height)
    if lowest.min() < -_SUNK:
        sunk = lowest < -_SUNK
        found.append(f"feet below ground: {-100 * float(lowest.min()):.1f} cm deep {_when(clip, lowest.argmin())}, "
                     f"in {_percent(sunk)} of the frames")  # fmt: skip
    return [*found, *_skating(clip, skeleton, heights)]


def _drift(clip: Clip, heights: Tensor) -> List[str]:
    """Longer off the ground, (T,) m over where the clip stands, than anyone can jump: that is not level."""
    window = math.ceil(_FLIGHT * clip.fps)
    if len(heights) < window:
        return []
    lowest = heights.unfold(0, window, 1).amin(1)
    highest = int(lowest.argmax())
    if lowest[highest] <= _DRIFT:
        return []
    return [f"drifts: {_when(clip, highest)} it stands {100 * float(lowest[highest]):.1f} cm higher than elsewhere, "
            "which no shift of the whole clip mends"]  # fmt: skip


def _limits(clip: Clip, skeleton: Skeleton) -> List[str]:
    low, high = skeleton.limits.to(clip.joints).unbind(1)
    beyond = torch.maximum(low - clip.joints, clip.joints - high)
    return [
        f"joint limit: {name} is {float(over.max()):.3f} rad beyond it {_when(clip, over.argmax())}, "
        f"in {_percent(over > _BEYOND)} of the frames"
        for name, over in zip(clip.joint_names, beyond.unbind(1))
        if over.max() > _BEYOND
    ]


def _speeds(clip: Clip, skeleton: Skeleton) -> List[str]:
    speed = rates(clip.joints, clip.fps)
    found = []
    limits = skeleton.speeds.to(speed)
    share = speed.abs() / limits
    if share.max() > 1.0:
        frame, joint = divmod(int(share.argmax()), share.shape[1])
        names = [name for name, over in zip(clip.joint_names, (share > 1.0).any(0)) if over]
        turned, limit = float(speed[frame, joint].abs()), float(limits[joint])
        found.append(
            f"speed: {clip.joint_names[joint]} turns with {turned:.1f} rad/s {_when(clip, frame)}, its limit is "
            f"{limit:g}; {len(names)} joints are too fast"
        )
    jerk = rates(speed, clip.fps)[:-1].abs()
    if len(jerk) and jerk.max() > _ACCELERATION:
        frame, joint = divmod(int(jerk.argmax()), jerk.shape[1])
        found.append(
            f"acceleration: {clip.joint_names[joint]} with {float(jerk.max()):.0f} rad/s^2 {_when(clip, frame)}, "
            f"above {_ACCELERATION:g} in {_percent((jerk > _ACCELERATION).any(1))} of the frames"
        )
    return found


def _gaps(clip: Clip) -> List[str]:
    moves = rates(clip.root_pos, clip.fps).norm(dim=1), angular_velocity(clip.root_quat, clip.fps).norm(dim=1)
    joints = rates(clip.joints, clip.fps).abs().amax(1)
    jumps = (moves[0] > _ROOT_SPEED) | (moves[1] > _ROOT_TURN) | (joints > _JOINT_SPEED)
    jumps[-1] = False
    found = []
    if jumps.any():
        first, count = int(jumps.nonzero()[0]), int(jumps.sum())
        found.append(
            f"gap: it jumps {count} time{'s' * (count > 1)} from one frame to the next, first {_when(clip, first)}"
        )
    still = (moves[0] + moves[1] + joints) < 1e-6
    still[-1] = False
    longest, begin = _longest(still)
    inside = begin > 0 and begin + longest < len(clip) - 1
    if inside and longest >= _FROZEN * clip.fps:
        found.append(f"gap: nothing moves for {longest / clip.fps:.2f} s {_when(clip, begin)}")
    return found


def _skating(clip: Clip, skeleton: Skeleton, heights: List[Tensor]) -> List[str]:
    points = skeleton.sole_points(clip.root_pos, clip.root_quat, clip.joints)
    slides, counts = 0, 0
    worst = clip.joints.new_zeros(len(clip))
    for foot, height in zip(points, heights):
        low = height < CONTACT_HEIGHT
        speed = rates(foot, clip.fps)[..., :2].norm(dim=2)
        both = low[:-1] & low[1:]
        # of the points that stay down, the slowest: a foot that rolls or turns about a point does not skate
        slow = torch.where(both, speed[:-1], torch.inf).amin(1)
        down = both.sum(1) >= 2
        slides, counts = slides + int((down & (slow > _SKATING)).sum()), counts + int(down.sum())
        worst[:-1] = torch.maximum(worst[:-1], torch.where(down, slow, 0.0))
    if slides <= _SKATING_SHARE * counts:
        return []
    return [f"skating: feet on the ground slide in {100 * slides / counts:.0f} % of the frames, "
            f"up to {float(worst.max()):.1f} m/s {_when(clip, worst.argmax())}"]  # fmt: skip


def _longest(flags: Tensor) -> Tuple[int, int]:
    """Length and begin of the longest run."""
    edges = torch.cat((flags.new_zeros(1), flags, flags.new_zeros(1))).int().diff()
    begins, ends = (edges == 1).nonzero()[:, 0], (edges == -1).nonzero()[:, 0]
    if not len(begins):
        return 0, 0
    best = int((ends - begins).argmax())
    return int(ends[best] - begins[best]), int(begins[best])


def _when(clip: Clip, frame: Union[int, Tensor]) -> str:
    return f"at {int(frame) / clip.fps:.2f} s"


def _percent(flags: Tensor) -> str:
    share = 100.0 * float(flags.float().mean())
    return f"{share:.0f} %" if share >= 1 else f"{share:.1g} %"
