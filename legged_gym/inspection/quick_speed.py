"""Some seconds of physics, policy and learning, measured. `benchmarking` does it with care."""

from __future__ import annotations

import contextlib
import io
import time
from typing import Callable, Dict

import torch

from legged_gym.inspection.benchmarking import env_work, policy_work
from legged_gym.utils import training
from legged_gym.utils.cli import add_training_flags, make_parser
from legged_gym.utils.options import CommandLine

_SECONDS = 1.5
_FLAGS = ("--task=a1_flat", "--num_envs=256", "--headless", "--logger=none", "--seed=1")


def measure() -> Dict[str, float]:
    """Steps of an A1 on flat ground a second: in the environment, with a policy, and in whole trainings."""
    parser = make_parser("")
    add_training_flags(parser)
    plan = training.plan_training(CommandLine.read(parser.parse(_FLAGS)), begins=True).settled()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.closing(training.make_env(plan)) as env:
        runner = training.make_runner(plan, env, None)
        steps = plan.train_cfg.runner.num_steps_per_env
        env.reset()
        works: Dict[str, Callable[[], None]] = {
            "steps_of_robots": env_work(env, steps),
            "steps_with_a_policy": policy_work(env, runner.get_inference_policy(), steps),
            "samples_in_training": lambda: runner.learn(1),
        }
        return {name: env.num_envs * steps * _rate(work) for name, work in works.items()}


def _rate(work: Callable[[], None]) -> float:
    """How often a second; the first time is not counted."""
    work()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < _SECONDS:
        work()
        count += 1
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    return count / (time.perf_counter() - began)
