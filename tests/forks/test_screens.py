"""Where a fork's viewer is seen: a video of so many seconds, a page that its visitors steer."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.forks import launcher, screens
from legged_gym.isaacgym import gymapi, launch
from tests.isaacgym.robots import TWO_ARMS
from tests.isaacgym.scenes import Scene, asset, at, gym, params
from tests.viewing.waiting import until


@pytest.fixture
def scene(tmp_path, monkeypatch) -> Scene:
    monkeypatch.setattr(screens, "WIDTH", 64)
    monkeypatch.setattr(screens, "HEIGHT", 36)
    monkeypatch.setattr(launch, "make_screen", None)  # what the test sets is undone
    return Scene([asset(tmp_path, TWO_ARMS)], [at(z=1.0)], sim_params=params(dt=0.02))


def show(scene: Scene, steps: int) -> bool:
    """As forks do: step, draw, and end when the viewer was closed."""
    viewer = gym.create_viewer(scene.sim, gymapi.CameraProperties())
    gym.viewer_camera_look_at(viewer, None, gymapi.Vec3(1.5, 1.0, 1.0), gymapi.Vec3(0.0, 0.0, 0.8))
    for _ in range(steps):
        if gym.query_viewer_has_closed(viewer):
            return True
        scene.step()
        gym.draw_viewer(viewer, scene.sim, True)
        gym.sync_frame_time(scene.sim)
    return False


@pytest.mark.parametrize("follow", [None, 1])
def test_a_video_has_the_frames_of_its_seconds_and_ends_the_fork(scene, tmp_path, follow, capsys) -> None:
    imageio = pytest.importorskip("imageio.v2")
    file = tmp_path / "out" / "fork.mp4"
    with launcher.shown(None, video=str(file), seconds=0.4, follow=follow):
        assert show(scene, 100)
    assert f"video      {file}" in capsys.readouterr().out
    frames = list(imageio.get_reader(file).iter_data())
    assert len(frames) == 1 + 0.4 * 25 and frames[0].shape == (36, 64, 3)
    # the arms fall
    assert np.abs(frames[-1].astype(int) - frames[0]).max() > 30


def test_a_video_that_is_broken_off_keeps_what_was_seen(scene, tmp_path) -> None:
    imageio = pytest.importorskip("imageio.v2")
    file = tmp_path / "fork.mp4"
    with pytest.raises(KeyboardInterrupt), launcher.shown(None, video=str(file)):
        show(scene, 4)
        raise KeyboardInterrupt
    assert len(list(imageio.get_reader(file).iter_data())) == 2


def test_a_script_without_a_viewer_is_told(tmp_path) -> None:
    with pytest.raises(UserError, match="leave out its --headless"), launcher.shown(None, video=str(tmp_path / "v")):
        pass


def test_a_robot_that_is_not_there_cannot_be_followed(scene, tmp_path) -> None:
    with pytest.raises(UserError, match="--follow=2: there are 2 environments"), launcher.shown(
        None, video=str(tmp_path / "fork.mp4"), follow=2
    ):
        show(scene, 1)


def test_one_place_to_look_is_enough() -> None:
    with pytest.raises(UserError, match="leave one of them out"), launcher.shown("web", video="a"):
        pass


def test_options_take_their_value_with_or_without_a_sign() -> None:
    words = ["--video", "a.mp4", "--follow=1", "--strict", "play.py", "--video"]
    assert launcher._split(words) == (words[:5], words[5:])


def test_a_page_shows_robots_and_does_what_visitors_ask_for(scene) -> None:
    pytest.importorskip("viser")
    from benchmarks.page_client import Client
    from legged_gym.forks.page import PageScreen

    launch.make_screen = functools.partial(PageScreen, host="127.0.0.1", port=0, follow=0)
    viewer = gym.create_viewer(scene.sim, None)
    gym.subscribe_viewer_keyboard_event(viewer, gymapi.KEY_V, "toggle")
    gym.draw_viewer(viewer, scene.sim, True)
    screen, server = viewer.screen, viewer.screen._server
    assert sorted(screen._scene._shown) == [0, 1] and len(screen._scene._robots[1]) == len(scene.assets[0].body_names)
    with Client(f"http://127.0.0.1:{server.get_port()}"):
        until(lambda: len(server.get_clients()) == 1, "somebody looks")
        before = screen._scene._robots[0][0].position[2]
        scene.step(10)
        screen._next = 0.0
        gym.draw_viewer(viewer, scene.sim, True)
        fallen = 0.5 * 9.81 * 0.2**2
        assert before - screen._scene._robots[0][0].position[2] == pytest.approx(fallen, rel=0.2)
        # as clicks do, in threads of the server
        screen._ask(screen._watch, 1)
        screen._press(int(gymapi.KEY_V), None)
        gym.draw_viewer(viewer, scene.sim, True)
        assert screen._scene.robot == 1
        assert [event.action for event in gym.query_viewer_action_events(viewer)] == ["toggle"]
    server.stop()
