"""Each fault of a clip is named, and a sound clip has none."""

from __future__ import annotations

import dataclasses
from typing import Callable

import pytest
import torch

from legged_gym.motions.checks import faults
from legged_gym.motions.clip import Clip
from legged_gym.motions.contacts import stand_on_ground
from legged_gym.sim.robot.skeleton import Skeleton
from tests.motions.biped import stepping_clip


@pytest.fixture(scope="module")
def sound(skeleton: Skeleton) -> Clip:
    return stand_on_ground(stepping_clip(skeleton), skeleton)


def changed(name: str, change: Callable[[torch.Tensor], None]) -> Callable[[Clip], Clip]:
    def of(clip: Clip) -> Clip:
        copy = getattr(clip, name).clone()
        change(copy)
        return dataclasses.replace(clip, **{name: copy})

    return of


def bend(joints: torch.Tensor) -> None:
    joints[40, 20] = 2.9


def spike(joints: torch.Tensor) -> None:
    joints[40, 20] += 0.9


def lift(root: torch.Tensor) -> None:
    root[:, 2] += 0.05


def climb(root: torch.Tensor) -> None:
    root[60:, 2] += 0.05


def dip(root: torch.Tensor) -> None:
    root[40:43, 2] -= 0.06


def slide(root: torch.Tensor) -> None:
    root[:, 1] += 0.5 * torch.arange(len(root)) / 30.0


def jump(root: torch.Tensor) -> None:
    root[60:, 0] += 1.0


def freeze(clip: Clip) -> Clip:
    frames = torch.arange(len(clip))
    frames[50:60] = 50
    return clip.taken(frames)


FAULTS = {
    "joint limit: left_wrist_pitch_joint is 0.100 rad beyond it at 1.33 s": changed("joints", bend),
    "speed: left_wrist_pitch_joint turns with 27.0 rad/s at 1.3": changed("joints", spike),
    "acceleration: left_wrist_pitch_joint with 1620 rad/s^2 at 1.3": changed("joints", spike),
    "floats: it stands 5.0 cm above the ground": changed("root_pos", lift),
    "drifts: at 2.00 s it stands 5.0 cm higher than elsewhere": changed("root_pos", climb),
    "feet below ground: ": changed("root_pos", dip),
    "skating: feet on the ground slide in ": changed("root_pos", slide),
    "gap: it jumps 1 time from one frame to the next, first at 1.97 s": changed("root_pos", jump),
    "gap: nothing moves for 0.30 s at 1.67 s": freeze,
}


def test_a_sound_clip_has_no_faults(sound: Clip, skeleton: Skeleton) -> None:
    assert faults(sound, skeleton) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(sound: Clip, skeleton: Skeleton, fault: str) -> None:
    found = faults(FAULTS[fault](sound), skeleton)
    assert any(line.startswith(fault) for line in found), found
