"""What the table of forks reads from trainings; nothing is cloned."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

FILE = pathlib.Path(__file__).parents[2] / "benchmarks" / "forks.py"


@pytest.fixture
def forks(monkeypatch):
    monkeypatch.syspath_prepend(str(FILE.parent))
    spec = importlib.util.spec_from_file_location("forks_benchmark", FILE)
    module = sys.modules["forks_benchmark"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["forks_benchmark"]


LOG = "Learning iteration 0/2\nMean reward: 0.50\n  Learning iteration 1/2\n   Mean reward: 1.25\n"
TABLE = "│   train/episode/rew total/mean   │   -0.25   │\n│   iterations   │   1   │\n"  # as ml_logger prints


@pytest.mark.parametrize(
    ("text", "status", "row"),
    [
        (LOG, 0, ["yes", "2", "1.25"]),
        (LOG.replace("1.25", "nan"), 0, ["no: rewards are not finite", "2", "nan"]),
        (LOG + "ValueError: shapes\nset HYDRA_FULL_ERROR=1\n", 1, ["no: ValueError: shapes", "2", "1.25"]),
        ("error: no mesh\n", 2, ["no: error: no mesh", "0", ""]),
        ("Learning iteration 0/2\n", 0, ["no: it ended early", "1", ""]),
        (TABLE, 0, ["yes", "2", "-0.25"]),
    ],
)
def test_outcomes(forks, text, status, row):
    fork = forks.Fork("x", "owner/x", ("task",))
    assert forks.read(text, status, 3.0).row(fork, "task", 2) == ["owner/x", "`task`", *row, "3"]


def test_forks_and_tasks_are_chosen_by_name(forks):
    assert [(fork.name, task) for fork, task in forks._chosen(["HIMLoco:a1", "engineai"])] == [
        ("HIMLoco", "a1"), ("engineai", "zqsa01"),
    ]  # fmt: skip
    with pytest.raises(SystemExit, match="no fork 'x'"):
        list(forks._chosen(["x"]))


FORK = {
    "isaacgym.py": "",
    "ml_logger.py": "class logger:\n    configure = staticmethod(lambda *a, **k: print('configured', *a))\n",
    "go1_gym/envs/go1/go1_config.py": "def config_go1(cfg):\n    cfg.env.num_envs, cfg.own = 4000, True\n",
    "go1_gym_learn/ppo_cse.py": (
        "class RunnerArgs:\n    log_freq = 10\n"
        "class Runner:\n    def learn(self, num_learning_iterations, **more):\n"
        "        print('learns', num_learning_iterations, more, RunnerArgs.log_freq)\n"
    ),
    "scripts/train.py": (
        "def train_go1():\n    from types import SimpleNamespace as Cfg\n"
        "    from go1_gym.envs.go1.go1_config import config_go1\n    from go1_gym_learn.ppo_cse import Runner\n"
        "    cfg = Cfg(env=Cfg(num_envs=1))\n    config_go1(cfg)\n    print(cfg.env.num_envs, cfg.own)\n"
        "    Runner().learn(num_learning_iterations=100000, eval_freq=100)\n"
    ),
}


def test_a_fork_without_options_trains_few_robots_for_few_iterations(tmp_path):
    """One that is made as walk-these-ways is."""
    for name, text in FORK.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, str(FILE.parent / "walk_these_ways.py"), "16", "20"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines == ["configured few", "16 True", "learns 20 {'eval_freq': 100} 1"]
