"""From simulated drives to a network on the disk, by the scripts alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from legged_gym.actuators.files import load_actuator
from legged_gym.programs import EXIT_MISTAKE, run_script
from legged_gym.scripts import fit_actuator_net, record_drives
from legged_gym.sysid.recordings import QUANTITIES, read_recording

MOTOR = {"stiffness": 20.0, "damping": 0.5, "delay": 1, "coulomb_friction": 0.8, "friction_speed": 0.5}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drives")
    (folder / "motor.json").write_text(json.dumps(MOTOR))
    path = str(folder / "drives.npz")
    record_drives.main(
        ["--policy=a1_flat", f"--motor={folder}/motor.json", f"--output={path}", "--num_envs=3", "--duration=1.5",
         "--sim=mujoco"]
    )  # fmt: skip
    return path


def test_a_recording_has_walking_and_hanging_robots_and_the_torques_of_the_motor(recorded):
    recording = read_recording(recorded)
    assert recording.dt == pytest.approx(0.005) and recording.target.shape == (300, 2 * 3 * 12)
    command = MOTOR["stiffness"] * recording.error - MOTOR["damping"] * recording.velocity
    friction = MOTOR["coulomb_friction"] * np.tanh(recording.velocity / MOTOR["friction_speed"])
    expected = command[:-1] - friction[1:]  # a sub-step of delay
    np.testing.assert_allclose(recording.torque[1:], expected, atol=1e-3)
    walking, hanging = np.split(recording.torque, 2, axis=1)
    assert walking.std() > 1.5 * hanging.std()  # these carry a robot


def test_a_fit_leaves_a_network_numbers_and_a_plot(recorded, tmp_path, capsys):
    output = str(tmp_path / "new" / "net.pt")
    fit_actuator_net.main([f"--data={recorded}", f"--output={output}", "--epochs=12", "--hidden=16", "--torchscript"])
    assert "times better than PD" in capsys.readouterr().out
    numbers = json.loads((tmp_path / "new" / "net.json").read_text())
    assert numbers["rmse"] < numbers["pd_rmse"] and numbers["network"]["hidden_sizes"] == [16]
    assert numbers["relative_rmse"] == pytest.approx(numbers["rmse"] / numbers["torque_rms"], rel=1e-4)
    assert (tmp_path / "new" / "net.png").stat().st_size > 1000
    for name in ("net.pt", "net_script.pt"):
        load_actuator(str(tmp_path / "new" / name), 0.005, 1, 12)


@pytest.mark.parametrize("duration", ["inf", "nan", "0", "1e-3"])
def test_a_recording_has_a_length(duration, capsys):
    arguments = ["--policy=a1_flat", "--motor=none.json", "--output=x.npz", f"--duration={duration}"]
    with pytest.raises(SystemExit) as status:
        run_script(record_drives.main, arguments)
    assert status.value.code == EXIT_MISTAKE
    wanted = {"inf": "a finite number", "nan": "a number"}.get(duration, "a number from 0.1 to 3600 (s)")
    assert capsys.readouterr().err.startswith(f"error: argument --duration: expected {wanted}, got '{duration}'")


def write(path, **changes):
    time = 0.005 * np.arange(50)
    np.savez(path, **{"time": time, **{name: np.sin(time) for name in QUANTITIES}, **changes})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data=none.npz", "--output=net.pt"], "there is no recording none.npz"),
        (["--data=log.npz", "--output=net.txt"], "a network is a .pt file"),
        (["--data=log.npz", "--output=net.pt", "--held_out=1.5"], "between 0 and 1"),
        (
            ["--data=log.npz", "--output=net.pt", "--epochs=0"],
            "--epochs: expected a whole number of at least 1, got '0'",
        ),
        (["--data=log.npz", "--output=net.pt", "--activation=cube"], "activation: expected softsign, "),
        (["--data=log.npz", "--output=net.pt", "--type=lstm"], "too short"),
        (["--data=log.npz", "--output=net.pt", "--interval=0.007"], "whole number"),
        (["--data=log.npz", "--output=net.pt", "--interval=nan"], "--interval: expected a number, got 'nan'"),
        (["--data=log.npz", "--output=net.pt", "--dt=inf"], "--dt: expected a finite number, got 'inf'"),
        (["--data=log.npz", "--output=net.pt", "--dt=1e-9"], "resampled to 1e-05 to 0.1 s"),
        (
            ["--data=log.npz", "--output=net.pt", "--learning_rate=inf"],
            "--learning_rate: expected a finite number, got 'inf'",
        ),
        (["--data=log.npz", "--output=/proc/net.pt"], "--output=/proc/net.pt: cannot write"),
        (["--data=hole.npz", "--output=net.pt"], "a gap"),
        (["--data=log.npz", "--output=net.pt", "--layers=3"], "unrecognized arguments: --layers=3"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write("log.npz")
    write("hole.npz", time=np.r_[np.arange(25), np.arange(40, 65)] * 0.005)
    with pytest.raises(SystemExit) as status:
        run_script(fit_actuator_net.main, arguments)
    assert status.value.code == EXIT_MISTAKE
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and message in lines[0]
