"""The contract between environments and the learner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Union

import torch

Observations = Dict[str, torch.Tensor]
MirrorMaps = Mapping[str, Tuple[torch.Tensor, torch.Tensor]]


class VecEnv(ABC):
    """N environments of one task, stepped together.

    An environment whose episode ends in a step is reset within that step, so nobody outside ever resets a single one.

    Attributes:
        num_envs: N.
        num_actions: A, the length of an action.
        device: where all tensors going in and out live.
        max_episode_length: steps after which an episode is truncated; of each environment, where it is (N,) int64.
        episode_length_buf: (N,) int64, steps done in the current episode.
        observation_dims: group -> shape of one environment's entry, e.g. {"policy": (48,), "depth": (1, 58, 87)}.
        cfg: the configuration of the environment, for the record.
        teacher_names: of the teachers that an observation numbers, see the extension `Cloning`.
    """

    num_envs: int
    num_actions: int
    device: torch.device
    max_episode_length: Union[int, torch.Tensor]
    episode_length_buf: torch.Tensor
    observation_dims: Dict[str, Tuple[int, ...]]
    cfg: Any
    teacher_names: Sequence[str] = ()

    @abstractmethod
    def reset(self) -> Observations:
        """Start a new episode in every environment and return the first observations, as `get_observations` does."""

    @abstractmethod
    def get_observations(self) -> Observations:
        """Return the current observations: group -> (N, *shape) float32."""

    @abstractmethod
    def step(self, actions: torch.Tensor) -> Tuple[Observations, torch.Tensor, torch.Tensor, Dict[str, Any]]:
        """Advance every environment by one control step.

        Args:
            actions: (N, A) float32.

        Returns:
            observations: group -> (N, *shape) float32; for an environment that is done, the first of its new episode.
            rewards: (N,) float32.
            dones: (N,) bool, episodes that ended with this step.
            extras: "time_outs" is (N,) bool, the dones that are truncations: the task would have gone on, so the
                learner adds the value of what was truncated. "log" (absent when no episode ended) maps names to numbers
                or 0-d tensors, whose means are logged. "counts" (may be absent) maps names to numbers that are added
                up over an iteration.
        """

    def mix_ages(self, generator: Optional[torch.Generator] = None) -> None:
        """Let episodes that have just begun be of all ages, drawn from a generator or torch's own.

        Else those that are truncated would all end together.
        """
        ages, longest = self.episode_length_buf, torch.as_tensor(self.max_episode_length)
        device = ages.device if generator is None else generator.device
        if longest.ndim == 0:
            ages.copy_(torch.randint(int(longest), ages.shape, generator=generator, device=device))
        else:
            ages.copy_(torch.rand(ages.shape, generator=generator, device=device) * longest.to(device))

    def write_failures_to(self, folder: Optional[str]) -> None:  # noqa: B027, most have nothing to write
        """Say where an environment may write down what went wrong in it; None for nowhere."""

    @abstractmethod
    def state_dict(self) -> Dict[str, Any]:
        """Return all that it takes to go on bit for bit (physics, random generators, curricula), as plain data."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that `state_dict` returned."""

    @property
    def late_state(self) -> Tuple[str, ...]:
        """Entries of `state_dict`, "a" or "a.b", that one saved by an earlier version may lack.

        `load_state_dict` leaves what is absent as it is in a new environment. All others are compared with those of
        this environment, in kind and shape, before it is called.
        """
        return ()

    def mirror_maps(self) -> Optional[MirrorMaps]:
        """Return the left-right symmetry of the robot, or None where it is unknown.

        Returns:
            One pair (index, sign) for every flat observation group and one for "actions", both of the length of a
            vector x of that kind, whose mirror image is `x[..., index] * sign`.

        Raises:
            ValueError: the settings say what it should be, and it is not one; asked for only where it is needed.
        """
        return None

    @abstractmethod
    def close(self) -> None:
        """Free what the environment holds; it is not used afterwards."""
