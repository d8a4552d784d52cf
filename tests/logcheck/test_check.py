"""Mistakes planted into logs of shipped policies are named; logs without any are not."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.logcheck.check import OK, UNCHECKED, WRONG, check_log
from tests.logcheck.logs import log_of, policy_of, without_readings

DEGREES = 180.0 / np.pi
SIDES = [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]


@pytest.fixture(scope="module")
def policies():
    return {name: policy_of(name) for name in ("a1_flat", "go2", "g1")}


def check(policy, log, tmp_path):
    np.savez(tmp_path / "log.npz", **log)
    return check_log(policy, str(tmp_path / "log.npz"))


def found(report):
    return {(term, finding.kind) for finding in report.findings for term in finding.terms}


def late(values):
    return np.concatenate((values[:1], values[:-1]))


@pytest.mark.parametrize("name", ["a1_flat", "go2", "g1"])
def test_nothing_is_wrong_with_a_walk(policies, name, tmp_path):
    for log in (log_of(name), without_readings(log_of(name))):
        report = check(policies[name], log, tmp_path)
        assert report.findings == []
        assert {status for _, status, _ in report.rows} <= {OK, UNCHECKED}
        assert any("gives the logged actions" in note for note in report.notes)


PLANTED = [
    ("a1_flat", "base_ang_vel", lambda v: v * DEGREES, "degrees"),
    ("a1_flat", "base_ang_vel", lambda v: v * [1, -1, 1], "sign"),
    ("a1_flat", "dof_pos", lambda v: v[:, SIDES], "order"),
    ("a1_flat", "dof_vel", late, "late"),
    ("a1_flat", "actions", lambda v: 0.25 * v, "scale"),
    ("go2", "projected_gravity", lambda v: -v, "sign"),
    ("go2", "dof_vel", lambda v: v / 0.05, "scale"),
    ("go2", "dof_pos", lambda v: v * DEGREES, "degrees"),
    ("g1", "projected_gravity", lambda v: v * 9.81, "scale"),
    ("g1", "phase", lambda v: v[:, ::-1], "order"),
    ("g1", "commands", lambda v: v * [1, -1, 1], "sign"),
    ("g1", "dof_vel", lambda v: 0.0 * v, "constant"),
]


@pytest.mark.parametrize(("name", "term", "change", "kind"), PLANTED)
def test_a_mistake_of_a_logger_is_named(policies, name, term, change, kind, tmp_path):
    log = without_readings(log_of(name))
    log[f"policy.{term}"] = change(log[f"policy.{term}"])
    report = check(policies[name], log, tmp_path)
    assert found(report) == {(term, kind)}
    assert (term, WRONG, "") in report.rows


def test_a_joint_is_named_and_how_to_mend_it(policies, tmp_path):
    log = without_readings(log_of("a1_flat"))
    log["policy.dof_pos"][:, 2] *= -1.0
    (finding,) = check(policies["a1_flat"], log, tmp_path).findings
    assert (finding.text, finding.mend) == ("FL_calf_joint negated", "multiply FL_calf_joint by -1")


def test_two_mistakes_are_both_named(policies, tmp_path):
    log = without_readings(log_of("a1_flat"))
    log["policy.base_ang_vel"] *= -1.0
    log["policy.dof_vel"] *= DEGREES
    assert found(check(policies["a1_flat"], log, tmp_path)) == {("base_ang_vel", "sign"), ("dof_vel", "degrees")}


def test_the_network_tells_of_other_terms_where_a_sensor_is_constant(policies, tmp_path):
    log = without_readings(log_of("a1_flat"))
    log["policy.projected_gravity"] = np.tile([0.0, 0.0, -1.0], (200, 1))
    log["policy.commands"] = log["policy.commands"][:, [1, 0, 2]]
    expected = {("projected_gravity", "constant"), ("commands", "order")}
    assert found(check(policies["a1_flat"], log, tmp_path)) == expected


def test_nothing_else_is_said_of_a_clock_that_stands(policies, tmp_path):
    log = without_readings(log_of("g1"))
    log["policy.phase"] = np.tile([0.0, 1.0], (200, 1))
    assert found(check(policies["g1"], log, tmp_path)) == {("phase", "constant")}


def test_a_policy_that_acted_on_what_is_wrong_is_found_by_the_readings(policies, tmp_path):
    """Actions are those of the network, so only the readings can tell."""
    log = log_of("a1_flat")
    log["command.lin_vel_x"], log["command.lin_vel_y"] = log["command.lin_vel_y"], log["command.lin_vel_x"]
    report = check(policies["a1_flat"], log, tmp_path)
    assert found(report) == {("commands", "order")}
    assert any("it saw what the log says" in note for note in report.notes)


def test_a_reading_is_blamed_where_the_observation_is_likelier(policies, tmp_path):
    log = log_of("a1_flat")
    log["gyro"] = log["gyro"] * DEGREES
    report = check(policies["a1_flat"], log, tmp_path)
    assert found(report) == {("gyro", "degrees")}
    assert report.findings[0].mend == "multiply it by pi/180"


def test_raw_readings_alone_will_do(policies, tmp_path):
    log = {name: values for name, values in log_of("a1_flat").items() if not name.startswith("policy.")}
    assert check(policies["a1_flat"], log, tmp_path).findings == []
    log["quat"] = log["quat"][:, [3, 0, 1, 2]]
    (finding,) = check(policies["a1_flat"], log, tmp_path).findings
    assert finding.terms == ("projected_gravity",) and finding.mend == "give the quaternion as x, y, z, w"


def test_what_is_not_in_a_log_is_said_to_be_unchecked(policies, tmp_path):
    log = without_readings(log_of("a1_flat"))
    del log["policy.commands"]
    report = check(policies["a1_flat"], log, tmp_path)
    assert report.findings == [] and ("commands", UNCHECKED, "the log does not have it") in report.rows
    assert any("the network was not run: the log lacks commands" in note for note in report.notes)


def test_actions_of_another_network_are_told(policies, tmp_path):
    log = without_readings(log_of("a1_flat"))
    log["action"] = log["action"] + 2.0 * np.sin(np.arange(200.0))[:, None] * np.arange(12)
    assert ("action", "other") in found(check(policies["a1_flat"], log, tmp_path))


def test_a_log_in_which_nothing_moves_is_refused(policies, tmp_path):
    log = {name: np.repeat(values[:1], 100, axis=0) for name, values in log_of("a1_flat").items() if name != "time"}
    with pytest.raises(UserError, match="nothing moves in this log"):
        check(policies["a1_flat"], log, tmp_path)
