"""What the doctor says of machines that lack things."""

from __future__ import annotations

import json
import os
import platform

import pytest

from legged_gym.inspection import doctor
from legged_gym.inspection.doctor import Finding
from legged_gym.scripts import doctor as script


@pytest.fixture
def said(capsys, tmp_path):
    """Run the script without its measurement; returns status, text and JSON."""

    def run():
        path = tmp_path / "report.json"
        status = script.main(["--no_speed", f"--json={path}"])
        return status, capsys.readouterr().out, json.loads(path.read_text())

    return run


def test_this_machine_can_train_and_its_report_names_nobody(said, monkeypatch, tmp_path):
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "of_somebody"))
    monkeypatch.setenv("WANDB_API_KEY", "secret_of_somebody")
    status, text, report = said()
    assert status == 0 and report["problems"] == []
    found = {piece["name"]: piece["found"] for piece in report["pieces"]}
    assert found["Python"] == platform.python_version()
    assert found["torch"] and found["mujoco"] and found["ffmpeg"]
    assert os.path.expanduser("~") not in text and os.getcwd() not in text and platform.node() not in text
    assert "of_somebody" not in text and "with an account" in text


def test_a_missing_piece_comes_with_its_cost_and_its_mend(said, monkeypatch):
    real = doctor.metadata.version

    def version(name):
        if name in ("viser", "mujoco"):
            raise doctor.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    status, text, report = said()
    assert (status, report["problems"]) == (1, ["mujoco"])
    assert text.endswith("nothing can be trained yet: mujoco is missing\n")
    missing = {piece["name"]: piece for piece in report["pieces"] if piece["found"] is None}
    assert missing["browser viewer"]["cost"] == "no --viewer=web"
    assert missing["browser viewer"]["mend"] == 'pip install -e ".[viewer]"'
    assert "pip install mujoco" in text


def test_a_folder_that_cannot_be_written_to_is_a_problem(monkeypatch, tmp_path):
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "runs" / "mine"))
    assert doctor.problems(doctor._services()) == []
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert doctor.problems(doctor._services()) == ["folder of runs"]


def test_lines_of_what_is_there_and_what_is_not():
    assert Finding("GPU", "H100").lines() == ["  ok       GPU             H100"]
    lines = Finding("GPU", None, "slow", "buy one").lines()
    assert lines == ["  missing  GPU             slow", "                           -> buy one"]
