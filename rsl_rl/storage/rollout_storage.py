"""One rollout of all environments."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

import torch

from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import RslRlError

Hidden = Dict[str, torch.Tensor]


class MiniBatch(NamedTuple):
    """B samples of a rollout.

    Attributes:
        observations: group -> (B, *shape).
        actions: (B, A).
        action_means: (B, A), of the distribution that they were drawn from.
        log_probs: (B,), of the actions when they were drawn.
        values: (B,), estimated before the update.
        returns: (B,), targets of the values.
        advantages: (B,), normalised.
        labels: name -> (B, *shape), what extensions keep.
        hidden: "actor", "critic" -> memory before the first step of each of n sequences, name -> (layers, n, H); {} for
            feed-forward ones.
        trajectories: how the samples follow on one another; None where they are drawn singly.
    """

    observations: Dict[str, torch.Tensor]
    actions: torch.Tensor
    action_means: torch.Tensor
    log_probs: torch.Tensor
    values: torch.Tensor
    returns: torch.Tensor
    advantages: torch.Tensor
    labels: Dict[str, torch.Tensor]
    hidden: Dict[str, Hidden]
    trajectories: Optional[Trajectories]


class RolloutStorage:
    """Buffers of T steps of N environments, written step by step and read in mini-batches.

    Attributes:
        observations: group -> (T, N, *shape), before the step.
        actions, action_means: (T, N, A).
        log_probs: (T, N).
        rewards: (T, N), of the step.
        dones: (T, N) bool, the episode ended with the step.
        time_outs: (T, N) bool, it was truncated.
        labels: name -> (T, N, *shape), what extensions keep.
        values, returns, advantages: (T, N); `returns` and `advantages` are filled in when the rollout is complete.
        sequence_length: L, steps over which recurrent networks are differentiated.
        hidden: "actor", "critic" -> memory before the first step of each of T / L sequences, name ->
            (layers, T / L, N, H). Later ones are not needed: within a sequence a memory is either computed from here or
            starts from zero.
        step: number of steps written.
    """

    def __init__(
        self,
        num_envs: int,
        num_steps: int,
        observation_dims: Mapping[str, Tuple[int, ...]],
        num_actions: int,
        hidden: Mapping[str, Hidden],
        device: torch.device,
        sequence_length: Optional[int] = None,
        label_dims: Mapping[str, Tuple[int, ...]] = MappingProxyType({}),
    ) -> None:
        """Allocate everything.

        Args:
            num_envs: N.
            num_steps: T.
            observation_dims: the groups to keep -> shape of one environment's entry.
            num_actions: A.
            hidden: memories to copy the shapes of.
            device: where the buffers live.
            sequence_length: L, a divisor of T; None for T.
            label_dims: label -> shape of one environment's entry.

        Raises:
            RslRlError: it does not divide T.
        """
        self.sequence_length = num_steps if sequence_length is None else sequence_length
        if self.sequence_length < 1 or num_steps % self.sequence_length:
            raise RslRlError(
                f"algorithm.sequence_length is {sequence_length}; it must divide runner.num_steps_per_env = {num_steps}"
            )

        def buffer(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.zeros(num_steps, num_envs, *shape, dtype=dtype, device=device)

        self.num_envs = num_envs
        self.num_steps = num_steps
        self.observations = {group: buffer(*shape) for group, shape in observation_dims.items()}
        self.labels = {name: buffer(*shape) for name, shape in label_dims.items()}
        self.actions = buffer(num_actions)
        self.action_means = buffer(num_actions)
        self.log_probs = buffer()
        self.rewards = buffer()
        self.dones = buffer(dtype=torch.bool)
        self.time_outs = buffer(dtype=torch.bool)
        self.values = buffer()
        self.returns = buffer()
        self.advantages = buffer()
        sequences = num_steps // self.sequence_length
        self.hidden = {
            name: {key: torch.stack([state] * sequences, dim=1) for key, state in states.items()}
            for name, states in hidden.items()
        }
        self.step = 0

    def save_hidden(self, hidden: Mapping[str, Hidden]) -> None:
        """Keep the memories before the coming step if it is the first one of a sequence."""
        sequence, within = divmod(self.step % self.num_steps, self.sequence_length)
        if within == 0:
            for name, states in hidden.items():
                for key, state in states.items():
                    self.hidden[name][key][:, sequence].copy_(state)

    def add_actions(
        self,
        obs: Mapping[str, torch.Tensor],
        actions: torch.Tensor,
        action_means: torch.Tensor,
        log_probs: torch.Tensor,
        labels: Mapping[str, torch.Tensor] = MappingProxyType({}),
    ) -> None:
        """Write what is known before the environments are stepped; the shapes are those of one time step.

        Raises:
            RuntimeError: all T steps have been written.
        """
        if self.step == self.num_steps:
            raise RuntimeError(f"the rollout has its {self.num_steps} steps, clear it before adding more")
        for group, buffer in self.observations.items():
            buffer[self.step].copy_(obs[group])
        for name, buffer in self.labels.items():
            buffer[self.step].copy_(labels[name])
        self.actions[self.step].copy_(actions)
        self.action_means[self.step].copy_(action_means)
        self.log_probs[self.step].copy_(log_probs)

    def add_outcome(self, rewards: torch.Tensor, dones: torch.Tensor, time_outs: Optional[torch.Tensor]) -> None:
        """Write what the step gave, each (N,), and go to the next; None for no time-outs."""
        self.rewards[self.step].copy_(rewards)
        self.dones[self.step].copy_(dones)
        if time_outs is None:
            self.time_outs[self.step] = False
        else:
            self.time_outs[self.step].copy_(time_outs)
        self.step += 1

    def clear(self) -> None:
        """Begin a new rollout."""
        self.step = 0

    def flat_observations(self) -> Dict[str, torch.Tensor]:
        """Views group -> (T*N, *shape); sample (t, n) is at t * N + n."""
        return {group: buffer.flatten(0, 1) for group, buffer in self.observations.items()}

    def mini_batches(self, num_mini_batches: int, num_epochs: int) -> Iterator[MiniBatch]:
        """Go `num_epochs` times through all samples, in mini-batches of samples drawn singly.

        As in legged_gym's rsl_rl, all epochs share one permutation.

        Raises:
            RslRlError: more mini-batches than samples.
        """
        parts = self._split(self.num_steps * self.num_envs, num_mini_batches, "samples")
        for _ in range(num_epochs):
            for part in parts:
                yield self._gather(part, {"actor": {}, "critic": {}}, None)

    def recurrent_mini_batches(self, num_mini_batches: int, num_epochs: int) -> Iterator[MiniBatch]:
        """Go `num_epochs` times through all samples, in mini-batches of whole sequences.

        A sequence is L steps of one environment. They are dealt out at random, since neighbours may live on like
        terrain. Within a mini-batch of n sequences sample (t, j) is at t * n + j.

        Raises:
            RslRlError: more mini-batches than sequences.
        """
        length, num_sequences = self.sequence_length, self.num_steps // self.sequence_length
        what = "environments" if num_sequences == 1 else "sequences"
        parts = self._split(num_sequences * self.num_envs, num_mini_batches, what)
        # Sequence c of environment n is column c * N + n.
        dones = self.dones.view(num_sequences, length, -1).transpose(0, 1).flatten(1)
        # To lay out a rollout costs a GPU a synchronisation, so it is done once for all epochs.
        layouts = [Trajectories(dones.index_select(1, part)) for part in parts]
        time = torch.arange(length, device=self.actions.device).unsqueeze(1)
        for _ in range(num_epochs):
            for part, layout in zip(parts, layouts):
                hidden = {
                    name: {key: state.flatten(1, 2).index_select(1, part) for key, state in states.items()}
                    for name, states in self.hidden.items()
                }
                sequence = part.div(self.num_envs, rounding_mode="floor")
                samples = (sequence * length + time) * self.num_envs + part % self.num_envs
                yield self._gather(samples.reshape(-1), hidden, layout)

    def _split(self, count: int, num_parts: int, what: str) -> Sequence[torch.Tensor]:
        if not 1 <= num_parts <= count:
            raise RslRlError(f"algorithm.num_mini_batches is {num_parts}; this rollout has {count} {what} to share out")
        return torch.randperm(count, device=self.actions.device).tensor_split(num_parts)

    def _gather(
        self, samples: torch.Tensor, hidden: Dict[str, Hidden], trajectories: Optional[Trajectories]
    ) -> MiniBatch:
        """Copy the samples with the flat indices `samples` (B,)."""

        def pick(buffer: torch.Tensor) -> torch.Tensor:
            return buffer.flatten(0, 1).index_select(0, samples)

        return MiniBatch(
            observations={group: pick(buffer) for group, buffer in self.observations.items()},
            actions=pick(self.actions),
            action_means=pick(self.action_means),
            log_probs=pick(self.log_probs),
            values=pick(self.values),
            returns=pick(self.returns),
            advantages=pick(self.advantages),
            labels={name: pick(buffer) for name, buffer in self.labels.items()},
            hidden=hidden,
            trajectories=trajectories,
        )


def join_targets(batches: Sequence[MiniBatch]) -> MiniBatch:
    """One mini-batch with the actions and their worth of all; observations and hidden states are the first one's."""
    if len(batches) == 1:
        return batches[0]
    names = ("actions", "action_means", "log_probs", "values", "returns", "advantages")
    joined: Dict[str, Any] = {name: torch.cat([getattr(each, name) for each in batches]) for name in names}
    return batches[0]._replace(**joined)
