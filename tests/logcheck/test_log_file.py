"""What is read of a log, and the one line that says what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.logcheck.layout import Layout
from legged_gym.logcheck.log_file import Log
from tests.logcheck.logs import log_of, policy_of, write_csv


@pytest.fixture(scope="module")
def layout():
    return Layout(policy_of("a1_flat").description)


def test_csv_and_npz_hold_the_same(layout, tmp_path):
    columns = log_of("a1_flat")
    np.savez(tmp_path / "log.npz", **columns)
    logs = [Log(write_csv(tmp_path / "log.csv", columns), layout), Log(str(tmp_path / "log.npz"), layout)]
    assert logs[0].steps == logs[1].steps == 200
    for name in layout.terms:
        np.testing.assert_allclose(logs[0].seen[name], logs[1].seen[name], rtol=1e-6)
    np.testing.assert_allclose(logs[0].readings["quat"], columns["quat"], rtol=1e-6)
    np.testing.assert_allclose(logs[0].commands["ang_vel_yaw"], columns["command.ang_vel_yaw"], rtol=1e-6)


def test_columns_may_come_in_any_order(layout, tmp_path):
    columns = log_of("a1_flat")
    gyro = {f"gyro[{i}]": columns["gyro"][:, i] for i in (2, 0, 1)}
    log = Log(write_csv(tmp_path / "log.csv", {**gyro, "motor_temperature": np.ones(200)}), layout)
    np.testing.assert_allclose(log.readings["gyro"], columns["gyro"], rtol=1e-6)


def test_golden_vectors_are_a_log(layout):
    path = policy_of("a1_flat").path.replace("policy.onnx", "golden.npz")
    log = Log(path, layout)
    assert set(log.seen) == set(layout.terms) and log.action.shape == (200, 12)


def test_the_longest_time_in_which_the_policy_drives_is_taken(layout, tmp_path):
    columns = log_of("a1_flat")
    columns["mode"] = np.ones(200)
    columns["mode"][:30], columns["mode"][90:93] = 0, 2
    log = Log(write_csv(tmp_path / "log.csv", columns), layout)
    assert log.steps == 107 and "rows 94 to 200 of 200" in log.notes[0]
    columns["time"][150:] += 1.0
    assert Log(write_csv(tmp_path / "log.csv", columns), layout).steps == 60


def changed(**values):
    return lambda columns: {**columns, **values}


def drop(name):
    return lambda columns: {key: value for key, value in columns.items() if key != name}


def with_nan(columns):
    columns["q"][17, 3] = np.nan
    return columns


BAD = [
    (lambda columns: {"temperature": np.ones(50)}, "has no column of this policy"),
    (changed(q=np.ones((200, 10))), "q has 10 columns, the policy has 12"),
    (with_nan, r"q\[3\] has no number in row 18"),
    (lambda columns: {key: value[:20] for key, value in columns.items()}, "20 control steps in a row are too few"),
    (changed(time=np.arange(200) * 0.005), "a row every 0.005 s, the policy acts every 0.02 s"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_what_cannot_be_used_is_said_in_one_line(layout, tmp_path, change, message):
    path = write_csv(tmp_path / "log.csv", change(log_of("a1_flat")))
    with pytest.raises(UserError, match=message) as refused:
        Log(path, layout)
    assert "\n" not in str(refused.value)


def test_files_that_are_no_log(layout, tmp_path):
    for name, content, message in (
        ("a.csv", "time,q[0],q[0]\n1,2,3\n", "'q\\[0\\]' stands twice"),
        ("b.csv", "time,q[1]\n1,2\n", r"column q\[0\] is missing"),
        ("c.csv", "time,q[0]\n1\n", "row 1 has 1 values, the header 2 names"),
        ("d.csv", "time\n", "has no rows"),
        ("e.npz", "no archive", "cannot be read"),
        ("f.txt", "", "a log is a .csv or an .npz file"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(UserError, match=message):
            Log(str(tmp_path / name), layout)
    with pytest.raises(UserError, match="there is no log"):
        Log(str(tmp_path / "none.csv"), layout)
