"""Runners on a toy environment, and what they leave behind, compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.checkpoint import load_checkpoint
from tests.rsl_rl.toy_vec_env import ToyVecEnv

TIMINGS = ("Perf/", "Train/iteration_time", "Train/time")


def config(recurrent: bool = False, **runner: object) -> dict[str, Any]:
    policy: dict[str, Any] = {"actor_hidden_dims": [8], "critic_hidden_dims": [8], "normalize_observations": True}
    if recurrent:
        policy.update(rnn_type="lstm", rnn_hidden_size=5)
    return {
        "seed": 3,
        "policy": policy,
        "algorithm": {"num_learning_epochs": 2, "num_mini_batches": 2},
        "runner": {
            "policy_class_name": "ActorCriticRecurrent" if recurrent else "ActorCritic",
            "num_steps_per_env": 5,
            "max_iterations": 8,
            "save_interval": 3,
            "logger": "none",
            **runner,
        },
    }


def make(log_dir: Path | None, cfg: dict[str, Any] | None = None, **env: int) -> OnPolicyRunner:
    return OnPolicyRunner(ToyVecEnv(**env), cfg or config(), None if log_dir is None else str(log_dir))


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without what depends on the clock."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{tag: value for tag, value in row.items() if not tag.startswith(TIMINGS)} for row in rows]


def assert_same(first: Any, second: Any, where: str = "") -> None:
    """Two nested containers are equal bit for bit."""
    assert type(first) is type(second), where
    if isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            assert_same(first[key], second[key], f"{where}.{key}")
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second), where
        for index, (a, b) in enumerate(zip(first, second)):
            assert_same(a, b, f"{where}.{index}")
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    else:
        assert first == second, where


def assert_same_checkpoint(first: str, second: str) -> None:
    """Everything in two checkpoints is equal but the time that the runs took."""
    contents = [load_checkpoint(path) for path in (first, second)]
    for content in contents:
        assert content["runner"].pop("total_time") > 0.0
    assert_same(*contents)
