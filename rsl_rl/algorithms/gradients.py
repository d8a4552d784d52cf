"""Gradients of networks in one buffer."""

from __future__ import annotations

from typing import Dict, Iterable, Mapping

import torch
from torch import nn


class Gradients:
    """Gradients of the parameters of some networks, as views of one buffer.

    Norms, cutting and the exchange between processes then take one operation each instead of one per parameter. The
    gradients must never be set to None. Frozen parameters get none.

    Attributes:
        buffer: all gradients, (number of parameters,).
        networks: name -> the part of the buffer that belongs to the network.
    """

    def __init__(self, networks: Mapping[str, Iterable[nn.Parameter]], device: torch.device) -> None:
        """Give all parameters their gradients, zero at first.

        Args:
            networks: name -> its parameters, in the order of the buffer.
            device: where the parameters are.
        """
        learning = {name: [p for p in parameters if p.requires_grad] for name, parameters in networks.items()}
        sizes = [sum(parameter.numel() for parameter in part) for part in learning.values()]
        self.buffer = torch.zeros(sum(sizes), device=device)
        self.networks: Dict[str, torch.Tensor] = dict(zip(learning, self.buffer.split(sizes)))
        parameters = [parameter for part in learning.values() for parameter in part]
        views = self.buffer.split([parameter.numel() for parameter in parameters])
        for parameter, view in zip(parameters, views):
            parameter.grad = view.view_as(parameter)

    def zero_(self) -> None:
        """Begin anew."""
        self.buffer.zero_()

    def cut_(self, max_norm: float) -> Dict[str, torch.Tensor]:
        """Cut the gradient of each network to at most `max_norm`; returns name -> length (0-d) before that."""
        norms = {name: torch.linalg.vector_norm(part) for name, part in self.networks.items()}
        for name, part in self.networks.items():
            part.mul_((max_norm / (norms[name] + 1e-6)).clamp(max=1.0))
        return norms
