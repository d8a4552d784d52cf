"""The config of imitation names every key of the learner, with the learner's defaults."""

from __future__ import annotations

import inspect

from legged_gym.envs.base.dagger_config import LeggedRobotCfgDagger
from rsl_rl.algorithms import DAgger
from rsl_rl.runners.dagger_runner import DAGGER_DEFAULTS


def test_keys_and_defaults_are_those_of_the_learner() -> None:
    parameters = inspect.signature(DAgger.__init__).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty and p.name != "device"}
    defaults = {name: list(x) if isinstance(x, tuple) else x for name, x in defaults.items()}
    cfg = LeggedRobotCfgDagger().to_dict()
    assert cfg["algorithm"] == defaults
    assert cfg["runner"].keys() == DAGGER_DEFAULTS.keys()
    differing = {name for name, value in cfg["runner"].items() if value != DAGGER_DEFAULTS[name]}
    assert differing == {"policy_class_name", "save_interval"}


def test_the_phases_add_up_to_six_million_samples() -> None:
    """The budget of the paper with 256 environments: 1e6 samples of cloning and 100 rounds of DAgger of 5e4 each."""
    cfg = LeggedRobotCfgDagger()
    samples = 256 * cfg.runner.num_steps_per_env
    cloning = -(-cfg.algorithm.bc_initial_samples // samples)
    assert cfg.runner.max_iterations == cloning + 100
    assert abs(cfg.runner.max_iterations * samples / 6e6 - 1) < 0.02
