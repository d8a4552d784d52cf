"""Gated recurrent units over rollouts in which episodes end, for CPUs.

torch differentiates a GRU on a CPU gate by gate and step by step, through copies of slices, and reads whole sequences
alone, so that a rollout must first be cut at the ends of episodes and padded. Here the state is set to zero where an
episode begins, and gradients are written down by hand: all steps of a rollout together make four large products of
matrices, and what remains for a single step is one product each way.
"""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from rsl_rl.kernels.products import linear, transposed_product


def read_rollout(
    gru: nn.RNNBase, inputs: torch.Tensor, state: Optional[torch.Tensor], restarts: torch.Tensor
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Compute the outputs of a GRU for a rollout.

    Args:
        gru: the layers.
        inputs: (T, N, F).
        state: (layers, N, H), before the first step; None for zeros.
        restarts: (T, N) bool, where the state is zero before the step, whatever it was.

    Returns:
        outputs: (T, N, H), of the last layer.
        state: (layers, N, H), after the last step.
    """
    alive = [None if not any_restart else ~row for row, any_restart in zip(restarts, restarts.any(dim=1).tolist())]
    masks = [None if row is None else row.unsqueeze(1).to(inputs.dtype) for row in alive]
    after = []
    for layer in range(gru.num_layers):
        first = inputs.new_zeros(inputs.shape[1], gru.hidden_size) if state is None else state[layer]
        weights = (getattr(gru, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        inputs = _Layer.apply(inputs, first, *weights, masks)
        after.append(inputs[-1])
    return inputs, torch.stack(after)


class _Layer(Function):
    """One layer.

    With x the input, and s the state before a step, zero at the beginning of an episode:

        r = sigmoid(Wr x + br + Ur s + cr)                reset gate
        z = sigmoid(Wz x + bz + Uz s + cz)                update gate
        n = tanh(Wn x + bn + r * (Un s + cn))             candidate
        output = (1 - z) * n + z * s                      which is also the state after the step

    (Cho et al. 2014, arXiv:1406.1078, with torch's place for r.)
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: torch.Tensor,
        state: torch.Tensor,
        weight_in: torch.Tensor,
        weight: torch.Tensor,
        bias_in: torch.Tensor,
        bias: torch.Tensor,
        masks: List[Optional[torch.Tensor]],
    ) -> torch.Tensor:
        """Compute outputs (T, N, H).

        Args:
            ctx: what backward needs.
            inputs: (T, N, F).
            state: (N, H), before the first step.
            weight_in: (3 H, F), W of r, z and n.
            weight: (3 H, H), U.
            bias_in: (3 H), b.
            bias: (3 H), c.
            masks: for each step (N, 1), 0 where an episode begins and 1 elsewhere; None for ones.
        """
        steps, count, size = inputs.shape[0], inputs.shape[1], state.shape[1]
        # First the sums of the inputs, then, in their place, the gates.
        gates = linear(inputs.flatten(0, 1), weight_in, bias_in).view(steps, count, 3 * size)
        before, outputs = inputs.new_empty(2, steps, count, size)
        sums = []
        for step in range(steps):
            mask = masks[step]
            state = before[step].copy_(state) if mask is None else torch.mul(state, mask, out=before[step])
            recurrent = linear(state, weight, bias)
            reset_update, candidate = gates[step].split([2 * size, size], dim=1)
            reset, update = reset_update.add_(recurrent[:, : 2 * size]).sigmoid_().chunk(2, dim=1)
            own = recurrent[:, 2 * size :]
            _tanh_(candidate.addcmul_(reset, own))
            state = torch.lerp(candidate, state, update, out=outputs[step])
            sums.append(own)
        ctx.save_for_backward(inputs, weight_in, weight)
        ctx.steps = (before, gates, sums, masks)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Tuple[Optional[torch.Tensor], ...]:
        """Differentiate by inputs, state, weights and biases, given the gradient (T, N, H) by the outputs."""
        inputs, weight_in, weight = ctx.saved_tensors
        before, gates, sums, masks = ctx.steps
        steps, count, size = gradient.shape
        # By the sums of the inputs (outer) and of the state (inner): the same but for the candidate's.
        outer, inner = gates.new_empty(2, *gates.shape)
        by_state = gradient.new_zeros(count, size)
        for step in reversed(range(steps)):
            by_output = by_state.add_(gradient[step])
            reset, update, candidate = gates[step].split(size, dim=1)
            by_update = torch.sub(before[step], candidate).mul_(by_output)
            by_state = by_output * update
            by_candidate = torch.ops.aten.tanh_backward(by_output.sub_(by_state), candidate)
            outer[step, :, 2 * size :] = by_candidate
            torch.mul(by_candidate, reset, out=inner[step, :, 2 * size :])
            inner[step, :, :size] = torch.ops.aten.sigmoid_backward(by_candidate.mul_(sums[step]), reset)
            inner[step, :, size : 2 * size] = torch.ops.aten.sigmoid_backward(by_update, update)
            outer[step, :, : 2 * size] = inner[step, :, : 2 * size]
            by_state.add_(linear(inner[step], weight.t()))
            if masks[step] is not None:
                by_state.mul_(masks[step])
        outer, inner, rows = outer.flatten(0, 1), inner.flatten(0, 1), inputs.flatten(0, 1)
        by_inputs = linear(outer, weight_in.t()).view_as(inputs) if ctx.needs_input_grad[0] else None
        by_weights = transposed_product(outer, rows), transposed_product(inner, before.flatten(0, 1))
        return (by_inputs, by_state, *by_weights, outer.sum(0), inner.sum(0), None)


def _tanh_(x: torch.Tensor) -> torch.Tensor:
    """Overwrite x with tanh(x) = 2 sigmoid(2 x) - 1, to within 1e-7: torch's own takes four times as long on a CPU."""
    return x.mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0)
