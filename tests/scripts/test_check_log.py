"""The word `check-log`: its text, its JSON and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.scripts import check_log
from tests.logcheck.logs import log_of, without_readings, write_csv


def test_a_mistake_is_told_with_its_mend(tmp_path, capsys):
    log = without_readings(log_of("go2"))
    log["policy.base_ang_vel"] *= 180.0 / np.pi
    path, report = write_csv(tmp_path / "walk.csv", log), str(tmp_path / "report.json")
    assert check_log.main(["--policy=go2", path, f"--json={report}"]) == check_log.EXIT_FOUND
    text = capsys.readouterr().out
    assert "WRONG: base_ang_vel: in degrees" in text and "mend:     multiply it by pi/180" in text
    with open(report, encoding="utf-8") as file:
        content = json.load(file)
    assert content["terms"]["base_ang_vel"] == "WRONG" and content["terms"]["dof_pos"] == "ok"
    assert [(each["terms"], each["kind"]) for each in content["findings"]] == [(["base_ang_vel"], "degrees")]


def test_a_walk_is_fine_and_neither_torch_nor_physics_is_imported(tmp_path):
    path = write_csv(tmp_path / "walk.csv", log_of("a1_flat"))
    program = (
        "import sys; from legged_gym.scripts.check_log import main; status = main(sys.argv[1:]); "
        "print(sorted({'torch', 'mujoco'} & set(sys.modules))); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--policy=a1_flat", path],
        cwd=LEGGED_GYM_ROOT_DIR,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing is wrong\n[]\n" in done.stdout


def test_mistakes_of_the_command_line_are_one_line(tmp_path):
    for argv, message in (
        (["--policy=a1_flat", str(tmp_path / "none.csv")], "there is no log"),
        (["--policy=nothing", str(tmp_path / "none.csv")], "no ONNX file there"),
    ):
        with pytest.raises(UserError, match=message):
            check_log.main(argv)
