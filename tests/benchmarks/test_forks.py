"""What the table of forks reads from trainings; nothing is cloned."""

from __future__ import annotations

import importlib.util
import pathlib
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


@pytest.mark.parametrize(
    ("text", "status", "row"),
    [
        (LOG, 0, ["yes", "2", "1.25"]),
        (LOG.replace("1.25", "nan"), 0, ["no: rewards are not finite", "2", "nan"]),
        (LOG + "ValueError: shapes\nset HYDRA_FULL_ERROR=1\n", 1, ["no: ValueError: shapes", "2", "1.25"]),
        ("error: no mesh\n", 2, ["no: error: no mesh", "0", ""]),
        ("Learning iteration 0/2\n", 0, ["no: it ended early", "1", ""]),
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
