"""PPO on problems whose solution is known."""

from __future__ import annotations

import torch

from rsl_rl.algorithms import PPO
from rsl_rl.models import ActorCritic

GAMMA = 0.95
# One step of 0.1 s of a unit mass on a line: x = (position, velocity), u = force.
A = torch.tensor([[1.0, 0.1], [0.0, 1.0]])
B = torch.tensor([[0.0], [0.1]])
Q = torch.diag(torch.tensor([1.0, 0.1]))
R = 0.01


def optimal_cost() -> torch.Tensor:
    """P of the least discounted cost x' P x, by iterating the Riccati equation of the discounted problem."""
    p = Q.clone()
    for _ in range(2000):
        gain = GAMMA * (B.t() @ p @ A) / (R + GAMMA * B.t() @ p @ B)
        p = Q + GAMMA * A.t() @ p @ A - GAMMA * A.t() @ p @ B @ gain
    return p


def step(x: torch.Tensor, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Next states and the costs of this step."""
    return x @ A.t() + u @ B.t(), (x @ Q * x).sum(1) + R * u.squeeze(1).square()


def test_double_integrator_comes_close_to_the_optimal_regulator() -> None:
    envs, steps, episode = 256, 16, 40
    policy = ActorCritic({"policy": (2,)}, 1, actor_hidden_dims=[32, 32], critic_hidden_dims=[32, 32])
    algorithm = PPO(policy, gamma=GAMMA, num_mini_batches=2, entropy_coef=0.0)
    algorithm.init_storage(envs, steps, {"policy": (2,)}, 1)

    def start(count: int) -> torch.Tensor:
        return 2.0 * torch.rand(count, 2) - 1.0

    x, age = start(envs), torch.randint(episode, (envs,))
    for _ in range(80):
        for _ in range(steps):
            actions = algorithm.act({"policy": x})
            x, cost = step(x, actions)
            age += 1
            # Episodes only ever end because time is up: without bootstrapping the values would be wrong.
            done = age >= episode
            x = torch.where(done.unsqueeze(1), start(envs), x)
            age[done] = 0
            algorithm.process_env_step(-cost, done, {"time_outs": done})
        algorithm.compute_returns({"policy": x})
        algorithm.update()

    x = start(500)
    best = (x @ optimal_cost() * x).sum(1).mean()
    with torch.no_grad():
        predicted = -policy.critic({"policy": x})[0].mean()
        total, idle, y = torch.zeros(()), torch.zeros(()), x
        for k in range(150):
            x, cost = step(x, policy.act_inference({"policy": x})[0])
            total += GAMMA**k * cost.mean()
            y, cost = step(y, torch.zeros(500, 1))
            idle += GAMMA**k * cost.mean()
    assert best <= total * 1.0001
    assert total < best + 0.03 * (idle - best), (best, total, idle)
    # The critic knows the cost of the noisy policy, which is a little above.
    assert 0.9 * best < predicted < 1.3 * best + 0.2, (best, predicted)
