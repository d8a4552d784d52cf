"""The distribution of actions against torch.distributions and against samples."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from rsl_rl.modules import GaussianDistribution
from rsl_rl.modules.distribution import MAX_STD, MIN_STD
from rsl_rl.utils.errors import RslRlError


def make(stds: list[float]) -> GaussianDistribution:
    distribution = GaussianDistribution(len(stds))
    with torch.no_grad():
        distribution.log_std.copy_(torch.tensor(stds).log())
    return distribution


def test_agrees_with_torch() -> None:
    distribution, older = make([0.1, 1.0, 3.0]), torch.tensor([0.2, 0.7, 2.0])
    mean, old_mean, actions = torch.randn(3, 7, 3)
    reference = Normal(mean, distribution.std)
    torch.testing.assert_close(distribution.log_prob(mean, actions), reference.log_prob(actions).sum(-1))
    torch.testing.assert_close(distribution.entropy().expand(7), reference.entropy().sum(-1))
    expected = kl_divergence(Normal(old_mean, older), reference).sum(-1)
    torch.testing.assert_close(distribution.kl_from(old_mean, older.log(), mean), expected)


def test_kl_from_itself_is_zero() -> None:
    distribution, mean = make([0.3, 2.0]), torch.randn(4, 2)
    torch.testing.assert_close(distribution.kl_from(mean, distribution.log_std, mean), torch.zeros(4))


def test_samples_have_the_moments() -> None:
    distribution = make([0.1, 2.0])
    samples = distribution.sample(torch.tensor([[1.0, -3.0]]).expand(200_000, 2))
    torch.testing.assert_close(samples.mean(0), torch.tensor([1.0, -3.0]), atol=0.02, rtol=0.0)
    torch.testing.assert_close(samples.std(0), torch.tensor([0.1, 2.0]), rtol=0.01, atol=0.0)


def test_standard_deviation_stays_in_bounds_and_can_come_back() -> None:
    distribution = make([1.0, 1.0])
    with torch.no_grad():
        distribution.log_std.copy_(torch.tensor([-50.0, 50.0]))
    distribution.clamp_()
    torch.testing.assert_close(distribution.std, torch.tensor([MIN_STD, MAX_STD]))
    distribution.entropy().backward()
    assert distribution.log_std.grad is not None
    torch.testing.assert_close(distribution.log_std.grad, torch.ones(2))


def test_bad_initial_value() -> None:
    assert GaussianDistribution(2, 0.5).log_std.tolist() == pytest.approx([math.log(0.5)] * 2)
    with pytest.raises(RslRlError, match="init_noise_std is -1"):
        GaussianDistribution(2, -1)
