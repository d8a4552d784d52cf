"""Few robots and iterations for Improbable-AI/walk-these-ways, whose own `scripts/train.py` takes no options.

    python legged_gym/scripts/run_fork.py --path=~/forks/walk-these-ways benchmarks/walk_these_ways.py 16 20

It calls the fork's own `train_go1` with the fork's own settings, but for these two numbers, and logs each iteration.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any


def main(robots: int, iterations: int) -> None:
    """Train; the log lands in `runs/` of the current folder."""
    importlib.import_module("isaacgym")  # before torch, as in the original
    logger = importlib.import_module("ml_logger").logger
    settings = importlib.import_module("go1_gym.envs.go1.go1_config")
    learner = importlib.import_module("go1_gym_learn.ppo_cse")
    configure, learn = settings.config_go1, learner.Runner.learn

    def few_robots(cfg: Any) -> None:
        configure(cfg)
        cfg.env.num_envs = robots

    def few_iterations(runner: Any, num_learning_iterations: int, **more: Any) -> None:
        learn(runner, num_learning_iterations=min(iterations, num_learning_iterations), **more)

    settings.config_go1, learner.Runner.learn = few_robots, few_iterations
    learner.RunnerArgs.log_freq = 1
    logger.configure("few", root=os.path.abspath("runs"))
    sys.path.insert(0, os.path.join(os.path.dirname(settings.__file__), "..", "..", "..", "scripts"))
    importlib.import_module("train").train_go1()


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
