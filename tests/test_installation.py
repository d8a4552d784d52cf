"""Environments that are not as the programs would like them, wheels, and exact versions."""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from legged_gym import LEGGED_GYM_ROOT_DIR


def run(code, folder, **environment):
    """Run code far from the checkout, with `folder` before it on the path."""
    path = os.pathsep.join([str(folder), LEGGED_GYM_ROOT_DIR])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def other_rsl_rl(tmp_path):
    """A folder with a package `rsl_rl` of another program."""
    (tmp_path / "rsl_rl" / "utils").mkdir(parents=True)
    for folder in ("rsl_rl", "rsl_rl/utils"):
        (tmp_path / folder / "__init__.py").write_text('"""Main module for the rsl_rl package."""\n')
    return tmp_path


def test_the_own_learner_is_imported_whatever_else_has_its_name(other_rsl_rl):
    code = "import legged_gym, rsl_rl.utils.errors; print(rsl_rl.utils.errors.__file__)"
    done = run(code, other_rsl_rl)
    expected = os.path.join(LEGGED_GYM_ROOT_DIR, "rsl_rl", "utils", "errors.py")
    assert (done.returncode, done.stdout.strip()) == (0, expected), done.stderr


def test_another_learner_that_came_first_is_named(other_rsl_rl):
    done = run("import rsl_rl, legged_gym", other_rsl_rl)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith(f"ImportError: the rsl_rl in {other_rsl_rl / 'rsl_rl'} is another program's")
    assert "import legged_gym before it" in last


@pytest.mark.parametrize("name", ["osmesa", "nonsense"])
def test_physics_needs_no_opengl(tmp_path, name):
    """MuJoCo itself cannot be imported with the name of an OpenGL that is not there."""
    code = "import legged_gym.sim, mujoco, os; print(mujoco.MjModel.__name__, os.environ['MUJOCO_GL'])"
    done = run(code, tmp_path, MUJOCO_GL=name)
    assert (done.returncode, done.stdout.split()) == (0, ["MjModel", name]), done.stderr


def test_opengl_can_be_switched_off(monkeypatch):
    from legged_gym.sim.pictures import rendering

    monkeypatch.setenv("MUJOCO_GL", "off")
    with pytest.raises(RuntimeError, match="MUJOCO_GL is off"):
        rendering._gl_context_class()


@pytest.mark.slow
def test_a_wheel_trains_from_any_folder(tmp_path):
    """Built, installed alone, beside another package called rsl_rl, and used where there is no checkout."""
    site, own = tmp_path / "site", tmp_path / "own"
    own.mkdir()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    copy = tmp_path / "source"
    shutil.copytree(
        LEGGED_GYM_ROOT_DIR, copy, ignore=shutil.ignore_patterns("logs", "build", ".*", "tests", "*.egg-info")
    )
    wheels = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(copy)]
    subprocess.run(wheels, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 30e6
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True, capture_output=True)
    assert sorted(path.name for path in site.iterdir() if "dist-info" not in path.name) == ["bin", "legged_gym"]
    (site / "rsl_rl").mkdir()
    (site / "rsl_rl" / "__init__.py").write_text("")
    flags = [
        "--task=a1_flat",
        "--num_envs=4",
        "--max_iterations=1",
        "--headless",
        "--logger=none",
        "--cfg=a1_legged_gym_rewards",
    ]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [str(site / "bin" / "legged-gym"), "train", *flags, "--cfg=a1_legged_gym_rewards"],
        cwd=own, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run_folder,) = (own / "logs" / "flat_a1").iterdir()
    assert (run_folder / "model_1.pt").is_file()
    assert f"legged-gym play --task=a1_flat --load_run=logs/flat_a1/{run_folder.name}" in done.stdout


def pinned():
    """Package -> version in constraints.txt."""
    with open(os.path.join(LEGGED_GYM_ROOT_DIR, "constraints.txt"), encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_every_requirement_has_one_exact_version():
    """Those of the extras too: a name that is missing would be taken as new as it comes."""
    requirements = [Requirement(text) for text in metadata.requires("legged_gym")]
    versions = pinned()
    unmet = {
        str(one) for one in requirements if not one.specifier.contains(versions.get(canonicalize_name(one.name), "0"))
    }
    assert len(requirements) > 25
    assert unmet == set()


def test_exact_versions_are_those_of_the_figures():
    versions = pinned()
    found = 0
    for pattern in ("docs/results/*.json", "benchmarks/results/*.json"):
        for path in glob.glob(os.path.join(LEGGED_GYM_ROOT_DIR, pattern)):
            with open(path, encoding="utf-8") as file:
                measured = json.load(file).get("versions", {})
            for name in set(measured) & {"numpy", "torch", "mujoco", "mujoco-warp"}:
                found += 1
                assert measured[name].partition("+")[0] == versions[name], path
    assert found > 20
