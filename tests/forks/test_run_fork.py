"""Forks run by the launcher, in a process of their own: whose packages they get, and what is given back."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "legged_gym" / "scripts" / "run_fork.py"

FACTS = """
import isaacgym
assert isaacgym
import inspect, json, os, sys
from isaacgym.torch_utils import *
import isaacgym.torch_utils as torch_utils
from isaacgym import terrain_utils
from collections import Mapping
import legged_gym, rsl_rl
from legged_gym.errors import MINE

there = torch.zeros(3, device="cuda:0").to("cuda:0").cuda() if not torch.cuda.is_available() else torch.zeros(3)
try:
    isaacgym.rlgpu
except AttributeError:
    from isaacgym import rlgpu
try:
    rlgpu.create_task_gpu()
except ValueError as error:
    refused = str(error)
print(json.dumps({
    "marked": isaacgym.__mujoco__,
    "one module": torch_utils is sys.modules["isaacgym.torch_utils"],
    "mine": [os.path.dirname(legged_gym.__file__), os.path.dirname(rsl_rl.__file__), MINE],
    "engine": [name for name in sys.modules if name.split(".")[0] == "mujoco"],
    "numpy": [np.float is float, np.Inf == np.inf, np.in1d([[1, 2]], [2]).tolist()],
    "inspect": inspect.getargspec(lambda a, *b, c=1, **d: 0)[:3],
    "device": there.device.type,
    "loaded": torch.load(sys.argv[1]).tolist(),
    "linear": torch.nn.Linear(2, 2).to("cpu").weight.device.type,
    "argv": sys.argv[1:],
    "refused": refused,
}))
"""


def write(root, **files):
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def launch(*arguments, cwd):
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def fork(tmp_path):
    import torch

    root = tmp_path / "fork"
    root.mkdir()
    for package in ("legged_gym", "rsl_rl"):
        (root / package).mkdir()
        (root / package / "__init__.py").write_text("")
    (root / "legged_gym" / "errors.py").write_text("MINE = 'the fork'\n")
    (root / "setup.py").write_text("raise AssertionError('never run')\n")
    (root / "train.py").write_text(FACTS)
    torch.save(torch.arange(3), root / "weights.pt")
    return root


def test_a_fork_gets_its_own_packages_our_layer_and_what_old_versions_had(fork):
    before = sorted(path for path in fork.rglob("*"))
    done = launch("train.py", "weights.pt", "--task=x", cwd=fork)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["mine"] == [str(fork / "legged_gym"), str(fork / "rsl_rl"), "the fork"]
    assert facts["marked"] and facts["one module"] and facts["engine"] == []
    assert facts["numpy"] == [True, True, [False, True]] and facts["inspect"] == [["a"], "b", "d"]
    assert facts["device"] == "cpu" and facts["loaded"] == [0, 1, 2] and facts["linear"] == "cpu"
    assert facts["refused"].startswith("isaacgym.rlgpu.create_task_gpu: tasks written in C++")
    assert facts["argv"] == ["weights.pt", "--task=x"]
    assert "numpy.float" in done.stdout.splitlines()[0].replace("numpy: ", "numpy.")
    assert sorted(path for path in fork.rglob("*")) == before


def test_a_missing_learner_is_named_with_where_to_get_it(fork):
    (fork / "rsl_rl" / "__init__.py").unlink()
    (fork / "rsl_rl").rmdir()
    # nor the one on PyPI, wherever it is installed
    nowhere = "import sys\nsys.path[:] = [folder for folder in sys.path if 'site-packages' not in folder]\n"
    (fork / "train.py").write_text(f"{nowhere}from rsl_rl.runners import OnPolicyRunner\n")
    done = launch("train.py", cwd=fork)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and "v1.0.2" in done.stderr and "Traceback" not in done.stderr


def test_a_newer_learner_that_is_installed_is_told(fork):
    (fork / "rsl_rl" / "__init__.py").rename(fork / "__init__.py")
    (fork / "rsl_rl").rmdir()
    installed = fork / "site-packages" / "rsl_rl"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    (fork / "train.py").write_text("import rsl_rl\n")
    done = launch("--path=site-packages", "train.py", cwd=fork)
    assert done.returncode == 0 and f"note: rsl_rl is that of {installed}" in done.stdout


def test_a_real_isaac_gym_is_never_hidden_unasked(fork):
    (fork / "installed").mkdir()
    (fork / "installed" / "isaacgym.py").write_text("REAL = True\n")
    (fork / "train.py").write_text("import isaacgym\nprint(isaacgym.__mujoco__)\n")
    env = {**os.environ, "PYTHONPATH": str(fork / "installed"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(PROGRAM)]
    for options, status in (([], 2), (["--replace"], 0)):
        done = subprocess.run([*command, *options, "train.py"], cwd=fork, env=env, capture_output=True, text=True)
        assert done.returncode == status
        assert ("--replace" in done.stderr) if status else done.stdout.endswith("True\n")
