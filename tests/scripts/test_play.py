"""play.py as a user runs it, on machines without a display."""

from __future__ import annotations

import os

import imageio.v2 as imageio
import numpy as np
import pytest

from legged_gym.envs.a1.a1_vision_config import A1VisionCfg
from legged_gym.playing import sight as policy_sight
from legged_gym.playing import video
from legged_gym.programs import run_script
from legged_gym.scripts import play
from tests.policies.tiny_run import ITERATION, RECURRENT, make_run

SMALL = ("--sim=mujoco", "--num_envs=2")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"), "a1_flat", RECURRENT)


@pytest.fixture(autouse=True)
def without_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def status_of(*argv):
    with pytest.raises(SystemExit) as caught:
        run_script(play.main, list(argv))
    return caught.value.code


def test_a_video_with_plots_exports_and_rewards(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(video, "WIDTH", 320)
    monkeypatch.setattr(video, "HEIGHT", 240)
    path = tmp_path / "films" / "walk.mp4"
    assert status_of("--task=a1_flat", f"--load_run={run}", f"--video={path}", "--num_steps=20", *SMALL) == 0
    reader = imageio.get_reader(path)
    assert (reader.count_frames(), reader.get_meta_data()["fps"]) == (10, 25.0)
    frame = reader.get_data(9)
    assert frame.shape == (240, 320, 3)
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 100
    assert imageio.imread(path.with_suffix(".png")).shape[:2] == (1000, 1600)
    assert sorted(os.listdir(path.parent)) == ["walk.mp4", "walk.png"]
    assert sorted(os.listdir(os.path.join(run, "exported"))) == ["policy.json", "policy.onnx", "policy.pt"]
    out = capsys.readouterr().out
    assert "played     0.4 s; 0 episodes ended" in out
    assert "tracking_lin_vel" in out
    assert str(path) in out


def test_without_display_a_video_goes_into_the_run_folder(run, monkeypatch, capsys):
    monkeypatch.setattr(video, "WIDTH", 320)
    monkeypatch.setattr(video, "HEIGHT", 240)
    assert status_of(f"--policy={run}", "--duration=0.04", "--command", "0.5", "0", "-0.2", *SMALL) == 0
    assert imageio.get_reader(os.path.join(run, f"play_model_{ITERATION}.mp4")).count_frames() == 1
    assert "no display here: a video is written instead" in capsys.readouterr().out


def test_a_video_on_lanes_has_scandots_and_no_tour(tmp_path, monkeypatch, capsys):
    """The robot in the video is one on obstacles, and the commands are those of training."""
    monkeypatch.setattr(video, "WIDTH", 320)
    monkeypatch.setattr(video, "HEIGHT", 240)
    drawn, commands = [], []

    def draw_dots(frame, places):
        drawn.append(places)
        return frame

    def take_down(self, frame, caption, title="", rows=()):
        commands.append(dict(rows)["command"])
        return frame

    monkeypatch.setattr(policy_sight, "draw_dots", draw_dots)
    monkeypatch.setattr(video.Overlay, "draw", take_down)
    types = "--env.terrain.tile_types=[lane_gaps]"
    run = make_run(tmp_path / "run", "a1_vision", types)
    ground = ("--env.terrain.num_rows=1", "--env.terrain.num_cols=1")
    assert status_of(f"--policy={run}", f"--video={tmp_path}/walk.mp4", "--num_steps=4", *SMALL, *ground) == 0
    assert [places.shape for places in drawn] == [(253, 2)] * 2
    low, high = A1VisionCfg().commands.walking_speed
    assert len(commands) == 2
    assert all(low <= forward <= high and left == 0.0 for forward, left, _ in commands)
    assert f"policy     {os.path.basename(run)}" in capsys.readouterr().out


def test_headless_shows_nothing_and_plays_an_episode(run, capsys, monkeypatch):
    monkeypatch.setattr(video, "Film", None)  # must not be used
    settings = ("--env.env.episode_length_s=0.2", "--env.terminations.base_contact=null")
    assert status_of(f"--policy={run}", "--headless", *SMALL, *settings) == 0
    assert "played     0.2 s; 2 episodes ended, 0 of them by a fall" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--video=walk.avi"], "--video=walk.avi: videos are .mp4 files"),
        (["--record=walk.avi"], "--video=walk.avi: videos are .mp4 files"),
        (["--num_steps=0"], "expected a whole number from 1 to 1000000000, got '0'"),
        (["--duration=inf"], "--duration: expected a finite number, got 'inf'"),
        (["--duration=nan"], "--duration: expected a number, got 'nan'"),
        (["--num_steps=3", "--duration=3"], "not allowed with argument"),
        (["--command", "1", "2"], "--command=1,2: expected three numbers"),
        (["--video=/dev/null/x.mp4"], "--video=/dev/null/x.mp4: cannot write to the folder /dev/null: Not a directory"),
        (["--video=/proc/x.mp4"], "--video=/proc/x.mp4: cannot write to the folder /proc"),
        (["--video=."], "--video=.: this is a folder; give the name of an .mp4 file"),
        (["--video=new/"], "--video=new/: this is a folder"),
        (["--checkpoint=3"], "has no checkpoint 3"),
        (["--command", "0", "0", "0", "--env.observations.policy.commands=null"], "do not follow velocity commands"),
    ],
)
def test_mistakes_are_one_line_and_status_2(run, capsys, argv, message):
    assert status_of(f"--policy={run}", *SMALL, *argv) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and message in err
    assert err.count("\n") == 1


def test_settings_of_the_command_line_win_over_those_of_play(run, monkeypatch):
    made = {}

    def player(env, policy, driver, robot):
        made["env"] = env
        raise KeyboardInterrupt

    monkeypatch.setattr("legged_gym.playing.player.Player", player)
    assert status_of(f"--policy={run}", "--headless", "--num_envs=3", "--env.noise.add_noise=true") == 130
    cfg = made["env"].cfg
    assert (cfg.env.num_envs, cfg.noise.add_noise, cfg.domain_rand.push_robots) == (3, True, False)
    assert cfg.terrain.num_rows == 5
