"""The loss on a gate, and its temperature, against hand numbers."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from rsl_rl.extensions import Context, Experts
from rsl_rl.models import ActorCritic, Outputs
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.ppo_helpers import DIMS, collect, make_ppo, random_rollout


def make(num_experts: int = 3, top_k: Any = None, **settings: Any) -> tuple[Experts, ActorCritic]:
    experts = {"names": ["flat", "jump", "crawl"][:num_experts], "top_k": top_k, "gate": {"hidden_dims": [4]}}
    policy = ActorCritic(DIMS, 2, actor={"experts": experts}, actor_hidden_dims=[4], critic_hidden_dims=[4])
    return Experts(Context(policy, torch.device("cpu")), **settings), policy


def losses(extension: Experts, weights: Any) -> dict[str, tuple[float, float]]:
    outputs = Outputs(torch.zeros(2, 2), torch.zeros(2), {"gate": torch.tensor(weights)}, {})
    found = extension.losses(None, outputs)  # type: ignore[arg-type]
    return {name: (weight, loss.item()) for name, (weight, loss) in found.items()}


def test_three_experts_by_hand() -> None:
    # Loads 3/4, 1/4, 0: from 1/3 they are 5/12, 1/12 and 4/12 away, squares 25/144 + 1/144 + 16/144 = 7/24.
    # Entropies 0 and log 2, mean log(2)/2. The least load is 0.1 below 0.1.
    extension, _ = make(balance_coef=0.03, entropy_bonus=0.02, diversity_coef=0.05, min_usage=0.1)
    found = losses(extension, [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    expected = 0.03 * 7 / 24 - 0.02 * math.log(2) / 2 + 0.05 * 0.1
    assert found["moe_aux"] == pytest.approx((1.0, expected))
    del found["moe_aux"]
    watched = {"gate_entropy": math.log(2) / 2, "gate_min_usage": 0.0, "gating_temperature": 2.0}
    usage = {"gate_usage/flat": 0.75, "gate_usage/jump": 0.25, "gate_usage/crawl": 0.0}
    assert found == {name: pytest.approx((0.0, value), abs=1e-6) for name, value in {**watched, **usage}.items()}


def test_two_experts_that_share_have_no_loss_but_the_bonus() -> None:
    extension, _ = make(2, entropy_bonus=(0.5, 0.0, 0, 10))
    assert losses(extension, [[0.5, 0.5], [0.5, 0.5]])["moe_aux"][1] == pytest.approx(-0.5 * math.log(2))
    extension.set_progress(5, 100)
    assert losses(extension, [[0.5, 0.5], [0.5, 0.5]])["moe_aux"][1] == pytest.approx(-0.25 * math.log(2))


def test_a_gate_is_told_what_each_expert_is_for() -> None:
    """-log 0.5 and -log 0.25, their mean weighs 2."""
    policy = ActorCritic({**DIMS, "mode": (4,)}, 2, actor={"experts": {"names": ["a", "b", "c"]}})
    settings = {"balance_coef": 0.0, "entropy_bonus": 0.0, "diversity_coef": 0.0, "mode_coef": 2.0}
    extension = Experts(Context(policy, torch.device("cpu")), modes="mode", **settings)
    assert list(extension.groups) == ["mode"]
    observations = {"mode": torch.tensor([[0.0, 1.0, 0.0, 7.0], [0.0, 0.0, 1.0, 7.0]])}
    gate = torch.tensor([[0.3, 0.5, 0.2], [0.25, 0.5, 0.25]])
    outputs = Outputs(torch.zeros(2, 2), torch.zeros(2), {"gate": gate}, {})
    weight, loss = extension.losses(SimpleNamespace(observations=observations), outputs)["moe_aux"]  # type: ignore[arg-type]
    assert weight * loss.item() == pytest.approx(math.log(2) + math.log(4))
    with pytest.raises(RslRlError, match="modes: 'nothing' is no group with a number for each expert"):
        Experts(Context(policy, torch.device("cpu")), modes="nothing", **settings)


def test_the_temperature_is_the_policys() -> None:
    extension, policy = make(temperature=(2.0, 0.6, 0, 6000))
    found = []
    for iteration in (0, 2000, 6000):
        extension.set_progress(iteration, 50000)
        found.append(policy.actor.head.temperature.item())  # type: ignore[union-attr]
    assert found == pytest.approx([2.0, 1.65, 0.6])  # a third of the way leaves 3/4 of 1.4


@pytest.mark.parametrize("top_k", [None, 2])
def test_an_unused_expert_is_used_again(top_k: Any) -> None:
    """PPO itself has no say here; top_k leaves the loss finite."""
    torch.manual_seed(0)
    experts = {"names": ["a", "b", "c"], "top_k": top_k, "gate": {"hidden_dims": [4]}}
    settings = {"balance_coef": 1.0, "entropy_bonus": 0.0, "diversity_coef": 0.0, "temperature": 1.0}
    algorithm = make_ppo(policy={"actor": {"experts": experts}}, extensions={"experts": settings}, learning_rate=1e-2)
    algorithm.extensions["experts"].policy_loss_coef = 0.0
    with torch.no_grad():
        algorithm.policy.actor.gate.head.output.bias.copy_(torch.tensor([2.0, 1.0, 0.0]))  # type: ignore[union-attr]
    usage = []
    for seed in range(10):
        collect(algorithm, random_rollout(seed))
        metrics = algorithm.update()
        assert metrics["skipped_updates"] == 0
        usage.append(max(metrics[f"gate_usage/{name}"] for name in "abc"))
    assert usage[-1] < usage[0] - 0.05


def test_a_policy_without_experts_is_told() -> None:
    with pytest.raises(RslRlError, match=r"experts: the actor has no experts; set policy\.actor"):
        make_ppo(extensions={"experts": {}})
