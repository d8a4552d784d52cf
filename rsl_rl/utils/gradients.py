"""Steps of an optimiser along gradients that lie in one buffer."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterable, List, Mapping, Optional, Protocol, Sequence

import torch
from torch import nn


class Group(Protocol):
    """Processes that train together."""

    world_size: int

    def all_reduce_mean_(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace tensors by their means over all processes."""


class Gradients:
    """Gradients of the parameters of some networks, as views of one buffer.

    Norms, clipping and the exchange between processes then take one operation each instead of one per parameter. Frozen
    parameters get none.

    Attributes:
        buffer: all gradients, (number of parameters,).
        networks: name -> the part of the buffer that belongs to the network.
    """

    def __init__(self, networks: Mapping[str, Iterable[nn.Parameter]], device: torch.device) -> None:
        """Take all parameters.

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
        self._views = [(parameter, view.view_as(parameter)) for parameter, view in zip(parameters, views)]

    def zero_(self) -> None:
        """Begin anew, also with parameters whose gradients others have used since."""
        self.buffer.zero_()
        for parameter, view in self._views:
            parameter.grad = view

    def clip_(self, max_norm: float) -> Dict[str, torch.Tensor]:
        """Clip the gradient of each network to at most `max_norm`; returns name -> length (0-d) before that."""
        norms = {name: torch.linalg.vector_norm(part) for name, part in self.networks.items()}
        for name, part in self.networks.items():
            part.mul_((max_norm / (norms[name] + 1e-6)).clamp(max=1.0))
        return norms

    def prepare_(
        self, watched: Mapping[str, torch.Tensor], max_norm: float, distributed: Optional[Group] = None
    ) -> Optional[Dict[str, float]]:
        """Make the gradients ready for a step: mean over all processes, clipped.

        Args:
            watched: losses and what else to watch, each 0-d.
            max_norm: see `clip_`.
            distributed: the processes, where there are several.

        Returns:
            What is watched, and the lengths "<network>_grad_norm" before clipping; None where any number is not
            finite, so that no step may be taken.
        """
        numbers = torch.stack(list(watched.values()))
        if distributed is not None:
            # A mean with one number that is not finite is not finite, so all processes come to the same decision.
            distributed.all_reduce_mean_([self.buffer, numbers])
        norms = self.clip_(max_norm)
        # The one transfer to the host in a mini-batch.
        values = torch.cat([numbers, torch.stack(list(norms.values()))]).tolist()
        if not all(math.isfinite(value) for value in values):
            return None
        return dict(zip([*watched, *(f"{name}_grad_norm" for name in norms)], values))


class OwnOptimizer:
    """An optimiser (Adam) apart from the algorithm's, with a learning rate that stays.

        self.optimizer = context.optimizer("estimator", network.parameters(), learning_rate=1e-3)
        metrics = self.optimizer.learn(self.error(batch) for batch in storage.mini_batches(4, 1))

    Args:
        name: before its metrics.
        parameters: on `device`; some may be the policy's.
        learning_rate: of all steps.
        device: where to compute.
        max_grad_norm: longer gradients are clipped to this length.
        weight_decay: see `make_adamw`.
        distributed: the processes that train together, where there are several.

    Attributes:
        parameters: all of them, as given.
        optimizer: over those that are not frozen.
    """

    def __init__(
        self,
        name: str,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        device: torch.device,
        max_grad_norm: float = 1.0,
        weight_decay: float = 0.0,
        distributed: Optional[Group] = None,
    ) -> None:
        self.parameters = list(parameters)
        self._name, self._max_grad_norm, self._distributed = name, max_grad_norm, distributed
        self._gradients = Gradients({name: self.parameters}, device)
        self.optimizer = make_adamw(self.parameters, learning_rate, weight_decay, device)

    def learn(self, losses: Iterable[torch.Tensor]) -> Dict[str, float]:
        """Take a step along each of the losses (0-d), one after the other; best from a generator.

        Returns:
            "<name>", the mean loss; "<name>_grad_norm", "<name>_skipped_updates", as of PPO.
        """
        steps: List[Optional[Dict[str, float]]] = []
        for loss in losses:
            self._gradients.zero_()
            loss.backward()
            watched = {self._name: loss.detach()}
            steps.append(self._gradients.prepare_(watched, self._max_grad_norm, self._distributed))
            if steps[-1] is not None:
                self.optimizer.step()
        means = means_of(steps)
        return {f"{self._name}_skipped_updates": means.pop("skipped_updates"), **means}

    def state_dict(self) -> Dict[str, Any]:
        """The moments; rates and decays are settings."""
        return {"state": self.optimizer.state_dict()["state"]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` gave."""
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state["state"]})


def make_adamw(
    parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float, device: torch.device
) -> torch.optim.Optimizer:
    """AdamW, which without decay is Adam, over what is not frozen. Only matrices decay: no biases, no deviations."""
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    groups = [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=device.type in ("cpu", "cuda"))


def means_of(steps: Sequence[Optional[Mapping[str, float]]]) -> Dict[str, float]:
    """Means of what the batches gave; "skipped_updates" counts those that gave None, and were not learned from."""
    taken = [metrics for metrics in steps if metrics is not None]
    means = {name: sum(metrics[name] for metrics in taken) / len(taken) for name in (taken[0] if taken else ())}
    return {**means, "skipped_updates": float(len(steps) - len(taken))}
