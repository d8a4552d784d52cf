"""Proximal policy optimisation."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import torch

from rsl_rl.algorithms import learning_rate as rules
from rsl_rl.algorithms.algorithm import Algorithm
from rsl_rl.algorithms.gae import compute_gae, normalized
from rsl_rl.algorithms.losses import clipped_surrogate, value_loss
from rsl_rl.extensions import Context, Extensions, MirrorSource, Views
from rsl_rl.kernels.host_memory import keep_freed_memory
from rsl_rl.models import Observations, Outputs, Policy, reset_hidden
from rsl_rl.modules.distribution import MAX_STD, MIN_STD
from rsl_rl.settings import PPOSettings, read_settings
from rsl_rl.storage import MiniBatch, RolloutStorage
from rsl_rl.storage.rollout_storage import join_targets
from rsl_rl.utils.bfloat16 import worth_it_on
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.gradients import Gradients, Group, make_adamw, means_of
from rsl_rl.utils.schedule import cosine


class PPO(Algorithm):
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
        device: where to compute.
        mirror_maps: of the environment, or its `VecEnv.mirror_maps`, for `symmetry`.
        distributed: the processes that train one policy, where there are several.
        **settings: fields of `PPOSettings`.

    Raises:
        RslRlError: an unknown key or choice, a number out of bounds, or an extension that is not to be had.

    Attributes:
        settings: as given.
        policy: the networks.
        extensions: those that the settings name.
        optimizer: Adam over their parameters.
        learning_rate, entropy_coef: current ones.
        hidden: hidden states of the rollout under way, "actor", "critic" -> name -> (layers, N, H); empty dicts for
            feed-forward networks. Extensions may have more.
        storage: the rollout under way, from `init_storage` on.
        late_state: entries of `state_dict` that a saved one may lack.
    """

    settings: PPOSettings
    storage: RolloutStorage
    main_loss = "surrogate"

    def __init__(
        self,
        policy: Policy,
        device: Union[str, torch.device] = "cpu",
        mirror_maps: MirrorSource = None,
        distributed: Optional[Group] = None,
        **settings: Any,
    ) -> None:
        self.settings = read_settings("algorithm", PPOSettings, settings)
        final_std = self.settings.final_noise_std
        if final_std is not None and not MIN_STD <= final_std <= 1.0:
            raise RslRlError(f"algorithm.final_noise_std is {final_std}, expected {MIN_STD} to 1")
        if self.settings.critic_warm_up and policy.is_shared:
            raise RslRlError(
                "algorithm.critic_warm_up: the critic shares features with the actor, which would not stay"
            )
        self.device = torch.device(device)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.policy = policy.to(self.device)
        self.learning_rate = self.settings.learning_rate
        self._highest_rate = self.settings.max_learning_rate
        self.entropy_coef = self.settings.entropy_coef
        self._is_warming_up = self.settings.critic_warm_up > 0
        self._first_std, self._highest_std = max(self.policy.distribution.std.max().item(), 1.0), MAX_STD
        self.in_bfloat16 = self.settings.precision == "bfloat16" and worth_it_on(self.device.type)
        self._distributed = distributed if distributed is not None and distributed.world_size > 1 else None
        self._acting: Optional[Policy] = None
        self._learning: Optional[Policy] = None
        context = Context(self.policy, self.device, self._distributed, mirror_maps)
        self.extensions = Extensions(self.settings.extension_table, context)
        added = self.extensions.networks()
        self._gradients = Gradients({**self._networks(), **added}, self.device)
        parameters = [*self.policy.parameters(), *(parameter for part in added.values() for parameter in part)]
        self.optimizer = make_adamw(parameters, self.learning_rate, self.settings.weight_decay, self.device)

    def _networks(self) -> Dict[str, List[torch.nn.Parameter]]:
        actor = [*self.policy.actor.parameters(), *self.policy.distribution.parameters()]
        critic = list(self.policy.critic.parameters())
        # The two losses meet in shared features: their gradients have one direction, and one length.
        return {"policy": [*actor, *critic]} if self.policy.is_shared else {"actor": actor, "critic": critic}

    def init_storage(
        self, num_envs: int, num_steps: int, observation_dims: Mapping[str, Tuple[int, ...]], num_actions: int
    ) -> None:
        """Allocate the buffers of rollouts of T = `num_steps` steps of N = `num_envs` environments.

        Raises:
            RslRlError: `sequence_length` does not divide T, or an extension needs a group that is not there.
        """
        more = self.extensions.initial_hidden(num_envs)
        self.hidden = {**self.policy.initial_hidden(num_envs), **more}
        self.late_state = ("extensions", *(f"hidden.{name}" for name in more))
        self.storage = RolloutStorage(
            num_envs,
            num_steps,
            self.extensions.kept_groups(self.policy.groups, observation_dims),
            num_actions,
            self.hidden,
            self.device,
            self.settings.sequence_length if self.policy.is_recurrent else None,
            self.extensions.label_dims(num_envs, observation_dims),
        )

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """Tell how far the training is, before an update; schedules over the training ask."""
        settings, progress = self.settings, min(iteration / max(max_iterations, 1), 1.0)
        self._is_warming_up = iteration < settings.critic_warm_up
        if settings.entropy_schedule == "linear":
            self.entropy_coef = settings.entropy_coef * (1.0 - progress)
        if settings.final_noise_std is not None:
            share = min(progress / settings.final_noise_from, 1.0) ** 2
            self._highest_std = self._first_std ** (1.0 - share) * settings.final_noise_std**share
        if settings.schedule in ("cosine", "adaptive_cosine"):
            self._highest_rate = cosine(settings.learning_rate, settings.min_learning_rate, progress)
            kept = self._highest_rate if settings.schedule == "cosine" else self.learning_rate
            self.learning_rate = min(kept, self._highest_rate)
        self.extensions.set_progress(iteration, max_iterations)
        self._acting = self._learning = None

    @torch.no_grad()
    def act(self, obs: Observations) -> torch.Tensor:
        """Draw actions (N, A) in the states `obs`, group -> (N, *shape)."""
        storage, distribution = self.storage, self.policy.distribution
        storage.save_hidden(self.hidden)
        view = self.extensions.acting_view(obs)
        policy, with_values = self._acting_policy(), not self._values_can_wait
        outputs = policy.evaluate(obs, self.hidden, with_values=with_values, acting_view=view)
        self.hidden = {**self.hidden, **outputs.hidden}
        self.hidden.update(self.extensions.remember(obs, self.hidden))
        means = outputs.mean
        actions = self.extensions.acting_actions(obs, distribution.sample(means))
        storage.add_actions(obs, actions, means, distribution.log_prob(means, actions), self.extensions.labels(obs))
        if not self._values_can_wait:
            storage.values[storage.step].copy_(outputs.values)
        return actions

    def _acting_policy(self) -> Policy:
        """The policy with the encoders that act in this iteration; made once, as it looks through all modules."""
        if self._acting is None:
            self._acting = self.policy.with_encoders(self.extensions.acting_encoders(deployed=False))
        return self._acting

    def _learning_policy(self) -> Policy:
        """The policy with the encoders that PPO learns with and leaves as they are; made once an iteration."""
        if self._learning is None:
            self._learning = self.policy.with_encoders(self.extensions.learning_encoders())
        return self._learning

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
        self.hidden = {name: reset_hidden(states, ended) for name, states in self.hidden.items()}

    @torch.no_grad()
    def compute_returns(self, last_obs: Observations) -> None:
        """Fill in values, returns and advantages of the complete rollout.

        Args:
            last_obs: group -> (N, *shape), observations after the last step.
        """
        storage, settings = self.storage, self.settings
        if self._values_can_wait:
            # A few large batches cost less than many small ones. The parts are as large as mini-batches, so they fit
            # where those fit.
            parts = {name: x.chunk(settings.num_mini_batches) for name, x in storage.flat_observations().items()}
            values = [self.policy.values(dict(zip(parts, part)), self.hidden) for part in zip(*parts.values())]
            storage.values.copy_(torch.cat(values).view_as(storage.values))
        # Features that are shared are those that the actor sees, as in all steps before.
        last_view = self.extensions.acting_view(last_obs) if self.policy.is_shared else last_obs
        last_values = self._acting_policy().values(last_view, self.hidden)
        advantages, returns = compute_gae(
            storage.rewards, storage.values, last_values, storage.dones, storage.time_outs, settings.gamma, settings.lam
        )
        storage.returns.copy_(returns)
        storage.advantages.copy_(normalized(advantages, self._distributed))

    def update(self) -> Dict[str, float]:
        """Learn from the rollout, and make room for the next.

        Returns:
            "skipped_updates", the number of mini-batches left out because a loss or a gradient was not finite, and
            the means over all others of the losses "value_function", "surrogate" and those of extensions, of "entropy",
            "kl", and the lengths "actor_grad_norm" and "critic_grad_norm" before clipping; of a policy whose networks
            share features it is one, "policy_grad_norm".
        """
        # The parameters have not changed since the rollout was collected, so this is the distribution it came from.
        old_log_std = self.policy.distribution.log_std.detach().clone()
        steps: List[Optional[Dict[str, float]]] = []
        for batch in self._mini_batches():
            # Before its first step the policy has not moved: its KL is a rounding error and tells nothing of the rate.
            adapt = self.settings.schedule.startswith("adaptive") and any(steps) and not self._is_warming_up
            steps.append(self._step(self._compute_gradients(batch, old_log_std), adapt))
        self.policy.update_normalizers(self.storage.flat_observations(), self._distributed)
        more = self.extensions.after_update(self.storage)
        self.storage.clear()
        return {**means_of(steps), **more}

    def _mini_batches(self) -> Iterator[MiniBatch]:
        count, epochs = self.settings.num_mini_batches, self.settings.num_learning_epochs
        if self.policy.is_recurrent:
            return self.storage.recurrent_mini_batches(count, epochs)
        return self.storage.mini_batches(count, epochs)

    def _compute_gradients(self, batch: MiniBatch, old_log_std: torch.Tensor) -> Dict[str, torch.Tensor]:
        """Differentiate the losses of a mini-batch, and return the terms (0-d) to watch."""
        policy, views = self.policy, self.extensions.views(batch)
        taught = views.batches[: views.num_taught]
        targets = join_targets(taught)
        passes = self._passes(views.batches)
        self._gradients.zero_()
        if policy.is_shared:
            outputs = self._outputs(passes, with_values=True)
            value_function = self._value_loss(outputs.values[: len(targets.values)], targets)
            loss, terms = self._actor_loss(batch, views, outputs, targets)
            (loss + self.settings.value_loss_coef * value_function).backward()
        else:
            # One network after the other, so that what the first one needs for its gradients has gone from memory, and
            # on a CPU from the cache, before the second one is computed.
            values = self._values(passes if len(taught) == len(views.batches) else self._passes(taught))
            value_function = self._value_loss(values, targets)
            (self.settings.value_loss_coef * value_function).backward()
            outputs = self._outputs(passes, with_values=False)._replace(values=values)
            loss, terms = self._actor_loss(batch, views, outputs, targets)
            loss.backward()
        terms = {"value_function": value_function, **terms}
        with torch.no_grad():
            means, old_means = outputs.mean, batch.action_means
            terms["kl"] = policy.distribution.kl_from(old_means, old_log_std, means[: len(old_means)]).mean()
        return {name: term.detach() for name, term in terms.items()}

    def _value_loss(self, values: torch.Tensor, targets: MiniBatch) -> torch.Tensor:
        clips = self.settings.use_clipped_value_loss and not self._is_warming_up
        value_clip = self.settings.clip_param if clips else None
        return value_loss(values, targets.values, targets.returns, value_clip)

    def _actor_loss(
        self, batch: MiniBatch, views: Views, outputs: Outputs, targets: MiniBatch
    ) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
        """The loss (0-d) on what the actor says, and its terms.

        Args:
            batch: of the rollout.
            views: with what extensions have added to it.
            outputs: on all of them.
            targets: samples that PPO learns from, the first among them.
        """
        distribution = self.policy.distribution
        log_probs = distribution.log_prob(outputs.mean[: len(targets.actions)], targets.actions)
        clip, coef = self.settings.clip_param, 0.0 if self._is_warming_up else self.extensions.policy_loss_coef
        surrogate = clipped_surrogate(log_probs, targets.log_probs, targets.advantages, clip)
        if coef == 0.0:  # who only imitates goes far in an update, where the ratio of probabilities overflows
            surrogate = torch.zeros_like(surrogate)
        entropy = distribution.entropy()
        loss = surrogate - self.entropy_coef * entropy
        if coef != 1.0:
            loss = coef * loss
        outputs = outputs._replace(values=outputs.values.detach())
        added, watched = self.extensions.losses(batch, outputs, views.rows)
        return sum(added, loss), {"surrogate": surrogate, "entropy": entropy, **watched}

    def _passes(self, batches: Sequence[MiniBatch]) -> Sequence[MiniBatch]:
        """Feed-forward networks read all batches at once, recurrent ones read each as a rollout."""
        first, groups = batches[0], self._learning_policy().groups
        if len(batches) == 1 or first.trajectories is not None:
            return batches
        return [first._replace(observations={g: torch.cat([each.observations[g] for each in batches]) for g in groups})]

    def _outputs(self, passes: Sequence[MiniBatch], with_values: bool) -> Outputs:
        """What the policy says about samples, in float32, those of one pass behind those of the other."""
        policy = self._learning_policy()
        with self.autocast():
            found = [policy.evaluate(each.observations, each.hidden, each.trajectories, with_values) for each in passes]
        latents = {name: _joined([each.latents[name] for each in found]) for name in found[0].latents}
        means, values = [each.mean for each in found], [each.values for each in found]
        return Outputs(_joined(means), _joined(values), latents, found[0].hidden)

    def _values(self, passes: Sequence[MiniBatch]) -> torch.Tensor:
        """The values of `_outputs` alone."""
        with self.autocast():
            values = [self.policy.values(each.observations, each.hidden, each.trajectories) for each in passes]
        return _joined(values)

    def _step(self, terms: Dict[str, torch.Tensor], adapt: bool) -> Optional[Dict[str, float]]:
        """Take one step of the optimiser along the gradients, unless a number is not finite.

        Args:
            terms: what to watch, each 0-d, "kl" among it.
            adapt: fit the learning rate to "kl" before.

        Returns:
            The terms and the lengths of the gradients; None when no step was taken.
        """
        settings = self.settings
        metrics = self._gradients.prepare_(terms, settings.max_grad_norm, self._distributed)
        if metrics is None:
            return None
        if adapt:
            bounds = (settings.min_learning_rate, self._highest_rate)
            self.learning_rate = rules.adapt_to_kl(self.learning_rate, metrics["kl"], settings.desired_kl, *bounds)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.step()
        self.policy.distribution.clamp_(self._highest_std)
        return metrics


def _joined(parts: List[torch.Tensor]) -> torch.Tensor:
    return (parts[0] if len(parts) == 1 else torch.cat(parts)).float()
