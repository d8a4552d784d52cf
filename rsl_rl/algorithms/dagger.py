"""Imitation of a teacher: behaviour cloning, then dataset aggregation."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

import torch

from rsl_rl.algorithms.algorithm import Algorithm
from rsl_rl.extensions import Context, Extensions
from rsl_rl.kernels.host_memory import keep_freed_memory
from rsl_rl.models import Observations, Outputs, Policy, reset_hidden
from rsl_rl.settings import DAggerSettings, read_settings
from rsl_rl.storage.image_frames import ImageFormat
from rsl_rl.storage.sequence_storage import SequenceBatch, SequenceStorage
from rsl_rl.utils.bfloat16 import worth_it_on
from rsl_rl.utils.errors import RslRlError, near_matches
from rsl_rl.utils.gradients import make_adamw, means_of
from rsl_rl.utils.schedule import cosine

# The label that holds the teacher's actions; those of latents have the names of their encoders.
ACTIONS = "actions"
# Of extensions: for rollouts that are kept whole, and learned from once.
_UNUSED = ("images", "initial_hidden", "remember", "acting_encoders", "learning_encoders", "acting_actions")


class DAgger(Algorithm):
    """DAgger (Ross, Gordon, Bagnell 2011, arXiv:1011.0686, algorithm 3.1) for a student with memory.

    A teacher, which sees what the student cannot, labels every state with what it would do there. At first it also
    drives, which is behaviour cloning; then the student drives, so that the states are those that the student gets
    into. All of it is kept, and learned from in short sequences: back-propagation goes through one sequence, and the
    memory that a sequence begins with is what the student remembered then, or at the last time that the sequence
    before it was learned from. Where an episode ends within a sequence, the memory of student and teacher starts anew.

        algorithm.init_storage(num_envs, num_steps, observation_dims, num_actions)
        for each of num_steps:
            actions = algorithm.act(obs)
            obs, rewards, dones, extras = env.step(actions)
            algorithm.process_env_step(rewards, dones, extras)
        metrics = algorithm.update()

    Args:
        policy: the student; it is moved to `device`.
        teacher: what it learns from; never changed. It may read observations that the student does not.
        device: where to compute.
        **settings: fields of `DAggerSettings`.

    Raises:
        RslRlError: an unknown key or choice, a number out of bounds, an extension that is not to be had, nothing in
            common with the teacher to compare.

    Attributes:
        settings: as given.
        policy, teacher: as given.
        extensions: those that the settings name.
        copied: a line that tells which weights the student has from the teacher; empty without `copy_weights`.
        optimizer: Adam over the student's actor, without the frozen parts, and networks of extensions.
        learning_rate: current one.
        hidden: memories "student" and "teacher" of the rollout under way, name -> (layers, N, H).
        teacher_drives: whose actions `act` returns; the runner sets it.
        storage: all that is kept, from `init_storage` on.
    """

    settings: DAggerSettings
    storage: SequenceStorage
    main_loss = "imitation"

    def __init__(
        self,
        policy: Policy,
        teacher: Policy,
        device: Union[str, torch.device] = "cpu",
        **settings: Any,
    ) -> None:
        self.settings = read_settings("algorithm", DAggerSettings, settings)
        for name in ("num_learning_epochs", "max_batches", "batch_size", "sequence_length", "max_rollouts"):
            value = getattr(self.settings, name)
            if value is not None and value < 1:
                raise RslRlError(f"algorithm.{name} is {value}; it must be at least 1")
        self.device = torch.device(device)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.policy = policy.to(self.device)
        self.teacher = teacher.to(self.device).requires_grad_(False)
        self.learning_rate = self.settings.learning_rate
        self.in_bfloat16 = self.settings.precision == "bfloat16" and worth_it_on(self.device.type)
        self.teacher_drives = False
        self._image_format = ImageFormat(self.settings.image_storage, self.settings.image_range)
        self._errors: List[torch.Tensor] = []
        self.copied = str(self.policy.copy_from(self.teacher)) if self.settings.copy_weights else ""
        self.policy.freeze(self.settings.freeze)
        own = [p for p in self.policy.actor.parameters() if p.requires_grad]
        if not own:
            raise RslRlError("algorithm.freeze leaves nothing of the student to learn")
        self.extensions = Extensions(self.settings.extensions, Context(self.policy, self.device, unused=_UNUSED))
        self._networks = {"": own, **{f"{name}_": part for name, part in self.extensions.networks().items()}}
        parameters = [parameter for part in self._networks.values() for parameter in part]
        self.optimizer = make_adamw(parameters, self.learning_rate, self.settings.weight_decay, self.device)

    def init_storage(
        self, num_envs: int, num_steps: int, observation_dims: Mapping[str, Tuple[int, ...]], num_actions: int
    ) -> None:
        """Prepare for rollouts of `num_steps` steps of N = `num_envs` environments.

        Raises:
            RslRlError: the steps are no multiple of a sequence's, or the teacher's outputs do not fit the student's.
        """
        settings, length = self.settings, self.settings.sequence_length
        if num_steps % length:
            raise RslRlError(
                f"runner.num_steps_per_env is {num_steps}; it must be a multiple of algorithm.sequence_length, {length}"
            )
        self.hidden = {
            "student": self.policy.initial_hidden(num_envs)["actor"],
            "teacher": self.teacher.initial_hidden(num_envs)["actor"],
        }
        dims = self._compared_latents(observation_dims) if settings.loss == "latent" else {ACTIONS: (num_actions,)}
        self._compared, labels = list(dims), self.extensions.label_dims(num_envs, observation_dims)
        for name in set(dims) & set(labels):
            raise RslRlError(f"algorithm.extensions: the label {name!r} is the teacher's; give it another name")
        self.storage = SequenceStorage(
            num_envs,
            length,
            self.extensions.kept_groups(self.policy.actor.groups, observation_dims),
            {**dims, **labels},
            self.hidden["student"],
            self._image_format,
            settings.max_aggregate_gb,
            self.device,
            None if settings.max_rollouts is None else settings.max_rollouts * num_steps // length,
        )

    @torch.no_grad()
    def _compared_latents(self, observation_dims: Mapping[str, Tuple[int, ...]]) -> Dict[str, Tuple[int, ...]]:
        """Map the encoders to compare to the shape of their outputs, the same on both sides."""
        blank = {group: torch.zeros(1, *shape, device=self.device) for group, shape in observation_dims.items()}
        latents = [policy.actor.features(blank).latents for policy in (self.policy, self.teacher)]
        own, wanted = ({name: x.shape[-1] for name, x in each.items()} for each in latents)
        common = [name for name in own if name in wanted]
        for name in common if self.settings.latents is None else self.settings.latents:
            if name not in common:
                raise RslRlError(f"algorithm.latents: {name!r} is not in both policies; {near_matches(name, common)}")
            if own[name] != wanted[name]:
                raise RslRlError(
                    f"the encoder {name!r} has {own[name]} outputs, that of the teacher {wanted[name]}; they are "
                    "compared with algorithm.loss=latent"
                )
        names = common if self.settings.latents is None else list(self.settings.latents)
        if ACTIONS in names:
            raise RslRlError(f"algorithm.loss=latent cannot compare an encoder called {ACTIONS!r}; call it otherwise")
        if not names:
            raise RslRlError("algorithm.loss=latent needs encoders of the same name in student and teacher")
        return {name: (own[name],) for name in names}

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """Tell how far the training is, before an update; the schedule asks."""
        settings, progress = self.settings, iteration / max(max_iterations, 1)
        if settings.schedule == "cosine":
            self.learning_rate = cosine(settings.learning_rate, settings.min_learning_rate, progress)
        self.extensions.set_progress(iteration, max_iterations)

    @torch.no_grad()
    def act(self, obs: Observations) -> torch.Tensor:
        """Label the states `obs`, group -> (N, *shape), and return the actions (N, A) of who drives."""
        if self.storage.step == 0:
            self.storage.save_hidden(self.hidden["student"])
        wanted, _, latents, after = self.teacher.evaluate(obs, {"actor": self.hidden["teacher"]}, with_values=False)
        self.hidden["teacher"] = after["actor"]
        actions, self.hidden["student"] = self.policy.actor(self.extensions.acting_view(obs), self.hidden["student"])
        self.storage.add(obs, {**latents, ACTIONS: wanted, **self.extensions.labels(obs)})
        self._errors.append((actions - wanted).square().mean())
        self.policy.update_normalizers(obs)
        return wanted if self.teacher_drives else actions

    @torch.no_grad()
    def process_env_step(self, rewards: torch.Tensor, dones: torch.Tensor, extras: Mapping[str, Any]) -> None:
        """Take in which episodes ended, `dones` (N,) bool; rewards and `extras` teach nothing here."""
        self.storage.add_dones(dones)
        ended = dones.to(self.device)
        self.hidden = {name: reset_hidden(states, ended) for name, states in self.hidden.items()}

    def update(self) -> Dict[str, float]:
        """Learn from all that is kept.

        Returns:
            "action_error": mean square between the actions of student and teacher in the states just collected, before
            learning from them. "skipped_updates": batches left out because the loss or a gradient was not finite. And
            means over the others: "imitation", the loss; its terms, if there are several; before clipping, "grad_norm"
            of the student and "<name>_grad_norm" of extensions.
        """
        action_error = torch.stack(self._errors).mean().item() if self._errors else math.nan
        self._errors.clear()
        settings = self.settings
        batches = self.storage.batches(settings.batch_size, settings.num_learning_epochs, settings.max_batches)
        means = means_of([self._step(batch) for batch in batches])
        return {**means, "action_error": action_error, **self.extensions.after_update(self.storage)}

    def _step(self, batch: SequenceBatch) -> Optional[Dict[str, float]]:
        """Take one step of the optimiser; returns what to watch, or None when a number was not finite."""
        terms, outputs = self._losses(batch)
        added, watched = self.extensions.losses(batch, outputs)
        own = torch.stack(list(terms.values())).sum()
        if self.extensions.policy_loss_coef != 1.0:
            own = self.extensions.policy_loss_coef * own
        loss = sum(added, own)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norms = {
            f"{name}grad_norm": torch.nn.utils.clip_grad_norm_(part, self.settings.max_grad_norm)
            for name, part in self._networks.items()
        }
        terms = {**(terms if len(terms) + len(watched) > 1 else {}), **watched}
        # The one transfer to the host in a batch.
        watched = {"imitation": loss, **norms, **terms}
        numbers = torch.stack([number.detach() for number in watched.values()]).tolist()
        if not all(math.isfinite(number) for number in numbers):
            return None
        self.storage.renew_hidden(batch, outputs.hidden["actor"])
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.step()
        return dict(zip(watched, numbers))

    def _losses(self, batch: SequenceBatch) -> Tuple[Dict[str, torch.Tensor], Outputs]:
        """What is between student and teacher (0-d), for each label of the latter, and what the student says."""
        # Images that repeat stand for one image a sample.
        observations: Any = batch.observations
        memory = {"actor": batch.hidden}
        with self.autocast():
            outputs = self.policy.evaluate(observations, memory, batch.trajectories, with_values=False)
        latents = {name: x.float() for name, x in outputs.latents.items()}
        outputs = outputs._replace(mean=outputs.mean.float(), latents=latents)
        found = {**latents, ACTIONS: outputs.mean}
        errors = {name: found[name] - batch.labels[name] for name in self._compared}
        if self.settings.loss == "action_norm":
            return {name: torch.linalg.vector_norm(error, dim=-1).mean() for name, error in errors.items()}, outputs
        return {name: error.square().mean() for name, error in errors.items()}, outputs
