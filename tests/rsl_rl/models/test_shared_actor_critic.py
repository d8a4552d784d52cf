"""Policies made of encoders: what they compute, what they remember, what they take from another."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import linear

from rsl_rl.models import POLICIES, ActorCritic, SharedActorCritic, reset_hidden
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.shared_policies import CONV, DIMS, KINDS, NUM_ACTIONS, RECURRENT, make_policy, observations


def test_formula_of_a_feed_forward_policy() -> None:
    policy = make_policy("feed-forward", activation="relu", output_activation="tanh")
    state, obs = policy.state_dict(), observations(5)

    def layer(name: str, x: torch.Tensor) -> torch.Tensor:
        return linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    scan = layer("actor.encoders.scan.mlp.output", layer("actor.encoders.scan.mlp.hidden.0", obs["scan"]).relu())
    features = torch.cat([obs["body"], scan], dim=1)
    actions = layer("actor.head.output", layer("actor.head.hidden.0", features).relu()).tanh()
    values = layer("critic.output", layer("critic.hidden.0", features).relu()).squeeze(1)

    found, found_values, found_latents, hidden = policy.evaluate(obs, policy.initial_hidden(5))
    torch.testing.assert_close(found, actions)
    torch.testing.assert_close(found_values, values)
    assert hidden == policy.initial_hidden(5) == {"actor": {}, "critic": {}}
    assert list(found_latents) == ["scan"]
    torch.testing.assert_close(found_latents["scan"], scan)


def test_encoders_are_concatenated_in_their_order() -> None:
    encoders = {"second": {"groups": ["scan", "body"]}, "first": {"groups": ["command"]}}
    policy = SharedActorCritic(DIMS, NUM_ACTIONS, encoders=encoders, rnn_hidden_size=None)
    obs = observations(3)
    assert policy.groups == policy.actor.groups == ["scan", "body", "command"]
    features, _, latents, _ = policy.actor.features(obs)
    assert torch.equal(features, torch.cat([obs["scan"], obs["body"], obs["command"]], dim=1))
    assert latents == {}


def test_encoder_with_everything() -> None:
    policy = make_policy("everywhere", activation="relu")
    encoder = policy.actor.encoders["sight"]
    obs = observations(3)
    image = encoder.inputs[0](obs["depth"])
    assert image.shape == (3, CONV["output_dim"])
    layer = encoder.mlp.output
    hidden = linear(torch.cat([image, obs["command"]], dim=1), layer.weight, layer.bias).relu()
    expected, _ = encoder.memory.rnn(hidden.unsqueeze(0))
    torch.testing.assert_close(policy.actor.features(obs).latents["sight"], expected.squeeze(0))


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        ("feed-forward", {}),
        ("trunk", {"h": (1, 2, 8)}),
        ("inner", {"gamma.h": (1, 2, 6)}),
        ("image", {"h": (1, 2, 8)}),
        ("everywhere", {"h": (2, 2, 8), "body.h": (2, 2, 3), "sight.h": (1, 2, 6)}),
    ],
)
def test_names_of_memories(kind: str, shapes: dict[str, tuple[int, ...]]) -> None:
    policy = make_policy(kind)
    assert policy.is_recurrent == policy.actor.is_recurrent == bool(shapes)
    for hidden in (policy.initial_hidden(2)["actor"], policy.act_inference(observations(2))[1]):
        assert {name: tuple(state.shape) for name, state in hidden.items()} == shapes
        assert list(hidden) == list(policy.initial_hidden(2)["actor"])
    with_cells = make_policy(kind, "lstm").initial_hidden(2)["actor"]
    assert len(with_cells) == 2 * len(shapes)


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("rnn_type", ["gru", "lstm"])
def test_whole_rollout_equals_steps_with_resets(kind: str, rnn_type: str) -> None:
    steps, envs = 9, 5
    policy = make_policy(kind, rnn_type)
    obs, dones = observations(steps, envs), torch.rand(steps, envs) < 0.25
    dones[:, 0] = False
    start = {name: torch.randn_like(state) for name, state in policy.initial_hidden(envs)["actor"].items()}

    hidden: dict[str, Any] = {"actor": start, "critic": {}}
    rows: list[list[torch.Tensor]] = []
    for step in range(steps):
        now = {group: x[step] for group, x in obs.items()}
        means, values, latents, hidden = policy.evaluate(now, hidden)
        rows.append([means, values, *latents.values()])
        hidden["actor"] = reset_hidden(hidden["actor"], dones[step])
    stepped = [torch.cat(column) for column in zip(*rows)]

    flat, pieces = {group: x.flatten(0, 1) for group, x in obs.items()}, Trajectories(dones)
    means, values, latents, after = policy.evaluate(flat, {"actor": start, "critic": {}}, pieces)
    unbroken = ~dones.any(dim=0)
    for name, state in hidden["actor"].items():
        torch.testing.assert_close(after["actor"][name][:, unbroken], state[:, unbroken])
    whole = [means, values, *latents.values()]
    weights = [torch.randn_like(x) for x in whole]
    parameters = [p for name, p in policy.named_parameters() if "distribution" not in name]
    results = [
        [*outputs, *torch.autograd.grad(sum((x * w).sum() for x, w in zip(outputs, weights)), parameters)]
        for outputs in (whole, stepped)
    ]
    for found, expected in zip(*results):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_all_ways_to_ask_agree(kind: str) -> None:
    policy, obs = make_policy(kind), observations(4)
    hidden = {
        "actor": {name: torch.randn_like(state) for name, state in policy.initial_hidden(4)["actor"].items()},
        "critic": {},
    }
    means, values, latents, after = policy.evaluate(obs, hidden)
    for actions, state in (policy.actor(obs, hidden["actor"]), policy.act_inference(obs, hidden["actor"])):
        assert torch.equal(actions, means)
        assert all(torch.equal(state[name], after["actor"][name]) for name in state)
    without = policy.evaluate(obs, {"actor": hidden["actor"]}, with_values=False)
    assert torch.equal(without.mean, means)
    assert without.values.numel() == 0
    assert all(torch.equal(x, latents[name]) for name, x in without.latents.items())
    assert torch.equal(policy.values(obs, hidden), values)
    assert values.shape == (4,)


SIZES = {
    # From the table of the networks: mono and RMA, first phase (the privileged teacher) and second (the student).
    "mono 1": (
        {"proprioception": {}, "scandots": {"hidden_dims": [64, 32], "output_dim": 16}, "commands": {}},
        {"rnn_hidden_size": 256, "actor_hidden_dims": [128, 64], "critic_hidden_dims": [128]},
        {
            "actor.encoders.scandots.mlp.hidden.0": (64, 48),
            "actor.encoders.scandots.mlp.hidden.1": (32, 64),
            "actor.encoders.scandots.mlp.output": (16, 32),
            "actor.memory.rnn.weight_ih_l0": (3 * 256, 67),
            "actor.memory.rnn.weight_hh_l0": (3 * 256, 256),
            "actor.head.hidden.0": (128, 256),
            "actor.head.hidden.1": (64, 128),
            "actor.head.output": (12, 64),
            "critic.hidden.0": (128, 256),
            "critic.output": (1, 128),
        },
    ),
    "mono 2": (
        {"proprioception": {}, "depth": {"conv": {}}, "commands": {}},
        {"rnn_hidden_size": 256, "actor_hidden_dims": [128, 64], "critic_hidden_dims": [128]},
        {"actor.memory.rnn.weight_ih_l0": (3 * 256, 179), "actor.head.hidden.0": (128, 256)},
    ),
    "rma 1": (
        {
            "proprioception": {},
            "commands": {},
            "gamma": {"groups": ["scandots"], "rnn_hidden_size": 128, "output_dim": 16},
            "z": {"groups": ["privileged"], "hidden_dims": [64, 32], "output_dim": 8},
        },
        {"rnn_hidden_size": None, "actor_hidden_dims": [256, 128], "critic_hidden_dims": [128]},
        {
            "actor.encoders.gamma.memory.rnn.weight_ih_l0": (3 * 128, 48),
            "actor.encoders.gamma.output": (16, 128),
            "actor.encoders.z.mlp.hidden.0": (64, 20),
            "actor.encoders.z.mlp.output": (8, 32),
            "actor.head.hidden.0": (256, 75),
            "actor.head.hidden.1": (128, 256),
            "actor.head.output": (12, 128),
            "critic.hidden.0": (128, 75),
            "critic.output": (1, 128),
        },
    ),
    "rma 2": (
        {
            "proprioception": {},
            "commands": {},
            "gamma": {
                "groups": ["proprioception", "commands", "depth"],
                "conv": {},
                "rnn_hidden_size": 128,
                "output_dim": 16,
            },
            "z": {"groups": ["proprioception", "commands"], "rnn_hidden_size": 64, "output_dim": 8},
        },
        {"rnn_hidden_size": None, "actor_hidden_dims": [256, 128], "critic_hidden_dims": [128]},
        {
            "actor.encoders.gamma.memory.rnn.weight_ih_l0": (3 * 128, 179),
            "actor.encoders.gamma.output": (16, 128),
            "actor.encoders.z.memory.rnn.weight_ih_l0": (3 * 64, 51),
            "actor.encoders.z.output": (8, 64),
            "actor.head.hidden.0": (256, 75),
        },
    ),
}
A1_DIMS = {"proprioception": (48,), "commands": (3,), "scandots": (48,), "privileged": (20,), "depth": (1, 58, 87)}


def a1_policy(name: str) -> SharedActorCritic:
    encoders, sizes, _ = SIZES[name]
    return SharedActorCritic(A1_DIMS, 12, encoders=encoders, rnn_type="gru", activation="relu", **sizes)


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str) -> None:
    state = a1_policy(name).state_dict()
    for key, shape in SIZES[name][2].items():
        found = state[key] if key in state else state[f"{key}.weight"]
        assert tuple(found.shape) == shape, key


@pytest.mark.parametrize(
    ("student", "teacher", "copied", "left"),
    [
        ("mono 2", "mono 1", ["head", "critic", "distribution"], {"depth", "memory"}),
        ("rma 2", "rma 1", ["head", "critic", "distribution"], {"gamma", "z"}),
        ("mono 1", "mono 1", ["scandots", "memory", "head", "critic", "distribution"], set()),
    ],
)
def test_student_takes_what_fits(student: str, teacher: str, copied: list[str], left: set[str]) -> None:
    policy, other = a1_policy(student), a1_policy(teacher)
    before = {name: x.clone() for name, x in policy.state_dict().items()}
    report = policy.copy_from(other)
    assert report.copied == copied
    assert set(report.left) == left
    for name in copied:
        own, theirs = policy.parts()[name].state_dict(), other.parts()[name].state_dict()
        assert own.keys() == theirs.keys()
        assert all(torch.equal(own[key], theirs[key]) for key in own)
        assert all(own[key].data_ptr() != theirs[key].data_ptr() for key in own)
    for name in left:
        prefix = "actor.memory." if name == "memory" else f"actor.encoders.{name}."
        keys = [key for key in before if key.startswith(prefix)]
        assert keys
        assert all(torch.equal(policy.state_dict()[key], before[key]) for key in keys)


def test_report_of_a_copy_is_one_line() -> None:
    report = str(a1_policy("mono 2").copy_from(a1_policy("mono 1")))
    assert report == (
        "copied head, critic, distribution; left depth (not in the other policy); "
        "memory (rnn.weight_ih_l0 is [768, 67] there, [768, 179] here)"
    )
    other = ActorCritic({"policy": (4,)}, 12)
    assert str(a1_policy("rma 1").copy_from(other)).startswith("copied distribution; left gamma (not in the other")


def test_frozen_parts_get_no_gradients_and_no_samples() -> None:
    policy = make_policy("trunk", normalize_observations=True)
    policy.freeze(["scan", "head"])
    policy.update_normalizers({group: 5.0 + torch.randn(50, *shape) for group, shape in DIMS.items()})
    means, values, *_ = policy.evaluate(observations(6), policy.initial_hidden(6))
    (means.sum() + values.sum()).backward()
    for name, parameter in policy.named_parameters():
        frozen = name.startswith(("actor.encoders.scan", "actor.head"))
        assert (parameter.grad is None) == (frozen or name.startswith("distribution")), name
    assert policy.actor.encoders["scan"].inputs[0].count == 0
    assert policy.actor.encoders["body"].inputs[0].count == 50


def test_normalization() -> None:
    policy = make_policy("inner", normalize_observations=True)
    policy.update_normalizers({group: 3.0 + 2.0 * torch.randn(4000, *shape) for group, shape in DIMS.items()})
    obs = {group: 3.0 + 2.0 * torch.randn(2000, *shape) for group, shape in DIMS.items()}
    body, _ = policy.actor.encoders["body"](obs)
    assert body.mean().abs() < 0.1
    assert (body.std() - 1.0).abs() < 0.1
    assert list(policy.actor.features(obs).latents) == ["gamma", "z"]
    assert not any("depth" in name or name.endswith("Identity") for name in policy.state_dict())


def test_policy_without_encoders_reads_the_groups_of_the_actor() -> None:
    policy = SharedActorCritic(DIMS, NUM_ACTIONS, actor_obs_groups=["command", "body"])
    assert policy.groups == ["command", "body"]
    assert policy.actor.memory is not None


def test_encoder_that_a_derived_configuration_dropped() -> None:
    policy = SharedActorCritic(DIMS, NUM_ACTIONS, encoders={"scan": None, "body": {}})
    assert policy.groups == ["body"]


def test_without_the_critic_the_state_dict_holds_the_actor() -> None:
    policy = make_policy("everywhere")
    kept = {name: x for name, x in policy.state_dict().items() if not name.startswith("critic.")}
    other = make_policy("everywhere")
    missing, unexpected = other.load_state_dict(kept, strict=False)
    assert unexpected == []
    assert all(name.startswith("critic.") for name in missing)
    obs = observations(2)
    assert torch.equal(other.act_inference(obs)[0], policy.act_inference(obs)[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": {}}, "unknown key policy.encoder: did you mean encoders?"),
        ({"encoders": {}}, "policy.encoders is empty"),
        ({"encoders": {"body": {"output_dims": 3}}}, "policy.encoders.body.output_dims: did you mean output_dim?"),
        ({"encoders": {"bod": {}}}, "no observation group 'bod'; did you mean body?"),
        ({"encoders": {"body": {"groups": []}}}, "policy.encoders.body.groups is empty"),
        ({"encoders": {"depth": {}}}, "'depth' has shape (1, 12, 16), this network reads flat groups; give policy.enc"),
        ({"encoders": {"body": {"conv": {}}}}, "policy.encoders.body has a conv, but none of its groups ['body']"),
        ({"encoders": {"depth": {"conv": {"stide": 1}}}}, "policy.encoders.depth.conv.stide: did you mean stride?"),
        ({"encoders": {"body": {"activation": "tan"}}}, "policy.encoders.body.activation is 'tan'; did you mean tanh"),
        ({"encoders": {"memory": {"groups": ["body"]}}}, "'memory' cannot be the name of an encoder"),
        ({"encoders": {"a.b": {"groups": ["body"]}}}, "'a.b' cannot be the name of an encoder"),
        ({"encoders": {"body": {}}, "output_activation": "tan"}, "policy.output_activation is 'tan'; did you mean"),
        ({"encoders": {"body": {}}, "rnn_type": "GRU"}, "policy.rnn_type is 'GRU'"),
    ],
)
def test_mistakes_are_told(settings: dict, message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        SharedActorCritic(DIMS, NUM_ACTIONS, **settings)
    assert message in str(caught.value)


def test_observations_of_another_width_are_refused() -> None:
    policy, obs = make_policy("trunk"), observations(2)
    with pytest.raises(RslRlError, match=r"'scan' has shape \(5,\), the policy reads \(6,\)"):
        policy.act_inference({**obs, "scan": obs["scan"][:, :5]})


def test_part_that_does_not_exist_is_not_frozen() -> None:
    with pytest.raises(RslRlError, match="has no part 'gama' to freeze; did you mean gamma"):
        make_policy("inner").freeze(["gama"])


def test_names_in_configurations() -> None:
    assert POLICIES["SharedActorCritic"] is SharedActorCritic
    assert list(POLICIES) == ["ActorCritic", "ActorCriticRecurrent", "SharedActorCritic"]


@pytest.mark.filterwarnings("ignore")
def test_onnx_export_gives_the_same_actions_and_memories(tmp_path: Any) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    policy = a1_policy("rma 2").eval()
    names = list(policy.initial_hidden(1)["actor"])

    class Step(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.actor = policy.actor

        def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            actions, after = self.actor(dict(zip(policy.groups, inputs)), dict(zip(names, inputs[3:])))
            return (actions, *(after[name] for name in names))

    inputs = [torch.randn(1, *A1_DIMS[group]) for group in policy.groups]
    inputs += [torch.randn_like(state) for state in policy.initial_hidden(1)["actor"].values()]
    path = str(tmp_path / "policy.onnx")
    labels = [*policy.groups, *names]
    torch.onnx.export(Step(), tuple(inputs), path, input_names=labels, opset_version=17, dynamo=False)
    found = onnxruntime.InferenceSession(path).run(None, {k: x.numpy() for k, x in zip(labels, inputs)})
    for x, expected in zip(found, Step()(*inputs)):
        torch.testing.assert_close(torch.from_numpy(x), expected.detach(), rtol=1e-4, atol=1e-5)
