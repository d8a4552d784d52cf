"""PPO: losses by hand numbers, the life of a rollout, and what must not be able to break it."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch

from rsl_rl.algorithms.gae import compute_gae
from rsl_rl.algorithms.losses import clipped_surrogate, value_loss
from rsl_rl.models import reset_hidden
from rsl_rl.modules.distribution import MAX_STD, MIN_STD
from rsl_rl.utils import bfloat16
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.ppo_helpers import DIMS, NUM_ENVS, NUM_STEPS, collect, make_ppo, parameters, random_rollout

KINDS = ["", "gru", "lstm"]


def test_clipped_surrogate_by_hand() -> None:
    # clip 0.2. ratio, advantage -> min(ratio * A, clamp(ratio, 0.8, 1.2) * A):
    #   1.5,  2 -> min( 3.0,  2.4) =  2.4     gain is not rewarded beyond 1.2
    #   1.5, -2 -> min(-3.0, -2.4) = -3.0     a bad action made likelier is punished in full
    #   0.5,  2 -> min( 1.0,  1.6) =  1.0     a good action made less likely too
    #   0.5, -2 -> min(-1.0, -1.6) = -1.6     gain is not rewarded below 0.8
    #   1.1,  1 -> 1.1                        inside nothing is clipped
    # mean = (2.4 - 3.0 + 1.0 - 1.6 + 1.1) / 5 = -0.02; the loss is its negative.
    ratio = torch.tensor([1.5, 1.5, 0.5, 0.5, 1.1])
    old = torch.randn(5)
    log_probs = (ratio.log() + old).requires_grad_()
    loss = clipped_surrogate(log_probs, old, torch.tensor([2.0, -2.0, 2.0, -2.0, 1.0]), clip=0.2)
    assert loss.item() == pytest.approx(0.02, abs=1e-6)
    # d ratio / d log_prob = ratio: gradient -ratio * A / 5 where the unclipped side counts, else none.
    (gradient,) = torch.autograd.grad(loss, log_probs)
    torch.testing.assert_close(gradient, torch.tensor([0.0, 0.6, -0.2, 0.0, -0.22]))


def test_clipped_value_loss_by_hand() -> None:
    # clip 0.2. value, old, return -> max((v - R)^2, (old + clamp(v - old) - R)^2):
    #   1.5, 1.0, 2.0 -> max(0.25, (1.2 - 2)^2 = 0.64) = 0.64     the move beyond 0.2 gains nothing
    #   0.5, 1.0, 2.0 -> max(2.25, (0.8 - 2)^2 = 1.44) = 2.25     moving away costs in full
    #   1.1, 1.0, 2.0 -> 0.81                                     inside nothing is clipped
    values = torch.tensor([1.5, 0.5, 1.1], requires_grad=True)
    old, returns = torch.ones(3), torch.full((3,), 2.0)
    loss = value_loss(values, old, returns, clip=0.2)
    assert loss.item() == pytest.approx((0.64 + 2.25 + 0.81) / 3, abs=1e-6)
    (gradient,) = torch.autograd.grad(loss, values)
    torch.testing.assert_close(gradient, torch.tensor([0.0, -3.0, -1.8]) / 3)
    plain = value_loss(values, old, returns, clip=None)
    assert plain.item() == pytest.approx((0.25 + 2.25 + 0.81) / 3, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_rollout_is_recorded(kind: str) -> None:
    algorithm, rollout = make_ppo(kind), random_rollout()
    policy, storage = algorithm.policy, algorithm.storage
    hidden: dict[str, Any] = policy.initial_hidden(NUM_ENVS)
    values, means = torch.zeros(2, NUM_STEPS, NUM_ENVS), torch.zeros(NUM_STEPS, NUM_ENVS, 3)
    with torch.no_grad():
        for step in range(NUM_STEPS):
            obs = {name: rollout[name][step] for name in DIMS}
            means[step], hidden["actor"] = policy.actor(obs, hidden["actor"])
            value, hidden["critic"] = policy.critic(obs, hidden["critic"])
            values[0, step] = value.squeeze(1)
            hidden = {name: reset_hidden(states, rollout["dones"][step]) for name, states in hidden.items()}
        last = policy.critic({name: rollout[name][-1] for name in DIMS}, hidden["critic"])[0].squeeze(1)
    collect(algorithm, rollout)

    assert torch.equal(storage.observations["critic"], rollout["critic"][:-1])
    torch.testing.assert_close(storage.action_means, means)
    torch.testing.assert_close(storage.values, values[0])
    normal = torch.distributions.Normal(means, policy.distribution.std.detach())
    torch.testing.assert_close(storage.log_probs, normal.log_prob(storage.actions).sum(-1))
    arguments = (rollout["rewards"], values[0], last, rollout["dones"], rollout["time_outs"], 0.99, 0.95)
    advantages, returns = compute_gae(*arguments)
    torch.testing.assert_close(storage.returns, returns)
    expected = (advantages - advantages.mean()) / advantages.std()
    torch.testing.assert_close(storage.advantages, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_memory_at_the_start_of_the_second_rollout(kind: str) -> None:
    # Before the first step of an update nothing has changed, so the mini-batch path must find again, from the memory
    # kept at the start of the rollout, the means and values that were recorded one step after the other.
    algorithm = make_ppo(kind, num_mini_batches=2, num_learning_epochs=1)
    collect(algorithm, random_rollout(1))
    algorithm.update()
    assert any(state.abs().sum() > 0 for state in algorithm.hidden["actor"].values())
    collect(algorithm, random_rollout(2))
    for batch in algorithm.storage.recurrent_mini_batches(2, 1):
        means, _ = algorithm.policy.actor(batch.observations, batch.hidden["actor"], batch.trajectories)
        values, _ = algorithm.policy.critic(batch.observations, batch.hidden["critic"], batch.trajectories)
        torch.testing.assert_close(means, batch.action_means)
        torch.testing.assert_close(values.squeeze(1), batch.values)


@pytest.mark.parametrize("kind", KINDS)
def test_update_inside_and_outside_of_inference_mode(kind: str) -> None:
    # Runners may collect under inference_mode, whose tensors autograd refuses to touch.
    results = []
    for guard in (torch.inference_mode, torch.no_grad):
        torch.manual_seed(3)
        algorithm = make_ppo(kind)
        for seed in (1, 2):
            with guard():
                collect(algorithm, random_rollout(seed))
            algorithm.update()
        results.append(parameters(algorithm))
    assert torch.equal(results[0], results[1])


@pytest.mark.parametrize("kind", KINDS)
def test_metrics(kind: str) -> None:
    algorithm = make_ppo(kind)
    collect(algorithm, random_rollout())
    metrics = algorithm.update()
    names = {"value_function", "surrogate", "entropy", "kl", "actor_grad_norm", "critic_grad_norm", "skipped_updates"}
    assert set(metrics) == names
    assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())
    assert metrics["skipped_updates"] == 0
    assert metrics["entropy"] == pytest.approx(3 * 0.5 * math.log(2 * math.pi * math.e), abs=0.1)


def test_gradients_of_actor_and_critic_are_cut_separately() -> None:
    algorithm = make_ppo(max_grad_norm=0.1, num_learning_epochs=1, num_mini_batches=1)
    collect(algorithm, random_rollout())
    metrics = algorithm.update()
    actor = [*algorithm.policy.actor.parameters(), *algorithm.policy.distribution.parameters()]
    critic = list(algorithm.policy.critic.parameters())
    for name, part in (("actor", actor), ("critic", critic)):
        norm = math.sqrt(sum(float(p.grad.square().sum()) for p in part if p.grad is not None))
        assert metrics[f"{name}_grad_norm"] > 0.1
        assert norm == pytest.approx(0.1, rel=1e-4)


def test_weight_decay_spares_biases_and_standard_deviations() -> None:
    algorithm = make_ppo(weight_decay=0.1, schedule="fixed", policy={"init_noise_std": 0.5})
    decays = {id(p): group["weight_decay"] for group in algorithm.optimizer.param_groups for p in group["params"]}
    for name, parameter in algorithm.policy.named_parameters():
        assert decays[id(parameter)] == (0.1 if name.endswith("weight") else 0.0), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["rewards", "policy"])
def test_numbers_that_are_not_finite_change_nothing(kind: str, where: str) -> None:
    algorithm, rollout = make_ppo(kind, policy={"normalize_observations": True}), random_rollout()
    rollout[where][3, 2] = float("nan")
    before = parameters(algorithm)
    state = copy.deepcopy(algorithm.optimizer.state_dict())
    collect(algorithm, rollout)
    metrics = algorithm.update()
    skipped = metrics["skipped_updates"]
    if where == "rewards":
        # Advantages are normalised over the whole rollout, so one reward spoils all of them.
        assert metrics == {"skipped_updates": 20}
        assert torch.equal(parameters(algorithm), before)
        assert algorithm.optimizer.state_dict() == state
        assert algorithm.learning_rate == 1e-3
    else:
        assert 0 < skipped <= 20
    assert parameters(algorithm).isfinite().all()
    # The algorithm recovers with the next sane rollout.
    algorithm.hidden = algorithm.policy.initial_hidden(NUM_ENVS)
    collect(algorithm, random_rollout(5))
    assert algorithm.update()["skipped_updates"] == 0
    assert not torch.equal(parameters(algorithm), before)


def test_gradient_that_is_not_finite_changes_nothing_though_the_loss_is() -> None:
    algorithm = make_ppo(num_mini_batches=2, num_learning_epochs=2)
    before = parameters(algorithm)
    collect(algorithm, random_rollout())
    algorithm.policy.critic.head.output.bias.register_hook(lambda gradient: gradient * math.inf)
    assert algorithm.update() == {"skipped_updates": 4}
    assert torch.equal(parameters(algorithm), before)


def test_standard_deviations_do_not_leave_their_bounds() -> None:
    for entropy_coef, bound in ((1e3, MAX_STD), (-1e3, MIN_STD)):
        algorithm = make_ppo(entropy_coef=entropy_coef, learning_rate=1.0, schedule="fixed")
        collect(algorithm, random_rollout())
        algorithm.update()
        assert algorithm.policy.distribution.std.tolist() == pytest.approx([bound] * 3)


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_close_to_float32(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own_units = bool(bfloat16.bfloat16_units())
    monkeypatch.setattr(bfloat16, "bfloat16_units", lambda: ("avx512_bf16",))
    moves, metrics = [], []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(2)
        algorithm = make_ppo(kind, precision=precision, num_learning_epochs=2, schedule="fixed")
        before = parameters(algorithm)
        collect(algorithm, random_rollout())
        with torch.backends.mkldnn.flags(enabled=own_units):  # oneDNN has no LSTM in bfloat16 for CPUs without units
            metrics.append(algorithm.update())
        moves.append(parameters(algorithm) - before)
        assert all(p.dtype == torch.float32 for p in algorithm.policy.parameters())
    assert not torch.equal(*moves)
    # Adam's first steps have the same length whatever the gradient, so only their directions can differ.
    assert torch.cosine_similarity(*moves, dim=0) > 0.95
    for name in ("value_function", "entropy", "surrogate"):
        assert metrics[1][name] == pytest.approx(metrics[0][name], rel=0.02, abs=5e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_going_on_from_a_saved_state_is_bit_exact(kind: str, tmp_path: Any) -> None:
    def run(algorithm: Any, seeds: range) -> None:
        for seed in seeds:
            torch.manual_seed(seed)
            collect(algorithm, random_rollout(seed))
            algorithm.update()

    settings = {"policy": {"normalize_observations": True}, "weight_decay": 0.01}
    straight = make_ppo(kind, **settings)
    first = copy.deepcopy(straight.policy.state_dict())
    run(straight, range(4))

    halted = make_ppo(kind, **settings)
    halted.policy.load_state_dict(first)
    run(halted, range(2))
    parts = ("policy", "optimizer")
    torch.save({**{p: getattr(halted, p).state_dict() for p in parts}, "rest": halted.state_dict()}, tmp_path / "x.pt")
    torch.manual_seed(99)
    resumed = make_ppo(kind, **settings)
    saved = torch.load(tmp_path / "x.pt", weights_only=True)
    for part in parts:
        getattr(resumed, part).load_state_dict(saved[part])
    resumed.load_state_dict(saved["rest"])
    run(resumed, range(2, 4))

    assert torch.equal(parameters(resumed), parameters(straight))
    assert resumed.learning_rate == straight.learning_rate
    assert str(resumed.optimizer.state_dict()) == str(straight.optimizer.state_dict())
    for key, value in straight.policy.state_dict().items():
        assert torch.equal(resumed.policy.state_dict()[key], value)


class Averaging:
    """Plays the other processes: replays or records what is exchanged."""

    world_size = 2
    rank = 0

    def __init__(self, others: list[list[torch.Tensor]] | None) -> None:
        self.others = others
        self.sent: list[list[torch.Tensor]] = []

    def all_reduce_mean_(self, tensors: list[torch.Tensor]) -> None:
        self.sent.append([tensor.clone() for tensor in tensors])
        for index, tensor in enumerate(tensors):
            if self.others is not None:
                tensor.add_(self.others[len(self.sent) - 1][index]).div_(2)


def test_one_step_of_two_processes_is_that_of_one_with_all_environments() -> None:
    settings = {"num_learning_epochs": 1, "num_mini_batches": 1, "value_loss_coef": 0.5}
    torch.manual_seed(4)
    whole = make_ppo(**settings)
    initial = copy.deepcopy(whole.policy.state_dict())
    collect(whole, random_rollout())

    def half(part: slice, distributed: Averaging) -> Any:
        algorithm = make_ppo(distributed=distributed, **settings)
        algorithm.policy.load_state_dict(initial)
        algorithm.init_storage(NUM_ENVS // 2, NUM_STEPS, DIMS, 3)
        storage = algorithm.storage
        for step in range(NUM_STEPS):
            storage.add_actions(
                {name: whole.storage.observations[name][step, part] for name in DIMS},
                whole.storage.actions[step, part],
                whole.storage.action_means[step, part],
                whole.storage.log_probs[step, part],
            )
            rollout = random_rollout()
            storage.add_outcome(*(rollout[name][step, part] for name in ("rewards", "dones", "time_outs")))
        algorithm.compute_returns({name: random_rollout()[name][-1, part] for name in DIMS})
        return algorithm

    # Without a network, the exchange is found by repetition: in each pass one more mean is right. Three are made:
    # mean and variance of the advantages, then gradients with loss and divergence.
    exchanges: list[list[list[torch.Tensor]] | None] = [None, None]
    for _ in range(4):
        averagings = [Averaging(exchanges[1]), Averaging(exchanges[0])]
        halves = [half(part, a) for part, a in zip((slice(0, 8), slice(8, 16)), averagings)]
        for algorithm in halves:
            torch.manual_seed(0)
            algorithm.update()
        exchanges = [a.sent for a in averagings]
    assert len(exchanges[0] or []) == 3
    whole.update()
    for algorithm in halves:
        torch.testing.assert_close(parameters(algorithm), parameters(whole), rtol=1e-4, atol=1e-6)
        assert algorithm.learning_rate == whole.learning_rate
    assert torch.equal(parameters(halves[0]), parameters(halves[1]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learnin_rate": 1.0}, "unknown key algorithm.learnin_rate: did you mean learning_rate"),
        ({"schedule": "linear"}, "algorithm.schedule is 'linear'; known: adaptive, adaptive_cosine, cosine, fixed"),
        ({"precision": "bfloat"}, "algorithm.precision is 'bfloat'; did you mean bfloat16"),
        ({"symmetry": "augment"}, "knows no mirror_maps"),
    ],
)
def test_mistakes_are_told(settings: dict, message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        make_ppo(**settings)
    assert message in str(caught.value)


def test_only_what_the_networks_read_is_stored() -> None:
    algorithm = make_ppo(policy={"critic_obs_groups": ["policy"]})
    assert list(algorithm.storage.observations) == ["policy"]
