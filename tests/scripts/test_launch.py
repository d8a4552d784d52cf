"""launch.py: mistakes, plans, batch scripts, and jobs on this machine that are killed and go on."""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from legged_gym.cluster import job as launch_job
from legged_gym.cluster.job import TrainJob
from legged_gym.errors import UserError
from legged_gym.scripts import launch
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

pytest.importorskip("submitit")


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Logs in a temporary folder, and no SLURM."""
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--tasks=a1_flat,a1_flt"], "unknown task 'a1_flt'; did you mean a1_flat"),
        (["--tasks=A1-Flat-v0"], "unknown task 'A1-Flat-v0'"),
        (["--tasks=a1_flat", "--sweep", "train.algorithm.gama=0.9"], "train.algorithm.gama; did you mean"),
        (["--tasks=a1_flat", "--sweep", "train.algorithm.gamma=0.9,many"], "train.algorithm.gamma"),
        (["--tasks=a1_flat", "--sweep", "gamma=0.9"], r"expected env.<path>=<value>,<value>... or train.<path>="),
        (["--tasks=a1_flat", "--seeds=1,x"], "expected numbers that are not negative"),
        (["--tasks=a1_flat", "--slurm", "qos"], "expected key=value, got 'qos'"),
        (["--tasks=a1_flat", "--nodes=2", "--executor=local"], "--nodes: this is one machine"),
        (["--tasks=a1_flat", "--executor=slurm"], "there is no SLURM on this machine"),
        (["--tasks=a1_flat", "--", "--seed=3"], "--seed=3 cannot be given for all jobs; use --tasks and --seeds"),
        (["--tasks=a1_flat", "--", "--max_iteration=3"], "unknown flag --max_iteration; did you mean --max_iterations"),
        (["--tasks=a1_flat", "--sweep", "env.env.num_envs=4,5", "--", "--train.algorithm.num_mini_batches=16"], "120 "),
    ],
)
def test_mistakes_are_found_before_anything_is_submitted(root: Path, flags: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        launch.main(flags)
    assert os.listdir(root) == []


def test_windows_has_not_the_signals(tmp_path: Path) -> None:
    """Without POSIX's signals the import already failed."""
    code = "import signal, runpy, sys; del signal.SIGUSR1, signal.SIGUSR2, signal.SIGKILL, signal.SIGHUP;"
    code += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", code, launch.__file__, "--tasks=a1_flat", "--executor=local", "--dry_run"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    message = "error: launch.py needs Linux or macOS; elsewhere start train.py once for each training\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_without_submitit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[cluster\]'"):
        launch.main(["--tasks=a1_flat"])


def test_dry_run_shows_the_batch_script_and_every_command(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ["--sweep=train.algorithm.gamma=0.9,0.95", "--sweep=train.policy.actor_hidden_dims=[8,4],[16]"]
    slurm = ["--partition=long", "--account=me", "--time=600", "--cpus_per_task=6", "--slurm", "qos=high"]
    flags = ["--tasks=a1_flat,a1", "--seeds=1,5", *sweep, *slurm, "--max_parallel=3", "--signal_delay=200", "--dry_run"]
    assert launch.main([*flags, "--", "--max_iterations=7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    options = {line[len("#SBATCH --") :] for line in lines if line.startswith("#SBATCH")}
    assert {
        "array=0-15%3", "partition=long", "account=me", "time=600", "cpus-per-task=6", "qos=high", "nodes=1",
        "ntasks-per-node=1", "signal=USR2@200", "requeue", "open-mode=append",
    } <= options  # fmt: skip
    assert not any(option.startswith("gpus") for option in options)
    commands = [shlex.split(line) for line in lines if launch_job.TRAIN_SCRIPT in line]
    assert len(commands) == 2 * 2 * 4
    assert all({"--headless", "--max_iterations=7"} <= set(command) for command in commands)
    chosen = {
        tuple(word for word in command if word.startswith(("--task=", "--seed=", "--train."))) for command in commands
    }
    assert len(chosen) == 16
    assert (
        "--task=a1", "--seed=5", "--train.algorithm.gamma=0.95", "--train.policy.actor_hidden_dims=[8,4]",
    ) in chosen  # fmt: skip
    folders = {word for command in commands for word in command if word.startswith("--run_folder=")}
    assert len(folders) == 16
    assert os.listdir(root) == []


def test_several_processes_meet_at_the_first_machine() -> None:
    job = TrainJob(("--task=a1",), "run", "job", nodes=3, processes=4)
    command = job.command("node07", "12_3")
    torchrun, (script, *flags) = command[:-3], command[-3:]
    assert torchrun[1:3] == ["-m", "torch.distributed.run"]
    assert {"--nnodes=3", "--nproc_per_node=4", "--rdzv_backend=c10d", "--rdzv_id=12_3"} <= set(torchrun)
    (endpoint,) = (word for word in torchrun if word.startswith("--rdzv_endpoint="))
    host, port = endpoint.partition("=")[2].split(":")
    assert host == "node07" and 20000 <= int(port) < 30000
    assert endpoint in job.command("node07", "12_3") and endpoint not in job.command("node07", "12_4")
    assert script == launch_job.TRAIN_SCRIPT and flags == ["--task=a1", "--multi_gpu"]
    alone = TrainJob(("--task=a1",), "run", "job").command("node07", "12_3")
    assert alone == [sys.executable, launch_job.TRAIN_SCRIPT, "--task=a1"]


def kill_the_first_job(root: Path, seen: list[int]) -> None:
    """Send SIGTERM to the job after some iteration, and SIGKILL to the training that follows."""
    run = run_folder_of(root, 0)
    (file,) = root.glob("logs/jobs/*/launch.json")
    first = random.randint(1, 8)
    wait_for_iteration(run, first)
    job = int(json.loads(file.read_text())["trainings"][0]["job"])
    os.kill(job, signal.SIGTERM)
    wait_for(lambda: attempts(root, 0), "the end of the first attempt")
    stopped = attempts(root, 0)[0]["to_iteration"]
    (wrapper,) = launch_job._children(job)
    (child,) = wait_for(lambda: launch_job._children(wrapper), "the second attempt")
    second = random.randint(stopped + 6, max(stopped + 6, 22))
    wait_for_iteration(run, second)
    os.kill(child, signal.SIGKILL)
    seen.extend([first, stopped, second])


@pytest.mark.slow
def test_a_job_that_is_killed_twice_ends_like_one_that_was_left_alone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[int] = []
    killer = threading.Thread(target=kill_the_first_job, args=(root, seen))
    killer.start()
    try:
        assert (
            launch.main(["--tasks=a1_flat", "--seeds=1,1", "--executor=local", "--max_parallel=2", "--", *FLAGS]) == 0
        )
    finally:
        killer.join()
    first, stopped, second = seen
    harassed, alone = (run_folder_of(root, index) for index in (0, 1))
    assert first <= stopped < second < ITERATIONS
    history = attempts(root, 0)
    assert [attempt["status"] for attempt in history] == [75, -signal.SIGKILL, 0]
    assert history[0]["signals"] == ["SIGTERM"] and history[2]["to_iteration"] == ITERATIONS
    assert history[1]["from_iteration"] == stopped
    saved = history[2]["from_iteration"]
    assert saved % 5 == 0 and stopped < saved, "the third attempt goes on from the last regular checkpoint"
    assert [attempt["status"] for attempt in attempts(root, 1)] == [0]

    assert_same(numbers(harassed / LAST), numbers(alone / LAST))
    assert metrics(harassed) == metrics(alone)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in shown if "a1_flat" in line] == ["finished", "finished"]


def test_a_training_that_fails_is_not_tried_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Networks are checked by the learner, after the plan.
    flags = ["--", *FLAGS, "--train.policy.activation=nothing"]
    assert launch.main(["--tasks=a1_flat", "--executor=local", *flags]) == 1
    assert [attempt["status"] for attempt in attempts(root, 0)] == [2]
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines() if "a1_flat" in line] == ["failed"]


@pytest.mark.slow
def test_two_processes_of_a_job_stop_together_and_go_on(root: Path) -> None:
    flags = [*FLAGS, "--num_envs=32", "--max_iterations=20"]
    alone = root / "alone"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    train = [launch_job.TRAIN_SCRIPT, "--task=a1_flat", "--seed=1", "--multi_gpu", f"--run_folder={alone}", *flags]
    subprocess.run([*torchrun, *train], check=True, stdout=subprocess.DEVNULL)

    def stop() -> None:
        wait_for_iteration(run_folder_of(root, 0), 3)
        (file,) = root.glob("logs/jobs/*/launch.json")
        os.kill(int(json.loads(file.read_text())["trainings"][0]["job"]), signal.SIGTERM)

    stopper = threading.Thread(target=stop)
    stopper.start()
    try:
        assert launch.main(["--tasks=a1_flat", "--executor=local", "--processes_per_node=2", "--", *flags]) == 0
    finally:
        stopper.join()
    run = run_folder_of(root, 0)
    history = attempts(root, 0)
    assert [attempt["status"] for attempt in history] == [0, 0], "what torchrun says"
    assert 3 <= history[0]["to_iteration"] == history[1]["from_iteration"] < history[1]["to_iteration"] == 20
    for name in ("model_20.pt", "model_20.rank1.pt"):
        assert_same(numbers(run / name), numbers(alone / name))
    assert metrics(run) == metrics(alone)
