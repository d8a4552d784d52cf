"""The programs for robots, in Python and C++: they walk a simulated robot over a socket, and let go when they have to.

Time is that of the packets; nothing here waits for a clock but the test of silence, which waits for a packet.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from benchmarks.deploy_runner import build, missing
from examples.deploy import simulated_robot
from examples.deploy.simulated_robot import SimulatedRobot
from legged_gym.logcheck.check import check_log
from legged_gym.policies.golden import read_golden
from legged_gym.policies.onnx_file import OnnxFile
from legged_gym.reading import read_bytes
from legged_gym.sim2sim.network import open_policy
from legged_gym.utils.run_folder import POLICIES_DIR

PYTHON = [sys.executable, os.path.join(os.path.dirname(simulated_robot.__file__), "runner.py")]
RAMP, POLICY, DAMPING = range(3)


def policy_file(name):
    return os.path.join(POLICIES_DIR, name, "policy.onnx")


@pytest.fixture(scope="module", params=["python", "c++"])
def program(request, tmp_path_factory):
    if request.param == "python":
        return PYTHON
    if missing():
        pytest.skip(f"the C++ program cannot be built: {missing()}")
    return [build(str(tmp_path_factory.mktemp("cpp")))]


@contextlib.contextmanager
def running(program, name, *flags, lockstep=True, policy=None):
    """A program at work, and its robot."""
    words = [*program, policy or policy_file(name), "--port=0", *(["--lockstep"] if lockstep else []), *flags]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline().split()[-1])
            robot = SimulatedRobot(policy_file(name), port, patience=120.0)
            robot.process = process
            yield robot
            robot.stop()
            assert process.wait(timeout=120) == 0
        finally:
            process.kill()


def read_log(path):
    """Column -> values; NaN where a cell is empty."""
    head, *rows = path.read_text().splitlines()
    cells = np.array([[float(cell) if cell else np.nan for cell in row.split(",")] for row in rows])
    return dict(zip(head.split(","), cells.T))


@pytest.mark.parametrize("name", ["a1_flat", "g1", "mini_cheetah_ref", "a1_vision_student"])
def test_golden_vectors_are_repeated(program, name):
    done = subprocess.run([*program, policy_file(name), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(done.stdout.split("actions off by ")[1].split(",")[0]) < 1e-5


def test_it_walks_a_simulated_a1(program, tmp_path):
    log = tmp_path / "log.csv"
    with running(program, "a1_flat", "--ramp=0.5", f"--log={log}") as robot:
        velocities = robot.walk(10.5, [0.5, 0.0, 0.0])
        assert robot.mode == POLICY
        assert robot.robot.rotation[2, 2] > 0.95 and not robot.robot.fell()
    np.testing.assert_allclose(np.mean(velocities[100:], axis=0)[:2], [0.5, 0.0], atol=0.1)
    columns = read_log(log)
    assert columns["mode"].tolist() == [RAMP] * 25 + [POLICY] * 500
    driven = columns["mode"] == POLICY
    description = OnnxFile(read_bytes(policy_file("a1_flat")), "").description
    seen = np.stack([columns[f"policy.dof_pos[{i}]"] for i in range(12)], axis=1)
    angles = np.stack([columns[f"q[{i}]"] for i in range(12)], axis=1)
    default = [joint["default_pos"] for joint in description["joints"]]
    np.testing.assert_allclose(seen[driven], (angles - default)[driven], atol=1e-6)
    assert np.isnan(seen[~driven]).all() and not np.isnan(columns["action[11]"][driven]).any()
    assert (columns["command.lin_vel_x"] == 0.5).all()
    report = check_log(open_policy(policy_file("a1_flat")), str(log))
    assert report.findings == [] and report.steps == 500


def test_a_student_walks_by_the_images_it_is_sent(program):
    with running(program, "a1_vision_student", "--ramp=0") as robot:
        velocities = robot.walk(3.0, [0.5, 0.0, 0.0])
        assert robot.mode == POLICY and not robot.robot.fell()
    assert np.mean(velocities[75:], axis=0)[0] > 0.3


def golden_readings(name):
    """What a robot read, step by step, and was told."""
    folder = os.path.dirname(policy_file(name))
    golden = read_golden(read_bytes(os.path.join(folder, "golden.npz")), "")
    joints = golden["q"].shape[1]
    golden["height"], golden["tau"] = golden["height"][:, None], np.zeros((len(golden["q"]), joints))
    return golden


@pytest.mark.parametrize(("name", "told"), [("g1", 3), ("go2", 4), ("mini_cheetah", 3)])
def test_targets_are_those_of_the_recorded_policy(program, name, told):
    """Of the ramp, and then of the policy, whose actions are known for these readings."""
    golden, names = golden_readings(name), ("lin_vel_x", "lin_vel_y", "ang_vel_yaw", "height")
    with running(program, name, "--ramp=0") as robot:
        joints, scale = robot.description["joints"], robot.description["actions"]["scale"]
        default, limit, kp, kd = (
            np.array([joint[key] for joint in joints])
            for key in ("default_pos", "torque_limit", "stiffness", "damping")
        )
        for step in range(50):
            readings = {key: golden[key][step] for key in robot.readings()}
            robot.command([golden[f"command.{key}"][step] for key in names[:told]])
            mode, (target, stiffness, damping) = robot.ask(readings, float(golden["time"][step]))
            assert mode == POLICY
            np.testing.assert_allclose([stiffness, damping], [kp, kd], rtol=1e-6)
            wanted = default + scale * golden["actions"][step]
            torque = np.clip(kp * (wanted - readings["q"]) - kd * readings["dq"], -limit, limit)
            expected = readings["q"] + (torque + kd * readings["dq"]) / kp
            np.testing.assert_allclose(target, expected, atol=2e-3 * max(1.0, float(np.abs(wanted).max())))


def test_it_stands_up_along_a_ramp(program):
    with running(program, "a1_flat", "--ramp=1") as robot:
        default = robot.robot.default
        readings = {**robot.readings(), "q": default + 0.2}
        for step in range(51):
            mode, (target, _, _) = robot.ask(readings, 5.0 + 0.02 * step)
            if step < 50:
                assert mode == RAMP
                np.testing.assert_allclose(target, default + 0.2 - 0.2 * 0.02 * step, atol=1e-5)
        assert mode == POLICY


FAULTS = {
    "stale": ({}, 0.5, "no sensors for"),
    "tilted": ({"quat": [np.sin(0.6), 0.0, 0.0, np.cos(0.6)]}, 0.02, "tilted too far"),
    "joint": ({"q": [5.0, *[0.0] * 11]}, 0.02, "FL_hip_joint is out of its range"),
    "torque": ({"tau": [0.0, 0.0, -90.0, *[0.0] * 9]}, 0.02, "FL_calf_joint has too much torque"),
    "number": ({"gyro": [np.nan, 0.0, 0.0]}, 0.02, "a reading is no number"),
    "estimator": ({"lin_vel": [np.nan, 0.0, 0.0]}, 0.02, "an observation is no number"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_lets_go_for_good(program, fault):
    changed, later, why = FAULTS[fault]
    with running(program, "a1_flat", "--ramp=0") as robot:
        well = {**robot.readings(), "q": robot.robot.default}
        assert [robot.ask(well, 0.02 * step)[0] for step in range(3)] == [POLICY] * 3
        mode, (_, stiffness, damping) = robot.ask({**well, **changed}, 0.04 + later)
        assert mode == DAMPING and not stiffness.any() and damping.min() > 0.0
        assert robot.ask(well, 0.06 + later)[0] == DAMPING  # until it is started again
        assert robot.process.stdout.readline() == "the policy drives\n"
        assert why in robot.process.stdout.readline()


def test_packets_of_others_are_ignored_and_wrong_terms_are_not(program):
    with running(program, "a1_vision_student", "--ramp=0") as robot:
        well = {**robot.readings(), "q": robot.robot.default}
        for content in (b"", b"x", b"SENS", b"SENS" + b"\0" * 13, b"TERM" + b"\0" * 16, b"COMD" + b"\xff" * 12):
            robot._socket.sendto(content, robot._address)
        assert robot.ask(well, 0.0)[0] == RAMP  # without an image the policy does not begin
        for size, mode in ((5046, POLICY), (5045, DAMPING)):
            robot.send(b"TERM", b"depth".ljust(32, b"\0") + np.zeros(size, "<f4").tobytes(), 0.02)
            assert robot.ask(well, 0.02 * (5047 - size))[0] == mode


def test_it_lets_go_when_sensors_fall_silent(program):
    with running(program, "a1_flat", "--ramp=0", "--stale=20", lockstep=False) as robot:
        well = {**robot.readings(), "q": robot.robot.default}
        assert robot.ask(well, 0.0)[0] == POLICY
    with running(program, "a1_flat", "--ramp=0", "--stale=0.05", lockstep=False) as robot:
        robot.ask({**robot.readings(), "q": robot.robot.default}, 0.0)
        assert robot.receive()[0] == DAMPING


def test_commands_do_not_hide_that_sensors_are_silent(program):
    with running(program, "a1_flat", "--ramp=0", "--stale=0.05", lockstep=False) as robot:
        robot.ask({**robot.readings(), "q": robot.robot.default}, 0.0)
        robot._socket.settimeout(0.001)
        told = None
        for _ in range(60_000):
            robot.send(b"COMD", np.zeros(3, "<f4").tobytes(), 0.0)
            with contextlib.suppress(TimeoutError):
                told = robot.receive()[0]
                break
    assert told == DAMPING


def test_an_action_that_is_no_number_reaches_no_motor(program, tmp_path):
    model = onnx.load(policy_file("a1_flat"))
    bias = [each for each in model.graph.initializer if each.name.endswith("bias")][-1]
    bias.CopyFrom(numpy_helper.from_array(np.full(12, np.nan, np.float32), bias.name))
    onnx.save(model, tmp_path / "policy.onnx")
    with running(program, "a1_flat", "--ramp=0", policy=str(tmp_path / "policy.onnx")) as robot:
        mode, (_, stiffness, _) = robot.ask({**robot.readings(), "q": robot.robot.default}, 0.0)
        assert mode == DAMPING and not stiffness.any()


def test_a_log_keeps_the_time_of_clocks_that_count_from_1970(program, tmp_path):
    log, times = tmp_path / "log.csv", 1.75e9 + 0.02 * np.arange(4)
    with running(program, "a1_flat", "--ramp=0", f"--log={log}") as robot:
        well = {**robot.readings(), "q": robot.robot.default}
        for time in times:
            robot.ask(well, time)
    np.testing.assert_allclose(read_log(log)["time"], times, rtol=0.0, atol=1e-5)


def test_an_address_that_is_not_its_own_is_named(program):
    words = [*program, policy_file("a1_flat"), "--host=203.0.113.9"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("error: cannot listen on 203.0.113.9, port 9000")


def test_commands_stay_within_training_and_grow_old(program, tmp_path):
    log = tmp_path / "log.csv"
    with running(program, "a1_flat", "--ramp=0", f"--log={log}") as robot:
        well = {**robot.readings(), "q": robot.robot.default}
        highest = robot.description["commands"]["ranges"]["lin_vel_x"][1]
        for step, told in enumerate([[9.0, 0.0, 0.3], [0.01, 0.0, 0.3], None]):
            if told:
                robot.send(b"COMD", np.array(told, "<f4").tobytes(), 0.02 * step)
            robot.ask(well, 0.02 * step)
        for step in range(3, 60):
            robot.ask(well, 0.02 * step)
    columns = read_log(log)
    forward, turn = columns["command.lin_vel_x"], columns["command.ang_vel_yaw"]
    np.testing.assert_allclose(forward[:2], [highest, 0.0], atol=1e-6)
    np.testing.assert_allclose(turn[:50], 0.3, atol=1e-6)
    assert (turn[53:] == 0.0).all()


def test_a_height_is_the_middle_until_it_is_told_and_when_it_is_old(program, tmp_path):
    log = tmp_path / "log.csv"
    with running(program, "go2", "--ramp=0", f"--log={log}") as robot:
        well = {**robot.readings(), "q": robot.robot.default}
        low, high = robot.description["commands"]["ranges"]["height"]
        terms = robot.description["observations"]["policy"]["terms"]
        for step in range(60):
            if step == 2:
                robot.send(b"COMD", np.array([0.0, 0.0, 0.0, low], "<f4").tobytes(), 0.04)
            robot.ask(well, 0.02 * step)
    columns = read_log(log)
    middle, (term,) = 0.5 * (low + high), (term for term in terms if term["name"] == "height_command")
    expected = np.array([middle] * 2 + [low] * 50 + [middle] * 7)
    sure = np.delete(np.arange(60), 52)  # where it is as old as it may be, rounding decides
    np.testing.assert_allclose(columns["command.height"][sure], expected, atol=1e-6)
    np.testing.assert_allclose(columns["policy.height_command[0]"][sure], expected * term["scale"], rtol=1e-5)


def test_it_answers_at_the_rate_of_the_policy_alone(program, tmp_path):
    log = tmp_path / "log.csv"
    with running(program, "a1_flat", "--ramp=0", f"--log={log}") as robot:
        well = {**robot.readings(), "q": robot.robot.default}
        content = np.concatenate(list(well.values())).astype("<f4").tobytes()
        for step in range(50):  # 500 Hz
            robot.send(b"SENS", content, 0.002 * step)
        answered = [robot.receive()[0] for _ in range(5)]
    assert answered == [POLICY] * 5
    np.testing.assert_allclose(read_log(log)["time"], [0.0, 0.02, 0.04, 0.06, 0.08], atol=1e-9)
