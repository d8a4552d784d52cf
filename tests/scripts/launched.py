"""Launches of a tiny training for tests, and what they left behind."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Callable

import torch

from rsl_rl.utils.logger import METRICS_FILE, lines_until

# 16 robots, small networks and short rollouts; every fifth iteration is saved. Tests disturb a training in the first
# third, so that it has not ended by then when a busy machine keeps the test waiting.
ITERATIONS = 60
FLAGS = (
    f"--max_iterations={ITERATIONS}", "--num_envs=16", "--sim=mujoco", "--rl_device=cpu", "--num_threads=1",
    "--logger=none",
    "--train.runner.num_steps_per_env=4", "--train.runner.save_interval=5", "--train.algorithm.num_learning_epochs=1",
    "--train.policy.actor_hidden_dims=[8]", "--train.policy.critic_hidden_dims=[8]", "--experiment_name=tiny",
)  # fmt: skip
LAST = f"model_{ITERATIONS}.pt"


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 600.0) -> Any:
    """Poll until the condition holds, and return its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise TimeoutError(what)


def run_folder_of(root: Path, index: int) -> Path:
    """The run folder of a job of the only launch under `root`."""
    return wait_for(lambda: next(root.glob(f"logs/tiny/*_job{index}_*"), None), f"run folder of job {index}")


def wait_for_iteration(run: Path, iteration: int) -> None:
    """Wait until the run has done an iteration."""
    metrics = run / METRICS_FILE

    def done() -> bool:
        lines = lines_until(str(metrics))
        return bool(lines) and json.loads(lines[-1])["iteration"] >= iteration

    wait_for(done, f"iteration {iteration} of {run.name}")


def attempts(root: Path, index: int) -> list[dict[str, Any]]:
    """What a job of the only launch under `root` noted of each of its attempts."""
    files = list(root.glob(f"logs/jobs/*/{index}/attempts.jsonl"))
    lines = [line for file in files for line in file.read_text().splitlines(keepends=True)]
    return [json.loads(line) for line in lines if line.endswith("\n")]  # the job may be writing the next


def numbers(path: Path) -> dict[str, Any]:
    """Everything in a checkpoint but the seconds that the run took."""
    content = torch.load(path, weights_only=True)
    assert content["runner"].pop("total_time") > 0.0
    return content
