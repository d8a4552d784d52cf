"""Videos: what is on the frames, where the camera is, and that no half file is left."""

from __future__ import annotations

import math
import os
from types import SimpleNamespace

import imageio.v2 as imageio
import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.playing.frames import FollowCamera, Overlay, VideoWriter

VIEWER = SimpleNamespace(distance=1.8, azimuth=120.0, elevation=-18.0)


def state(x=0.0, y=0.0, z=0.3, yaw=0.0):
    return [x, y, z, 0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)]


def test_a_video_can_be_read_back(tmp_path):
    path = str(tmp_path / "walk.mp4")
    with VideoWriter(path, fps=25.0) as writer:
        for brightness in (0, 120, 240):
            writer.add(np.full((48, 64, 3), brightness, np.uint8))
        assert not os.path.exists(path)
    assert os.listdir(tmp_path) == ["walk.mp4"]
    reader = imageio.get_reader(path)
    assert reader.get_meta_data()["fps"] == 25.0
    frames = [frame for frame in reader]
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 3
    assert np.allclose([frame.mean() for frame in frames], [0, 120, 240], atol=8)


def test_a_video_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), VideoWriter(str(tmp_path / "walk.mp4"), 25.0) as writer:
        writer.add(np.zeros((48, 64, 3), np.uint8))
        raise RuntimeError
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", ["a_file/walk.mp4", "a_folder.mp4"])
def test_a_video_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path, path):
    (tmp_path / "a_file").write_bytes(b"")
    (tmp_path / "a_folder.mp4").mkdir()
    refused = pytest.raises(UserError, match=rf"cannot write .*{path}: ")
    with refused as error, VideoWriter(str(tmp_path / path), 25.0) as writer:
        writer.add(np.zeros((48, 64, 3), np.uint8))
    assert "\n" not in str(error.value)
    assert sorted(os.listdir(tmp_path)) == ["a_file", "a_folder.mp4"]


def test_without_frames_there_is_no_file(tmp_path):
    with VideoWriter(str(tmp_path / "walk.mp4"), 25.0):
        pass
    assert os.listdir(tmp_path) == []


def test_the_camera_stands_beside_the_robot():
    camera = FollowCamera(VIEWER).follow(state(1.0, 2.0, yaw=0.5), 0.02)
    assert camera.lookat == pytest.approx([1.0, 2.0, 0.3])
    assert camera.azimuth == pytest.approx(120.0 + math.degrees(0.5))
    assert (camera.distance, camera.elevation) == (1.8, -18.0)


def test_the_camera_trails_a_moving_robot_and_catches_up():
    follow = FollowCamera(VIEWER)
    follow.follow(state(), 0.02)
    behind = follow.follow(state(x=0.1), 0.02).lookat[0]
    assert 0.0 < behind < 0.05
    for _ in range(100):
        camera = follow.follow(state(x=0.1), 0.02)
    assert camera.lookat[0] == pytest.approx(0.1, abs=1e-4)


def test_the_camera_turns_the_short_way_round():
    follow = FollowCamera(VIEWER)
    follow.follow(state(yaw=3.0), 0.02)
    azimuths = [follow.follow(state(yaw=-3.0), 0.02).azimuth for _ in range(1000)]
    assert azimuths[-1] == pytest.approx(120.0 + math.degrees(2 * math.pi - 3.0), abs=0.01)
    assert all(later > earlier for earlier, later in zip(azimuths[:100], azimuths[1:100]))


def test_the_camera_jumps_to_a_robot_that_was_put_elsewhere():
    follow = FollowCamera(VIEWER)
    follow.follow(state(), 0.02)
    assert follow.follow(state(x=5.0), 0.02).lookat == pytest.approx([5.0, 0.0, 0.3])


def test_text_covers_two_corners_and_leaves_the_frame_alone():
    frame = np.full((480, 640, 3), 128, np.uint8)
    rows = [("command", (0.5, 0.0, -0.25)), ("measured", (0.48, -0.001, -0.2))]
    drawn = Overlay().draw(frame, "a1_flat   12.3 s", "forward", rows)
    assert (frame == 128).all()
    changed = (drawn != 128).any(axis=2)
    assert changed[20:110, 20:300].mean() > 0.9  # the table
    assert changed[450:465, 15:60].mean() > 0.9  # the caption
    assert not changed[120:440].any()
    assert not changed[:, 400:].any()
    plain = (Overlay().draw(frame, "a1_flat") != 128).any(axis=2)
    assert not plain[:440].any()
