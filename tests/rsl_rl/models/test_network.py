"""Networks of all parts: what they compute and remember, where gradients go, in which order weights are drawn."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from rsl_rl.algorithms import PPO
from rsl_rl.models import POLICIES, ActorCritic, Network, SharedActorCritic, reset_hidden
from rsl_rl.modules import MLP, Memory
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import RslRlError

DIMS = {"body": (4,), "scan": (6,), "hurdles": (3,), "history": (50,)}
EXPERTS = {"names": ["flat", "jump"], "gate": {"groups": ["hurdles"], "hidden_dims": [5]}}
# everything at once, with a memory wherever one may be
EVERYTHING: dict[str, Any] = {
    "actor": {
        "encoders": {
            "body": {},
            "past": {"groups": ["history"], "history_conv": {}, "hidden_dims": [8]},
            "scan": {"rnn_hidden_size": 4, "fusion": "gated"},
        },
        "hidden_dims": [7],
        "rnn_hidden_size": 6,
        "experts": {
            "names": ["flat", "jump"],
            "top_k": 1,
            "gate": {"groups": ["hurdles"], "hidden_dims": [], "rnn_hidden_size": 3},
        },
    },
    "critic": {"encoders": {"body": {}, "scan": {"rnn_hidden_size": 5, "output_dim": 2}}, "hidden_dims": [9]},
}


def observations(*batch: int) -> dict[str, torch.Tensor]:
    return {group: torch.randn(*batch, *shape) for group, shape in DIMS.items()}


def gated() -> Network:
    encoders = {"body": {}, "scan": {"fusion": "gated"}}
    return Network("policy", DIMS, 2, encoders=encoders, hidden_dims=[5, 3], activation="relu")


def test_a_gated_encoder_is_added_into_the_first_hidden_layer() -> None:
    network, obs = gated(), observations(4)
    state = network.state_dict()
    assert torch.equal(state["encoders.scan.gate"], torch.zeros(5))
    assert torch.equal(network(obs)[0], network.head(obs["body"]))  # as if the encoder were not there

    gate = torch.randn(5)
    with torch.no_grad():
        network.encoders["scan"].gate.copy_(gate)

    def layer(name: str, x: torch.Tensor) -> torch.Tensor:
        return linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    first = layer("head.hidden.0", obs["body"]) + layer("encoders.scan.added", obs["scan"]) * gate
    expected = layer("head.output", layer("head.hidden.1", first.relu()).relu())
    torch.testing.assert_close(network(obs)[0], expected)
    many = observations(512)  # where hidden layers are computed in another way
    torch.testing.assert_close(network(many)[0], network.eval()(many)[0], rtol=1e-4, atol=1e-5)


def test_a_gate_at_zero_learns_first_and_then_the_layer_behind_it() -> None:
    network, obs = gated(), observations(8)
    encoder = network.encoders["scan"]
    network(obs)[0].sum().backward()
    assert encoder.gate.grad.abs().sum() > 0
    assert encoder.added.weight.grad.abs().sum() == 0
    with torch.no_grad():
        encoder.gate.add_(encoder.gate.grad)
    network(obs)[0].sum().backward()
    assert encoder.added.weight.grad.abs().sum() > 0


def test_the_gate_of_experts_reads_what_they_do_not() -> None:
    network = Network("policy", DIMS, 2, groups=["body"], hidden_dims=[8], experts=EXPERTS)
    assert network.groups == ["body", "hurdles"]
    obs = observations(6)
    features = network.features(obs)
    torch.testing.assert_close(features.latents["gate"].sum(1), torch.ones(6))
    logits, _ = network.gate(obs)
    torch.testing.assert_close(features.latents["gate"], logits.softmax(1))
    flat, jump = (expert(obs["body"]) for expert in network.head.experts.values())
    weights = features.latents["gate"].unsqueeze(2)
    torch.testing.assert_close(network(obs)[0], weights[:, 0] * flat + weights[:, 1] * jump)

    other = network.features({**obs, "hurdles": obs["hurdles"] + 1.0})
    assert torch.equal(other.x, features.x)
    assert not torch.equal(other.latents["gate"], features.latents["gate"])
    network(obs)[0].square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_training_moves_experts_and_gate() -> None:
    policy = ActorCritic(
        DIMS, 2, actor={"groups": ["body"], "experts": EXPERTS}, critic_obs_groups=["body"], actor_hidden_dims=[8]
    )
    before = {name: x.clone() for name, x in policy.state_dict().items()}
    algorithm = PPO(policy, num_mini_batches=1, num_learning_epochs=2)
    algorithm.init_storage(8, 4, DIMS, 2)
    for _ in range(4):
        algorithm.act(observations(8))
        algorithm.process_env_step(torch.randn(8), torch.zeros(8, dtype=torch.bool), {})
    algorithm.compute_returns(observations(8))
    algorithm.update()
    after = policy.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {"actor.head.temperature"}


def test_memories_have_the_names_of_their_parts() -> None:
    policy = ActorCritic(DIMS, 3, rnn_type="gru", **EVERYTHING)
    assert policy.is_recurrent
    assert not policy.is_shared
    assert policy.groups == ["body", "history", "scan", "hurdles"]
    hidden = policy.initial_hidden(2)
    sizes = {network: {name: x.shape[2] for name, x in states.items()} for network, states in hidden.items()}
    assert sizes == {"actor": {"h": 6, "scan.h": 4, "gate.h": 3}, "critic": {"scan.h": 5}}


@pytest.mark.parametrize("rnn_type", ["gru", "lstm"])
def test_whole_rollout_equals_steps_with_resets(rnn_type: str) -> None:
    steps, envs = 9, 5
    policy = ActorCritic(DIMS, 3, rnn_type=rnn_type, **EVERYTHING)
    nn.init.normal_(policy.actor.encoders["scan"].gate)
    obs, dones = observations(steps, envs), torch.rand(steps, envs) < 0.25
    start = {
        network: {name: torch.randn_like(x) for name, x in states.items()}
        for network, states in policy.initial_hidden(envs).items()
    }
    hidden, rows = start, []
    for step in range(steps):
        mean, values, latents, hidden = policy.evaluate({group: x[step] for group, x in obs.items()}, hidden)
        assert list(latents) == ["past", "scan", "gate"]
        rows.append([mean, values, *latents.values()])
        hidden = {network: reset_hidden(states, dones[step]) for network, states in hidden.items()}
    stepped = [torch.cat(column) for column in zip(*rows)]
    flat, pieces = {group: x.flatten(0, 1) for group, x in obs.items()}, Trajectories(dones)
    mean, values, latents, _ = policy.evaluate(flat, start, pieces)
    torch.testing.assert_close(policy.values(flat, start, pieces), values)
    whole = [mean, values, *latents.values()]
    weights = [torch.randn_like(x) for x in whole]
    parameters = [p for name, p in policy.named_parameters() if "distribution" not in name]
    results = [
        [*outputs, *torch.autograd.grad(sum((x * w).sum() for x, w in zip(outputs, weights)), parameters)]
        for outputs in (whole, stepped)
    ]
    for found, expected in zip(*results):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_settings_of_one_network_win_over_those_of_both() -> None:
    policy = ActorCritic(
        DIMS, 2, actor_obs_groups=["body"], critic_obs_groups=["scan"], actor={"hidden_dims": [3]},
        critic={"rnn_hidden_size": 4, "groups": ["hurdles"]}, actor_hidden_dims=[9], critic_hidden_dims=[8],
    )  # fmt: skip
    assert policy.actor.head.hidden[0].weight.shape == (3, 4)
    assert policy.critic.head.hidden[0].weight.shape == (8, 4)
    assert policy.groups == ["body", "hurdles"]
    assert (policy.actor.is_recurrent, policy.is_recurrent) == (False, True)


def test_a_shared_critic_by_class_and_by_setting_is_the_same() -> None:
    settings = {
        "encoders": {"body": {}, "scan": {"output_dim": 3}},
        "actor_hidden_dims": [8],
        "critic_hidden_dims": [5],
    }
    torch.manual_seed(0)
    first = SharedActorCritic(DIMS, 2, rnn_hidden_size=None, **settings)
    torch.manual_seed(0)
    second = ActorCritic(DIMS, 2, critic="shared", **settings)
    assert second.is_shared
    assert list(first.parts()) == list(second.parts()) == ["body", "scan", "head", "critic", "distribution"]
    assert first.state_dict().keys() == second.state_dict().keys()
    assert all(torch.equal(x, second.state_dict()[name]) for name, x in first.state_dict().items())
    own = SharedActorCritic(DIMS, 2, critic={"groups": ["hurdles"]}, **settings)
    assert (own.is_shared, own.groups) == (False, ["body", "scan", "hurdles"])


def drawn(kind: str) -> list[nn.Module]:
    """Modules in the order in which the policy of a name draws their weights."""
    if kind == "ActorCritic":
        return [MLP(4, 2, [8]), MLP(3, 1, [7])]
    if kind == "ActorCriticRecurrent":
        return [MLP(6, 2, [8]), Memory(4, 6), MLP(6, 1, [7]), Memory(3, 6)]
    return [MLP(4, 3, [5]), Memory(3, 6), MLP(6, 2, [8]), MLP(6, 1, [7])]


@pytest.mark.parametrize("kind", POLICIES)
def test_weights_are_drawn_in_the_order_of_earlier_versions(kind: str) -> None:
    settings: dict[str, Any] = {"actor_hidden_dims": [8], "critic_hidden_dims": [7], "rnn_hidden_size": 6}
    if kind == "SharedActorCritic":
        settings["encoders"] = {"body": {"hidden_dims": [5], "output_dim": 3}}
    torch.manual_seed(3)
    policy = POLICIES[kind](DIMS, 2, actor_obs_groups=["body"], critic_obs_groups=["hurdles"], **settings)
    torch.manual_seed(3)
    expected = [x for module in drawn(kind) for x in module.state_dict().values()]
    found = [x for name, x in policy.state_dict().items() if "log_std" not in name]
    assert len(found) == len(expected)
    digests = [sorted(x.double().sum().item() for x in tensors) for tensors in (found, expected)]
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"critic": "own"}, "policy.critic is 'own'; it may be 'shared', or settings of its own"),
        ({"actor": {"hidden_dim": [3]}}, "unknown key policy.actor.hidden_dim: did you mean hidden_dims"),
        ({"critic": {"encoders": {"bod": {}}}}, "no observation group 'bod'; did you mean body?"),
        ({"actor": {"encoders": {"body": {"outputs": 3}}}}, "unknown key policy.actor.encoders.body.outputs"),
        ({"encoders": {"scan": {"fusion": "gated"}}}, "policy.encoders is empty"),
        ({"encoders": {"scan": {"fusion": "gate"}}}, "policy.encoders.scan.fusion is 'gate'; did you mean gated?"),
        (
            {"encoders": {"body": {}, "scan": {"fusion": "gated"}}, "actor_hidden_dims": []},
            "policy.encoders.scan.fusion is 'gated', but the network has no hidden_dims",
        ),
        ({"encoders": {"body": {"output_activation": "tanh"}}}, "policy.encoders.body.output_activation is behind"),
        ({"actor": {"experts": {"names": ["a"]}}}, "policy.actor.experts.names is ['a']"),
        (
            {"actor": {"experts": {**EXPERTS, "gate": {"group": []}}}},
            "policy.actor.experts.gate.group: did you mean",
        ),
    ],
)
def test_mistakes_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        ActorCritic(DIMS, 2, **{"actor_obs_groups": ["body"], "critic_obs_groups": ["body"], **settings})
    assert message in str(caught.value)
