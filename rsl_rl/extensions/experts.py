"""What keeps the gate of a mixture of experts from choosing one of them for everything."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import torch

from rsl_rl.extensions.extension import Batch, Context, Extension, Losses
from rsl_rl.models import Outputs
from rsl_rl.modules.mixture import Mixture
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.schedule import Schedule, Scheduled, cosine


class Experts(Extension):
    """Temperature of the actor's gate, and a loss on its weights p (B, K), with `load` their mean over a batch.

    balance_coef * sum((load - 1/K)^2) - entropy_bonus * mean(-sum(p log p))
        + diversity_coef * max(min_usage - min(load), 0) - mode_coef * mean(log p of the mode's own expert)

    Args:
        context: the policy's actor must have experts.
        temperature: of the gate, along half a cosine.
        balance_coef: weight of unequal loads.
        entropy_bonus: above 0 it keeps the gate undecided, below it makes it decide.
        diversity_coef: weight of an expert that is hardly used.
        min_usage: the load that is enough.
        modes: observation group whose first K numbers are 1 for the expert that the state is meant for, else 0.
        mode_coef: weight of its share; without it, experts share the work as they please, whatever they are called.

    Raises:
        RslRlError: there are no experts, or what is no schedule.
    """

    def __init__(
        self,
        context: Context,
        temperature: Scheduled = (2.0, 0.6, 0, 6000),
        balance_coef: Scheduled = 0.03,
        entropy_bonus: Scheduled = (0.02, 0.0, 0, 2000),
        diversity_coef: Scheduled = 0.05,
        min_usage: float = 0.1,
        modes: Optional[str] = None,
        mode_coef: Scheduled = 0.1,
    ) -> None:
        head = context.policy.actor.head
        if not isinstance(head, Mixture):
            raise RslRlError("algorithm.extensions.experts: the actor has no experts; set policy.actor.experts")
        self._policy, self._names, self._min_usage = context.policy, list(head.experts), min_usage
        self._modes, self.groups = modes, () if modes is None else (modes,)
        width = len(self._names) if modes is None else context.policy.observation_dims.get(modes, (0,))[0]
        if width < len(self._names):
            raise RslRlError(f"algorithm.extensions.experts.modes: {modes!r} is no group with a number for each expert")
        self._temperature = Schedule("algorithm.extensions.experts.temperature", temperature, cosine)
        coefs = {"balance_coef": balance_coef, "entropy_bonus": entropy_bonus, "diversity_coef": diversity_coef}
        coefs["mode_coef"] = mode_coef
        self._coefs = {name: Schedule(f"algorithm.extensions.experts.{name}", x) for name, x in coefs.items()}
        self.set_progress(0, 1)

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """See `Extension.set_progress`."""
        self._coef = {name: schedule(iteration) for name, schedule in self._coefs.items()}
        self._gate_temperature.fill_(self._temperature(iteration))

    @property
    def _gate_temperature(self) -> torch.Tensor:
        head = self._policy.actor.head
        assert isinstance(head, Mixture)
        return head.temperature

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        """See `Extension.losses`."""
        weights = outputs.latents["gate"]
        # Experts without any weight have no say; the bound keeps their gradient finite.
        logs = weights.clamp(min=1e-12).log()
        load = weights.mean(0)
        balance = (load - 1.0 / len(load)).square().sum()
        entropy = -(weights * logs).sum(-1).mean()
        diversity = (self._min_usage - load.min()).clamp(min=0.0)
        coef = self._coef
        loss = coef["balance_coef"] * balance - coef["entropy_bonus"] * entropy + coef["diversity_coef"] * diversity
        if self._modes is not None:
            meant = batch.observations[self._modes][:, : len(load)]
            loss = loss - coef["mode_coef"] * (meant * logs).sum(-1).mean()
        watched = {"gate_entropy": entropy, "gate_min_usage": load.min(), "gating_temperature": self._gate_temperature}
        usage = {f"gate_usage/{name}": share for name, share in zip(self._names, load)}
        terms: Dict[str, Tuple[float, torch.Tensor]] = {"moe_aux": (1.0, loss)}
        terms.update({name: (0.0, value) for name, value in {**watched, **usage}.items()})
        return terms
