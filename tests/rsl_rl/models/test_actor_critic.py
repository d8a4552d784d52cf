"""Networks: which observations they read, and mistakes in their configuration."""

from __future__ import annotations

import pytest
import torch

from rsl_rl.models import ActorCritic, ActorCriticRecurrent
from rsl_rl.utils.errors import RslRlError

DIMS = {"policy": (5,), "critic": (7,), "scan": (3,), "depth": (1, 4, 6)}
OBS = {name: torch.randn(2, *shape) for name, shape in DIMS.items()}
SMALL = {"actor_hidden_dims": [8], "critic_hidden_dims": [8]}


def changes(model: torch.nn.Module, group: str) -> bool:
    """Whether the output depends on a group."""
    other = {**OBS, group: OBS[group] + 1}
    return not torch.equal(model(OBS)[0], model(other)[0])


def test_each_network_reads_its_groups() -> None:
    policy = ActorCritic(DIMS, 4, actor_obs_groups=["policy", "scan"], **SMALL)
    assert policy.groups == ["policy", "scan", "critic"]
    assert [group for group in DIMS if group != "depth" and changes(policy.actor, group)] == ["policy", "scan"]
    assert [group for group in DIMS if group != "depth" and changes(policy.critic, group)] == ["critic"]
    assert policy.actor(OBS)[0].shape == (2, 4)
    assert policy.critic(OBS)[0].shape == (2, 1)


def test_groups_are_concatenated_in_the_order_given() -> None:
    policy = ActorCritic(DIMS, 4, actor_obs_groups=["scan", "policy"], **SMALL)
    expected = policy.actor.head(torch.cat([OBS["scan"], OBS["policy"]], dim=1))
    assert torch.equal(policy.actor(OBS)[0], expected)


def test_critic_without_a_group_of_its_own_reads_that_of_the_actor() -> None:
    policy = ActorCritic({"policy": (5,)}, 4, **SMALL)
    assert policy.critic.groups == ["policy"]


def test_normalizers() -> None:
    policy = ActorCritic(DIMS, 4, normalize_observations=True, **SMALL)
    samples = {name: 10 + 3 * torch.randn(500, *shape) for name, shape in DIMS.items()}
    policy.update_normalizers(samples)
    for model, group in ((policy.actor, "policy"), (policy.critic, "critic")):
        assert torch.allclose(model.encoders[group].inputs[0].mean, samples[group].mean(0), atol=1e-4)
        expected = model.head(model.encoders[group].inputs[0](OBS[group]))
        assert torch.equal(model(OBS)[0], expected)
    assert any("mean" in key for key in policy.state_dict())


def test_feed_forward_policies_carry_no_memory() -> None:
    policy = ActorCritic(DIMS, 4, **SMALL)
    assert not policy.is_recurrent
    assert policy.initial_hidden(3) == {"actor": {}, "critic": {}}
    actions, hidden = policy.act_inference(OBS)
    assert hidden == {}
    assert torch.equal(policy.act_inference(OBS, hidden)[0], actions)


def test_memories_of_actor_and_critic_are_separate() -> None:
    policy = ActorCriticRecurrent(DIMS, 4, rnn_hidden_size=6, **SMALL)
    assert policy.is_recurrent
    hidden = policy.initial_hidden(2)
    assert hidden["actor"]["h"].shape == hidden["critic"]["c"].shape == (1, 2, 6)
    first, after = policy.act_inference(OBS)
    assert torch.equal(first, policy.act_inference(OBS, hidden["actor"])[0])
    assert not torch.equal(first, policy.act_inference(OBS, after)[0])
    names = [name for name, _ in policy.named_parameters()]
    assert any(name.startswith("actor.memory") for name in names)
    assert any(name.startswith("critic.memory") for name in names)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"actor_obs_groups": ["polici"]}, "no observation group 'polici'; did you mean policy?"),
        ({"critic_obs_groups": ["depth"]}, "'depth' has shape (1, 4, 6), this network reads flat groups"),
        ({"init_noise_sd": 1.0}, "unknown key policy.init_noise_sd: did you mean init_noise_std?"),
        ({"zzz": 1.0}, "unknown key policy.zzz: known: activation, actor, actor_hidden_dims"),
        ({"activation": "gelu"}, "policy.activation is 'gelu'; did you mean"),
        ({"init_noise_std": 0.0}, "policy.init_noise_std is 0.0, expected 0.001 to 100.0"),
    ],
)
def test_mistakes_are_told(settings: dict, message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        ActorCritic(DIMS, 4, **settings)
    assert message in str(caught.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_onnx_export_gives_the_same_actions(tmp_path: object) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    head = ActorCritic(DIMS, 4, **SMALL).eval().actor.head
    path = f"{tmp_path}/head.onnx"
    torch.onnx.export(head, (torch.zeros(1, 5),), path, input_names=["obs"], dynamo=False)
    session = onnxruntime.InferenceSession(path)
    obs = torch.randn(1, 5)
    actions = session.run(None, {"obs": obs.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(actions), head(obs).detach(), rtol=1e-4, atol=1e-5)
