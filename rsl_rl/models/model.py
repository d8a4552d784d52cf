"""A network from groups of observations to one output vector."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

import torch
from torch import nn

from rsl_rl.modules.memory import Memory
from rsl_rl.modules.normalization import EmpiricalNormalization
from rsl_rl.utils.errors import RslRlError, near_matches
from rsl_rl.utils.trajectories import Trajectories

Observations = Mapping[str, torch.Tensor]
Hidden = Dict[str, torch.Tensor]


class Model(nn.Module):
    """Encoders, one for each observation group -> concatenation -> memory, if any -> head.

    Attributes:
        groups: the observation groups that it reads, in the order in which their features are concatenated.
        is_recurrent: whether there is a memory.
    """

    def __init__(self, encoders: Mapping[str, nn.Module], head: nn.Module, memory: Optional[Memory] = None) -> None:
        """Put the parts together.

        Args:
            encoders: group -> module from (B, *shape of the group) to features (B, F_group).
            head: module from features (B, sum of F_group), or from outputs of the memory, to (B, outputs).
            memory: recurrent network over the features.
        """
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.memory = memory
        self.head = head
        self.groups: List[str] = list(encoders)
        self.is_recurrent = memory is not None

    def forward(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Tuple[torch.Tensor, Hidden]:
        """Compute the outputs for one step of B environments, or for all samples of a rollout.

        Args:
            obs: group -> (B, *shape); may hold groups that are not read.
            hidden: memory before the (first) step, name -> (layers, N, H); None for the start of an episode. Feed-
                forward models pass it on.
            trajectories: None for one step of N = B environments. For a rollout, how its B = T*N samples follow on
                one another.

        Returns:
            outputs: (B, outputs).
            hidden: memory after the (last) step; {} for a feed-forward model. After a rollout it is right for
                environments in which no episode ended before the last step.
        """
        features = self._encode(obs)
        if self.memory is None:
            return self.head(features), {}
        features, after = remember(self.memory, features, hidden, trajectories)
        return self.head(features), after

    def initial_hidden(self, num_envs: int) -> Hidden:
        """Return the memory at the start of an episode: name -> zeros (layers, N, H); {} without a memory."""
        return {} if self.memory is None else self.memory.initial_hidden(num_envs)

    def update_normalizers(self, obs: Observations, distributed: Optional[Any] = None) -> None:
        """Let the normalising encoders take in the samples group -> (B, D), of all ranks where several work."""
        for group, encoder in self.encoders.items():
            if isinstance(encoder, EmpiricalNormalization):
                encoder.update(obs[group], distributed)

    def _encode(self, obs: Observations) -> torch.Tensor:
        features = [encoder(obs[group]) for group, encoder in self.encoders.items()]
        return features[0] if len(features) == 1 else torch.cat(features, dim=-1)


def flat_width(group: str, observation_dims: Mapping[str, Tuple[int, ...]], hint: str = "") -> int:
    """Return the length of a flat observation group.

    Args:
        group: its name.
        observation_dims: group -> shape of one environment's entry.
        hint: what to do about a group that is not flat, appended to the error.

    Raises:
        RslRlError: there is no such group, or it is not flat.
    """
    if group not in observation_dims:
        raise RslRlError(f"there is no observation group {group!r}; {near_matches(group, observation_dims)}")
    shape = observation_dims[group]
    if len(shape) != 1:
        raise RslRlError(f"observation group {group!r} has shape {tuple(shape)}, this network reads flat groups{hint}")
    return shape[0]


def remember(
    memory: Memory, features: torch.Tensor, hidden: Optional[Hidden], trajectories: Optional[Trajectories]
) -> Tuple[torch.Tensor, Hidden]:
    """Let a memory read one step of B environments, or all samples of a rollout.

    Args:
        memory: the recurrent network.
        features: (B, F).
        hidden: its state before the (first) step; None for the start of an episode.
        trajectories: as in `Model.forward`.

    Returns:
        outputs: (B, H).
        hidden: state after the (last) step. After a rollout it is right for environments in which no episode ended
            before the last step.
    """
    if trajectories is None:
        outputs, after = memory(features.unsqueeze(0), hidden)
        return outputs.squeeze(0), after
    start = None if hidden is None else trajectories.initial_hidden(hidden)
    outputs, after = memory(trajectories.pad(features), start)
    return trajectories.unpad(outputs), trajectories.last_hidden(after)


def reset_hidden(hidden: Hidden, dones: torch.Tensor) -> Hidden:
    """Return the memory with the rows of finished episodes back at their start.

    Args:
        hidden: name -> (layers, N, H).
        dones: (N,) bool.
    """
    # Filling, not multiplying by zero: an episode that went to NaN must not poison the next one.
    return {name: state.masked_fill(dones.unsqueeze(-1), 0.0) for name, state in hidden.items()}
