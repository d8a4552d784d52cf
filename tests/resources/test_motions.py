"""The shipped clips are sound, keep their feet, and are what their script tells."""

from __future__ import annotations

import os

import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.motions.checks import faults
from legged_gym.motions.reading import G1_29, read_clip
from legged_gym.sim.robot.skeleton import Skeleton, read_skeleton

FOLDER = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "motions")
ROBOT = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "robots", "g1", "urdf", "g1_29dof_rev_1_0.urdf")
LENGTHS = {"squat": 6.2, "step_in_place": 5.8, "turn": 14.2, "wave": 5.6, "walk": 8.5, "dance": 16.0}


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return read_skeleton(ROBOT)


def test_all_clips_are_listed() -> None:
    assert {f"{name}.npz" for name in LENGTHS} == {name for name in os.listdir(FOLDER) if name.endswith(".npz")}
    assert sum(os.path.getsize(os.path.join(FOLDER, name)) for name in os.listdir(FOLDER)) < 200_000


@pytest.mark.parametrize("name", LENGTHS)
def test_a_clip_is_sound(skeleton: Skeleton, name: str) -> None:
    clip, notes = read_clip(os.path.join(FOLDER, f"{name}.npz"), skeleton)
    assert sorted(skeleton.joint_names) == sorted(G1_29) and notes == []
    assert clip.fps == 50.0 and clip.seconds == pytest.approx(LENGTHS[name], abs=0.1)
    assert faults(clip, skeleton) == []
    # one foot at least is on the ground, and feet that stand do not move
    assert clip.contacts.any(dim=1).float().mean() > 0.97
    soles = torch.stack(skeleton.sole_points(clip.root_pos, clip.root_quat, clip.joints))
    assert float(soles[..., 2].min()) > -0.005
    still = soles[..., 2].amax(2).T < 0.003  # level and down, (T, F)
    speed = soles.diff(dim=1).norm(dim=-1).amax(-1).T * 50.0
    assert float(speed[still[:-1] & still[1:]].max()) < 0.1


def test_the_walk_goes_forward_and_the_turn_comes_round(skeleton: Skeleton) -> None:
    walk, _ = read_clip(os.path.join(FOLDER, "walk.npz"), skeleton)
    assert float(walk.root_pos[-1, 0]) == pytest.approx(2.94, abs=0.02)
    turn, _ = read_clip(os.path.join(FOLDER, "turn.npz"), skeleton)
    yaw = 2.0 * torch.atan2(turn.root_quat[:, 2], turn.root_quat[:, 3])
    turned = torch.remainder(yaw.diff() + torch.pi, 2.0 * torch.pi) - torch.pi
    assert float(turned.sum()) == pytest.approx(2.0 * torch.pi, abs=0.01)
