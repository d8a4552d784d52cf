"""Schedules of the learning rate."""

from __future__ import annotations

from pathlib import Path

import pytest

from rsl_rl.algorithms.learning_rate import adapt_to_kl
from rsl_rl.runners import OnPolicyRunner
from tests.rsl_rl.toy_vec_env import ToyVecEnv


@pytest.mark.parametrize(
    ("rate", "kl", "expected"),
    [
        (1e-3, 0.0201, 1e-3 / 1.5),
        (1e-3, 0.0199, 1e-3),
        (1e-3, 0.0051, 1e-3),
        (1e-3, 0.0049, 1e-3 * 1.5),
        (1e-3, -1e-9, 1e-3 * 1.5),  # a small KL may be negative by rounding
        (1.2e-5, 1.0, 1e-5),
        (9e-3, 1e-4, 1e-2),
    ],
)
def test_adaptive(rate: float, kl: float, expected: float) -> None:
    assert adapt_to_kl(rate, kl, desired_kl=0.01, minimum=1e-5, maximum=1e-2) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["fixed", "cosine", "adaptive"])
def test_a_resumed_run_takes_the_rate_of_its_own_settings_unless_it_was_adapted(schedule: str, tmp_path: Path) -> None:
    runners = []
    for rate in (1e-3, 1e-4):
        algorithm = {"schedule": schedule, "learning_rate": rate, "desired_kl": 1e6}
        cfg = {"algorithm": algorithm, "runner": {"num_steps_per_env": 4, "logger": "none", "max_iterations": 2}}
        runners.append(OnPolicyRunner(ToyVecEnv(), cfg, str(tmp_path / str(rate))))
    runners[0].learn(1)
    runners[1].load(str(tmp_path / "0.001" / "model_1.pt"))
    runners[1].learn(1)
    # adapted: raised by 1.5 at all of the 20 mini-batches but the first of each update, up to the bound
    expected = {"fixed": 1e-4, "cosine": (1e-4 + 1e-5) / 2, "adaptive": 1e-2}
    assert runners[1].algorithm.learning_rate == pytest.approx(expected[schedule])
