"""Proximal policy optimisation."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import torch

from rsl_rl.algorithms import learning_rate as rules
from rsl_rl.algorithms.gae import compute_gae, normalized
from rsl_rl.algorithms.gradients import Gradients
from rsl_rl.algorithms.losses import clipped_surrogate, value_loss
from rsl_rl.algorithms.symmetry import Mirror, MirrorMaps
from rsl_rl.algorithms.updates import make_adamw, means_of
from rsl_rl.models import Hidden, Observations, Policy
from rsl_rl.storage import MiniBatch, RolloutStorage
from rsl_rl.utils.errors import check_choice, reject_unknown
from rsl_rl.utils.host_memory import keep_freed_memory
from rsl_rl.utils.trajectories import Trajectories

SCHEDULES = ("adaptive", "cosine", "fixed")
ENTROPY_SCHEDULES = ("constant", "linear")
PRECISIONS = ("float32", "bfloat16")
SYMMETRIES = ("none", "augment", "loss")

# Observations, and the memories of actor and critic before them.
View = Tuple[Observations, Dict[str, Hidden]]
Evaluation = Callable[[Observations, Dict[str, Hidden], Optional[Trajectories]], Sequence[torch.Tensor]]

# Before the name of a network: its memory of the mirror image of an episode.
_IMAGE = "image_"


class PPO:
    """PPO with a clipped objective (Schulman et al. 2017, arXiv:1707.06347), in the variant of legged_gym.

    The life of a rollout:

        algorithm.init_storage(num_envs, num_steps, observation_dims, num_actions)
        for each of num_steps:
            actions = algorithm.act(obs)
            obs, rewards, dones, extras = env.step(actions)
            algorithm.process_env_step(rewards, dones, extras)
        algorithm.compute_returns(obs)
        metrics = algorithm.update()

    Args:
        policy: the networks to train; they are moved to `device`.
        value_loss_coef: weight of the value loss.
        use_clipped_value_loss: do not reward values for moving more than `clip_param` in an update.
        clip_param: how far the ratio of probabilities may leave 1 before the objective stops rewarding it.
        entropy_coef: weight of the entropy.
        entropy_schedule: "constant", or "linear": down to 0 over the training, so that exploration makes room for
            precision.
        num_learning_epochs: times that an update goes through the rollout.
        num_mini_batches: parts that it is shared out to.
        learning_rate: at the start.
        schedule: "adaptive": at every mini-batch but the first of an update, by the KL divergence; "cosine": down to
            `min_learning_rate` over the training; "fixed".
        min_learning_rate: lower bound of "adaptive", end of "cosine".
        max_learning_rate: upper bound of "adaptive".
        gamma: discount of a step.
        lam: lambda of generalised advantage estimation.
        desired_kl: nats per update that "adaptive" aims at.
        max_grad_norm: longer gradients are cut to this length: the actor's and the critic's each on its own, those of
            a policy whose networks share features together.
        precision: "bfloat16" lets the networks compute in it where autocast allows, during updates only.
            Parameters, optimiser, log-probabilities and losses stay float32.
        symmetry: "augment" adds the mirror image of every sample; "loss" adds a loss on asymmetric mean actions. A
            recurrent policy then also lives through the mirror image of every episode, with a memory of its own, so
            networks are computed twice while collecting too.
        symmetry_loss_coef: weight of that loss.
        weight_decay: decoupled decay of weight matrices (AdamW).
        sequence_length: recurrent policies are differentiated over sequences of so many steps, of which a rollout has
            a whole number; each starts from the memory that it had when it was collected. None: whole rollouts.
        device: where to compute.
        mirror_maps: of the environment (`VecEnv.mirror_maps`), for `symmetry`.
        distributed: where several processes train one policy, an object with `world_size` and
            `all_reduce_mean_(tensors)`, which replaces tensors by their means over all processes.
        **unknown: keys that do not exist.

    Raises:
        RslRlError: an unknown key or choice, or a symmetry that is not to be had.

    Attributes:
        policy: the networks.
        optimizer: Adam over their parameters; never set gradients to None (see `Gradients`).
        learning_rate: current one.
        hidden: memories of the rollout under way, "actor", "critic" -> name -> (layers, N, H); empty dicts for
            feed-forward networks. With a symmetry recurrent ones also have "image_actor" and "image_critic".
        storage: the rollout under way, from `init_storage` on.
    """

    storage: RolloutStorage
    hidden: Dict[str, Hidden]
    main_loss = "surrogate"
    # A training without symmetry has no mirror images.
    late_state: Tuple[str, ...] = (f"hidden.{_IMAGE}actor", f"hidden.{_IMAGE}critic")

    def __init__(
        self,
        policy: Policy,
        value_loss_coef: float = 1.0,
        use_clipped_value_loss: bool = True,
        clip_param: float = 0.2,
        entropy_coef: float = 0.01,
        entropy_schedule: str = "constant",
        num_learning_epochs: int = 5,
        num_mini_batches: int = 4,
        learning_rate: float = 1e-3,
        schedule: str = "adaptive",
        min_learning_rate: float = 1e-5,
        max_learning_rate: float = 1e-2,
        gamma: float = 0.99,
        lam: float = 0.95,
        desired_kl: float = 0.01,
        max_grad_norm: float = 1.0,
        precision: str = "float32",
        symmetry: str = "none",
        symmetry_loss_coef: float = 0.0,
        weight_decay: float = 0.0,
        sequence_length: Optional[int] = None,
        device: Union[str, torch.device] = "cpu",
        mirror_maps: Optional[MirrorMaps] = None,
        distributed: Optional[Any] = None,
        **unknown: Any,
    ) -> None:
        reject_unknown("algorithm", unknown, PPO.__init__)
        check_choice("algorithm.schedule", schedule, SCHEDULES)
        check_choice("algorithm.entropy_schedule", entropy_schedule, ENTROPY_SCHEDULES)
        check_choice("algorithm.precision", precision, PRECISIONS)
        check_choice("algorithm.symmetry", symmetry, SYMMETRIES)
        self.device = torch.device(device)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.policy = policy.to(self.device)
        self.value_loss_coef = value_loss_coef
        self.use_clipped_value_loss = use_clipped_value_loss
        self.clip_param = clip_param
        self.entropy_coef = entropy_coef
        self.entropy_schedule = entropy_schedule
        self._initial_entropy_coef = entropy_coef
        self.num_learning_epochs = num_learning_epochs
        self.num_mini_batches = num_mini_batches
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.min_learning_rate = min_learning_rate
        self.max_learning_rate = max_learning_rate
        self.gamma = gamma
        self.lam = lam
        self.desired_kl = desired_kl
        self.max_grad_norm = max_grad_norm
        self.precision = precision
        self.symmetry = symmetry
        self.symmetry_loss_coef = symmetry_loss_coef
        self.sequence_length = sequence_length if policy.is_recurrent else None
        self._initial_learning_rate = learning_rate
        self._mirror = None if symmetry == "none" else Mirror(mirror_maps, policy.groups, self.device)
        self._distributed = distributed if distributed is not None and distributed.world_size > 1 else None
        self._gradients = self._make_gradients()
        self.optimizer = make_adamw(self.policy.parameters(), learning_rate, weight_decay, self.device)

    def _make_gradients(self) -> Gradients:
        actor = [*self.policy.actor.parameters(), *self.policy.distribution.parameters()]
        critic = list(self.policy.critic.parameters())
        if self.policy.is_shared:
            # The two losses meet in the features: their gradients have one direction, and one length.
            return Gradients({"policy": [*actor, *critic]}, self.device)
        return Gradients({"actor": actor, "critic": critic}, self.device)

    def init_storage(
        self, num_envs: int, num_steps: int, observation_dims: Mapping[str, Tuple[int, ...]], num_actions: int
    ) -> None:
        """Allocate the buffers of rollouts of T = `num_steps` steps of N = `num_envs` environments.

        Raises:
            RslRlError: `sequence_length` does not divide T.
        """
        self.hidden = self.policy.initial_hidden(num_envs)
        if self._mirror is not None and self.policy.is_recurrent:
            self.hidden.update({_IMAGE + name: states for name, states in self.policy.initial_hidden(num_envs).items()})
        dims = {group: observation_dims[group] for group in self.policy.groups}
        self.storage = RolloutStorage(
            num_envs, num_steps, dims, num_actions, self.hidden, self.device, self.sequence_length
        )

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """Tell how far the training is, before an update; schedules over the training ask."""
        progress = min(iteration / max(max_iterations, 1), 1.0)
        if self.entropy_schedule == "linear":
            self.entropy_coef = self._initial_entropy_coef * (1.0 - progress)
        if self.schedule == "cosine":
            self.learning_rate = rules.cosine(self._initial_learning_rate, self.min_learning_rate, progress)

    @torch.no_grad()
    def act(self, obs: Observations) -> torch.Tensor:
        """Draw actions (N, A) in the states `obs`, group -> (N, *shape)."""
        storage, distribution = self.storage, self.policy.distribution
        storage.save_hidden(self.hidden)
        values: Optional[torch.Tensor] = None
        if self._values_can_wait:
            means, self.hidden["actor"] = self.policy.actor(obs, self.hidden["actor"])
        else:
            means, values, _, after = self.policy.evaluate(obs, self.hidden)
            self.hidden = {**self.hidden, **after}
            if self._mirror is not None and self.policy.is_recurrent:
                after = self.policy.evaluate(self._mirror.images(obs), _of_images(self.hidden)).hidden
                self.hidden.update({_IMAGE + name: states for name, states in after.items()})
        actions = distribution.sample(means)
        storage.add_actions(obs, actions, means, distribution.log_prob(means, actions))
        if values is not None:
            storage.values[storage.step].copy_(values)
        return actions

    @property
    def _values_can_wait(self) -> bool:
        """Whether values are computed when the rollout is complete: a feed-forward critic is not needed before."""
        return not (self.policy.is_recurrent or self.policy.is_shared)

    @torch.no_grad()
    def process_env_step(self, rewards: torch.Tensor, dones: torch.Tensor, extras: Mapping[str, Any]) -> None:
        """Take in what the environments gave for the actions.

        Args:
            rewards: (N,).
            dones: (N,) bool.
            extras: may hold "time_outs", (N,) bool.
        """
        self.storage.add_outcome(rewards, dones, extras.get("time_outs"))
        ended = dones.to(self.device)
        self.hidden = {name: self.policy.reset_hidden(states, ended) for name, states in self.hidden.items()}

    @torch.no_grad()
    def compute_returns(self, last_obs: Observations) -> None:
        """Fill in values, returns and advantages of the complete rollout.

        Args:
            last_obs: group -> (N, *shape), observations after the last step.
        """
        storage = self.storage
        if self._values_can_wait:
            # A few large batches cost less than many small ones. The parts are as large as mini-batches, so they fit
            # where those fit.
            parts = {name: x.chunk(self.num_mini_batches) for name, x in storage.flat_observations().items()}
            values = [self.policy.values(dict(zip(parts, part)), self.hidden) for part in zip(*parts.values())]
            storage.values.copy_(torch.cat(values).view_as(storage.values))
        last_values = self.policy.values(last_obs, self.hidden)
        advantages, returns = compute_gae(
            storage.rewards, storage.values, last_values, storage.dones, storage.time_outs, self.gamma, self.lam
        )
        storage.returns.copy_(returns)
        storage.advantages.copy_(normalized(advantages, self._distributed))

    def update(self) -> Dict[str, float]:
        """Learn from the rollout, and make room for the next.

        Returns:
            "skipped_updates", the number of mini-batches left out because a loss or a gradient was not finite, and
            the means over all others of the losses "value_function", "surrogate" and (where there is one) "symmetry",
            of "entropy", "kl", and the lengths "actor_grad_norm" and "critic_grad_norm" before cutting; of a policy
            whose networks share features it is one, "policy_grad_norm".
        """
        # The parameters have not changed since the rollout was collected, so this is the distribution it came from.
        old_log_std = self.policy.distribution.log_std.detach().clone()
        steps: List[Optional[Dict[str, float]]] = []
        for batch in self._mini_batches():
            # Before its first step the policy has not moved: its KL is a rounding error and tells nothing of the rate.
            adapt = self.schedule == "adaptive" and any(steps)
            steps.append(self._step(self._compute_gradients(batch, old_log_std), adapt))
        self.policy.update_normalizers(self.storage.flat_observations(), self._distributed)
        self.storage.clear()
        return means_of(steps)

    def _mini_batches(self) -> Iterator[MiniBatch]:
        if self.policy.is_recurrent:
            return self.storage.recurrent_mini_batches(self.num_mini_batches, self.num_learning_epochs)
        return self.storage.mini_batches(self.num_mini_batches, self.num_learning_epochs)

    def _compute_gradients(self, batch: MiniBatch, old_log_std: torch.Tensor) -> Dict[str, torch.Tensor]:
        """Differentiate the losses of a mini-batch, and return the terms (0-d) to watch."""
        policy = self.policy
        originals: List[View] = [(batch.observations, batch.hidden)]
        views, targets = originals, batch
        if self._mirror is not None:
            views = self._with_images(self._mirror, batch)
            if self.symmetry == "augment":
                targets = self._mirror.augment(batch)
        self._gradients.zero_()
        if policy.is_shared:
            means, values = self._forward(lambda *view: policy.evaluate(*view)[:2], views, batch.trajectories)
            value_function = self._value_loss(values[: len(targets.values)], targets)
            loss, terms = self._actor_loss(means, targets)
            (loss + self.value_loss_coef * value_function).backward()
        else:
            # One network after the other, so that what the first one needs for its gradients has gone from memory, and
            # on a CPU from the cache, before the second one is computed.
            seen = views if targets is not batch else originals
            (values,) = self._forward(lambda *view: (policy.values(*view),), seen, batch.trajectories)
            value_function = self._value_loss(values, targets)
            (self.value_loss_coef * value_function).backward()
            (means,) = self._forward(
                lambda obs, hidden, pieces: policy.actor(obs, hidden["actor"], pieces)[:1], views, batch.trajectories
            )
            loss, terms = self._actor_loss(means, targets)
            loss.backward()
        terms = {"value_function": value_function, **terms}
        with torch.no_grad():
            old_means = batch.action_means
            terms["kl"] = policy.distribution.kl_from(old_means, old_log_std, means[: len(old_means)]).mean()
        return {name: term.detach() for name, term in terms.items()}

    def _value_loss(self, values: torch.Tensor, targets: MiniBatch) -> torch.Tensor:
        value_clip = self.clip_param if self.use_clipped_value_loss else None
        return value_loss(values, targets.values, targets.returns, value_clip)

    def _actor_loss(self, means: torch.Tensor, targets: MiniBatch) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
        """The loss (0-d) on mean actions, and its terms.

        Args:
            means: of the samples of `targets`; also of their images where there is a loss on asymmetry.
            targets: B samples.
        """
        distribution = self.policy.distribution
        log_probs = distribution.log_prob(means[: len(targets.actions)], targets.actions)
        surrogate = clipped_surrogate(log_probs, targets.log_probs, targets.advantages, self.clip_param)
        entropy = distribution.entropy()
        loss = surrogate - self.entropy_coef * entropy
        terms = {"surrogate": surrogate, "entropy": entropy}
        if self._mirror is not None:
            terms["symmetry"] = self._mirror.loss(means)
        if self.symmetry == "loss":
            loss = loss + self.symmetry_loss_coef * terms["symmetry"]
        return loss, terms

    def _with_images(self, mirror: Mirror, batch: MiniBatch) -> List[View]:
        """The samples of a mini-batch, then their mirror images; recurrent networks read them as rollouts of two."""
        images = mirror.images(batch.observations)
        if batch.trajectories is not None:
            return [(batch.observations, batch.hidden), (images, _of_images(batch.hidden))]
        both = {name: torch.cat([x, images[name]]) for name, x in batch.observations.items()}
        return [(both, batch.hidden)]

    def _forward(
        self, evaluate: Evaluation, views: Sequence[View], trajectories: Optional[Trajectories]
    ) -> List[torch.Tensor]:
        """Compute networks in the chosen precision, to outputs in float32, one view of the samples behind the other."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            outputs = [evaluate(obs, hidden, trajectories) for obs, hidden in views]
        return [(same[0] if len(same) == 1 else torch.cat(same)).float() for same in zip(*outputs)]

    def _step(self, terms: Dict[str, torch.Tensor], adapt: bool) -> Optional[Dict[str, float]]:
        """Take one step of the optimiser along the gradients, unless a number is not finite.

        Args:
            terms: what to watch, each 0-d, "kl" among it.
            adapt: fit the learning rate to "kl" before.

        Returns:
            The terms and the lengths of the gradients; None when no step was taken.
        """
        watched = torch.stack(list(terms.values()))
        if self._distributed is not None:
            # A mean with one number that is not finite is not finite, so all processes come to the same decision.
            self._distributed.all_reduce_mean_([self._gradients.buffer, watched])
        norms = self._gradients.cut_(self.max_grad_norm)
        # The one transfer to the host in a mini-batch.
        numbers = torch.cat([watched, torch.stack(list(norms.values()))]).tolist()
        if not all(math.isfinite(number) for number in numbers):
            return None
        metrics = dict(zip([*terms, *(f"{name}_grad_norm" for name in norms)], numbers))
        if adapt:
            self.learning_rate = rules.adapt_to_kl(
                self.learning_rate, metrics["kl"], self.desired_kl, self.min_learning_rate, self.max_learning_rate
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.step()
        self.policy.distribution.clamp_()
        return metrics

    def state_dict(self) -> Dict[str, Any]:
        """Return what the algorithm knows besides `policy` and `optimizer`, which have state dicts of their own."""
        return {
            "learning_rate": self.learning_rate,
            "hidden": {name: {key: x.clone() for key, x in states.items()} for name, states in self.hidden.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that `state_dict` returned, on any device."""
        self.learning_rate = float(state["learning_rate"])
        memories = {name: state["hidden"].get(name, states) for name, states in self.hidden.items()}
        self.hidden = {name: {key: x.to(self.device) for key, x in states.items()} for name, states in memories.items()}


def _of_images(hidden: Mapping[str, Hidden]) -> Dict[str, Hidden]:
    """The memories of mirror images among `hidden`, by the names of the networks."""
    return {name[len(_IMAGE) :]: states for name, states in hidden.items() if name.startswith(_IMAGE)}
