"""Clips through the script: converted, checked, refused; and put into frames on a stage."""

from __future__ import annotations

import os
import pathlib

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.motions.contacts import stand_on_ground
from legged_gym.motions.reading import read_clip
from legged_gym.scripts.convert_motion import main
from legged_gym.sim.robot.skeleton import Skeleton, read_skeleton
from tests.motions.biped import Engine, stepping_clip, write_robot


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Skeleton:
    return read_skeleton(write_robot(tmp_path_factory.mktemp("robot")))


@pytest.fixture
def csv(tmp_path: pathlib.Path, skeleton: Skeleton) -> str:
    clip = stand_on_ground(stepping_clip(skeleton), skeleton)
    raised = clip.root_pos + torch.tensor([0.0, 0.0, 0.1])
    np.savetxt(
        path := str(tmp_path / "march.csv"),
        np.concatenate((raised, clip.root_quat, clip.joints), axis=1),
        delimiter=",",
    )
    return path


def test_a_clip_is_converted_and_its_faults_are_told(
    csv: str, skeleton: Skeleton, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture
) -> None:
    main([csv, f"--robot={skeleton.file}", "--fps=30"])
    out = capsys.readouterr().out
    assert "march: 200 frames at 50 Hz" in out and "fault: floats: it stands 10.0 cm above the ground" in out
    assert os.listdir(tmp_path) == ["march.csv"]
    folder = tmp_path / "out"
    main([csv, f"--robot={skeleton.file}", "--fps=30", "--repair_height", "--mirror", f"--output={folder}"])
    assert "fault" not in capsys.readouterr().out
    clip, notes = read_clip(str(folder / "march.npz"), skeleton)
    image, _ = read_clip(str(folder / "march_mirrored.npz"), skeleton)
    assert not notes and len(clip) == 200 and clip.fps == 50.0
    np.testing.assert_allclose(image.root_pos[:, 1], -clip.root_pos[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    "flags, message",
    [
        ([], "march.csv: .*--fps"),
        (["--fps=30", "--output=HERE", "--quat_order=abcd"], "--quat_order"),
        (["--fps=0"], "--fps: expected a number above 0 .Hz., got '0'"),
        (["--fps=30", "--rate=1e6"], "--rate: expected a number .* 1000 .*, got '1e6'"),
        (["--fps=30", "--height_offset=nan"], "--height_offset: expected a .*number.*, got 'nan'"),
        (["--robot=none.urdf"], "--robot=none.urdf: there is no such file"),
        (["--fps=30", "--mirror", "--output=both.npz"], "one file for several clips; give a folder"),
        (["--fps=30", "--video=march.gif"], "a video is an .mp4 file"),
        (["--fps=30", "--mirror", "--ground=a.obj"], "has no mirror image"),
        (["--fps=30", "--ground=a.obj"], "there is no mesh a.obj"),
        (["--fps=30", "--start=1000"], "march.csv: 0 of its 200 frames are left from frame 1000 on"),
    ],
)
def test_mistakes_are_one_line(csv: str, skeleton: Skeleton, flags: list, message: str) -> None:
    with pytest.raises(UserError, match=message):
        main([csv, f"--robot={skeleton.file}", *flags])


def test_two_clips_are_not_written_to_one_file(csv: str, skeleton: Skeleton, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "other" / "march.csv"
    other.parent.mkdir()
    other.write_bytes(pathlib.Path(csv).read_bytes())
    with pytest.raises(UserError, match=r"would both become .*march.npz"):
        main([csv, str(other), f"--robot={skeleton.file}", "--fps=30", f"--output={tmp_path / 'out'}"])


def test_a_stage_shows_the_frame_where_the_engine_has_it(csv: str, skeleton: Skeleton) -> None:
    from legged_gym.viewing.clips import ClipStage

    clip, _ = read_clip(csv, skeleton, fps=30.0)
    stage = ClipStage(skeleton.file, skeleton.joint_names)
    stage.put(clip, 50)
    looks = stage.sim.open_looks()
    one = slice(50, 51)
    engine = Engine(skeleton.file).poses(clip.root_pos[one], clip.root_quat[one], clip.joints[one], clip.joint_names)
    for name, pose in zip(looks.parts, looks.poses(0)):
        np.testing.assert_allclose(pose[:3], engine[name][0][0], atol=1e-4)
    looks.close()
    stage.sim.close()
