"""The perceptron against the formula."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rsl_rl import kernels
from rsl_rl.kernels import convolutions
from rsl_rl.modules import MLP
from rsl_rl.modules.mlp import ACTIVATIONS
from rsl_rl.utils.errors import RslRlError

FORMULAS = {
    "elu": lambda x: torch.where(x > 0, x, x.exp() - 1),
    "relu": lambda x: x.clamp(min=0),
    "lrelu": lambda x: torch.where(x > 0, x, 0.01 * x),
    "selu": lambda x: 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * (x.exp() - 1)),
    "tanh": lambda x: (x.exp() - (-x).exp()) / (x.exp() + (-x).exp()),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "silu": lambda x: x / (1 + (-x).exp()),
}


def formula(mlp: MLP, x: torch.Tensor, activation: str) -> torch.Tensor:
    """In float64: x W^T + b, the activation in between."""
    layers = [*mlp.hidden, mlp.output]
    x = x.double()
    for number, layer in enumerate(layers):
        assert isinstance(layer, nn.Linear)
        x = (x.unsqueeze(1) * layer.weight.double()).sum(-1) + layer.bias.double()
        if number < len(layers) - 1:
            x = FORMULAS[activation](x)
    return x


# 512 rows go through convolutions, 500 do not.
@pytest.mark.parametrize("rows", [1, 500, 512])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_values_and_gradients(rows: int, activation: str) -> None:
    mlp = MLP(6, 3, [10, 7], activation)
    x = torch.randn(rows, 6, requires_grad=True)
    weights = torch.randn(rows, 3)
    inputs = [x, *mlp.parameters()]
    output = mlp(x)
    expected = formula(mlp, x, activation)
    assert output.shape == (rows, 3)
    torch.testing.assert_close(output, expected.float(), rtol=1e-4, atol=1e-5)
    gradients = torch.autograd.grad((output * weights).sum(), inputs)
    expected_gradients = torch.autograd.grad((expected * weights).sum(), inputs)
    for gradient, expected_gradient in zip(gradients, expected_gradients):
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-3, atol=1e-3)


def test_training_and_evaluation_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    mlp = MLP(48, 12, [64, 32])
    x = torch.randn(1024, 48)
    assert kernels.are_for(mlp, x)
    assert convolutions.can_read(x)
    in_training = mlp(x)
    monkeypatch.setattr(kernels, "enabled", False)
    assert not kernels.are_for(mlp, x)
    monkeypatch.undo()
    mlp.eval()
    assert not kernels.are_for(mlp, x)
    torch.testing.assert_close(mlp(x), in_training, rtol=1e-4, atol=1e-5)


def test_rows_that_are_not_contiguous() -> None:
    mlp = MLP(4, 2, [8])
    x = torch.randn(4, 512).t()
    torch.testing.assert_close(mlp(x), mlp(x.contiguous()))


def test_input_is_left_alone() -> None:
    x = torch.randn(512, 4)
    copy = x.clone()
    MLP(4, 2, [8])(x)
    assert torch.equal(x, copy)


def test_no_hidden_layer_is_linear() -> None:
    mlp = MLP(3, 2, [])
    x = torch.randn(5, 3)
    torch.testing.assert_close(mlp(x), x @ mlp.output.weight.t() + mlp.output.bias)


@pytest.mark.parametrize("rows", [500, 512])
def test_autocast_keeps_the_last_layer_exact(rows: int) -> None:
    mlp = MLP(16, 4, [32, 32])
    x = torch.randn(rows, 16)
    with torch.autocast("cpu", torch.bfloat16):
        output = mlp(x)
    assert output.dtype == torch.float32
    error = (output - mlp(x)).abs().max()
    assert 0 < error < 0.02
    # A value rounded to bfloat16 would have 16 zero bits at its end.
    assert (output.view(torch.int32) & 0xFFFF).any()


def test_unknown_activation() -> None:
    with pytest.raises(RslRlError, match=r"policy.activation is 'eluu'; did you mean elu or .*selu"):
        MLP(2, 2, [2], "eluu")
