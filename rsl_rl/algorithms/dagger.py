"""Imitation of a teacher: behaviour cloning, then dataset aggregation."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import torch

from rsl_rl.algorithms import learning_rate as rules
from rsl_rl.algorithms.updates import make_adamw, means_of
from rsl_rl.models import Hidden, Observations, Policy
from rsl_rl.storage.image_frames import ImageFormat
from rsl_rl.storage.sequence_storage import SequenceBatch, SequenceStorage
from rsl_rl.utils.errors import RslRlError, check_choice, near_matches, reject_unknown
from rsl_rl.utils.host_memory import keep_freed_memory

LOSSES = ("action", "latent")
SCHEDULES = ("fixed", "cosine")

# The label that holds the teacher's actions; those of latents have the names of their encoders.
ACTIONS = "actions"


class DAgger:
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
        loss: "action": mean square between the two's mean actions. "latent": between outputs of encoders of the same
            name, summed over the encoders; what follows on them is then best taken from the teacher and frozen.
        latents: those encoders, for "latent"; None for all that both have and that compute something.
        copy_weights: take the weights of each part that the teacher has under the same name and with the same shapes.
        freeze: parts of the student that do not learn (see `Policy.parts`).
        bc_initial_samples: transitions that the teacher drives, before the student does.
        num_learning_epochs: times that an update goes through all that is kept.
        max_batches: the most batches of an update; None for no limit. Without it the cost of an update grows with the
            aggregate. With it the batches are drawn at random from all that is kept.
        batch_size: sequences in a batch.
        sequence_length: steps in a sequence.
        learning_rate: at the start.
        schedule: "fixed"; "cosine": down to `min_learning_rate` over the training.
        min_learning_rate: end of "cosine".
        weight_decay: decoupled decay of weight matrices (AdamW); 0 for Adam.
        max_grad_norm: longer gradients are cut to this length.
        max_aggregate_gb: bound of the memory for what is kept; the oldest makes room for the new.
        image_storage: "uint8", "float16" or "float32", how the pixels of images are kept.
        image_range: [low, high] of the pixels, for "uint8".
        device: where to compute.
        **unknown: keys that do not exist.

    Raises:
        RslRlError: an unknown key or choice, a number out of bounds, nothing in common with the teacher to compare.

    Attributes:
        policy, teacher: as given.
        copied: a line that tells which weights the student has from the teacher; empty without `copy_weights`.
        optimizer: Adam over the student's actor, without the frozen parts.
        learning_rate: current one.
        hidden: memories "student" and "teacher" of the rollout under way, name -> (layers, N, H).
        teacher_drives: whose actions `act` returns; the runner sets it.
        storage: all that is kept, from `init_storage` on.
    """

    storage: SequenceStorage
    hidden: Dict[str, Hidden]
    main_loss = "imitation"
    late_state: Tuple[str, ...] = ()

    def __init__(
        self,
        policy: Policy,
        teacher: Policy,
        loss: str = "action",
        latents: Optional[Sequence[str]] = None,
        copy_weights: bool = True,
        freeze: Sequence[str] = (),
        bc_initial_samples: int = 1_000_000,
        num_learning_epochs: int = 5,
        max_batches: Optional[int] = None,
        batch_size: int = 32,
        sequence_length: int = 24,
        learning_rate: float = 1e-4,
        schedule: str = "fixed",
        min_learning_rate: float = 1e-5,
        weight_decay: float = 0.0,
        max_grad_norm: float = 1.0,
        max_aggregate_gb: float = 4.0,
        image_storage: str = "uint8",
        image_range: Sequence[float] = (-0.5, 0.5),
        device: Union[str, torch.device] = "cpu",
        **unknown: Any,
    ) -> None:
        reject_unknown("algorithm", unknown, DAgger.__init__)
        check_choice("algorithm.loss", loss, LOSSES)
        check_choice("algorithm.schedule", schedule, SCHEDULES)
        self.device = torch.device(device)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.policy = policy.to(self.device)
        self.teacher = teacher.to(self.device).requires_grad_(False)
        self.loss = loss
        self.latents = latents
        self.bc_initial_samples = bc_initial_samples
        self.num_learning_epochs = num_learning_epochs
        self.max_batches = max_batches
        self.batch_size = batch_size
        self.sequence_length = sequence_length
        for name in ("num_learning_epochs", "max_batches", "batch_size", "sequence_length"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RslRlError(f"algorithm.{name} is {value}; it must be at least 1")
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.min_learning_rate = min_learning_rate
        self.max_grad_norm = max_grad_norm
        self.teacher_drives = False
        self._initial_learning_rate = learning_rate
        self._max_aggregate_gb = max_aggregate_gb
        self._image_format = ImageFormat(image_storage, image_range)
        self._errors: List[torch.Tensor] = []
        self.copied = str(self.policy.copy_from(self.teacher)) if copy_weights else ""
        self.policy.freeze(freeze)
        self._parameters = [p for p in self.policy.actor.parameters() if p.requires_grad]
        if not self._parameters:
            raise RslRlError("algorithm.freeze leaves nothing of the student to learn")
        self.optimizer = make_adamw(self._parameters, learning_rate, weight_decay, self.device)

    def init_storage(
        self, num_envs: int, num_steps: int, observation_dims: Mapping[str, Tuple[int, ...]], num_actions: int
    ) -> None:
        """Prepare for rollouts of `num_steps` steps of N = `num_envs` environments.

        Raises:
            RslRlError: the steps are no multiple of a sequence's, or the teacher's outputs do not fit the student's.
        """
        if num_steps % self.sequence_length:
            raise RslRlError(
                f"runner.num_steps_per_env is {num_steps}; it must be a multiple of algorithm.sequence_length, "
                f"{self.sequence_length}"
            )
        self.hidden = {
            "student": self.policy.initial_hidden(num_envs)["actor"],
            "teacher": self.teacher.initial_hidden(num_envs)["actor"],
        }
        label_dims = {ACTIONS: num_actions} if self.loss == "action" else self._compared_latents(observation_dims)
        self.storage = SequenceStorage(
            num_envs,
            self.sequence_length,
            {group: observation_dims[group] for group in self.policy.actor.groups},
            label_dims,
            self.hidden["student"],
            self._image_format,
            self._max_aggregate_gb,
            self.device,
        )

    @torch.no_grad()
    def _compared_latents(self, observation_dims: Mapping[str, Tuple[int, ...]]) -> Dict[str, int]:
        """Map the encoders to compare to the number of their outputs, the same on both sides."""
        blank = {group: torch.zeros(1, *shape, device=self.device) for group, shape in observation_dims.items()}
        latents = [policy.actor.features(blank).latents for policy in (self.policy, self.teacher)]
        own, wanted = ({name: x.shape[-1] for name, x in each.items()} for each in latents)
        common = [name for name in own if name in wanted]
        for name in common if self.latents is None else self.latents:
            if name not in common:
                raise RslRlError(f"algorithm.latents: {name!r} is not in both policies; {near_matches(name, common)}")
            if own[name] != wanted[name]:
                raise RslRlError(
                    f"the encoder {name!r} has {own[name]} outputs, that of the teacher {wanted[name]}; they are "
                    "compared with algorithm.loss=latent"
                )
        names = common if self.latents is None else list(self.latents)
        if not names:
            raise RslRlError("algorithm.loss=latent needs encoders of the same name in student and teacher")
        return {name: own[name] for name in names}

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """Tell how far the training is, before an update; the schedule asks."""
        if self.schedule == "cosine":
            progress = iteration / max(max_iterations, 1)
            self.learning_rate = rules.cosine(self._initial_learning_rate, self.min_learning_rate, progress)

    @torch.no_grad()
    def act(self, obs: Observations) -> torch.Tensor:
        """Label the states `obs`, group -> (N, *shape), and return the actions (N, A) of who drives."""
        if self.storage.step == 0:
            self.storage.save_hidden(self.hidden["student"])
        wanted, _, latents, after = self.teacher.evaluate(obs, {"actor": self.hidden["teacher"]}, with_values=False)
        self.hidden["teacher"] = after["actor"]
        actions, self.hidden["student"] = self.policy.actor(obs, self.hidden["student"])
        self.storage.add(obs, {ACTIONS: wanted, **latents})
        self._errors.append((actions - wanted).square().mean())
        self.policy.update_normalizers(obs)
        return wanted if self.teacher_drives else actions

    @torch.no_grad()
    def process_env_step(self, rewards: torch.Tensor, dones: torch.Tensor, extras: Mapping[str, Any]) -> None:
        """Take in which episodes ended, `dones` (N,) bool; rewards and `extras` teach nothing here."""
        self.storage.add_dones(dones)
        ended = dones.to(self.device)
        self.hidden = {name: self.policy.reset_hidden(states, ended) for name, states in self.hidden.items()}

    def update(self) -> Dict[str, float]:
        """Learn from all that is kept.

        Returns:
            "action_error": mean square between the actions of student and teacher in the states just collected, before
            learning from them. "skipped_updates": batches left out because the loss or a gradient was not finite. And
            means over the others: "imitation", the loss; its terms, if there are several; "grad_norm" before cutting.
        """
        action_error = torch.stack(self._errors).mean().item() if self._errors else math.nan
        self._errors.clear()
        batches = self.storage.batches(self.batch_size, self.num_learning_epochs, self.max_batches)
        steps = [self._step(batch) for batch in batches]
        return {**means_of(steps), "action_error": action_error}

    def _step(self, batch: SequenceBatch) -> Optional[Dict[str, float]]:
        """Take one step of the optimiser; returns what to watch, or None when a number was not finite."""
        terms, hidden = self._losses(batch)
        loss = torch.stack(list(terms.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self.max_grad_norm)
        # The one transfer to the host in a batch.
        numbers = torch.stack([loss.detach(), norm, *(term.detach() for term in terms.values())]).tolist()
        if not all(math.isfinite(number) for number in numbers):
            return None
        self.storage.renew_hidden(batch, hidden)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.step()
        names = ["imitation", "grad_norm"] if len(terms) == 1 else ["imitation", "grad_norm", *terms]
        return dict(zip(names, numbers))

    def _losses(self, batch: SequenceBatch) -> Tuple[Dict[str, torch.Tensor], Hidden]:
        """Mean square (0-d) between student and label, for each label, and the student's memory at the end."""
        # Images that repeat stand for one image a sample.
        observations: Any = batch.observations
        outputs = self.policy.evaluate(observations, {"actor": batch.hidden}, batch.trajectories, with_values=False)
        found = {ACTIONS: outputs.mean, **outputs.latents}
        losses = {name: (found[name] - label).square().mean() for name, label in batch.labels.items()}
        return losses, outputs.hidden["actor"]

    def state_dict(self) -> Dict[str, Any]:
        """Return what is in neither `policy`, `optimizer` nor `storage`."""
        return {
            "learning_rate": self.learning_rate,
            "hidden": {name: {key: x.clone() for key, x in states.items()} for name, states in self.hidden.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that `state_dict` returned, on any device."""
        self.learning_rate = float(state["learning_rate"])
        self.hidden = {
            name: {key: x.to(self.device) for key, x in states.items()} for name, states in state["hidden"].items()
        }
