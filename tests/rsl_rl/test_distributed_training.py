"""Two processes with N environments each learn what one process with all 2N learns.

All live through the same noise, and a mini-batch of the whole is what the two processes have in their mini-batches of
that number. What is left is the order in which numbers are added.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.distributed import Distributed
from tests.rsl_rl.extensions.examples import Bounds, Companion, Onlooker, table
from tests.rsl_rl.point_env import PointEnv
from tests.rsl_rl.ppo_helpers import collect, make_ppo, random_rollout
from tests.rsl_rl.processes import torchrun
from tests.rsl_rl.toy_vec_env import ToyVecEnv

N, STEPS, BATCHES, ITERATIONS = 8, 12, 4, 6
# Of two processes, and by what the rate changes: it raises below 0.005 and falls above 0.02.
KLS = {(0.0, 0.03): 1.0, (0.001, 0.05): 1 / 1.5, (0.002, 0.006): 1.5}
KINDS = {
    "feed-forward": {"policy_class_name": "ActorCritic"},
    "recurrent": {"policy_class_name": "ActorCriticRecurrent"},
    "extended": {"policy_class_name": "ActorCritic"},
}


def config(kind: str) -> dict[str, Any]:
    policy: dict[str, Any] = {"actor_hidden_dims": [16], "critic_hidden_dims": [16], "normalize_observations": True}
    if kind == "recurrent":
        policy.update(rnn_type="gru", rnn_hidden_size=8)
    runner = {
        "num_steps_per_env": STEPS,
        "max_iterations": ITERATIONS,
        "logger": "none",
        "log_interval": 100,
        **KINDS[kind],
    }
    # A fixed rate, as an adaptive one decides at thresholds of the KL. Gradients are long enough to be cut.
    algorithm: dict[str, Any] = {"num_learning_epochs": 3, "num_mini_batches": BATCHES, "schedule": "fixed"}
    algorithm["max_grad_norm"] = 0.1
    if kind == "extended":
        algorithm["extensions"] = table(Onlooker, Companion, Bounds)
    return {"seed": 3, "policy": policy, "algorithm": algorithm, "runner": runner}


def planned_split(rank: int | None) -> Any:
    """A stand-in for `RolloutStorage._split` of one of two processes, or of the one that has the samples of both.

    Sample t * N + n of process r is sample t * 2N + r * N + n of the whole.
    """
    generator = torch.Generator().manual_seed(11)

    def split(count: int, num_parts: int, what: str) -> list[torch.Tensor]:
        own = count if rank is not None else count // 2
        halves = [torch.randperm(own, generator=generator).tensor_split(num_parts) for _ in range(2)]
        if rank is not None:
            return list(halves[rank])
        whole = [[part // N * 2 * N + r * N + part % N for part in half] for r, half in enumerate(halves)]
        return [torch.cat(pair) for pair in zip(*whole)]

    return split


def train_points(kind: str, group: Distributed, rows: slice, rank: int | None) -> dict[str, Any]:
    """Train in the environments `rows` of the 2N; returns what was learned and the numbers of each iteration."""
    noise = torch.randn(STEPS * ITERATIONS + 1, 2 * N, 8, generator=torch.Generator().manual_seed(5))
    env = PointEnv(noise[:, rows])
    env.episode_length_buf.copy_((torch.arange(2 * N) % env.max_episode_length)[rows])
    history: list[dict[str, float]] = []
    runner = OnPolicyRunner(
        env, config(kind), None, callbacks=[lambda _, __, values: history.append(dict(values))], distributed=group
    )
    distribution = runner.policy.distribution
    distribution.sample = lambda mean: mean + distribution.std * env.policy_noise()
    runner.algorithm.storage._split = planned_split(rank)

    def networks() -> dict[str, torch.Tensor]:
        added = {f"extension.{i}": tensor for i, tensor in enumerate(runner.algorithm.extensions.tensors())}
        return {name: tensor.detach().clone() for name, tensor in {**runner.policy.state_dict(), **added}.items()}

    start = networks()
    runner.learn(ITERATIONS)
    tags = ("Loss/kl", "Loss/surrogate", "Loss/value_function", "Loss/entropy")
    return {
        "start": start,
        "end": networks(),
        "history": torch.tensor([[values[tag] for tag in tags] for values in history]),
    }


def train_toy(group: Distributed, num_envs: int) -> list[float]:
    """Mean returns of a training of the toy task, where the points learn to stay near zero."""
    cfg = config("feed-forward")
    cfg["algorithm"] = {"learning_rate": 1e-2, "schedule": "fixed", "entropy_coef": 0.0}
    cfg["runner"] = {"num_steps_per_env": 24, "max_iterations": 30, "logger": "none", "log_interval": 100}
    rewards: list[float] = []
    runner = OnPolicyRunner(
        ToyVecEnv(num_envs=num_envs, seed=group.seed(1), size=1, max_episode_length=40),
        cfg,
        callbacks=[lambda _, __, values: rewards.append(values.get("Train/mean_reward", 0.0))],
        distributed=group,
    )
    runner.learn(30)
    return rewards


def rate_after(kl: float, group: Distributed) -> float:
    """The adaptive rate, 1e-3 before, after two mini-batches in which this process measures `kl` (desired: 0.01)."""
    algorithm = make_ppo(num_learning_epochs=1, num_mini_batches=2, learning_rate=1e-3, distributed=group)
    algorithm.policy.distribution.kl_from = lambda *_: torch.tensor([kl])
    collect(algorithm, random_rollout())
    algorithm.update()
    return algorithm.learning_rate


def work(folder: str) -> None:
    """What each of two processes does."""
    group = Distributed.from_environment("cpu")
    rows = slice(group.rank * N, (group.rank + 1) * N)
    seen: dict[str, Any] = {kind: train_points(kind, group, rows, group.rank) for kind in KINDS}
    seen["toy"] = train_toy(group, 32)
    seen["rates"] = [rate_after(kls[group.rank], group) for kls in KLS]
    torch.save(seen, f"{folder}/{group.rank}.pt")
    group.close()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the two processes found."""
    folder = tmp_path_factory.mktemp("two")
    script = folder / "worker.py"
    script.write_text("import sys\nfrom tests.rsl_rl.test_distributed_training import work\nwork(sys.argv[1])\n")
    result = torchrun(script, str(folder))
    assert result.returncode == 0, result.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


def distance(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    """Largest difference of any parameter or moment of the observations, but not of their count."""
    names = [name for name, tensor in first.items() if tensor.is_floating_point()]
    return max((first[name] - second[name]).abs().max().item() for name in names)


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_learn_what_one_with_all_environments_learns(seen: list[dict[str, Any]], kind: str) -> None:
    first, second = (s[kind] for s in seen)
    whole = train_points(kind, Distributed(), slice(0, 2 * N), None)
    half = train_points(kind, Distributed(), slice(0, N), 0)
    assert distance(first["start"], whole["start"]) == 0.0
    assert distance(first["end"], second["end"]) == 0.0, "the processes have drifted apart"
    counts = {name for name, tensor in whole["end"].items() if not tensor.is_floating_point()}
    assert counts and all(first["end"][name] == whole["end"][name] == 2 * N * STEPS * ITERATIONS for name in counts)
    assert distance(first["end"], whole["end"]) < 1e-5
    assert distance(half["end"], whole["end"]) > 1e-2, "the other half must matter, or nothing is shown"
    torch.testing.assert_close(first["history"], whole["history"], rtol=1e-4, atol=1e-5)


def test_the_rate_adapts_to_the_divergence_of_all_samples(seen: list[dict[str, Any]]) -> None:
    for kls, *rates in zip(KLS, *(s["rates"] for s in seen)):
        assert rates == pytest.approx([KLS[kls] * 1e-3] * 2), kls
    alone = [rate_after(kl, Distributed()) / 1e-3 for kl in (0.0, 0.03)]
    assert alone == pytest.approx([1.5, 1 / 1.5]), "one of the two alone would change it"


def test_two_processes_reach_the_returns_of_one(seen: list[dict[str, Any]]) -> None:
    two, one = seen[0]["toy"], train_toy(Distributed(), 64)
    begun, ended = (sum(one[3:6]) / 3, sum(one[-5:]) / 5)
    assert ended > begun + 10.0
    assert sum(two[-5:]) / 5 == pytest.approx(ended, abs=4.0), "seeds differ by 1 (standard deviation)"
