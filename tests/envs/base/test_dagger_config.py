"""The configs of trainings name every key of the learner, with the learner's defaults."""

from __future__ import annotations

import pytest

from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.envs.base.dagger_config import LeggedRobotCfgDagger
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfgPPO
from rsl_rl.settings import (
    DaggerRunnerSettings,
    DAggerSettings,
    PolicySettings,
    PPOSettings,
    RunnerSettings,
    Settings,
)


@pytest.mark.parametrize(
    ("cfg", "algorithm", "runner", "differing"),
    [
        (LeggedRobotCfgPPO(), PPOSettings(), RunnerSettings(), set()),
        (LeggedRobotCfgDagger(), DAggerSettings(), DaggerRunnerSettings(), {"policy_class_name", "save_interval"}),
    ],
)
def test_keys_and_defaults_are_those_of_the_learner(
    cfg: BaseConfig, algorithm: Settings, runner: Settings, differing: set[str]
) -> None:
    sections = cfg.to_dict()
    for name, settings in (("policy", PolicySettings()), ("algorithm", algorithm), ("runner", runner)):
        defaults = {key: list(x) if isinstance(x, tuple) else x for key, x in vars(settings).items()}
        assert sections[name].keys() == defaults.keys()
        different = {key for key, value in sections[name].items() if value != defaults[key]}
        assert different == (differing if name == "runner" else set())


def test_the_phases_add_up_to_six_million_samples() -> None:
    """The budget of the paper with 256 environments: 1e6 samples of cloning and 100 rounds of DAgger of 5e4 each."""
    cfg = LeggedRobotCfgDagger()
    samples = 256 * cfg.runner.num_steps_per_env
    cloning = -(-cfg.algorithm.bc_initial_samples // samples)
    assert cfg.runner.max_iterations == cloning + 100
    assert abs(cfg.runner.max_iterations * samples / 6e6 - 1) < 0.02
