"""Mixture of experts."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

import torch
from torch import nn

from rsl_rl.modules.mlp import MLP
from rsl_rl.utils.errors import RslRlError, reject_unknown


class Mixture(nn.Module):
    """Perceptrons of one size that read the same features, and the mean of their outputs, weighted by a gate.

    Attributes:
        temperature: 0-d, by which the gate's logits are divided; part of the state, as it may change in training.
    """

    temperature: torch.Tensor

    def __init__(
        self,
        section: str,
        input_dim: int,
        output_dim: int,
        hidden_dims: Sequence[int],
        activation: str,
        output_activation: Optional[str],
        names: Sequence[str] = (),
        top_k: Optional[int] = None,
        inference_top_k: Optional[int] = None,
        temperature: float = 1.0,
        gate: Optional[Mapping[str, Any]] = None,
        **unknown: Any,
    ) -> None:
        """Build K experts.

        Args:
            section: of the configuration that the keys come from, for errors.
            input_dim: length of an input.
            output_dim: length of an output.
            hidden_dims: as of `MLP`, like the next two.
            activation: between layers.
            output_activation: of each expert.
            names: of the experts.
            top_k: all others than so many get no weight; None for no limit.
            inference_top_k: that of networks in evaluation mode; None for `top_k`.
            temperature: above 1 the weights are more equal, below less.
            gate: settings of whoever builds the gate.
            **unknown: keys that do not exist.

        Raises:
            RslRlError: unknown key, or numbers or names that make no mixture.
        """
        super().__init__()
        reject_unknown(section, unknown, Mixture.__init__)
        if len(set(names)) != len(names) or len(names) < 2 or any("." in name for name in names):
            raise RslRlError(f"{section}.names is {list(names)}; give at least two, all different, without dots")
        limits = [k for k in (top_k, inference_top_k) if k is not None]
        if temperature <= 0.0 or not all(1 <= k <= len(names) for k in limits):
            raise RslRlError(f"{section}: temperature must be above 0 and top_k from 1 to {len(names)}")
        self.experts = nn.ModuleDict(
            {name: MLP(input_dim, output_dim, hidden_dims, activation, output_activation) for name in names}
        )
        self.top_k, self.inference_top_k = top_k, top_k if inference_top_k is None else inference_top_k
        self.gate_settings = {} if gate is None else dict(gate)
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def weights(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn the gate's logits (B, K) into weights (B, K), which add up to 1."""
        top_k = self.top_k if self.training else self.inference_top_k
        if top_k is not None:
            least = logits.topk(top_k, dim=-1).values[:, -1:]
            logits = logits.masked_fill(logits < least, float("-inf"))
        return (logits / self.temperature).softmax(dim=-1)

    def forward(self, x: torch.Tensor, weights: torch.Tensor, added: Optional[torch.Tensor] = None) -> torch.Tensor:
        """Map (B, input_dim) and weights (B, K) to (B, output_dim); `added` as of `MLP`, for all experts."""
        outputs = torch.stack([expert(x, added) for expert in self.experts.values()], dim=1)
        return (weights.unsqueeze(-1) * outputs).sum(dim=1)
