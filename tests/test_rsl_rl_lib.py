"""PyPI's rsl-rl-lib learns on our tasks, in a process in which `rsl_rl` is its package."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR

PROGRAM = """
from legged_gym.rsl_rl_lib import make

env = make("a1_flat", num_envs=8, device="cpu", num_threads=1, seed=3, settings={"env.noise.add_noise": False})
import torch
from rsl_rl.runners import OnPolicyRunner
import rsl_rl, sys

network = {"class_name": "rsl_rl.models:MLPModel", "hidden_dims": [16], "activation": "elu"}
cfg = {
    "num_steps_per_env": 8, "save_interval": 100, "obs_groups": {"actor": ["policy"], "critic": ["policy"]},
    "actor": {**network, "distribution_cfg": {"class_name": "rsl_rl.modules:GaussianDistribution", "init_std": 1.0}},
    "critic": dict(network),
    "algorithm": {
        "class_name": "rsl_rl.algorithms:PPO", "num_learning_epochs": 2, "num_mini_batches": 2, "learning_rate": 1e-3,
        "schedule": "fixed", "gamma": 0.99, "lam": 0.95, "entropy_coef": 0.01, "desired_kl": 0.01, "max_grad_norm": 1.0,
        "value_loss_coef": 1.0, "use_clipped_value_loss": True, "clip_param": 0.2, "rnd_cfg": None,
        "symmetry_cfg": None,
    },
}
runner = OnPolicyRunner(env, cfg, log_dir=None, device="cpu")
before = [value.clone() for value in runner.alg.actor.parameters()]
runner.learn(3, init_at_random_ep_len=True)
after = list(runner.alg.actor.parameters())
assert all(torch.isfinite(value).all() for value in after)
assert any(not torch.equal(one, other) for one, other in zip(before, after))
observations = env.get_observations()
assert observations["policy"].shape == (8, 48)
print("theirs", not hasattr(rsl_rl, "ORIGIN"), "legged_gym" in sys.modules, type(env).__mro__[1].__module__)
env.close()
"""


def test_it_learns(tmp_path):
    pytest.importorskip("tensordict")
    environment = {**os.environ, "PYTHONPATH": LEGGED_GYM_ROOT_DIR}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "theirs True False rsl_rl.env.vec_env"
