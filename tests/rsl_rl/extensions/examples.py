"""Extensions for tests, for environments with the groups "policy" and "critic"."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping

import torch
from torch import nn

from rsl_rl.extensions import Batch, Context, Extension, Losses
from rsl_rl.models import Observations, Outputs


class Bounds(Extension):
    """Mean sum of how far mean actions are out of [-limit, limit]."""

    def __init__(self, context: Context, coef: float = 0.5, limit: float = 2.0) -> None:
        self.coef, self.limit = coef, limit

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        beyond = (outputs.mean.clamp(-self.limit, self.limit) - outputs.mean).abs()
        return {"bounds": (self.coef, beyond.sum(-1).mean())}


class Onlooker(Extension):
    """Does all that an extension can do without having a say: draws, keeps, watches, and learns for itself."""

    groups = ("policy",)

    def __init__(self, context: Context, learning_rate: float = 1e-2) -> None:
        size = context.policy.observation_dims["policy"][0]
        self.network = nn.Linear(size, size).to(context.device)
        self.optimizer = context.optimizer("onlooker", self.network.parameters(), learning_rate)

    def labels(self, obs: Observations) -> Mapping[str, torch.Tensor]:
        return {"outer": obs["policy"].unsqueeze(2) * obs["policy"].unsqueeze(1)}

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        squares = batch.labels["outer"].diagonal(dim1=1, dim2=2)
        torch.testing.assert_close(squares, batch.observations["policy"].square())
        assert outputs.mean.dtype == torch.float32 and not outputs.values.requires_grad
        return {"mean_action": (0.0, outputs.mean.mean())}

    def error(self, batch: Any) -> torch.Tensor:
        x = batch.observations["policy"]
        return (self.network(x) - x).square().mean()

    def after_update(self, storage: Any) -> Mapping[str, float]:
        torch.rand(3)
        return self.optimizer.learn(self.error(batch) for batch in storage.mini_batches(2, 1))


class Companion(Extension):
    """A network that the policy's optimiser trains, on what the policy does not see."""

    groups = ("critic",)

    def __init__(self, context: Context) -> None:
        self.network = nn.Linear(context.policy.observation_dims["critic"][0], 1).to(context.device)
        self.start = self.network.bias.item()

    def parameters(self) -> Iterable[nn.Parameter]:
        return self.network.parameters()

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        return {"companion": (1.0, (self.network(batch.observations["critic"]) - 5.0).square().mean())}


class Blind(Extension):
    """Lets the actor see nothing of the group "policy" while it acts."""

    def acting_view(self, obs: Observations) -> Observations:
        return {**obs, "policy": torch.zeros_like(obs["policy"])}


class Glasses(Extension):
    """Lets the actor see the group "policy" through a network while it acts."""

    def __init__(self, context: Context) -> None:
        size = context.policy.observation_dims["policy"][0]
        self.network = nn.Linear(size, size).to(context.device)

    def acting_view(self, obs: Observations) -> Observations:
        return {**obs, "policy": self.network(obs["policy"])}


class Copier(Extension):
    """Behaviour cloning of a teacher who does what the first observations say; takes over in the second half."""

    def __init__(self, context: Context, size: int = 3) -> None:
        self.size = size

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        self.policy_loss_coef = 1.0 if 2 * iteration < max_iterations else 0.0

    def labels(self, obs: Observations) -> Mapping[str, torch.Tensor]:
        return {"teacher": obs["policy"][:, : self.size]}

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        loss = (outputs.mean - batch.labels["teacher"]).square().sum(-1).mean()
        return {"cloning": (1.0 - self.policy_loss_coef, loss)}


class Spoiler(Extension):
    """A loss that is no number in every second batch."""

    def __init__(self, context: Context) -> None:
        self.count = 0

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        self.count += 1
        return {"spoiler": (1.0, outputs.mean.mean() * (float("nan") if self.count % 2 else 1.0))}


def table(*classes: type, **settings: Any) -> Dict[str, Any]:
    """A config of extensions, each under the name of its class."""
    return {cls.__name__.lower(): {"class_name": cls, **settings} for cls in classes}
