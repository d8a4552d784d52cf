"""Scores: their arithmetic, and that they tell of a policy which is not run as it was trained."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from benchmarks import sim2sim as benchmark
from legged_gym.evaluation import grid
from legged_gym.scripts.sim2sim import robot_file_of
from legged_gym.sim2sim import trials
from legged_gym.sim2sim.course import Course
from legged_gym.sim2sim.ground import Ground, Obstacles, Tile
from legged_gym.sim2sim.network import open_policy
from legged_gym.sim2sim.robot import Robot, World
from legged_gym.sim2sim.terms import TERMS
from legged_gym.sim2sim.trials import Measured, Ran, Trial, deviations, score, score_course
from legged_gym.utils.run_folder import POLICIES_DIR

POLICY = os.path.join(POLICIES_DIR, "a1_flat", "policy.onnx")
# one on four legs, and one on two where it comes along
RUN_WRONGLY = [name for name in ("a1_flat", "g1") if os.path.isfile(os.path.join(POLICIES_DIR, name, "policy.onnx"))]
PAIRS = [("FL_thigh_joint", "FR_thigh_joint"), ("left_hip_pitch_joint", "right_hip_pitch_joint")]
SECONDS = 3.0
SOME = ("forward, fast", "left, fast", "turn left, fast")


def test_a_score_by_hand():
    forward, turn = Trial("", (0.5, 0.0, 0.0)), Trial("", (0.0, 0.0, -1.0))
    found = score([Measured(forward, 9.0, 3.6, False, 0.9, 0.45), Measured(turn, 1.0, 0.9, True, 0.1, 0.15)])
    assert found == {
        "progress": pytest.approx((3.6 / 4.5 + 0.9 / 9.0) / 2),
        "lin_vel_xy_error": pytest.approx(0.1),
        "ang_vel_error": pytest.approx(0.06),
        "falls": 0.5,
        "trials": 2,
    }


def test_what_counts_as_worse():
    names = ("progress", "lin_vel_xy_error", "ang_vel_error", "falls")
    expected = dict(zip(names, (1.0, 0.1, 0.01, 0.0)))
    assert deviations(dict(zip(names, (0.81, 0.119, 0.029, 0.1))), expected) == {}
    assert deviations(dict(zip(names, (2.0, 0.0, 0.0, 0.0))), expected) == {}  # better is not worse
    found = deviations(dict(zip(names, (0.79, 0.121, 0.031, 0.11))), expected)
    assert list(found) == list(names)
    assert list(deviations(dict.fromkeys(names, float("nan")), expected)) == list(names)
    assert found["progress"] == "progress is 0.790, 1.000 in the training environment"


def test_a_course_by_hand():
    """Two goals, reached by staying at the first and coming past the second; a hurdle, and one that is gone round."""
    goals, hurdles = np.array([[1.0, 0, 0], [3.0, 0, 0]]), np.array([[2.0, 0.0, 0.2, 0.7], [2.5, 0.0, 0.5, 0.7]])
    rule = {"reach": 0.2, "dwell": 1, "gate": 0.4}
    course = Course(Tile("", goals, hurdles), rule, np.zeros(3))
    for place, reached, passed in (
        ((0.9, 0.0), 0, [False, False]), ((0.9, 0.1), 1, [False, False]), ((2.1, 0.6), 1, [True, False]),
        ((2.6, 0.9), 1, [True, False]), ((3.1, 0.5), 1, [True, False]), ((3.1, 0.3), 2, [True, False]),
    ):  # fmt: skip
        course.update(np.array([*place, 0.0]))
        assert (course.reached, course.passed.tolist()) == (reached, passed)
    assert course.finished and course.share == 1.0 and course.goal().tolist() == [3.0, 0, 0]
    assert not Course(Tile(), rule, np.zeros(3)).finished
    trial = Trial("", (1.0, 0.0, 0.0))
    found = score_course([Ran(trial, True, 1.0, False), Ran(trial, False, 0.5, True)])
    assert found == {"success": 0.5, "goals": 0.75, "falls": 0.5, "trials": 2}
    assert list(deviations(found, {"success": 0.62, "goals": 0.95, "falls": 0.45, "trials": 80})) == ["goals"]
    assert list(deviations({**found, "success": float("nan")}, found)) == ["success"]


@pytest.fixture
def course_robot():
    """Galileo before the competition course, by its exported file; and trials at two speeds."""
    path = os.path.join(POLICIES_DIR, "galileo_parkour", "policy.onnx")
    policy = open_policy(path)
    ground = trials.ground_of(policy)
    return Robot(policy, World(robot_file_of(policy), ground, 0.005), TERMS), trials.trials_of(
        policy.description, ground
    )


def test_galileo_crosses_the_course_in_plain_mujoco(course_robot):
    robot, told = course_robot
    assert len(told) == trials.COURSE_TRIALS and all(0.8 < trial.command[0] < 1.2 for trial in told)
    assert [ran.success for ran in (trials.run_course(robot, trial) for trial in told[3:6])].count(True) >= 2
    assert trials.trials_of(robot.description, Ground()) == []  # it is told where to go by goals alone


def test_falls_are_those_of_the_training(course_robot):
    """Galileo may lean by up to 86 degrees; others, whose file does not say, by 60."""
    robot, _ = course_robot
    flat = open_policy(POLICY)
    flat.description.pop("terminations", None)
    other = Robot(flat, World(robot_file_of(flat), Ground()), TERMS)
    for degrees, here, there in ((50, False, False), (70, False, True), (88, True, True)):
        for each, fell in ((robot, here), (other, there)):
            each.data.qpos[3:7] = np.cos(np.radians(degrees / 2)), np.sin(np.radians(degrees / 2)), 0.0, 0.0
            assert each.fell() == fell, degrees
            each.data.qpos[3:7] = np.cos(np.radians(degrees / 2)), 0.0, np.sin(np.radians(degrees / 2)), 0.0
            assert each.fell() == fell, degrees
    block = Obstacles(("box",), np.array([[0.1, 0.03, 0.2]]), np.array([[0.0, 0.0, 0.2, 0.0, 0.0, 0.0, 1.0]]))
    for ground, fell in ((Ground(), False), (Ground(obstacles=block), True)):  # under its belly
        other = Robot(flat, World(robot_file_of(flat), ground), TERMS)
        touched = []
        for _ in range(10):
            other.step()
            touched.append(other.fell())
        assert any(touched) == fell


@pytest.fixture
def short(monkeypatch):
    """Few trials, which do not last."""
    for module in (grid, trials):
        monkeypatch.setattr(module, "EPISODE_S", SECONDS)
    every = trials.trials_of
    monkeypatch.setattr(trials, "trials_of", lambda *told: [trial for trial in every(*told) if trial.name in SOME])


def swapped(description):
    """The program of a robot that takes a right thigh for the left one."""
    pair = {joint["name"]: joint for joint in description["joints"]}
    left, right = next((pair[left], pair[right]) for left, right in PAIRS if left in pair)
    left["name"], right["name"] = right["name"], left["name"]


def upside_down(description):
    term = next(each for each in description["observations"]["policy"]["terms"] if each["name"] == "projected_gravity")
    term["scale"] = -term["scale"]


def halved(description):
    description["actions"]["scale"] *= 0.5


@pytest.mark.parametrize("name", RUN_WRONGLY)
def test_a_policy_that_is_run_wrongly_is_called_out(name, short):
    path = os.path.join(POLICIES_DIR, name, "policy.onnx")
    expected = benchmark.environment_score(benchmark.source_of(path), open_policy(path), robots=1)["plane"]
    for change in (None, swapped, upside_down, halved):
        policy = open_policy(path)
        if change is not None:
            change(policy.description)
        world = World(robot_file_of(policy), Ground(), 0.0025)
        worse = deviations(trials.score_policy(policy, world, TERMS).score, expected)
        assert bool(worse) == (change is not None), (change, worse)


def test_a_score_of_another_policy_is_not_taken(tmp_path, capsys):
    shutil.copy(POLICY, tmp_path)
    policy, file = open_policy(str(tmp_path / "policy.onnx")), tmp_path / "score.json"
    assert trials.expected_score(policy) == {}
    score = {"policy_sha256": policy.sha256, "plane": {"falls": 0.5}}
    file.write_text(json.dumps(score))
    assert trials.expected_score(policy) == {"plane": {"falls": 0.5}}
    file.write_text(json.dumps({**score, "policy_sha256": "00"}))
    assert trials.expected_score(policy) == {}
    assert "is of another policy" in capsys.readouterr().out
