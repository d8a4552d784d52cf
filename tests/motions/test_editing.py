"""Clips at another rate, held, cut, mirrored and put on the ground, against what follows by hand or from the engine."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.motions.clip import Clip, angular_velocity, rates
from legged_gym.motions.contacts import foot_contacts, stand_on_ground, standing_height
from legged_gym.motions.editing import cut_off, mirrored, resampled, with_held_ends
from legged_gym.sim.robot.skeleton import Skeleton
from tests.motions.biped import Engine, random_clip, stepping_clip


def turning_clip(skeleton: Skeleton, frames: int, fps: float) -> Clip:
    """Turns about z and moves along x, both evenly; the first joint bends by a hundredth a frame."""
    clip = random_clip(skeleton, frames, fps)
    count = torch.arange(frames, dtype=torch.float64)
    clip.root_pos[:] = 0.0
    clip.root_pos[:, 0] = 0.1 * count
    half = 0.5 * 0.2 * count
    clip.root_quat[:] = torch.stack((0.0 * half, 0.0 * half, torch.sin(half), torch.cos(half)), dim=1)
    clip.root_quat[1::2] *= -1.0  # the same orientations
    clip.joints[:] = 0.01 * count[:, None]
    return dataclasses.replace(clip, contacts=(count[:, None] >= 5), contact_names=("foot",))


def test_an_even_motion_stays_even_at_another_rate(skeleton: Skeleton) -> None:
    clip = resampled(turning_clip(skeleton, 10, 30.0), 50.0)
    assert len(clip) == math.ceil(10 * 50 / 30) and clip.fps == 50.0
    place = np.linspace(0.0, 9.0, len(clip))  # in frames of before
    np.testing.assert_allclose(clip.root_pos[:, 0], 0.1 * place, atol=1e-12)
    np.testing.assert_allclose(clip.joints[:, 3], 0.01 * place, atol=1e-12)
    yaw = 2.0 * torch.atan2(clip.root_quat[:, 2], clip.root_quat[:, 3])
    np.testing.assert_allclose(np.angle(np.exp(1j * (yaw.numpy() - 0.2 * place))), 0.0, atol=1e-9)
    assert clip.contacts[:, 0].tolist() == (np.floor(place + 0.5) >= 5).tolist()


def test_a_rate_within_a_hundredth_is_the_same(skeleton: Skeleton) -> None:
    clip = turning_clip(skeleton, 10, 49.8)
    again = resampled(clip, 50.0)
    assert again.fps == 50.0
    torch.testing.assert_close(again.joints, clip.joints)


def test_velocities_reach_from_each_frame_to_the_next(skeleton: Skeleton) -> None:
    clip = turning_clip(skeleton, 6, 30.0)
    np.testing.assert_allclose(rates(clip.root_pos, 30.0), [[3.0, 0.0, 0.0]] * 6, atol=1e-9)
    np.testing.assert_allclose(angular_velocity(clip.root_quat, 30.0), [[0.0, 0.0, 6.0]] * 6, atol=1e-9)
    rolled = clip.root_quat.clone()
    half = 0.25 * math.pi
    # the whole is laid on its side: what was about z is now about y of the world
    side = torch.tensor([-math.sin(half), 0.0, 0.0, math.cos(half)], dtype=torch.float64)
    from legged_gym.rotations import quat_mul

    rolled = quat_mul(side.expand_as(rolled), rolled)
    np.testing.assert_allclose(angular_velocity(rolled, 30.0), [[0.0, 6.0, 0.0]] * 6, atol=1e-9)


def test_held_ends_and_cuts(skeleton: Skeleton) -> None:
    clip = with_held_ends(turning_clip(skeleton, 6, 30.0), 2, 3)
    np.testing.assert_allclose(100.0 * clip.joints[:, 0], [0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 5], atol=1e-9)
    assert np.allclose(100.0 * cut_off(clip, 3, 6).joints[:, 0], [1, 2, 3])
    with pytest.raises(UserError, match="random: 1 of its 11 frames are left from frame 10 on"):
        cut_off(clip, 10)


def test_a_mirror_image_has_its_links_mirrored(skeleton: Skeleton, robot_file: str) -> None:
    clip = random_clip(skeleton)
    image = mirrored(clip, skeleton)
    engine = Engine(robot_file)
    before = engine.poses(clip.root_pos, clip.root_quat, clip.joints, clip.joint_names)
    after = engine.poses(image.root_pos, image.root_quat, image.joints, image.joint_names)
    flip = np.array([1.0, -1.0, 1.0])
    for name, (place, rotation) in before.items():
        other = name.replace("left", "right") if "left" in name else name.replace("right", "left")
        np.testing.assert_allclose(after[other][0], place * flip, atol=1e-5)
        np.testing.assert_allclose(after[other][1], flip[:, None] * rotation * flip, atol=1e-5)


def test_contacts_change_sides_in_the_mirror(skeleton: Skeleton) -> None:
    clip = stand_on_ground(stepping_clip(skeleton), skeleton)
    image = mirrored(clip, skeleton)
    assert clip.contacts.float().mean(0).min() > 0.3
    assert image.contacts.tolist() == clip.contacts[:, [1, 0]].tolist()
    assert (image.contacts == foot_contacts(image, skeleton)).float().mean() > 0.99


@pytest.mark.parametrize("height", [0.12, -0.07])
def test_a_clip_that_floats_or_sinks_is_put_on_the_ground(skeleton: Skeleton, height: float) -> None:
    true = stepping_clip(skeleton)
    off = dataclasses.replace(true, root_pos=true.root_pos + torch.tensor([0.0, 0.0, height], dtype=torch.float64))
    assert standing_height(off, skeleton) == pytest.approx(standing_height(true, skeleton) + height, abs=1e-9)
    stood = stand_on_ground(off, skeleton)
    assert abs(float((stood.root_pos - true.root_pos)[:, 2].mean())) < 0.01
    # one foot after the other is lifted, and one is always down
    assert stood.contacts.any(dim=1).float().mean() > 0.9
    assert not stood.contacts.all(dim=1).all()


def test_ground_that_rises_is_no_floating(skeleton: Skeleton) -> None:
    true = stepping_clip(skeleton)
    up = dataclasses.replace(true, root_pos=true.root_pos + torch.tensor([5.0, 0.0, 1.0]))
    step = lambda places: (places[..., 0] > 2.0).double()  # noqa: E731
    assert standing_height(up, skeleton, step) == pytest.approx(standing_height(true, skeleton), abs=1e-9)
