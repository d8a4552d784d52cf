"""Convolutions over images against torch's layers, and the sizes that follow."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from rsl_rl.modules import ConvNet
from rsl_rl.modules.conv import averaging_matrix
from rsl_rl.storage.image_frames import RepeatedImages
from rsl_rl.utils.errors import RslRlError


def test_depth_image_of_58_by_87() -> None:
    # Convolution of 3, stride 2, padding 1: floor((n - 1) / 2) + 1, so 58 x 87 -> 29 x 44, halved 14 x 22,
    # -> 7 x 11, halved 3 x 5; 32 channels of a grid of 4 x 4 are 512 numbers.
    network = ConvNet("conv", (1, 58, 87))
    assert network.output is not None
    assert network.output.weight.shape == (128, 512)
    assert network.output_dim == 128
    x = torch.randn(3, 1, 58, 87)
    first, second = network.convolutions
    expected = F.max_pool2d(F.conv2d(x, first.weight, first.bias, stride=2, padding=1).relu(), 2)
    assert expected.shape == (3, 16, 14, 22)
    expected = F.max_pool2d(F.conv2d(expected, second.weight, second.bias, stride=2, padding=1).relu(), 2)
    assert expected.shape == (3, 32, 3, 5)
    expected = F.linear(F.adaptive_avg_pool2d(expected, (4, 4)).flatten(1), network.output.weight, network.output.bias)
    torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-6)


def test_layers_of_their_own_sizes() -> None:
    """5 x 5, halved, then 3 x 3 and not halved: 58 x 87 -> 54 x 83 -> 27 x 41 -> 25 x 39; 64 of these are 62400."""
    sizes = {"kernel_size": [5, 3], "max_pool": [2, 1], "stride": 1, "padding": 0, "average_pool": None}
    network = ConvNet("conv", (2, 58, 87), "elu", [32, 64], hidden_dims=[128, 32], output_dim=None, **sizes)
    assert network.output is None and network.mlp is not None
    assert network.output_dim == 32
    assert [tuple(x.shape) for x in network.mlp.state_dict().values() if x.dim() == 2] == [(128, 62400), (32, 128)]
    x = torch.randn(1, 2, 58, 87)
    first, second = network.convolutions
    expected = F.elu(F.max_pool2d(F.conv2d(x, first.weight, first.bias), 2))
    expected = F.elu(F.conv2d(expected, second.weight, second.bias)).flatten(1)
    (hidden,), last = network.mlp.hidden, network.mlp.output
    expected = F.elu(F.linear(F.elu(F.linear(expected, hidden.weight, hidden.bias)), last.weight, last.bias))
    torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "cells"), [(3, 4), (5, 4), (12, 4), (7, 3), (2, 5), (1, 1)])
def test_averages_are_those_of_adaptive_pooling(size: int, cells: int) -> None:
    x = torch.randn(6, size)
    expected = F.adaptive_avg_pool1d(x.unsqueeze(0), cells).squeeze(0)
    torch.testing.assert_close(x @ averaging_matrix(size, cells).t(), expected)


def test_every_part_can_be_left_out() -> None:
    x = torch.randn(2, 3, 8, 10)
    plain = ConvNet("conv", (3, 8, 10), max_pool=1, average_pool=None, output_dim=None, channels=[4], stride=1)
    assert plain.output_dim == 4 * 8 * 10
    assert plain(x).shape == (2, 320)
    pooled = ConvNet("conv", (3, 8, 10), channels=[], average_pool=[2, 5], output_dim=None)
    torch.testing.assert_close(pooled(x), F.adaptive_avg_pool2d(x, (2, 5)).flatten(1))
    assert list(pooled.state_dict()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chanels": [4]}, "unknown key conv.chanels: did you mean channels?"),
        ({"activation": "relo"}, "conv.activation is 'relo'; did you mean"),
        ({"channels": [4, 4, 4]}, "conv: nothing is left of an image of 20 x 30 pixels after 3 convolutions"),
        ({"kernel_size": [3, 3, 3]}, "conv.kernel_size has 3 numbers, channels 2; give as many, or one for all"),
    ],
)
def test_mistakes_are_told(settings: dict, message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        ConvNet("conv", (1, 20, 30), **settings)
    assert message in str(caught.value)


def test_images_that_repeat_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = ConvNet("conv", (1, 20, 30), channels=[4], output_dim=3)
    frames, index = torch.randn(4, 1, 20, 30), torch.tensor([0, 0, 3, 1, 1, 1])
    expected = network(frames[index])
    seen = []
    convolve = F.max_pool2d
    monkeypatch.setattr(F, "max_pool2d", lambda x, size: seen.append(len(x)) or convolve(x, size))
    torch.testing.assert_close(network(RepeatedImages(frames, index)), expected)
    assert seen == [4]
