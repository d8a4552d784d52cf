"""Sweeps without an account: what is tried, and that nothing is lost or repeated whatever process dies."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.sweeps import config as sweep_config
from legged_gym.sweeps.local import LocalSweep
from legged_gym.sweeps.run import read_metric
from legged_gym.sweeps.worker import run_workers, work
from tests.sweeps import fake_sweep_training

X, STATUS = "train_cfg.fake.x", "train_cfg.fake.status"
FAKE = (sys.executable, fake_sweep_training.__file__)
ITERATIONS = fake_sweep_training.ITERATIONS


def create(root, method="random", **content):
    content = {"parameters": {X: {"min": 0.0, "max": 1.0}}, **content}
    config = sweep_config.parse({"method": method, "metric": {"name": "Train/mean_reward"}, **content})
    return LocalSweep.create(str(root / "logs" / "sweeps"), config, [], "runs")


def carry_out(sweep, metric, most=1000):
    """Claim and finish without processes; returns the parameters, in order."""
    tried = []
    while len(tried) < most:
        claim = sweep.claim()
        if claim is None:
            break
        tried.append(claim.parameters)
        sweep.finish(claim, "finished", metric(claim.parameters), 0)
    return tried


def results(sweep):
    with open(os.path.join(sweep.folder, "results.csv"), newline="") as file:
        return list(csv.DictReader(file))


def wait_for(condition, seconds=600):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def starts(folder):
    """(pid of the training, pid of its worker) of every start of a run."""
    path = Path(folder, "starts")
    lines = path.read_text().splitlines() if path.exists() else []
    return [tuple(map(int, line.split())) for line in lines]


def start(sweep, workers=1):
    """Work on a sweep in another process, or in `workers` more."""
    code = (
        "from legged_gym.sweeps.local import LocalSweep; from legged_gym.sweeps.worker import run_workers;"
        f"run_workers(LocalSweep({sweep.folder!r}), {workers}, {FAKE!r})"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=LEGGED_GYM_ROOT_DIR, stdout=subprocess.DEVNULL)


# ------------------------------------------------------------------------------------------- what is tried


def test_a_grid_is_all_combinations_once_in_order(tmp_path):
    parameters = {
        "train_cfg.a": {"values": [1, 2.5, "x"]},
        "env_cfg.b": {"values": [[64, 32], None]},
        "env_cfg.c": {"value": 0},
    }
    sweep = create(tmp_path, "grid", parameters=parameters)
    tried = [tuple(point.values()) for point in carry_out(sweep, lambda _: 1.0)]
    assert tried == [(a, b, 0) for a in (1, 2.5, "x") for b in ([64, 32], None)]
    assert sweep.done()
    assert len(carry_out(create(tmp_path, "grid", parameters=parameters, run_cap=4), lambda _: 1.0)) == 4


def test_random_draws_follow_their_distributions_and_are_the_same_each_time(tmp_path):
    parameters = {
        X: {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2},
        "env_cfg.n": {"min": 3, "max": 5},
        "env_cfg.normal": {"distribution": "normal", "mu": 2, "sigma": 0.5},
        "env_cfg.q": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.25},
    }
    tried = carry_out(create(tmp_path, parameters=parameters, run_cap=60), lambda _: 1.0)
    assert len(tried) == 60
    logarithms = [math.log10(point[X]) for point in tried]
    assert all(-4 <= x <= -2 for x in logarithms)
    # three standard deviations of the mean, those of a uniform and of the normal distribution
    assert sum(logarithms) / 60 == pytest.approx(-3, abs=3 * 2 / math.sqrt(12 * 60))
    assert sum(point["env_cfg.normal"] for point in tried) / 60 == pytest.approx(2, abs=3 * 0.5 / math.sqrt(60))
    assert {type(point["env_cfg.n"]) for point in tried} == {int} and {point["env_cfg.n"] for point in tried} == {
        3,
        4,
        5,
    }
    assert {point["env_cfg.q"] for point in tried} == {0, 0.25, 0.5, 0.75, 1}
    # two workers take turns: the same draws, none twice
    first = create(tmp_path, parameters=parameters, run_cap=60)
    second = LocalSweep(first.folder)
    taken = [carry_out(sweep, lambda _: 1.0, most=1)[0] for _ in range(5) for sweep in (first, second)]
    assert taken == tried[:10]


@pytest.mark.parametrize(("goal", "sign"), [("maximize", -1), ("minimize", 1)])
def test_bayes_learns_where_it_is_good(tmp_path, goal, sign):
    metric = {"name": "Train/mean_reward", "goal": goal}
    sweep = create(tmp_path, "bayes", metric=metric, run_cap=40)
    tried = [point[X] for point in carry_out(sweep, lambda point: sign * (point[X] - 0.3) ** 2)]
    # uniform draws are (0.3^2 + 0.7^2) / 2 = 0.29 away on average
    assert sum(abs(x - 0.3) for x in tried[-15:]) / 15 < 0.29 / 2
    assert abs(sweep.best()[X] - 0.3) == min(abs(x - 0.3) for x in tried)


@pytest.mark.parametrize(("sign", "lengths"), [(-1, [27] + [2] * 9), (1, [27] * 10)])
def test_hyperband_ends_what_is_worse_than_others_were(tmp_path, sign, lengths):
    sweep = create(tmp_path, run_cap=10, early_terminate={"type": "hyperband", "min_iter": 2, "eta": 3})
    for level, expected in enumerate(lengths):
        # every run is worse than all before, or better, from its first iteration on
        claim = sweep.claim()
        length = next((i for i in range(1, 28) if claim.report([(i, sign * float(level))])), 27)
        sweep.finish(claim, "finished" if length == 27 else "pruned", sign * float(level))
        assert length == expected
    states = Counter(row["state"] for row in sweep.rows())
    assert states == Counter("finished" if length == 27 else "pruned" for length in lengths) and sweep.done()


# ------------------------------------------------------------------------------------------- what is kept


def test_a_trial_whose_holder_is_gone_is_tried_again_and_does_not_count(tmp_path):
    sweep, other = create(tmp_path, run_cap=3), None
    first, second = sweep.claim(), sweep.claim()
    other = LocalSweep(sweep.folder)
    third = other.claim()
    assert other.claim() is None and not other.done()  # all three are under way
    second.lock.release()  # what the system does when a process ends
    again = other.claim()
    assert (again.parameters, again.run, again.run_folder) == (second.parameters, 1, second.run_folder)
    assert again.number == 3 and other.claim() is None
    for claim in (first, third, again):
        sweep.finish(claim, "finished", 1.0, 0)
    assert sweep.done() and other.done() and other.claim() is None
    rows = results(sweep)
    assert [(row["run"], row["state"]) for row in rows] == [
        ("0", "finished"), ("1", "lost"), ("2", "finished"), ("1", "finished"),
    ]  # fmt: skip


@pytest.mark.parametrize("training_dies_too", [False, True])
def test_two_workers_finish_a_sweep_although_one_is_killed(tmp_path, training_dies_too):
    sweep = create(tmp_path, run_cap=8)
    runs = tmp_path / "logs" / "runs"
    runs.mkdir()
    (runs / "wait_3").touch()
    workers = {worker.pid: worker for worker in (start(sweep), start(sweep))}

    def held():
        return [folder for folder in runs.glob("*_0003") if starts(folder)]

    wait_for(held)
    (training, victim) = starts(held()[0])[0]
    os.kill(victim, signal.SIGKILL)
    workers.pop(victim).wait(600)
    if training_dies_too:
        os.kill(training, signal.SIGKILL)
    wait_for(lambda: sum(row["state"] == "finished" for row in sweep.rows()) >= (1 if training_dies_too else 7))
    (runs / "go").touch()
    (survivor,) = workers.values()
    assert survivor.wait(600) == 0
    rows = results(sweep)
    assert Counter(row["state"] for row in rows) == {"finished": 8, "lost": 1}
    finished = {int(row["run"]): row for row in rows if row["state"] == "finished"}
    assert sorted(finished) == list(range(8))
    lost = next(row for row in rows if row["state"] == "lost")
    assert int(lost["run"]) == 3 and lost[X] == finished[3][X]
    folders = sorted(path for path in runs.iterdir() if path.is_dir())
    assert sorted(row["run_folder"] for row in finished.values()) == [str(folder) for folder in folders]
    for run, row in finished.items():
        lines = Path(row["run_folder"], "metrics.jsonl").read_text().splitlines()
        assert [json.loads(line)["iteration"] for line in lines] == list(
            range(1, ITERATIONS + 1)
        )  # each iteration once
        assert float(row["Train/mean_reward"]) == pytest.approx(-((float(row[X]) - 0.3) ** 2) - 1 / ITERATIONS)
        assert len(starts(row["run_folder"])) == (2 if run == 3 else 1)
    assert sweep.done()


def test_workers_that_are_told_to_stop_let_their_trainings_save_and_others_go_on(tmp_path):
    sweep = create(tmp_path, run_cap=3)
    runs = tmp_path / "logs" / "runs"
    runs.mkdir()
    (runs / "wait_0").touch()
    (runs / "wait_1").touch()
    workers = start(sweep, workers=2)
    wait_for(lambda: sum(bool(read_metric(str(folder), "Train/mean_reward")) for folder in runs.glob("*_000?")) == 2)
    workers.send_signal(signal.SIGTERM)
    assert workers.wait(600) != 0
    stopped = results(sweep)
    assert [(row["run"], row["state"], row["exit_code"]) for row in stopped] == [
        ("0", "killed", "75"),
        ("1", "killed", "75"),
    ]
    (runs / "go").touch()
    run_workers(sweep, 1, FAKE)
    finished = results(sweep)[2:]
    assert sorted((row["run"], row["state"]) for row in finished) == [(run, "finished") for run in "012"]
    assert {row["run_folder"] for row in stopped} < {row["run_folder"] for row in finished}
    assert [len(starts(row["run_folder"])) for row in stopped] == [2, 2]
    assert os.path.getsize(os.path.join(sweep.folder, "results.png")) > 0


def test_a_failed_run_is_recorded_and_three_in_a_row_end_the_work(tmp_path):
    statuses = {STATUS: {"values": [1, 0, 1, 0, 1, 1, 3, 1]}}
    sweep = create(tmp_path, "grid", parameters=statuses)
    with pytest.raises(UserError, match=r"3 runs in a row failed; see .*trial_0006.log"):
        work(sweep.folder, FAKE)
    assert [(row["state"], row["exit_code"]) for row in results(sweep)] == [
        ("failed", "1"), ("finished", "0"), ("failed", "1"), ("finished", "0"),
        ("failed", "1"), ("failed", "1"), ("failed", "3"),
    ]  # fmt: skip
    assert not sweep.done()
    with pytest.raises(UserError, match="there is no sweep local-00000000"):
        LocalSweep(str(tmp_path / "logs" / "sweeps" / "local-00000000"))


def test_a_metric_that_is_never_logged_is_a_failure(tmp_path, capsys):
    sweep = create(tmp_path, run_cap=1, metric={"name": "Train/mean_rewrd"})
    work(sweep.folder, FAKE)
    assert results(sweep)[0]["state"] == "failed"
    assert "failed, Train/mean_rewrd was not logged" in capsys.readouterr().out


def test_early_termination_stops_the_training(tmp_path):
    early = {"type": "hyperband", "min_iter": 1}
    sweep = create(tmp_path, "grid", parameters={X: {"values": [0.3, 9.0]}}, early_terminate=early)
    runs = tmp_path / "logs" / "runs"
    runs.mkdir()
    (runs / "wait_1").touch()  # it would never end by itself
    work(sweep.folder, FAKE)
    first, second = results(sweep)
    assert (first["state"], first["exit_code"]) == ("finished", "0")
    assert (second["state"], second["exit_code"]) == ("pruned", "75")
    assert Path(second["run_folder"], "metrics.jsonl").read_text().count("\n") == 1
