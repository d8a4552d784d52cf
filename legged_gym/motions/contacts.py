"""Feet of a clip on the ground: how high they are, when they touch it, and clips put where the ground is."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List, Optional

import torch
from torch import Tensor

from legged_gym.motions.clip import Clip, rates
from legged_gym.sim.robot.skeleton import Skeleton

Ground = Callable[[Tensor], Tensor]
"""Heights (...,) m at places (..., 2) m; None for the plane at 0."""

# a foot touches the ground below this height, m, if it is slower than this, m/s
CONTACT_HEIGHT, CONTACT_SPEED = 0.03, 0.6
# share of the frames that may be lower than where a robot stands
_LOWEST_SHARE = 0.05


def sole_heights(clip: Clip, skeleton: Skeleton, ground: Optional[Ground] = None) -> List[Tensor]:
    """Heights (T, P) m of the points of each foot above the ground."""
    soles = skeleton.sole_points(clip.root_pos, clip.root_quat, clip.joints)
    return [foot[..., 2] - (0.0 if ground is None else ground(foot[..., :2])) for foot in soles]


def foot_contacts(clip: Clip, skeleton: Skeleton, ground: Optional[Ground] = None) -> Tensor:
    """(T, F) bool: the lowest point of a foot is near the ground and slow."""
    soles = skeleton.sole_points(clip.root_pos, clip.root_quat, clip.joints)
    contacts = []
    for foot, heights in zip(soles, sole_heights(clip, skeleton, ground)):
        height, point = heights.min(dim=1)
        speed = rates(foot, clip.fps).norm(dim=2).gather(1, point[:, None])[:, 0]
        contacts.append((height < CONTACT_HEIGHT) & (speed < CONTACT_SPEED))
    return torch.stack(contacts, dim=1)


def standing_heights(clip: Clip, skeleton: Skeleton, ground: Optional[Ground] = None) -> Tensor:
    """How far above the ground the robot stands, (T,) m: 0 in frames that fit.

    That of the lower foot's link over where it is in a level foot: toes that point down do not count.
    """
    links, _ = skeleton.poses(clip.root_pos, clip.root_quat, clip.joints, [foot.link for foot in skeleton.soles])
    level = torch.stack([(foot.centers[:, 2] - foot.radii).min() for foot in skeleton.soles]).to(links)
    heights: Tensor = links[..., 2] + level - (0.0 if ground is None else ground(links[..., :2]))
    return heights.amin(1)


def standing_height(clip: Clip, skeleton: Skeleton, ground: Optional[Ground] = None) -> float:
    """How far above the ground the clip as a whole is, m: a twentieth of the frames may be lower."""
    return float(standing_heights(clip, skeleton, ground).quantile(_LOWEST_SHARE))


def stand_on_ground(clip: Clip, skeleton: Skeleton, ground: Optional[Ground] = None) -> Clip:
    """The clip raised or lowered so that it stands on the ground, with its contacts worked out anew."""
    shift = clip.root_pos.new_tensor([0.0, 0.0, standing_height(clip, skeleton, ground)])
    moved = replace(clip, root_pos=clip.root_pos - shift)
    return replace(moved, contacts=foot_contacts(moved, skeleton, ground), contact_names=tuple(skeleton.foot_names))
