"""GRU over rollouts with episode ends: against torch's, stepped with resets."""

from __future__ import annotations

from typing import Any, Optional

import pytest
import torch
from torch import nn

from rsl_rl.kernels.gru import read_rollout
from rsl_rl.modules import Memory

STEPS, ENVS, INPUTS, SIZE = 7, 5, 3, 4


def stepped(gru: nn.GRU, x: torch.Tensor, state: Optional[torch.Tensor], restarts: torch.Tensor) -> Any:
    """The layers of torch, one step after the other, the state set to zero where an episode begins."""
    state = torch.zeros(gru.num_layers, x.shape[1], SIZE, dtype=x.dtype) if state is None else state
    outputs = []
    for step in range(len(x)):
        state = state.masked_fill(restarts[step].unsqueeze(1), 0.0)
        output, state = gru(x[step : step + 1], state)
        outputs.append(output)
    return torch.cat(outputs), state


def example(layers: int, probability: float) -> tuple[nn.GRU, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(layers)
    gru = nn.GRU(INPUTS, SIZE, layers).double()
    x = torch.randn(STEPS, ENVS, INPUTS, dtype=torch.double, requires_grad=True)
    state = torch.randn(layers, ENVS, SIZE, dtype=torch.double, requires_grad=True)
    return gru, x, state, torch.rand(STEPS, ENVS) < probability


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_outputs_and_gradients_are_those_of_torch(layers: int, probability: float) -> None:
    gru, x, state, restarts = example(layers, probability)
    weights = torch.randn(STEPS, ENVS, SIZE, dtype=torch.double)
    inputs = [x, state, *gru.parameters()]
    results = []
    for read in (read_rollout, stepped):
        outputs, after = read(gru, x, state, restarts)
        loss = (outputs * weights).sum() + after.square().sum()
        results.append([outputs, after, *torch.autograd.grad(loss, inputs)])
    for found, expected in zip(*results):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


def test_gradients_are_finite_differences() -> None:
    gru, x, state, restarts = example(1, 0.3)

    def outputs(x: torch.Tensor, state: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return read_rollout(gru, x, state, restarts)[0]

    assert torch.autograd.gradcheck(outputs, (x, state, *gru.parameters()))


def test_rollout_without_a_state_begins_with_zeros() -> None:
    gru, x, state, restarts = example(2, 0.3)
    for found, expected in zip(read_rollout(gru, x, None, restarts), read_rollout(gru, x, 0.0 * state, restarts)):
        assert torch.equal(found, expected)


def test_arguments_are_left_alone() -> None:
    gru, x, state, restarts = example(1, 0.5)
    copies = [tensor.detach().clone() for tensor in (x, state)]
    read_rollout(gru, x, state, restarts)[0].sum().backward()
    assert all(torch.equal(a, b) for a, b in zip(copies, (x, state)))


def test_gradient_may_be_taken_twice() -> None:
    gru, x, state, restarts = example(1, 0.5)
    outputs, _ = read_rollout(gru, x, state, restarts)
    first, second = (torch.autograd.grad(outputs.sum(), list(gru.parameters()), retain_graph=True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second))


def test_only_gru_in_full_precision_on_a_cpu() -> None:
    x = torch.zeros(1, 3)
    assert Memory(3, 4, 1, "gru").reads_rollouts(x)
    assert not Memory(3, 4, 1, "gru").eval().reads_rollouts(x)
    assert not Memory(3, 4, 1, "lstm").reads_rollouts(x)
    assert not Memory(3, 4, 1, "gru").reads_rollouts(x.to("meta"))
    with torch.autocast("cpu", torch.bfloat16):
        assert not Memory(3, 4, 1, "gru").reads_rollouts(x)
