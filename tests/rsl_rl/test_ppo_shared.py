"""PPO on policies that share features, in sequences, and with mirror images of what they remember."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from rsl_rl.algorithms import PPO
from rsl_rl.algorithms.gae import compute_gae
from rsl_rl.models import ActorCriticRecurrent, Policy, reset_hidden
from rsl_rl.utils import bfloat16
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.shared_policies import DIMS, KINDS, NUM_ACTIONS, RECURRENT, make_policy

ENVS, STEPS = 8, 12
# Halves change places; signs follow.
MAPS = {
    "body": (torch.tensor([2, 3, 0, 1]), torch.tensor([1.0, -1, 1, -1])),
    "scan": (torch.tensor([3, 4, 5, 0, 1, 2]), torch.ones(6)),
    "command": (torch.tensor([0, 1]), torch.tensor([1.0, -1])),
    "hidden_state": (torch.arange(5), torch.tensor([1.0, -1, 1, -1, 1])),
    "actions": (torch.tensor([2, 1, 0]), torch.tensor([1.0, -1, 1])),
}

Rollout = dict[str, Any]


def make_ppo(policy: Policy, **settings: Any) -> PPO:
    settings = {"num_mini_batches": 2, "num_learning_epochs": 2, "schedule": "fixed", **settings}
    algorithm = PPO(policy, **settings)
    algorithm.init_storage(ENVS, STEPS, DIMS, NUM_ACTIONS)
    return algorithm


def random_rollout(seed: int = 0) -> Rollout:
    generator = torch.Generator().manual_seed(seed)

    def draw(steps: int, *shape: int) -> torch.Tensor:
        return torch.randn(steps, ENVS, *shape, generator=generator)

    dones = draw(STEPS) > 1.0
    return {
        "obs": {group: draw(STEPS + 1, *shape) for group, shape in DIMS.items()},
        "rewards": draw(STEPS),
        "dones": dones,
        "time_outs": dones & (draw(STEPS) > 0.0),
    }


def collect(algorithm: PPO, rollout: Rollout) -> None:
    for step in range(STEPS):
        algorithm.act({group: x[step] for group, x in rollout["obs"].items()})
        algorithm.process_env_step(
            rollout["rewards"][step], rollout["dones"][step], {"time_outs": rollout["time_outs"][step]}
        )
    algorithm.compute_returns({group: x[-1] for group, x in rollout["obs"].items()})


def state(policy: Policy) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in policy.parameters()]).clone()


@pytest.mark.parametrize("kind", KINDS)
def test_rollout_is_recorded(kind: str) -> None:
    policy = make_policy(kind)
    algorithm, rollout = make_ppo(policy), random_rollout()
    hidden: dict[str, Any] = policy.initial_hidden(ENVS)
    means, values = torch.zeros(STEPS, ENVS, NUM_ACTIONS), torch.zeros(STEPS + 1, ENVS)
    with torch.no_grad():
        for step in range(STEPS + 1):
            obs = {group: x[step] for group, x in rollout["obs"].items()}
            if step < STEPS:
                means[step], values[step], _, hidden = policy.evaluate(obs, hidden)
                hidden["actor"] = reset_hidden(hidden["actor"], rollout["dones"][step])
            else:
                values[step] = policy.values(obs, hidden)
    collect(algorithm, rollout)
    storage = algorithm.storage
    torch.testing.assert_close(storage.action_means, means)
    torch.testing.assert_close(storage.values, values[:-1])
    _, returns = compute_gae(
        rollout["rewards"], values[:-1], values[-1], rollout["dones"], rollout["time_outs"], 0.99, 0.95
    )
    torch.testing.assert_close(storage.returns, returns)
    assert sorted(storage.observations) == sorted(policy.groups)


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("length", [None, 4, 1])
def test_sequences_find_again_what_was_recorded(kind: str, length: int | None) -> None:
    # The networks have not changed, so from the memory at the start of each sequence the recorded means must follow.
    policy = make_policy(kind, "lstm" if kind == "everywhere" else "gru")
    algorithm = make_ppo(policy, sequence_length=length)
    for seed in (1, 2):
        collect(algorithm, random_rollout(seed))
        if seed == 1:
            algorithm.update()
    seen = 0
    for batch in algorithm.storage.recurrent_mini_batches(3, 1):
        means, values, *_ = policy.evaluate(batch.observations, batch.hidden, batch.trajectories)
        torch.testing.assert_close(means, batch.action_means, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(values, batch.values, rtol=1e-4, atol=1e-5)
        seen += len(values)
    assert seen == STEPS * ENVS


def plain_losses(algorithm: PPO) -> torch.Tensor:
    """The loss of PPO over the whole rollout, computed step by step, cut off from the past every 4 steps."""
    storage, policy = algorithm.storage, algorithm.policy
    hidden: dict[str, Any] = {
        name: {key: x[:, 0] for key, x in states.items()} for name, states in storage.hidden.items()
    }
    log_ratios, errors = [], []
    for step in range(STEPS):
        if step % 4 == 0:
            hidden["actor"] = {key: x.detach() for key, x in hidden["actor"].items()}
        obs = {group: x[step] for group, x in storage.observations.items()}
        means, values, _, hidden = policy.evaluate(obs, hidden)
        hidden["actor"] = reset_hidden(hidden["actor"], storage.dones[step])
        normal = torch.distributions.Normal(means, policy.distribution.std)
        log_ratios.append(normal.log_prob(storage.actions[step]).sum(-1) - storage.log_probs[step])
        old, goal = storage.values[step], storage.returns[step]
        clipped = old + torch.clamp(values - old, -0.2, 0.2)
        errors.append(torch.maximum((values - goal) ** 2, (clipped - goal) ** 2))
        entropy = normal.entropy().sum(-1).mean()
    ratio, advantages = torch.stack(log_ratios).exp(), storage.advantages
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages).mean()
    return -surrogate + 0.5 * torch.stack(errors).mean() - 0.01 * entropy


@pytest.mark.parametrize("kind", RECURRENT)
def test_gradient_of_sequences_is_that_of_steps(kind: str) -> None:
    policy = make_policy(kind)
    algorithm = make_ppo(policy, sequence_length=4, value_loss_coef=0.5)
    collect(algorithm, random_rollout(1))
    algorithm.update()
    collect(algorithm, random_rollout(2))
    expected = torch.autograd.grad(plain_losses(algorithm), list(policy.parameters()))
    (batch,) = algorithm.storage.recurrent_mini_batches(1, 1)
    algorithm._compute_gradients(batch, policy.distribution.log_std.detach())
    for (name, parameter), gradient in zip(policy.named_parameters(), expected):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_and_the_one_length_of_the_gradient(kind: str) -> None:
    policy = make_policy(kind)
    algorithm = make_ppo(policy, max_grad_norm=0.05, num_learning_epochs=1, num_mini_batches=1)
    collect(algorithm, random_rollout())
    before = state(policy)
    metrics = algorithm.update()
    names = {"value_function", "surrogate", "entropy", "kl", "policy_grad_norm", "skipped_updates"}
    assert set(metrics) == names
    assert metrics["skipped_updates"] == 0
    assert metrics["policy_grad_norm"] > 0.05
    gradients = torch.cat([p.grad.flatten() for p in policy.parameters() if p.grad is not None])
    assert float(gradients.norm()) == pytest.approx(0.05, rel=1e-3)
    assert gradients.numel() == state(policy).numel()
    assert not torch.equal(state(policy), before)


def test_frozen_parts_do_not_change() -> None:
    policy = make_policy("inner", normalize_observations=True)
    policy.freeze(["gamma", "distribution"])
    before = {name: x.clone() for name, x in policy.state_dict().items()}
    algorithm = make_ppo(policy, weight_decay=0.1)
    collect(algorithm, random_rollout())
    assert algorithm.update()["skipped_updates"] == 0
    for name, x in policy.state_dict().items():
        frozen = name.startswith(("actor.encoders.gamma", "distribution"))
        assert torch.equal(x, before[name]) == frozen, name


def test_bfloat16_is_close_to_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "bfloat16_units", lambda: ("avx512_bf16",))
    moves = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(2)
        policy = make_policy("trunk")
        algorithm = make_ppo(policy, precision=precision)
        before = state(policy)
        collect(algorithm, random_rollout())
        assert algorithm.update()["skipped_updates"] == 0
        moves.append(state(policy) - before)
    assert not torch.equal(*moves)
    assert torch.cosine_similarity(*moves, dim=0) > 0.9


@pytest.mark.parametrize("length", [5, 0, 24])
def test_sequences_must_fit_into_the_rollout(length: int) -> None:
    with pytest.raises(RslRlError, match=f"sequence_length is {length}; it must divide runner.num_steps_per_env = 12"):
        make_ppo(make_policy("trunk"), sequence_length=length)


def test_feed_forward_policies_need_no_sequences() -> None:
    algorithm = make_ppo(make_policy("feed-forward"), sequence_length=5)
    collect(algorithm, random_rollout())
    assert algorithm.update()["skipped_updates"] == 0


def mirrored(rollout: Rollout) -> Rollout:
    obs = {group: x[..., MAPS[group][0]] * MAPS[group][1] for group, x in rollout["obs"].items() if group in MAPS}
    return {**rollout, "obs": {**rollout["obs"], **obs}}


def recurrent_policies() -> dict[str, Policy]:
    separate = {"actor_obs_groups": ["body"], "critic_obs_groups": ["scan"], "actor_hidden_dims": [6]}
    return {
        "trunk": make_policy("trunk"),
        "inner": make_policy("inner"),
        "separate": ActorCriticRecurrent(
            DIMS, NUM_ACTIONS, critic_hidden_dims=[6], rnn_hidden_size=5, rnn_type="lstm", **separate
        ),
    }


@pytest.mark.parametrize("kind", ["trunk", "inner", "separate"])
def test_memory_of_the_image_is_the_memory_in_the_mirrored_world(kind: str) -> None:
    policy = recurrent_policies()[kind]
    stored = []
    for rollout in (random_rollout(), mirrored(random_rollout())):
        algorithm = make_ppo(copy.deepcopy(policy), symmetry="augment", mirror_maps=MAPS, sequence_length=4)
        collect(algorithm, rollout)
        stored.append(algorithm.storage.hidden)
    for name in ("actor", "critic"):
        for first, second in (stored, stored[::-1]):
            for key, x in first[name].items():
                torch.testing.assert_close(x, second[f"image_{name}"][key])
    assert any(bool(x.any()) for x in stored[0]["image_actor"].values())


@pytest.mark.parametrize("kind", ["trunk", "inner", "separate"])
def test_augmented_gradients_do_not_tell_left_from_right(kind: str) -> None:
    # A rollout and its mirror image, each with its own image added, hold the same samples.
    policy = recurrent_policies()[kind]
    results = []
    for is_image in (False, True):
        algorithm = make_ppo(copy.deepcopy(policy), symmetry="augment", mirror_maps=MAPS, sequence_length=4)
        torch.manual_seed(0)
        collect(algorithm, random_rollout())
        (batch,) = algorithm.storage.recurrent_mini_batches(1, 1)
        if is_image:
            mirror, names = algorithm.extensions["symmetry"].mirror, batch.hidden
            swapped = {f"image_{n}": names[n] for n in ("actor", "critic")}
            batch = batch._replace(
                observations=mirror.images(batch.observations),
                actions=mirror.image("actions", batch.actions),
                hidden={**swapped, **{n: names[f"image_{n}"] for n in ("actor", "critic")}},
            )
        terms = algorithm._compute_gradients(batch, algorithm.policy.distribution.log_std.detach())
        results.append((terms["surrogate"], terms["value_function"], algorithm._gradients.buffer.clone()))
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-6)


def test_loss_on_asymmetry_reaches_recurrent_policies() -> None:
    algorithm = make_ppo(
        make_policy("trunk"), symmetry="loss", symmetry_loss_coef=100.0, mirror_maps=MAPS, learning_rate=1e-2
    )
    asymmetry = []
    for seed in range(12):
        collect(algorithm, random_rollout(seed))
        asymmetry.append(algorithm.update()["symmetry"])
    assert asymmetry[-1] < 0.1 * asymmetry[0]


def test_images_have_no_mirror_map() -> None:
    with pytest.raises(RslRlError, match="lacks 'depth'"):
        make_ppo(make_policy("image"), symmetry="augment", mirror_maps=MAPS)


def test_state_without_memories_of_images_can_go_on_with_them() -> None:
    first = make_ppo(make_policy("trunk"))
    collect(first, random_rollout())
    second = make_ppo(make_policy("trunk"), symmetry="augment", mirror_maps=MAPS)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.hidden["actor"]["h"], first.hidden["actor"]["h"])
    assert not second.hidden["image_actor"]["h"].any()
    first.load_state_dict(second.state_dict())
    assert list(first.hidden) == ["actor", "critic"]


def test_a_critic_that_shares_features_cannot_warm_up_alone() -> None:
    with pytest.raises(RslRlError, match="critic_warm_up"):
        make_ppo(make_policy(next(iter(KINDS))), critic_warm_up=1)
