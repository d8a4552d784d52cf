"""Networks that tell from what a robot feels what only a simulation knows, and act in its place."""

from __future__ import annotations

import copy
from typing import Any, Dict, Mapping, Union

import torch

from rsl_rl.extensions.extension import Batch, Context, Extension, Losses
from rsl_rl.models import Observations, Outputs
from rsl_rl.models.encoder import Encoder
from rsl_rl.modules.memory import Memory
from rsl_rl.storage import RolloutStorage, SequenceStorage
from rsl_rl.utils.errors import RslRlError, near_matches
from rsl_rl.utils.schedule import Schedule, Scheduled


class Estimator(Extension):
    """Learns by the mean square what an encoder of the actor says, and takes its place when the actor acts.

    PPO learns from what was true, as the paper's code does: the encoder stays in its place there. The ratio of
    probabilities then has the error of the estimate in it, more so the less noise the actions have; `is_consistent`
    spares it. In the iterations that `every` divides the estimate acts and learns; once the policy is deployed it
    always acts. If the actor's inputs are normalised, so are those of the network, and a group that is passed through
    is estimated as normalised.

    Args:
        context: what it is made for.
        encoder: of the actor; a group that is passed through is one too.
        network: keyword arguments of an `Encoder` with as many outputs.
        learning_rate: of an Adam of its own.
        every: iterations.
        num_learning_epochs: times that it goes through a rollout.
        num_mini_batches: parts that the rollout is shared out to.
        is_consistent: PPO learns from the estimate that acted, too. Of groups that are passed through, as an encoder
            with weights would not learn.

    Raises:
        RslRlError: there is no such encoder, or the network cannot take its place.
    """

    name = "estimator"

    def __init__(
        self,
        context: Context,
        encoder: str,
        network: Mapping[str, Any],
        learning_rate: float = 1e-4,
        every: int = 1,
        num_learning_epochs: int = 5,
        num_mini_batches: int = 4,
        is_consistent: bool = False,
    ) -> None:
        place, encoders = f"algorithm.extensions.{self.name}", context.policy.actor.encoders
        if encoder not in encoders:
            raise RslRlError(f"{place}.encoder: the actor has no {encoder!r}; {near_matches(encoder, list(encoders))}")
        settings = {"activation": "elu", **network}
        dims = context.policy.observation_dims
        scaled = context.policy.actor.is_normalized
        self.network = Encoder(f"{place}.network", encoder, dims, scaled, 0, **settings).to(context.device)
        own, there = self.network.output_dim, encoders[encoder].output_dim
        if own != there:
            raise RslRlError(f"{place}.network has {own} outputs, the encoder {encoder!r} {there}")
        both = [*encoders[encoder].modules(), *self.network.modules()]
        has_memory = any(isinstance(module, Memory) for module in both)
        if encoders[encoder].is_gated or has_memory:
            raise RslRlError(f"{place}: it takes the place of no encoder with a gate or a memory")
        if is_consistent and not encoders[encoder].passes_through:
            raise RslRlError(f"{place}.is_consistent: {encoder!r} has weights, which PPO would not learn any more")
        self.groups = self.network.groups
        self.optimizer = context.optimizer(self.name, self.network.parameters(), learning_rate)
        self._policy, self._encoder, self._settings = context.policy, encoder, settings
        self._every, self._passes = every, (num_mini_batches, num_learning_epochs)
        self._is_due, self._is_consistent, self._distributed = True, is_consistent, context.distributed
        self._watched: Dict[str, float] = {}

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """See `Extension.set_progress`."""
        self._is_due = iteration % self._every == 0

    def acting_encoders(self, deployed: bool) -> Dict[str, Encoder]:
        """See `Extension.acting_encoders`."""
        return {self._encoder: self.network} if deployed or self._is_due else {}

    def learning_encoders(self) -> Dict[str, Encoder]:
        """See `Extension.learning_encoders`."""
        if not (self._is_consistent and self._is_due):
            return {}
        # a copy, as gradients of the policy's losses would gather in the network itself
        return {self._encoder: copy.deepcopy(self.network).requires_grad_(False)}

    def distance(self, wanted: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
        """What is minimised (0-d), of (B, k) each."""
        return (found - wanted).square().mean()

    def after_update(self, storage: Union[RolloutStorage, SequenceStorage]) -> Mapping[str, float]:
        """See `Extension.after_update`; between its iterations what was watched stays."""
        assert isinstance(storage, RolloutStorage)
        self.network.update_normalizers(storage.flat_observations(), self._distributed)
        if self._is_due:
            self._watched = self.optimizer.learn(self._error(batch) for batch in storage.mini_batches(*self._passes))
        return self._watched

    def _error(self, batch: Batch) -> torch.Tensor:
        with torch.no_grad():
            wanted = self._policy.actor.encoders[self._encoder](batch.observations)[0]
        return self.distance(wanted, self.network(batch.observations)[0])

    def state_dict(self) -> Dict[str, Any]:
        """See `Extension.state_dict`; "stands_in" lets a checkpoint act by itself (`saved_policy.deployed`)."""
        stands_in = {"encoder": self._encoder, "settings": self._settings}
        return {**super().state_dict(), "stands_in": stands_in, "watched": dict(self._watched)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Extension.load_state_dict`."""
        super().load_state_dict(state)
        self._watched = dict(state.get("watched", {}))


class Adaptation(Estimator):
    """An estimator of a privileged latent that also pulls the latent to where it can be estimated.

    Regularised online adaptation (Fu, Cheng, Pathak 2022, arXiv:2210.10044): the latent is pulled towards the estimate
    while PPO learns, and the estimate, in passes of its own, towards the latent; both by the mean length of the
    difference. Arguments beyond those of `Estimator`:

    Args:
        coef: weight of the pull on the latent.
    """

    name = "hist_latent"

    def __init__(
        self,
        context: Context,
        encoder: str,
        network: Mapping[str, Any],
        coef: Scheduled = (0.0, 0.1, 2000, 3000),
        learning_rate: float = 2e-4,
        every: int = 20,
        num_learning_epochs: int = 5,
        num_mini_batches: int = 4,
    ) -> None:
        super().__init__(context, encoder, network, learning_rate, every, num_learning_epochs, num_mini_batches)
        if context.policy.actor.encoders[encoder].passes_through:
            raise RslRlError(f"algorithm.extensions.{self.name}.encoder: {encoder!r} has no weights to pull")
        self._schedule = Schedule(f"algorithm.extensions.{self.name}.coef", coef)
        self._coef = self._schedule(0)

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """See `Extension.set_progress`."""
        super().set_progress(iteration, max_iterations)
        self._coef = self._schedule(iteration)

    def distance(self, wanted: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
        """See `Estimator.distance`."""
        return torch.linalg.vector_norm(found - wanted, dim=-1).mean()

    def labels(self, obs: Observations) -> Dict[str, torch.Tensor]:
        """See `Extension.labels`: the estimates, which do not change while PPO learns, and cost as much as all else."""
        return {self.name: self.network(obs)[0]}

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        """See `Extension.losses`."""
        pull = self.distance(batch.labels[self.name], outputs.latents[self._encoder])
        return {"priv_reg": (self._coef, pull), "priv_reg_coef": (0.0, pull.new_tensor(self._coef))}
