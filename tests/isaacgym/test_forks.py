"""Small forks of our own, in the style of public ones, run as they are; together they make every call that there is."""

from __future__ import annotations

import ast
import inspect
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from legged_gym.forks.report import report, uses_of
from legged_gym.isaacgym import gymapi

ROOT = pathlib.Path(__file__).parents[2]
FORKS = pathlib.Path(__file__).parent / "forks"


@pytest.fixture
def forks(tmp_path):
    return shutil.copytree(FORKS, tmp_path / "forks")


def launch(script, *arguments, program="run_fork", cwd):
    command = [sys.executable, str(ROOT / "legged_gym" / "scripts" / f"{program}.py"), str(script), *arguments]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--task=stroller_flat"], ["--task=stroller_rough", "--headless"]])
def test_a_training_runs_with_finite_rewards_and_resets(forks, tmp_path, arguments):
    done = launch(forks / "stroller/legged_gym/scripts/train.py", *arguments, "--num_envs=4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rewards = [float(text) for text in re.findall(r"Mean reward: (\S+)", done.stdout)]
    assert len(rewards) == 3 and 0.0 < rewards[-1] <= 12.0  # twelve steps, at most 1 each
    assert not list(forks.rglob("__pycache__"))


def test_a_survey_of_all_other_calls(forks, tmp_path):
    done = launch(forks / "survey/survey.py", "--headless", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.endswith("all is well\n"), done.stderr
    assert (tmp_path / "seen.png").stat().st_size > 0


def test_every_call_that_there_is_is_made_here():
    made = {
        use.name
        for path in FORKS.rglob("*.py")
        for use in uses_of(ast.parse(path.read_text()), path.name)
        if use.module == "gym"
    }
    there = {name for name, _ in inspect.getmembers(gymapi.Gym, inspect.isfunction) if not name.startswith("_")}
    # these the survey calls in a loop, by names that it puts together
    kinds = re.compile(r"(acquire|refresh)_\w+_tensors?$")
    assert {name for name in there - made if not kinds.match(name)} == set()


def test_the_report_finds_nothing_missing():
    assert report(str(FORKS)).splitlines()[:-1] == []


def test_a_task_moves_over(forks, tmp_path):
    done = launch(forks / "stroller", "--task=stroller_rough", "--output=moved", program="import_fork", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scope = {"__name__": "moved"}
    exec((tmp_path / "moved" / "stroller_rough_config.py").read_text(), scope)
    cfg = scope["StrollerRoughCfg"]()
    assert cfg.asset.file == str(forks / "stroller/resources/stroller.urdf") and cfg.terrain.mesh_type == "trimesh"
    assert cfg.control.stiffness == {"hip": 40.0, "knee": 30.0} and scope["StrollerRoughCfgPPO"]().seed == 3
    left = (tmp_path / "moved" / "stroller_rough_left.md").read_text()
    assert "`upright = 1`" in left and "`env.asset.thickness = 0.01`" in left and "`_init_buffers`" in left
    again = launch(forks / "stroller", "--task=stroller_rough", "--output=moved", program="import_fork", cwd=tmp_path)
    assert again.returncode == 2 and "is there already" in again.stderr
