"""Frames and chances of a library, against the engine's kinematics and counts of draws."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import List

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.motions.clip import Clip, angular_velocity, write_clip
from legged_gym.motions.library import MotionLibrary
from legged_gym.motions.loading import ClipOptions, find_clips, load_clips
from legged_gym.motions.sampling import ClipWeights, StartFrames, draw_frames
from legged_gym.sim.robot.skeleton import Skeleton
from tests.motions.biped import Engine, random_clip, stepping_clip

LINKS = ["pelvis", "left_ankle_roll_link", "right_wrist_yaw_link", "torso_link"]


def some_clips(skeleton: Skeleton) -> List[Clip]:
    clips = [random_clip(skeleton, frames, 50.0, seed) for seed, frames in enumerate((40, 10, 25))]
    return [dataclasses.replace(clip, path=f"{k}.npz") for k, clip in enumerate(clips)]


def test_frames_are_those_of_the_engine(skeleton: Skeleton, robot_file: str) -> None:
    clips = some_clips(skeleton)
    library = MotionLibrary(iter(clips), skeleton, LINKS)
    assert library.lengths.tolist() == [40, 10, 25] and library.paths == ["0.npz", "1.npz", "2.npz"]
    engine = Engine(robot_file)
    for number, clip in enumerate(clips):
        asked = torch.arange(len(clip) + 4)  # the last frame stays
        frames = library.frames(torch.full_like(asked, number), asked)
        held = asked.clamp_max(len(clip) - 1)
        np.testing.assert_allclose(frames.joints, clip.joints[held], atol=1e-6)
        links = engine.poses(clip.root_pos, clip.root_quat, clip.joints, clip.joint_names)
        for k, name in enumerate(LINKS):
            np.testing.assert_allclose(frames.link_pos[:, k], links[name][0][held], atol=1e-4)
            moves = np.diff(links[name][0], axis=0) * 50.0
            np.testing.assert_allclose(frames.link_vel[:, k], moves[held.clamp_max(len(clip) - 2)], atol=1e-3)
        turns = angular_velocity(clip.root_quat, 50.0)[held]
        np.testing.assert_allclose(frames.root_ang_vel, turns, atol=1e-3)


def test_joints_come_in_the_order_that_is_asked_for(skeleton: Skeleton) -> None:
    clip, names = some_clips(skeleton)[0], ["waist_yaw_joint", "left_knee_joint"]
    library = MotionLibrary([clip], skeleton, LINKS, joint_names=names)
    frames = library.frames(torch.tensor([0]), torch.tensor([7]))
    expected = clip.joints[7, [skeleton.joint_names.index(name) for name in names]]
    np.testing.assert_allclose(frames.joints[0], expected, atol=1e-6)


def test_memory_is_what_is_stated(skeleton: Skeleton) -> None:
    clip = stepping_clip(skeleton, 100, 50.0)
    feet = torch.zeros(100, 2, dtype=torch.bool)
    library = MotionLibrary([dataclasses.replace(clip, contacts=feet)], skeleton, LINKS)
    assert library.num_bytes == 100 * (40 + 4 * 29 + 28 * len(LINKS) + 2)


@pytest.mark.parametrize("weighting, expected", [("uniform_step", [37, 7, 22]), ("uniform_clip", [1, 1, 1])])
def test_chances_of_clips(skeleton: Skeleton, weighting: str, expected: List[int]) -> None:
    library = MotionLibrary(some_clips(skeleton), skeleton, LINKS, weighting)
    np.testing.assert_allclose(library.weights.chances, np.array(expected) / sum(expected), atol=1e-6)
    clips, frames = library.sample(4000, torch.Generator().manual_seed(1))
    counts = clips.bincount(minlength=3) / 4000
    np.testing.assert_allclose(counts, library.weights.chances, atol=0.04)
    assert (frames < library.starts[clips]).all() and (frames[clips == 1].unique().tolist() == list(range(7)))


def test_weights_given_by_hand_multiply(skeleton: Skeleton) -> None:
    clips = [dataclasses.replace(clip, weight=w) for clip, w in zip(some_clips(skeleton), (2.0, 0.0, 6.0))]
    chances = MotionLibrary(clips, skeleton, LINKS, "uniform_clip").weights.chances
    np.testing.assert_allclose(chances, [0.25, 0.0, 0.75], atol=1e-6)


def test_clips_that_fail_are_drawn_more_often() -> None:
    weights = ClipWeights(["a", "b", "c", "d"], torch.ones(4), "success_rate_adaptive", torch.ones(4))
    for clip, wins in enumerate((10, 5, 0)):
        weights.note(torch.full((10,), clip), torch.arange(10) < wins)
    weights.update()
    need = np.array([1 / 1.05, 1 / 0.55, 1 / 0.05])
    factor = np.append(np.clip(need / need.mean(), 1 / 3, 3), 1.0)  # nothing is known of the last one
    np.testing.assert_allclose(weights.chances, factor / factor.sum(), atol=1e-6)
    again = ClipWeights(["a", "b", "c", "d"], torch.ones(4), "success_rate_adaptive", torch.ones(4))
    again.load_state_dict(weights.state_dict())
    assert again.chances.tolist() == weights.chances.tolist()
    other = ClipWeights(["a", "b", "c", "e"], torch.ones(4), "success_rate_adaptive", torch.ones(4))
    with pytest.raises(UserError, match="of other motion clips, which differ in d, e"):
        other.load_state_dict(weights.state_dict())


def test_copies_of_a_file_share_its_episodes_and_old_ones_are_forgotten() -> None:
    weights = ClipWeights(["a", "b", "a"], torch.ones(3), "success_rate_adaptive", torch.ones(3))
    weights.note(torch.tensor([0, 2, 2, 2]), torch.tensor([True, False, False, False]))
    assert weights.success_rates[[0, 2]].tolist() == [0.25, 0.25] and weights.success_rates[1].isnan()
    weights.note(torch.zeros(1000, dtype=torch.int64), torch.ones(1000, dtype=torch.bool))
    assert weights.success_rates[2] == 1.0


def test_only_the_last_thousand_episodes_of_a_file_count_though_more_end_at_once() -> None:
    weights = ClipWeights(["a", "b"], torch.ones(2), "success_rate_adaptive", torch.ones(2))
    weights.note(torch.tensor([0, 1]), torch.tensor([True, True]))
    # in turns: of "a" 600 failures, then 900 successes; of "b" failures alone
    clips = torch.arange(3000) % 2
    weights.note(clips, (clips == 0) & (torch.arange(3000) >= 1200))
    assert weights.success_rates.tolist() == pytest.approx([0.9, 0.0])
    weights.note(torch.tensor([1]), torch.tensor([True]))
    assert weights.success_rates[1] == pytest.approx(0.001)


@pytest.mark.parametrize("linear", [False, True])
def test_starts_are_drawn_by_their_weights(linear: bool) -> None:
    size, count = 7, 20000
    frames = draw_frames(torch.full((count,), size), linear, torch.Generator().manual_seed(1))
    weights = size - np.arange(size) if linear else np.ones(size)
    np.testing.assert_allclose(frames.bincount(minlength=size) / count, weights / weights.sum(), atol=0.012)


def test_starts_follow_failures() -> None:
    """Clips of 60 and 25 frames at 20 Hz, in parts of 10: of a hundred robots in the fifth of the first 40 fail.

    Three quarters of that clip's starts are there and, times 0.8 for each, up to three parts earlier; a quarter is
    alike. The other clip, where all is well, keeps starts alike, those of its last half part too.
    """
    starts = StartFrames(torch.tensor([60, 25]), 20.0, "failure_adaptive")
    robots = torch.zeros(100, dtype=torch.long)
    for frame in range(60):
        starts.count(robots, torch.full_like(robots, frame))
        starts.count(robots + 1, torch.full_like(robots, frame % 25))
    starts.note(robots, robots + 45, torch.arange(100) < 40)
    starts.note(robots + 1, robots + 24, robots > 0)
    before = starts.draw(robots, torch.Generator().manual_seed(1))
    assert before.max() > 50  # nothing changes before it is worked out anew
    starts.update()
    chances = starts.failure_chances
    assert chances[4].item() == pytest.approx(40 * 10 / 1000, rel=0.05) and chances.count_nonzero() == 1
    count = 20000
    clips = torch.arange(2 * count) % 2
    frames = starts.draw(clips, torch.Generator().manual_seed(2))
    need = np.array([0.0, 0.512, 0.64, 0.8, 1.0, 0.0])
    expected = 0.75 * need / need.sum() + 0.25 / 6
    np.testing.assert_allclose((frames[clips == 0] // 10).bincount(minlength=6) / count, expected, atol=0.012)
    np.testing.assert_allclose((frames[clips == 1]).bincount(minlength=25) / count, 1 / 25, atol=0.006)
    again = StartFrames(torch.tensor([60, 25]), 20.0, "failure_adaptive")
    again.load_state_dict(starts.state_dict())
    assert again.draw(clips, torch.Generator().manual_seed(2)).equal(frames)
    with pytest.raises(UserError, match="of motion clips of other lengths"):
        StartFrames(torch.tensor([80, 25]), 20.0, "failure_adaptive").load_state_dict(starts.state_dict())


def test_failures_are_forgotten() -> None:
    """Ten thousand policy steps later there are as many starts everywhere as before the first failure."""
    starts = StartFrames(torch.tensor([40]), 20.0, "failure_adaptive")
    robot = torch.zeros(1, dtype=torch.long)
    starts.note(robot, robot + 15, robot == 0)
    for step in range(10_000):
        starts.count(robot, robot + step % 40)
    assert starts.failure_chances.max() < 1e-5


def test_files_by_pattern(skeleton: Skeleton, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture) -> None:
    for name, fps in (("b", 25.0), ("a", 50.0)):
        with open(tmp_path / f"{name}.npz", "wb") as file:
            write_clip(stepping_clip(skeleton, 50, fps), file)
    options = ClipOptions(rate=50.0, length=60, append=10, mirror=True)
    clips = list(load_clips([str(tmp_path / "*.npz")], skeleton, options))
    assert [os.path.basename(clip.path) for clip in clips] == ["a.npz", "a.npz", "b.npz", "b.npz"]
    assert [len(clip) for clip in clips] == [60, 60, 70, 70]
    with pytest.raises(UserError, match=r"b.npz: 25 frames a second and not 50"):
        list(load_clips([str(tmp_path / "*.npz")], skeleton, ClipOptions(rate=50.0, upsample=False)))
    with pytest.raises(UserError, match=r"no motion clip matches .*\*.pkl"):
        find_clips([str(tmp_path / "*.pkl")])
    with pytest.raises(UserError, match=r"is a folder: give its clips, as in '.*\*.npz'"):
        find_clips([str(tmp_path)])


def test_what_cannot_be_is_refused(skeleton: Skeleton) -> None:
    clips = some_clips(skeleton)
    with pytest.raises(UserError, match="no motion clips"):
        MotionLibrary([], skeleton, LINKS)
    with pytest.raises(UserError, match="has no link tail"):
        MotionLibrary(clips, skeleton, ["tail"])
    with pytest.raises(UserError, match=r"1.npz has 30 frames a second, 0.npz 50"):
        MotionLibrary([clips[0], dataclasses.replace(clips[1], fps=30.0)], skeleton, LINKS)
    with pytest.raises(UserError, match="uniform_step, uniform_clip, success_rate_adaptive, not 'often'"):
        MotionLibrary(clips, skeleton, LINKS, "often")
    with pytest.raises(UserError, match="uniform, linear, failure_adaptive, not 'late'"):
        MotionLibrary(clips, skeleton, LINKS, start_weighting="late")
