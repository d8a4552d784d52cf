"""Running moments against those of all samples at once."""

from __future__ import annotations

import torch

from rsl_rl.modules import EmpiricalNormalization


class TwoRanks:
    """Stands in for one of two processes; the other's tensors are given."""

    world_size = 2

    def __init__(self, others: list[list[torch.Tensor]]) -> None:
        self._others = others

    def all_reduce_mean_(self, tensors: list[torch.Tensor]) -> None:
        for tensor, other in zip(tensors, self._others.pop(0)):
            tensor.add_(other).div_(2)


def test_moments_of_uneven_pieces() -> None:
    samples = torch.randn(1000, 3) * torch.tensor([0.1, 1.0, 30.0]) + torch.tensor([5.0, 0.0, -100.0])
    normalization = EmpiricalNormalization(3)
    for piece in samples.split([1, 99, 400, 500]):
        normalization.update(piece)
    torch.testing.assert_close(normalization.mean, samples.mean(0))
    torch.testing.assert_close(normalization.var, samples.var(0, unbiased=False), rtol=1e-4, atol=0.0)
    assert normalization.count.item() == 1000
    # By the formula: (x - mean) / (std + 0.01).
    expected = (samples - samples.mean(0)) / (samples.std(0, unbiased=False) + 0.01)
    torch.testing.assert_close(normalization(samples), expected, rtol=1e-3, atol=1e-4)


def test_far_from_zero_keeps_its_precision() -> None:
    # Squares of these numbers differ beyond the digits of float32; the variance is 1/12 all the same.
    samples = 1e4 + torch.rand(50_000, 1)
    normalization = EmpiricalNormalization(1)
    for piece in samples.chunk(10):
        normalization.update(piece)
    torch.testing.assert_close(normalization.var, torch.tensor([1 / 12]), rtol=0.02, atol=0.0)


def test_what_was_never_or_hardly_ever_seen_stays_small() -> None:
    samples = torch.zeros(10_000, 3)
    samples[:, 0], samples[0, 1], samples[::2, 2] = 0.3, 1.0, 1.0
    normalization = EmpiricalNormalization(3)
    for piece in samples.split(100):
        normalization.update(piece)
    # 1 in 10000: deviation 0.01, so 1 would be 50; half of them: deviation 0.5
    expected = [[0.0, 0.0, -0.98], [0.7, 10.0, 0.98], [-0.8, -10.0, -2.94]]
    seen = torch.tensor([[0.3, 0.0, 0.0], [1.0, 1.0, 1.0], [-0.5, -1.0, -1.0]])
    torch.testing.assert_close(normalization(seen), torch.tensor(expected), rtol=0.01, atol=0.01)


def test_two_processes_see_the_samples_of_both() -> None:
    mine, theirs = torch.randn(2, 50, 4) * 3 + 1
    both = torch.cat([mine, theirs])
    # What the other one sends: its mean, then its mean square about the mean of both.
    sent = [[theirs.mean(0)], [(theirs - both.mean(0)).square().mean(0)]]
    normalization = EmpiricalNormalization(4)
    normalization.update(mine, TwoRanks(sent))
    torch.testing.assert_close(normalization.mean, both.mean(0))
    torch.testing.assert_close(normalization.var, both.var(0, unbiased=False))
    assert normalization.count.item() == 100


def test_a_broken_sample_is_not_remembered() -> None:
    normalization = EmpiricalNormalization(2)
    normalization.update(torch.randn(10, 2))
    before = {name: value.clone() for name, value in normalization.state_dict().items()}
    normalization.update(torch.tensor([[1.0, float("nan")], [0.0, 1.0]]))
    normalization.update(torch.tensor([[1.0, float("inf")], [0.0, 1.0]]))
    assert normalization.mean.isfinite().all()
    torch.testing.assert_close(normalization.mean, before["mean"])
    assert normalization.count == before["count"]
