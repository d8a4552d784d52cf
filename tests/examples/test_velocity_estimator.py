"""The estimator of docs/learner.md, as it stands there, learns."""

from __future__ import annotations

import pathlib
import re
import sys
import types
from typing import Any

import pytest
import torch

from legged_gym.envs.base.legged_robot import LeggedRobot
from rsl_rl.runners import OnPolicyRunner

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "learner.md"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's first whole program, as the module it is said to be."""
    page = PAGE.read_text()
    blocks = re.findall(r"```python\n(.*?)```", page[page.index("```python\nfrom legged_gym") :], re.DOTALL)
    module: Any = types.ModuleType("velocity_estimator")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(blocks[0], str(PAGE), "exec"), vars(module))
    assert len([line for line in blocks[0].splitlines() if line]) <= 40
    exec(f"class Acting(VelocityEstimator):\n{blocks[1]}", vars(module))
    return module


def test_the_estimate_is_far_better_than_the_mean(example: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    unseen = []
    learn = example.VelocityEstimator.after_update

    def measure(estimator: Any, storage: Any) -> Any:
        (batch,) = storage.mini_batches(1, 1)
        with torch.no_grad():
            unseen.append((estimator.error(batch), batch.observations["velocity"].var(0, unbiased=False).mean()))
        return learn(estimator, storage)

    monkeypatch.setattr(example.VelocityEstimator, "after_update", measure)
    cfg, train_cfg = example.EstimatorCfg(), example.EstimatorCfgPPO()
    cfg.env.num_envs = 64
    train_cfg.runner.logger = "none"
    train_cfg.policy.init_noise_std = 0.4  # feet that slip tell nothing
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    OnPolicyRunner(env, train_cfg.to_dict()).learn(9)
    error, spread = torch.tensor(unseen[-3:]).mean(0)
    assert unseen[0][0] > 0.5 * unseen[0][1]
    assert error < 0.5 * spread


def test_a_policy_can_act_on_the_estimate(example: Any) -> None:
    cfg, train_cfg = example.EstimatorCfg(), example.EstimatorCfgPPO()
    cfg.env.num_envs = 4
    train_cfg.runner.logger = "none"
    train_cfg.algorithm.symmetry = "none"
    train_cfg.algorithm.extensions["estimator"]["class_name"] = "velocity_estimator:Acting"
    train_cfg.policy.actor_obs_groups = ["policy", "velocity"]
    runner = OnPolicyRunner(LeggedRobot(cfg, sim="mujoco", seed=1), train_cfg.to_dict())
    runner.learn(1)
    obs = runner.env.get_observations()
    other = {**obs, "velocity": obs["velocity"] + 1.0}
    policy = runner.get_inference_policy()
    assert torch.equal(policy(obs), policy(other))
