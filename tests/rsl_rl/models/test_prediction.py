"""An encoder that tells observations: what others see in their place, in training and deployed, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.models import ActorCritic, Network
from rsl_rl.runners import InferencePolicy
from rsl_rl.utils.errors import RslRlError

DIMS = {"body": (3,), "eye": (1,), "hurdles": (2,)}
YAW = {"name": "yaw", "columns": [1, 3], "scale": 1.5, "within": 0.6}


def make(**predicts: Any) -> Network:
    """Encoders eye (1 feature, then what is told) and body, a sum of all inputs; the gate reads the hurdles."""
    table = {"body": YAW, "hurdles": {}, **predicts}
    encoders = {"body": {}, "eye": {"groups": ["eye", "body"], "output_dim": 5, "predicts": table}, "hurdles": {}}
    network = Network("policy", DIMS, 1, encoders=encoders, hidden_dims=[])
    with torch.no_grad():
        network.head.output.weight.copy_(torch.tensor([[1.0, 10.0, 100.0, 1e3, 1e4, 1e5]]))
        network.head.output.bias.zero_()
        # Of (eye, body 0, body 1, body 2): the feature, two yaws, two hurdles.
        rows = [[1, 0, 0, 0], [0.2, 0, 1, 0], [-0.2, 0, 0, 1], [0.5, 0, 0, 0], [0, 1, 0, 0]]
        network.encoders["eye"].output.weight.copy_(torch.tensor(rows))
        network.encoders["eye"].output.bias.zero_()
    return network


OBS = {
    "body": torch.tensor([[0.25, 0.5, 9.0], [0.25, -0.7, 8.0]]),
    "eye": torch.tensor([[1.0], [2.0]]),
    "hurdles": torch.tensor([[7.0, 7.0], [7.0, 7.0]]),
}


def test_what_is_told_takes_the_place_of_what_is_observed() -> None:
    """The eye sees zeros for the yaws, so it tells 1.5 * (0.2, -0.2) and, of eye 2, twice that."""
    network = make()
    features = network.features(OBS)
    told = torch.tensor([[0.3, -0.3], [0.6, -0.6]])
    torch.testing.assert_close(features.latents["eye.yaw"], told)
    torch.testing.assert_close(features.latents["eye.hurdles"], torch.tensor([[0.5, 0.25], [1.0, 0.25]]))
    torch.testing.assert_close(features.latents["eye"], torch.tensor([[1.0], [2.0]]))
    # body with the yaws of the first robot alone, as the second has turned away by 0.7; the eye's feature; hurdles
    seen = torch.tensor([[0.25, 0.3, -0.3, 1.0, 0.5, 0.25], [0.25, -0.7, 8.0, 2.0, 1.0, 0.25]])
    torch.testing.assert_close(features.x, seen)
    torch.testing.assert_close(network(OBS)[0], seen @ torch.tensor([[1.0, 10.0, 100.0, 1e3, 1e4, 1e5]]).t())
    assert network.groups == ["body", "eye"], "hurdles are told as a whole"


def test_deployed_it_never_looks() -> None:
    network = make().deployed()
    changed = {"body": OBS["body"] * torch.tensor([1.0, 77.0, -3.0]), "eye": OBS["eye"]}
    seen = network.features(changed).x
    torch.testing.assert_close(seen[1], torch.tensor([0.25, 0.6, -0.6, 2.0, 1.0, 0.25]))
    torch.testing.assert_close(seen, network.features(OBS).x)


def test_no_gradient_goes_through_what_is_told() -> None:
    network = make()
    network(OBS)[0].sum().backward()
    (gradient,) = [network.encoders["eye"].output.weight.grad]
    assert gradient[0].abs().sum() > 0.0, "the feature learns"
    assert torch.equal(gradient[1:], torch.zeros(4, 4))


def test_a_gate_reads_what_is_told() -> None:
    encoders = {"body": {}, "eye": {"output_dim": 3, "predicts": {"hurdles": {}}}}
    gate = {"groups": ["hurdles"], "hidden_dims": []}
    network = Network("policy", DIMS, 1, encoders=encoders, experts={"names": ["a", "b"], "gate": gate})
    first = network.features({**OBS, "hurdles": torch.zeros(2, 2)})
    assert torch.equal(first.latents["gate"], network.features(OBS).latents["gate"])
    expected = network.gate({"hurdles": first.latents["eye.hurdles"]})[0].softmax(-1)
    torch.testing.assert_close(first.latents["gate"], expected)


def test_a_whole_group_with_bounds_is_read_until_it_is_deployed() -> None:
    network = make(hurdles={"within": 5.0})
    assert network.groups == ["body", "eye", "hurdles"]
    assert network.deployed().groups == ["body", "eye"]
    torch.testing.assert_close(network.features(OBS).x[:, 4:], OBS["hurdles"])


def test_deployed_policies_share_their_weights() -> None:
    settings = {"actor_hidden_dims": [], "critic": {"groups": ["body"]}}
    encoders = {"body": {}, "eye": {"output_dim": 3, "predicts": {"body": YAW}}}
    policy = ActorCritic(DIMS, 1, encoders=encoders, **settings)
    other = policy.deployed()
    assert other.actor.is_deployed and not policy.actor.is_deployed
    assert {id(x) for x in other.parameters()} == {id(x) for x in policy.parameters()}
    plain = ActorCritic(DIMS, 1, encoders={"body": {}}, **settings)
    assert plain.deployed() is plain


def test_errors_of_a_policy_at_work() -> None:
    """The eye tells (0.3, -0.3) and (0.6, -0.6) of the yaws (0.5, 9) and (-0.7, 8)."""
    policy = ActorCritic(DIMS, 1, actor={"encoders": {"body": {}}, "hidden_dims": []}, critic={"groups": ["body"]})
    assert InferencePolicy(policy).prediction_errors(OBS) == {}
    policy.actor = make()
    errors = InferencePolicy(policy.deployed()).prediction_errors(OBS)
    wanted = {"yaw_1": [0.2, 1.3], "yaw_2": [9.3, 8.6], "hurdles_1": [6.5, 6.0], "hurdles_2": [6.75, 6.75]}
    torch.testing.assert_close(errors, {name: torch.tensor(values) for name, values in wanted.items()})


@pytest.mark.parametrize(
    ("eye", "words"),
    [
        ({"predicts": {"bdy": {}}}, "predicts.bdy: there is no flat observation group 'bdy'; did you mean body"),
        ({"predicts": {"body": {"columns": [1, 4]}}}, "predicts.body.columns is [1, 4]; the group has columns 0 to 3"),
        ({"predicts": {"body": {"column": [1, 3]}}}, "unknown key policy.encoders.eye.predicts.body.column"),
        ({"predicts": {"hurdles": {}, "body": {}}, "output_dim": 4}, "predicts tells 5 numbers"),
        ({"predicts": {"eye": {}}}, "predicts the whole of 'eye', which it reads itself"),
    ],
)
def test_mistakes(eye: dict[str, Any], words: str) -> None:
    with pytest.raises(RslRlError) as caught:
        Network("policy", DIMS, 1, encoders={"eye": {"output_dim": 6, **eye}})
    assert words in str(caught.value) and "\n" not in str(caught.value)
