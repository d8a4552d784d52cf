"""What check_robot.py says of robots whose numbers are known."""

from __future__ import annotations

import re

import imageio.v2 as imageio
import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.inspection import robot_check, robot_guess
from legged_gym.scripts import check_robot
from tests.sim.robots import mjcf, robot_cfg, urdf


@pytest.fixture
def small_pictures(monkeypatch):
    monkeypatch.setattr(robot_check, "_PICTURE", (64, 48))


def test_a_robot_file_alone(tmp_path, capsys, small_pictures):
    # calves that cannot be straight: the middle of their range is -1.4 rad
    calf = r'(_calf_joint" type="revolute"><limit) lower="-1.5" upper="1.5"'
    limited = re.sub(calf, r'\1 lower="-2.5" upper="-0.3"', urdf())
    file, picture = tmp_path / "robot.urdf", tmp_path / "out" / "robot.png"
    file.write_text(limited)
    check_robot.main([str(file), f"--picture={picture}"])
    out = capsys.readouterr().out
    assert "15.440 kg, 17 bodies, 12 joints" in out
    assert re.search(r"FL_foot +0\.06\d +1\n", out), "its mass and its one shape"
    assert re.search(r"FL_calf_joint +-2\.5 +-0\.3 +30 +20 ", out)
    # the feet of the default pose are below the hips, as those of a straight leg
    x, y = (float(n) for n in re.search(r"FL_foot +(\S+) +(\S+) +-0\.\d+\n", out).groups())
    assert (x, y) == pytest.approx((0.2, 0.18), abs=0.01)
    assert "FL_hip_joint - FR_hip_joint" in out and "without partner: none" in out
    assert "change sign in a mirror: FL_hip_joint, FR_hip_joint, RL_hip_joint, RR_hip_joint\n" in out
    assert "mirror: a mirrored pose gives a mirrored robot" in out
    assert "in the default pose: it stands" in out
    force = float(re.search(r"together (\S+) N of 151\.5 N of weight", out).group(1))
    assert force == pytest.approx(15.44 * 9.81, rel=0.05)
    assert np.std(imageio.imread(picture)) > 5.0, "not one colour"


def test_notes_and_a_robot_that_cannot_stand(tmp_path, capsys, small_pictures):
    robot_cfg(tmp_path, mjcf(head='<option cone="elliptic"/>').replace("foot", "end"))
    args = [str(tmp_path / "robot.xml"), "--seconds=0.1", f"--picture={tmp_path / 'r.png'}"]
    check_robot.main(args)
    out = capsys.readouterr().out
    assert "note: robot.xml: its <option> is left out (cone)" in out
    assert "no feet were found: give a part of their names with --foot_name" in out
    check_robot.main([*args, "--foot_name=end"])
    assert re.search(r"FL_end +0\.200 +0\.180 +-0\.400\n", capsys.readouterr().out)


def test_a_task_gives_pose_and_gains(tmp_path, capsys, small_pictures):
    check_robot.main(["--task=go2_rough", "--seconds=0.1", f"--picture={tmp_path / 'go2.png'}"])
    out = capsys.readouterr().out
    assert "15.019 kg" in out
    assert re.search(r"FL_calf_joint +-2\.723 +-0\.8378 +35\.55 +20\.07 +-1\.5 +20 +0\.5\n", out)


def test_gains_go_by_the_weight(tmp_path):
    robot_cfg(tmp_path, urdf())
    cfg = robot_guess.guess_config(str(tmp_path / "robot.urdf"), "")
    # straight legs of 0.4 m and a foot of 0.02 m: a quarter of the weight at half of 0.42 m, 0.1 rad
    expected = 15.44 * 9.81 / 4 * 0.21 / 0.1
    assert cfg.control.stiffness[""] == pytest.approx(expected, rel=0.03)
    assert cfg.init_state.pos[2] == pytest.approx(0.425, abs=0.002)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "give a robot file, or --task"),
        (["nowhere.urdf"], "no robot file at nowhere.urdf"),
        (["x.urdf", "--seconds=nan"], "--seconds: expected a number, got 'nan'"),
        (["--task=go3"], "go3"),
    ],
)
def test_mistakes_are_one_line(args, message):
    with pytest.raises(UserError, match=message):
        check_robot.main(args)
