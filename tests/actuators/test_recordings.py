"""Recordings: both formats say the same, time is checked, samples are interpolated where asked."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.actuators.recordings import QUANTITIES, Recording, read_recording
from legged_gym.errors import UserError


def columns(steps=40, joints=2, dt=0.002):
    time = 0.5 + dt * np.arange(steps)
    return {"time": time, **{name: np.sin((k + 1) * time)[:, None] * [1.0, 2.0][:joints]
                             for k, name in enumerate(QUANTITIES)}}  # fmt: skip


def write_csv(path, data, header=None):
    names = header or ["time", *(f"{name}_{joint}" for joint in "ab" for name in QUANTITIES)]
    rows = np.column_stack([data["time"], *(data[name][:, j] for j in range(2) for name in QUANTITIES)])
    np.savetxt(path, rows, delimiter=",", header=", ".join(names), comments="")


def test_csv_and_npz_hold_the_same(tmp_path):
    data = columns()
    np.savez(tmp_path / "log.npz", **data)
    write_csv(tmp_path / "log.csv", data)
    one, other = (read_recording(str(tmp_path / name)) for name in ("log.npz", "log.csv"))
    assert one.dt == pytest.approx(0.002) and other.dt == pytest.approx(0.002)
    for name in QUANTITIES:
        np.testing.assert_allclose(getattr(one, name), data[name], rtol=1e-6)
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6)
    np.testing.assert_allclose(one.error, data["target"] - data["position"], rtol=1e-5, atol=1e-6)


def test_one_joint_may_be_a_plain_column(tmp_path):
    data = columns(joints=1)
    np.savez(tmp_path / "log.npz", **{name: values.ravel() for name, values in data.items()})
    assert read_recording(str(tmp_path / "log.npz")).torque.shape == (40, 1)


def test_resampling_interpolates(tmp_path):
    data = columns(steps=400)
    np.savez(tmp_path / "log.npz", **data)
    recording = read_recording(str(tmp_path / "log.npz"), dt=0.005)
    assert recording.dt == 0.005 and len(recording.target) == 160  # 0 to 0.795 s of 0.798 s
    expected = np.sin(0.5 + 0.005 * np.arange(160))
    np.testing.assert_allclose(recording.target[:, 0], expected, atol=1e-5)


def test_uneven_times_are_evened_out(tmp_path):
    data = columns(steps=400)
    jitter = 0.0005 * np.random.default_rng(0).uniform(-1, 1, 400)
    uneven = {name: np.sin((k + 1) * (data["time"] + jitter))[:, None] for k, name in enumerate(QUANTITIES)}
    np.savez(tmp_path / "log.npz", time=data["time"] + jitter, **uneven)
    recording = read_recording(str(tmp_path / "log.npz"))
    times = data["time"][0] + jitter[0] + recording.dt * np.arange(len(recording.target))
    np.testing.assert_allclose(recording.target[:, 0], np.sin(times), atol=1e-5)


def test_the_split_is_in_time():
    ramp = np.arange(100.0)[:, None]
    first, last = Recording(0.005, ramp, ramp, ramp, ramp).split(0.25)
    assert first.torque[:, 0].tolist() == list(range(75)) and last.torque[:, 0].tolist() == list(range(75, 100))


def broken(**changes):
    data = columns()
    data.update(changes)
    return {name: value for name, value in data.items() if value is not None}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (broken(torque=None), "no array torque"),
        (broken(torque=np.zeros((40, 3))), r"torque has shape \(40, 3\)"),
        (broken(position=np.full((40, 2), np.nan)), "position has values that are no numbers"),
        (broken(time=np.zeros(40)), "time does not rise after 0 s"),
        (broken(time=np.r_[np.arange(20), np.arange(30, 50)] * 0.002), "a gap of 0.022 s at 0.038 s"),
    ],
)
def test_what_is_wrong_with_a_recording_is_told_in_one_line(data, message, tmp_path):
    np.savez(tmp_path / "log.npz", **data)
    with pytest.raises(UserError, match=message) as error:
        read_recording(str(tmp_path / "log.npz"))
    assert "\n" not in str(error.value)


def test_what_is_wrong_with_a_csv_file_is_told(tmp_path):
    path = str(tmp_path / "log.csv")
    names = [f"{name}_{joint}" for joint in "ab" for name in (*QUANTITIES[:3], "current")]
    write_csv(path, columns(), ["time", *names])
    with pytest.raises(UserError, match="no column torque_a, torque_b"):
        read_recording(path)
    (tmp_path / "log.csv").write_text("time,target\n0,up\n")
    with pytest.raises(UserError, match="cannot read"):
        read_recording(path)
    with pytest.raises(UserError, match="there is no recording"):
        read_recording(str(tmp_path / "none.csv"))
    (tmp_path / "log.txt").write_text("")
    with pytest.raises(UserError, match=r"a .npz or .csv file"):
        read_recording(str(tmp_path / "log.txt"))
