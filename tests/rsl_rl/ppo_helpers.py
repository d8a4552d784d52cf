"""Rollouts of random numbers for tests of PPO."""

from __future__ import annotations

from typing import Any

import torch

from rsl_rl.algorithms import PPO
from rsl_rl.models import ActorCritic, ActorCriticRecurrent

DIMS = {"policy": (6,), "critic": (7,)}
NUM_ENVS, NUM_STEPS, NUM_ACTIONS = 16, 8, 3


def make_ppo(recurrent: str = "", policy: Any = None, **settings: Any) -> PPO:
    """A small PPO with its storage; `recurrent` is "", "gru" or "lstm"."""
    sizes = {"actor_hidden_dims": [32, 16], "critic_hidden_dims": [32, 16], **(policy or {})}
    if recurrent:
        networks: ActorCritic = ActorCriticRecurrent(DIMS, NUM_ACTIONS, rnn_type=recurrent, rnn_hidden_size=12, **sizes)
    else:
        networks = ActorCritic(DIMS, NUM_ACTIONS, **sizes)
    algorithm = PPO(networks, **settings)
    algorithm.init_storage(NUM_ENVS, NUM_STEPS, DIMS, NUM_ACTIONS)
    return algorithm


def random_rollout(seed: int = 0) -> dict[str, torch.Tensor]:
    """Observations "policy" and "critic" (T + 1, N, D), "rewards", "dones" and "time_outs" (T, N)."""
    generator = torch.Generator().manual_seed(seed)

    def draw(steps: int, *shape: int) -> torch.Tensor:
        return torch.randn(steps, NUM_ENVS, *shape, generator=generator)

    dones = draw(NUM_STEPS) > 1.0
    return {
        **{name: draw(NUM_STEPS + 1, *shape) for name, shape in DIMS.items()},
        "rewards": draw(NUM_STEPS),
        "dones": dones,
        "time_outs": dones & (draw(NUM_STEPS) > 0.0),
    }


def collect(algorithm: PPO, rollout: dict[str, torch.Tensor]) -> None:
    """Go through a rollout, up to and including the returns."""
    for step in range(NUM_STEPS):
        algorithm.act({name: rollout[name][step] for name in DIMS})
        algorithm.process_env_step(
            rollout["rewards"][step], rollout["dones"][step], {"time_outs": rollout["time_outs"][step]}
        )
    algorithm.compute_returns({name: rollout[name][-1] for name in DIMS})


def parameters(algorithm: PPO) -> torch.Tensor:
    """All parameters in one vector."""
    return torch.cat([p.detach().flatten() for p in algorithm.policy.parameters()]).clone()


def gradients(algorithm: PPO) -> torch.Tensor:
    """All gradients in one vector."""
    return torch.cat([p.grad.flatten() for p in algorithm.policy.parameters() if p.grad is not None]).clone()
