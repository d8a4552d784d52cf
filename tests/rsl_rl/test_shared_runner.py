"""Policies of encoders in the training loop: resuming bit for bit, and a task that needs a memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rsl_rl.algorithms import PPO
from rsl_rl.models import SharedActorCritic
from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.checkpoint import latest_checkpoint, load_checkpoint
from tests.rsl_rl.runner_helpers import assert_same_checkpoint
from tests.rsl_rl.toy_vec_env import ToyVecEnv


class SymmetricToyVecEnv(ToyVecEnv):
    """Points of three coordinates, of which the outer two may change places."""

    def mirror_maps(self) -> Any:
        return {
            "policy": (torch.tensor([2, 1, 0, 5, 4, 3]), torch.ones(6)),
            "critic": (torch.tensor([2, 1, 0, 5, 4, 3, 6]), torch.ones(7)),
            "actions": (torch.tensor([2, 1, 0]), torch.ones(3)),
        }


def make(log_dir: Path, symmetry: str, **env: int) -> OnPolicyRunner:
    encoders = {
        "policy": {},
        "past": {"groups": ["critic"], "hidden_dims": [6], "rnn_type": "gru", "rnn_hidden_size": 4, "output_dim": 3},
    }
    cfg = {
        "seed": 3,
        "policy": {
            "encoders": encoders,
            "actor_hidden_dims": [8],
            "critic_hidden_dims": [8],
            "rnn_hidden_size": 5,
            "normalize_observations": True,
        },
        "algorithm": {
            "num_learning_epochs": 2,
            "num_mini_batches": 2,
            "sequence_length": 3,
            "weight_decay": 0.01,
            "schedule": "cosine",
            "symmetry": symmetry,
        },
        "runner": {
            "policy_class_name": "SharedActorCritic",
            "num_steps_per_env": 6,
            "max_iterations": 4,
            "save_interval": 50,
            "logger": "none",
        },
    }
    return OnPolicyRunner(SymmetricToyVecEnv(**env), cfg, str(log_dir))


@pytest.mark.parametrize("symmetry", ["none", "augment"])
def test_four_iterations_equal_two_and_two_resumed(tmp_path: Path, symmetry: str) -> None:
    make(tmp_path / "whole", symmetry).learn(4, init_at_random_ep_len=True)
    make(tmp_path / "parts", symmetry).learn(2, init_at_random_ep_len=True)
    resumed = make(tmp_path / "parts", symmetry, seed=99)
    torch.randn(17)
    resumed.load(latest_checkpoint(str(tmp_path / "parts")))
    resumed.learn(2)
    assert_same_checkpoint(str(tmp_path / "parts" / "model_4.pt"), str(tmp_path / "whole" / "model_4.pt"))


def test_policy_of_a_checkpoint_can_be_built_from_it_alone(tmp_path: Path) -> None:
    runner = make(tmp_path, "none")
    runner.learn(1)
    content = load_checkpoint(latest_checkpoint(str(tmp_path)))
    meta = content["meta"]
    dims = {group: tuple(shape) for group, shape in meta["observation_dims"].items()}
    policy = SharedActorCritic(dims, meta["num_actions"], **meta["policy"])
    policy.load_state_dict(content["model_state_dict"])
    obs = {group: torch.randn(2, *shape) for group, shape in dims.items()}
    torch.testing.assert_close(policy.eval().act_inference(obs)[0], runner.policy.eval().act_inference(obs)[0])


def test_what_was_seen_once_is_remembered() -> None:
    # An episode lasts 4 steps. The cue, -1 or 1, is seen in the first alone; the reward of a step is -(action - cue)^2.
    # Without a memory the best is the mean of the cue, 0, at a cost of 1 from the second step on. Sequences of 2 steps
    # are differentiated, so what is learned there must hold over the whole episode through the memory that is carried.
    envs, episode = 256, 4
    dims = {"cue": (1,), "clock": (1,)}
    policy = SharedActorCritic(
        dims,
        1,
        init_noise_std=0.3,
        actor_hidden_dims=[16],
        critic_hidden_dims=[16],
        rnn_type="gru",
        rnn_hidden_size=16,
        encoders={"clock": {}, "sight": {"groups": ["cue"], "hidden_dims": [8], "output_dim": 4}},
    )
    algorithm = PPO(policy, gamma=0.5, num_mini_batches=2, entropy_coef=0.0, sequence_length=2, learning_rate=3e-3)
    algorithm.init_storage(envs, episode, dims, 1)

    def observe(step: int, cue: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"cue": cue if step == 0 else torch.zeros_like(cue), "clock": torch.full_like(cue, step / episode)}

    def draw(count: int) -> torch.Tensor:
        return 2.0 * torch.randint(2, (count, 1)) - 1.0

    cue = draw(envs)
    for _ in range(40):
        for step in range(episode):
            actions = algorithm.act(observe(step, cue))
            done = torch.full((envs,), step == episode - 1)
            algorithm.process_env_step(-(actions - cue).square().squeeze(1), done, {})
        cue = draw(envs)
        algorithm.compute_returns(observe(0, cue))
        algorithm.update()

    cue, hidden = draw(100), None
    for step in range(episode):
        actions, hidden = policy.act_inference(observe(step, cue), hidden)
        assert (actions - cue).square().mean() < 0.1, step
