"""What goes with the progress of a training: learning rate, entropy, noise."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from rsl_rl.algorithms.learning_rate import adapt_to_kl
from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.ppo_helpers import DIMS, collect, make_ppo, random_rollout
from tests.rsl_rl.toy_vec_env import ToyVecEnv


@pytest.mark.parametrize(
    ("rate", "kl", "expected"),
    [
        (1e-3, 0.0201, 1e-3 / 1.5),
        (1e-3, 0.0199, 1e-3),
        (1e-3, 0.0051, 1e-3),
        (1e-3, 0.0049, 1e-3 * 1.5),
        (1e-3, -1e-9, 1e-3 * 1.5),  # a small KL may be negative by rounding
        (1.2e-5, 1.0, 1e-5),
        (9e-3, 1e-4, 1e-2),
    ],
)
def test_adaptive(rate: float, kl: float, expected: float) -> None:
    assert adapt_to_kl(rate, kl, desired_kl=0.01, minimum=1e-5, maximum=1e-2) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["fixed", "cosine", "adaptive"])
def test_a_resumed_run_takes_the_rate_of_its_own_settings_unless_it_was_adapted(schedule: str, tmp_path: Path) -> None:
    runners = []
    for rate in (1e-3, 1e-4):
        algorithm = {"schedule": schedule, "learning_rate": rate, "desired_kl": 1e6}
        cfg = {"algorithm": algorithm, "runner": {"num_steps_per_env": 4, "logger": "none", "max_iterations": 2}}
        runners.append(OnPolicyRunner(ToyVecEnv(), cfg, str(tmp_path / str(rate))))
    runners[0].learn(1)
    runners[1].load(str(tmp_path / "0.001" / "model_1.pt"))
    runners[1].learn(1)
    # adapted: raised by 1.5 at all of the 20 mini-batches but the first of each update, up to the bound
    expected = {"fixed": 1e-4, "cosine": (1e-4 + 1e-5) / 2, "adaptive": 1e-2}
    assert runners[1].algorithm.learning_rate == pytest.approx(expected[schedule])


def test_adaptive_schedule_follows_the_divergence() -> None:
    calm = make_ppo(learning_rate=1e-5, num_learning_epochs=3)
    wild = make_ppo(learning_rate=1e-2, num_learning_epochs=3)
    fixed = make_ppo(learning_rate=1e-2, num_learning_epochs=3, schedule="fixed")
    for algorithm in (calm, wild, fixed):
        collect(algorithm, random_rollout())
        algorithm.update()
    assert calm.learning_rate > 1e-5
    assert wild.learning_rate < 1e-2
    assert fixed.learning_rate == 1e-2
    assert wild.optimizer.param_groups[0]["lr"] == wild.learning_rate


@pytest.mark.parametrize("first", [0.0, 1e-15, -1e-9, 0.5])
def test_a_policy_that_has_not_moved_leaves_the_adaptive_rate(first: float) -> None:
    # Whether the first KL of an update is exactly 0 is a matter of the CPU; in bfloat16 it is far from it.
    algorithm = make_ppo(num_learning_epochs=1, num_mini_batches=4)
    kls = iter([math.nan, first, 0.01, 0.001])  # the first mini-batch is left out, the third is as desired
    collect(algorithm, random_rollout())
    algorithm.policy.distribution.kl_from = lambda *_: torch.tensor([next(kls)])
    algorithm.update()
    assert algorithm.learning_rate == pytest.approx(1.5e-3), "the last one alone changes it"


def test_an_adaptive_rate_stays_below_a_cosine() -> None:
    algorithm = make_ppo(schedule="adaptive_cosine", learning_rate=1e-3, min_learning_rate=1e-4)
    kl = 0.0
    algorithm.policy.distribution.kl_from = lambda *_: torch.tensor([kl])
    rates = []
    for iteration in (0, 5, 5, 6, 10):
        kl = 1.0 if len(rates) == 2 else 1e-6  # far too much once
        algorithm.set_progress(iteration, 10)
        collect(algorithm, random_rollout())
        algorithm.update()
        rates.append(algorithm.learning_rate)
    raised = 1e-4 + 4.5e-4 * (1.0 + math.cos(0.6 * math.pi))
    assert rates == pytest.approx([1e-3, 5.5e-4, 1e-4, raised, 1e-4])


def test_cosine_schedule() -> None:
    algorithm = make_ppo(schedule="cosine", learning_rate=1e-3, min_learning_rate=1e-4)
    for iteration, expected in ((0, 1e-3), (5, 5.5e-4), (10, 1e-4)):
        algorithm.set_progress(iteration, 10)
        collect(algorithm, random_rollout())
        algorithm.update()
        assert algorithm.learning_rate == pytest.approx(expected)
        assert algorithm.optimizer.param_groups[0]["lr"] == pytest.approx(expected)


def test_linear_entropy_schedule() -> None:
    algorithm = make_ppo(entropy_schedule="linear", entropy_coef=0.02)
    weights = []
    for iteration in (0, 5, 10, 20):
        algorithm.set_progress(iteration, 10)
        weights.append(algorithm.entropy_coef)
    assert weights == pytest.approx([0.02, 0.01, 0.0, 0.0])


def test_standard_deviations_are_held_below_a_bound_that_shrinks() -> None:
    algorithm = make_ppo(final_noise_std=0.25, entropy_coef=1e3, learning_rate=1.0, schedule="fixed")
    for iteration, bound in ((0, 1.0), (3, 0.25**0.25), (6, 0.25), (8, 0.25), (20, 0.25)):
        algorithm.set_progress(iteration, 8)
        collect(algorithm, random_rollout())
        algorithm.update()
        assert algorithm.policy.distribution.std.tolist() == pytest.approx([bound] * 3)


def test_the_bound_of_standard_deviations_begins_where_they_do() -> None:
    algorithm = make_ppo(final_noise_std=0.25, policy={"init_noise_std": 2.0}, entropy_coef=0.0)
    for iteration in (0, 3, 6):
        algorithm.set_progress(iteration, 8)
        collect(algorithm, random_rollout())
        if iteration == 0:
            assert algorithm.update()["kl"] < 0.2
            assert algorithm.policy.distribution.std.min() > 1.8
            continue
        algorithm.update()
        # halfway to 6 a quarter of the way from log 2 to log 0.25 = -2 log 2: 2 ** (1 - 3 / 4)
        assert algorithm.policy.distribution.std.max().item() == pytest.approx({3: 2**0.25, 6: 0.25}[iteration])


def test_the_bound_may_be_there_earlier() -> None:
    algorithm = make_ppo(
        final_noise_std=0.25, final_noise_from=0.25, entropy_coef=1e3, learning_rate=1.0, schedule="fixed"
    )
    for iteration, bound in ((1, 0.25**0.25), (2, 0.25), (8, 0.25)):
        algorithm.set_progress(iteration, 8)
        collect(algorithm, random_rollout())
        algorithm.update()
        assert algorithm.policy.distribution.std.tolist() == pytest.approx([bound] * 3)


@pytest.mark.parametrize("std", [0.0, -1.0, 1e-4, 1.5])
def test_a_last_standard_deviation_out_of_bounds_is_refused(std: float) -> None:
    with pytest.raises(RslRlError, match=f"algorithm.final_noise_std is {std}, expected 0.001 to 1"):
        make_ppo(final_noise_std=std)


@pytest.mark.parametrize("recurrent", ["", "lstm"])
def test_while_the_critic_warms_up_the_actor_stays(recurrent: str) -> None:
    algorithm = make_ppo(recurrent, critic_warm_up=2)
    networks = {
        "actor": algorithm.policy.actor,
        "std": algorithm.policy.distribution,
        "critic": algorithm.policy.critic,
    }
    moved = []
    for iteration in range(3):
        before = {name: [x.detach().clone() for x in part.parameters()] for name, part in networks.items()}
        algorithm.set_progress(iteration, 10)
        collect(algorithm, random_rollout(iteration))
        metrics = algorithm.update()
        moved.append({name for name in networks if _differ(networks[name], before[name])})
        assert (metrics["surrogate"] == 0.0) == (iteration < 2)
        if iteration < 2:
            assert algorithm.learning_rate == algorithm.settings.learning_rate, "no KL of a policy that stays"
    assert moved == [{"critic"}, {"critic"}, {"actor", "std", "critic"}]


def test_a_critic_that_warms_up_is_not_held_back_by_the_clip() -> None:
    """All returns are 5; with the clip an update moves values by little more than 0.2."""
    rollout = {**random_rollout(), "rewards": torch.full((8, 16), 5.0), "dones": torch.ones(8, 16).bool()}
    rollout["time_outs"] = torch.zeros_like(rollout["dones"])
    found = {}
    for warm_up in (0, 1):
        algorithm = make_ppo(critic_warm_up=warm_up, learning_rate=2e-3, num_learning_epochs=40, schedule="fixed")
        algorithm.set_progress(0, 10)
        collect(algorithm, rollout)
        algorithm.update()
        with torch.no_grad():
            values = algorithm.policy.values({name: rollout[name][0] for name in DIMS}, algorithm.hidden)
        found[warm_up] = values.mean().item()
    assert found[0] < 1.5 and found[1] == pytest.approx(5.0, abs=0.5)


def _differ(network: torch.nn.Module, before: list[torch.Tensor]) -> bool:
    return any(not torch.equal(now, then) for now, then in zip(network.parameters(), before))
