"""Scores: their arithmetic, and that they tell of a policy which is not run as it was trained."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from benchmarks import sim2sim as benchmark
from legged_gym.evaluation import grid
from legged_gym.scripts.sim2sim import robot_file_of
from legged_gym.sim2sim import trials
from legged_gym.sim2sim.ground import Ground
from legged_gym.sim2sim.network import open_policy
from legged_gym.sim2sim.robot import World
from legged_gym.sim2sim.terms import TERMS
from legged_gym.sim2sim.trials import Measured, Trial, deviations, score
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


@pytest.fixture
def short(monkeypatch):
    """Few trials, which do not last."""
    for module in (grid, trials):
        monkeypatch.setattr(module, "EPISODE_S", SECONDS)
    every = trials.plane_trials
    monkeypatch.setattr(trials, "plane_trials", lambda commands: [t for t in every(commands) if t.name in SOME])


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
        worse = deviations(score(trials.score_policy(policy, world, TERMS)), expected)
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
