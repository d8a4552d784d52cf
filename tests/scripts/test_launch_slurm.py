"""launch.py on a real SLURM of one machine: jobs that are requeued end like a training without SLURM."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from legged_gym.scripts import launch, train
from tests.rsl_rl.runner_helpers import assert_same, metrics
from tests.scripts.launched import (
    FLAGS,
    ITERATIONS,
    LAST,
    attempts,
    numbers,
    run_folder_of,
    wait_for,
    wait_for_iteration,
)
from tests.scripts.slurm_cluster import slurm_cluster, why_not

pytest.importorskip("submitit")


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_requeued_jobs_end_like_a_training_that_was_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with slurm_cluster(tmp_path / "slurm") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert launch.main(["--tasks=a1_flat", "--seeds=1,1", "--time=30", "--cpus_per_task=1", "--", *FLAGS]) == 0
        shown = capsys.readouterr().out.splitlines()
        first, second = (line.split()[0] for line in shown if "a1_flat" in line)
        assert (first, second) == ("1_0", "1_1")

        wait_for_iteration(run_folder_of(tmp_path, 0), 2)
        subprocess.run(["scancel", "--signal=USR1", first], check=True)  # what SLURM sends before a time limit
        wait_for_iteration(run_folder_of(tmp_path, 1), 7)
        subprocess.run(["scontrol", "requeue", second], check=True)  # SLURM sends SIGTERM, as when it pre-empts
        wait_for(lambda: not subprocess.check_output(["squeue", "--noheader"]), "the end of all jobs")

    alone = tmp_path / "alone"
    train.main(["--task=a1_flat", "--seed=1", f"--run_folder={alone}", *FLAGS])
    for index, (job, signal_name) in enumerate(((first, "SIGUSR1"), (second, "SIGTERM"))):
        history = attempts(tmp_path, index)
        # SLURM repeats its signal, so a training that has saved may be killed by the second while it leaves.
        assert history[0]["status"] in (75, -signal.SIGTERM) and history[1]["status"] == 0
        assert signal_name in history[0]["signals"] and history[0]["job"] == history[1]["job"] == job
        assert 0 < history[0]["to_iteration"] == history[1]["from_iteration"] < ITERATIONS
        run = run_folder_of(tmp_path, index)
        assert_same(numbers(run / LAST), numbers(alone / LAST))
        assert metrics(run) == metrics(alone)
