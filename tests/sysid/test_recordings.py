"""Recordings: both formats say the same, time is checked, samples are interpolated where asked."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.actuators.networks import NetworkSpec
from legged_gym.errors import UserError
from legged_gym.sysid.recordings import QUANTITIES, Recording, read_recording


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


def test_the_spacing_of_jittering_times_is_that_of_the_clock(tmp_path):
    """Of the steps, which are 6, 6 and 3 ms long in turn, the median is 6 ms."""
    data = columns(steps=60, dt=0.005)
    late = 0.001 * np.tile([0.0, 1.0, 2.0], 20)
    np.savez(tmp_path / "log.npz", **{**data, "time": data["time"] + late})
    recording = read_recording(str(tmp_path / "log.npz"))
    assert recording.dt == pytest.approx(0.005, rel=0.01)
    assert NetworkSpec("mlp", [8], history=3, sample_interval=recording.dt).spacing(0.005) == 1


@pytest.mark.parametrize(
    ("unit", "name"), [(1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds"), (1e12, None)]
)
def test_times_in_another_unit_are_told(unit, name, tmp_path):
    data = columns(dt=0.005)
    np.savez(tmp_path / "log.npz", **{**data, "time": unit * data["time"]})
    hint = f", not {name}" if name else ""
    with pytest.raises(UserError, match=rf"samples are 5e?\S* s apart; times are in seconds{hint}$"):
        read_recording(str(tmp_path / "log.npz"))


@pytest.mark.parametrize("dt", [1e-9, 0.2, float("nan"), float("inf")])
def test_a_spacing_that_no_drive_has_is_refused(dt, tmp_path):
    np.savez(tmp_path / "log.npz", **columns())
    with pytest.raises(UserError, match=r"resampled to 1e-05 to 0\.1 s, not to"):
        read_recording(str(tmp_path / "log.npz"), dt)


@pytest.mark.parametrize(
    ("encoding", "extra"),
    [("utf-8-sig", "mode"), ("utf-16", "mode"), ("cp1252", "température"), ("utf-8", "target_velocity")],
)
def test_columns_besides_those_of_joints_are_left_alone_in_any_encoding(encoding, extra, tmp_path):
    """As spreadsheets of Windows save it; text in other columns is no mistake."""
    data = columns(joints=1)
    names = ["time", *QUANTITIES]
    rows = [",".join([*(repr(float(data[name].ravel()[i])) for name in names), "été"]) for i in range(40)]
    text = "\r\n".join([",".join([*names, extra]), *rows, ""])
    (tmp_path / "log.csv").write_bytes(text.encode(encoding))
    recording = read_recording(str(tmp_path / "log.csv"))
    for name in QUANTITIES:
        np.testing.assert_allclose(getattr(recording, name), data[name], rtol=1e-6)


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
        (broken(torque=np.full((40, 2), 1e300)), "torque has values beyond 1e.06; units are rad, rad/s and N m"),
        (broken(torque=np.array(1.0)), r"torque has shape \(\)"),
        (dict.fromkeys(("time", *QUANTITIES), np.array(1.0)), r"has shape \(\)"),
        (broken(time=np.array(1.0)), "time"),
        (dict.fromkeys(QUANTITIES, np.zeros((40, 2, 2))) | {"time": columns()["time"]}, r"has shape \(40, 2, 2\)"),
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
    with pytest.raises(UserError, match="no column position, velocity, torque"):
        read_recording(path)
    for rows, message in (("0,0,0,0,up\n", "cannot read"), ("0,0,0,0\n", "must name as many"), ("", "must name")):
        (tmp_path / "log.csv").write_text("time,target,position,velocity,torque\n" + rows)
        with pytest.raises(UserError, match=message):
            read_recording(path)
    with pytest.raises(UserError, match="there is no recording"):
        read_recording(str(tmp_path / "none.csv"))
    (tmp_path / "log.txt").write_text("")
    with pytest.raises(UserError, match=r"a .npz or .csv file"):
        read_recording(str(tmp_path / "log.txt"))
