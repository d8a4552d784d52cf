"""What extensions add to PPO, against hand numbers and plain autograd; those without a say change no bit."""

from __future__ import annotations

import copy
from typing import Any, Iterable

import pytest
import torch
from torch import nn

from rsl_rl.algorithms import PPO
from rsl_rl.extensions import Context, Extension, Extensions
from rsl_rl.models import ActorCritic, Outputs, SharedActorCritic
from rsl_rl.storage import MiniBatch
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.gradients import OwnOptimizer
from tests.rsl_rl.extensions.examples import Blind, Bounds, Companion, Copier, Onlooker, Spoiler, table
from tests.rsl_rl.extensions.test_symmetry import MAPS
from tests.rsl_rl.ppo_helpers import DIMS, NUM_STEPS, collect, gradients, make_ppo, parameters, random_rollout

CPU = torch.device("cpu")
KINDS = ["", "gru", "lstm"]


def extensions(**settings: Any) -> Extensions:
    return Extensions(settings, Context(ActorCritic(DIMS, 2), CPU))


def test_losses_by_hand() -> None:
    # |clip(mean, -2, 2) - mean| summed: (1 + 0), (0 + 3) -> mean 2; and with the limit 1: (2 + 0), (0 + 4) -> mean 3
    outputs = Outputs(torch.tensor([[3.0, -1.0], [0.0, 5.0]]), torch.zeros(2), {}, {})
    found = extensions(
        bounds={"class_name": Bounds}, watched={"class_name": Bounds, "coef": 0.0, "limit": 1.0}, none=None
    )
    first, second = found["bounds"], found["watched"]
    second.losses = lambda *a: {"tight": Bounds.losses(second, *a)["bounds"]}  # type: ignore[method-assign]
    added, terms = found.losses(None, outputs)  # type: ignore[arg-type]
    assert [x.item() for x in added] == [0.5 * 2.0]
    assert {name: x.item() for name, x in terms.items()} == {"bounds": 2.0, "tight": 3.0}
    del second.losses
    with pytest.raises(RslRlError, match=r"extensions.watched: the name 'bounds' is taken already"):
        found.losses(None, outputs)  # type: ignore[arg-type]
    first.policy_loss_coef, second.policy_loss_coef = 0.5, 0.25
    assert found.policy_loss_coef == 0.125


def batch_of(algorithm: Any) -> Any:
    storage = algorithm.storage
    return next(storage.recurrent_mini_batches(1, 1) if algorithm.policy.is_recurrent else storage.mini_batches(1, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_that_of_ppo_and_of_the_added_loss(kind: str) -> None:
    torch.manual_seed(0)
    plain = make_ppo(kind)
    torch.manual_seed(0)
    extended = make_ppo(kind, extensions=table(Bounds, coef=2.0, limit=0.01))
    found = []
    for algorithm in (plain, extended):
        torch.manual_seed(1)
        collect(algorithm, random_rollout())
        terms = algorithm._compute_gradients(batch_of(algorithm), algorithm.policy.distribution.log_std.detach())
        found.append(gradients(algorithm))
    batch, policy = batch_of(plain), plain.policy
    means, _ = policy.actor(batch.observations, batch.hidden["actor"], batch.trajectories)
    loss = (means.abs() - 0.01).clamp(min=0.0).sum(1).mean()
    assert terms["bounds"].item() == pytest.approx(loss.item(), rel=1e-5)
    added = torch.autograd.grad(2.0 * loss, list(policy.parameters()), allow_unused=True)
    expected = torch.cat(
        [(torch.zeros_like(p) if g is None else g).flatten() for p, g in zip(policy.parameters(), added)]
    )
    assert expected.norm() > 0.1
    torch.testing.assert_close(found[1] - found[0], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_extensions_without_a_say_change_no_bit(kind: str, precision: str) -> None:
    learned, metrics = [], []
    for added in ({}, table(Onlooker), {**table(Companion), **table(Onlooker)}):
        torch.manual_seed(3)
        algorithm = make_ppo(kind, extensions=added, precision=precision)
        for seed in (1, 2):
            collect(algorithm, random_rollout(seed))
            metrics.append(algorithm.update())
        learned.append(parameters(algorithm))
    assert torch.equal(learned[0], learned[1]) and torch.equal(learned[0], learned[2])
    assert {name: metrics[3][name] for name in metrics[1]} == metrics[1]
    extra = {"mean_action", "onlooker", "onlooker_grad_norm", "onlooker_skipped_updates"}
    assert metrics[3].keys() - metrics[1].keys() == extra
    assert metrics[5].keys() - metrics[3].keys() == {"companion", "companion_grad_norm"}
    assert metrics[3]["onlooker"] < metrics[2]["onlooker"]
    companion: Any = algorithm.extensions["companion"]
    assert companion.network.bias.item() > companion.start + 0.01, "on the way to 5"


def test_groups_that_the_policy_does_not_read_are_kept() -> None:
    blind_critic = {"critic_obs_groups": ["policy"]}
    algorithm = make_ppo(policy=blind_critic, extensions=table(Companion))
    collect(algorithm, random_rollout())
    assert torch.equal(algorithm.storage.observations["critic"], random_rollout()["critic"][:-1])
    algorithm.update()
    with pytest.raises(RslRlError, match=r"companion needs the observation group 'critic', .*known: policy"):
        algorithm.init_storage(2, 2, {"policy": (6,)}, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_actor_acts_on_its_view_alone(kind: str) -> None:
    algorithm, rollout = make_ppo(kind, extensions=table(Blind)), random_rollout()
    plain = copy.deepcopy(algorithm)
    plain.extensions = extensions()
    collect(algorithm, rollout)
    collect(plain, {**rollout, "policy": torch.zeros_like(rollout["policy"])})
    assert torch.equal(algorithm.storage.observations["policy"], rollout["policy"][:-1])
    torch.testing.assert_close(algorithm.storage.action_means, plain.storage.action_means)
    torch.testing.assert_close(algorithm.storage.values, plain.storage.values)  # of the true critic's group


def test_cloning_takes_over_from_rewards() -> None:
    algorithm = make_ppo(extensions=table(Copier), learning_rate=1e-2, schedule="fixed")
    errors = []
    for iteration in range(40):
        algorithm.set_progress(iteration, 40)
        collect(algorithm, random_rollout(iteration))
        errors.append(algorithm.update()["cloning"])
    assert min(errors[:20]) > 2.0  # the variance of three actions to clone is 3
    assert errors[-1] < 0.3


def test_a_loss_that_is_no_number_leaves_its_batch_out() -> None:
    algorithm = make_ppo(extensions=table(Spoiler), num_learning_epochs=2)
    collect(algorithm, random_rollout())
    assert algorithm.update()["skipped_updates"] == 4
    assert parameters(algorithm).isfinite().all()


class Doubled(Extension):
    """Adds every sample twice over, with its means shifted in no way; checks what it is given of them."""

    def __init__(self, context: Context, learn: bool) -> None:
        self.learns_from_images = learn

    def images(self, batch: MiniBatch) -> MiniBatch:
        return batch

    def losses(self, batch: Any, outputs: Outputs) -> Any:
        first, second = outputs.mean.chunk(2)
        assert len(first) == len(batch.actions)
        torch.testing.assert_close(first, second)
        return {"doubled": (0.0, first.mean())}


@pytest.mark.parametrize("kind", ["", "gru"])
def test_each_extension_gets_its_own_images(kind: str) -> None:
    moved = []
    for added in ({}, table(Doubled, learn=False), table(Doubled, learn=True)):
        torch.manual_seed(2)
        algorithm = make_ppo(kind, extensions=added, symmetry="loss", symmetry_loss_coef=1.0, mirror_maps=MAPS)
        collect(algorithm, random_rollout())
        metrics = algorithm.update()
        assert metrics["symmetry"] > 0 and metrics["skipped_updates"] == 0
        moved.append(parameters(algorithm))
    # the mean over all samples taken twice is the mean
    torch.testing.assert_close(moved[1], moved[0], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(moved[2], moved[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_come_back_with_their_samples(kind: str) -> None:
    algorithm = make_ppo(kind, extensions=table(Onlooker, Copier))
    collect(algorithm, random_rollout())
    assert algorithm.storage.labels["outer"].shape == (NUM_STEPS, 16, 6, 6)
    batch = batch_of(algorithm)
    assert torch.equal(batch.labels["teacher"], batch.observations["policy"][:, :3])
    assert batch.labels["outer"].shape == (NUM_STEPS * 16, 6, 6)


class Bare(Extension):
    """What learns is in no module."""

    def __init__(self, context: Context, own_optimizer: bool) -> None:
        self.own = [nn.Linear(1, 1)]
        if own_optimizer:
            self.optimizer = context.optimizer("bare", self.own[0].parameters(), 1e-3)

    def parameters(self) -> Iterable[nn.Parameter]:
        return () if hasattr(self, "optimizer") else self.own[0].parameters()


class Greedy(Extension):
    """Wants what the policy's optimiser has, or the same twice."""

    def __init__(self, context: Context, twice: bool) -> None:
        self.network = nn.Linear(1, 1) if twice else context.policy.actor
        self.times = 2 if twice else 1

    def parameters(self) -> Iterable[nn.Parameter]:
        return [*self.network.parameters()] * self.times


def test_parameters_that_would_be_lost_or_have_two_owners_are_refused() -> None:
    for own_optimizer in (True, False):
        with pytest.raises(RslRlError, match=r"extensions.bare: what learns must be in attributes that are modules"):
            make_ppo(extensions=table(Bare, own_optimizer=own_optimizer))
    for twice in (True, False):
        with pytest.raises(RslRlError, match=r"extensions.greedy: parameters\(\) has one twice, or one of the policy"):
            make_ppo(extensions=table(Greedy, twice=twice))


class Namesake(Extension):
    def __init__(self, context: Context, kind: str) -> None:
        self.kind = kind

    def losses(self, batch: Any, outputs: Outputs) -> Any:
        return {"kl": (0.0, outputs.mean.mean())} if self.kind == "loss" else {}

    def after_update(self, storage: Any) -> Any:
        return {"skipped_updates": 1.0} if self.kind == "pass" else {}

    def initial_hidden(self, num_envs: int) -> Any:
        return {"actor": {}} if self.kind == "hidden" else {}


@pytest.mark.parametrize("kind", ["loss", "pass", "hidden"])
def test_names_of_the_algorithm_are_not_taken(kind: str) -> None:
    with pytest.raises(RslRlError, match=r"extensions.namesake: the name '(kl|skipped_updates|actor)' is taken"):
        algorithm = make_ppo(extensions=table(Namesake, kind=kind))
        collect(algorithm, random_rollout())
        algorithm.update()


def test_a_shared_critic_judges_the_last_state_by_what_the_actor_sees() -> None:
    sizes = {"encoders": {"policy": {}}, "rnn_hidden_size": None}
    algorithm = PPO(SharedActorCritic({"policy": (6,)}, 3, **sizes), extensions=table(Blind), gamma=1.0, lam=0.0)
    algorithm.init_storage(4, 1, {"policy": (6,)}, 3)
    algorithm.act({"policy": torch.randn(4, 6)})
    algorithm.process_env_step(torch.zeros(4), torch.zeros(4, dtype=torch.bool), {})
    algorithm.compute_returns({"policy": torch.randn(4, 6)})
    torch.testing.assert_close(algorithm.storage.returns, algorithm.storage.values)  # both of nothing seen


class Polisher(Extension):
    """Gives a part of the policy an optimiser of its own."""

    def __init__(self, context: Context, learning_rate: float) -> None:
        self.bias = context.policy.actor.head.output.bias
        self.optimizer = context.optimizer("polish", [self.bias], learning_rate)

    def after_update(self, storage: Any) -> Any:
        return self.optimizer.learn((self.bias - 7.0).square().sum() for _ in range(5))


@pytest.mark.parametrize("kind", ["", "gru"])
def test_a_part_of_the_policy_may_have_two_optimisers(kind: str) -> None:
    learned, metrics = [], []
    for added in ({}, table(Polisher, learning_rate=0.0), table(Polisher, learning_rate=0.1)):
        torch.manual_seed(3)
        algorithm = make_ppo(kind, extensions=added)
        for seed in (1, 2):
            collect(algorithm, random_rollout(seed))
            metrics.append(algorithm.update())
        learned.append(parameters(algorithm))
    assert torch.equal(learned[0], learned[1])
    assert metrics[3]["polish_grad_norm"] == pytest.approx(2 * 7 * 3**0.5, rel=0.05)
    bias = algorithm.policy.actor.head.output.bias
    assert 0.7 < bias.mean().item() < 1.3, "ten steps of 0.1"


class Pair:
    """The other one of two processes has three times the gradient and loss."""

    world_size = 2

    def all_reduce_mean_(self, tensors: Any) -> None:
        for tensor in tensors:
            tensor.mul_(2.0)


def test_own_optimizer_by_hand() -> None:
    # Adam's first step is the rate, whatever the length of the gradient: 1.0 - 0.1; losses 1 and 0.9 -> mean 0.95.
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    own = OwnOptimizer("w", [weight], 0.1, CPU, max_grad_norm=100.0)
    metrics = own.learn(weight.sum() * factor for factor in (1.0, float("nan"), 1.0))
    assert metrics == pytest.approx({"w": 0.95, "w_grad_norm": 1.0, "w_skipped_updates": 1.0})
    assert weight.item() == pytest.approx(0.8, abs=1e-5)
    shared = torch.nn.Parameter(torch.tensor([1.0]))
    group: Any = Pair()
    metrics = OwnOptimizer("w", [shared], 0.1, CPU, 100.0, distributed=group).learn([shared.sum() * 3.0])
    assert metrics == pytest.approx({"w": 6.0, "w_grad_norm": 6.0, "w_skipped_updates": 0.0})
    resumed = OwnOptimizer("w", [shared], 0.1, CPU)
    resumed.load_state_dict(own.state_dict())
    assert resumed.state_dict()["state"][0]["step"] == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"symetry": {}}, r"symetry.class_name is 'symetry'; did you mean symmetry\? Or write 'module:Class'"),
        ({"x": {"class_name": "no_such:Thing"}}, "x.class_name: cannot import 'no_such:Thing'"),
        ({"x": {"class_name": "rsl_rl.models:Policy"}}, "'rsl_rl.models:Policy' is no rsl_rl.extensions.Extension"),
        (
            {"x": {"class_name": Bounds, "limits": 1.0}},
            r"unknown key algorithm.extensions.x.limits: did you mean limit",
        ),
        ({"x": {"class_name": Polisher}}, r"extensions.x: missing a required argument: 'learning_rate'"),
        ({"symmetry": {"mode": "los"}}, r"extensions.symmetry.mode is 'los'; did you mean loss"),
        ({"symmetry": {"mode": "loss"}}, "knows no mirror_maps"),
    ],
)
def test_mistakes_are_told(settings: Any, message: str) -> None:
    with pytest.raises(RslRlError, match=message):
        make_ppo(extensions=settings)
    with pytest.raises(RslRlError, match="'critic' is the name of a network"):
        make_ppo(extensions={"critic": {"class_name": Companion}})
    assert make_ppo(extensions=dict.fromkeys(settings)).extensions.groups == []
