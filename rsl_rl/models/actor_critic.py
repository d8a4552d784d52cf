"""The two networks of PPO: a policy and an estimate of its value."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from torch import nn

from rsl_rl.models.model import Hidden, Model, Observations, reset_hidden
from rsl_rl.modules.distribution import GaussianDistribution
from rsl_rl.modules.memory import Memory
from rsl_rl.modules.mlp import MLP
from rsl_rl.modules.normalization import EmpiricalNormalization
from rsl_rl.utils.errors import RslRlError, near_matches, reject_unknown


class ActorCritic(nn.Module):
    """Two multi-layer perceptrons that share nothing, and a normal distribution of actions around the actor's output.

    Args:
        observation_dims: group -> shape of one environment's entry.
        num_actions: A.
        init_noise_std: standard deviation of the actions at the start.
        actor_hidden_dims: widths of the actor's hidden layers.
        critic_hidden_dims: widths of the critic's hidden layers.
        activation: see `modules.mlp.ACTIVATIONS`.
        rnn_type: "lstm" or "gru"; this and the next two are for `ActorCriticRecurrent` and ignored otherwise.
        rnn_hidden_size: H, width of each memory.
        rnn_num_layers: layers of each memory.
        actor_obs_groups: groups that the actor reads, concatenated in this order.
        critic_obs_groups: groups that the critic reads. An environment without a group "critic" gives its critic
            the group "policy".
        normalize_observations: scale observations by their running mean and standard deviation.
        **unknown: keys that do not exist.

    Raises:
        RslRlError: unknown key, activation or group; a group that is not flat; a bad standard deviation.

    Attributes:
        actor: model to mean actions (B, A).
        critic: model to values (B, 1).
        distribution: of actions around the mean.
        is_recurrent: whether the two models have memories.
    """

    is_recurrent = False

    def __init__(
        self,
        observation_dims: Mapping[str, Tuple[int, ...]],
        num_actions: int,
        init_noise_std: float = 1.0,
        actor_hidden_dims: Sequence[int] = (512, 256, 128),
        critic_hidden_dims: Sequence[int] = (512, 256, 128),
        activation: str = "elu",
        rnn_type: str = "lstm",
        rnn_hidden_size: int = 256,
        rnn_num_layers: int = 1,
        actor_obs_groups: Sequence[str] = ("policy",),
        critic_obs_groups: Sequence[str] = ("critic",),
        normalize_observations: bool = False,
        **unknown: Any,
    ) -> None:
        super().__init__()
        reject_unknown("policy", unknown, ActorCritic.__init__)
        if "critic" not in observation_dims:
            critic_obs_groups = ["policy" if group == "critic" else group for group in critic_obs_groups]
        memory = (rnn_hidden_size, rnn_num_layers, rnn_type) if self.is_recurrent else None

        def build(groups: Sequence[str], hidden_dims: Sequence[int], num_outputs: int) -> Model:
            widths = _flat_widths(groups, observation_dims)
            encoders = {
                group: EmpiricalNormalization(width) if normalize_observations else nn.Identity()
                for group, width in widths.items()
            }
            features = sum(widths.values())
            head_inputs = features if memory is None else rnn_hidden_size
            return Model(
                encoders,
                head=MLP(head_inputs, num_outputs, hidden_dims, activation),
                memory=None if memory is None else Memory(features, *memory),
            )

        self.actor = build(actor_obs_groups, actor_hidden_dims, num_actions)
        self.critic = build(critic_obs_groups, critic_hidden_dims, 1)
        self.distribution = GaussianDistribution(num_actions, init_noise_std)

    @property
    def groups(self) -> List[str]:
        """The observation groups that at least one of the networks reads."""
        return list(dict.fromkeys([*self.actor.groups, *self.critic.groups]))

    def act_inference(self, obs: Observations, hidden: Optional[Hidden] = None) -> Tuple[torch.Tensor, Hidden]:
        """Compute mean actions.

        Args:
            obs: group -> (N, *shape).
            hidden: the actor's memory; None for the start of an episode.

        Returns:
            actions: (N, A).
            hidden: the actor's memory after this step; {} for a feed-forward actor.
        """
        return self.actor(obs, hidden)

    def initial_hidden(self, num_envs: int) -> Dict[str, Hidden]:
        """Return the memories at the start of an episode: "actor" and "critic" -> name -> zeros (layers, N, H)."""
        return {"actor": self.actor.initial_hidden(num_envs), "critic": self.critic.initial_hidden(num_envs)}

    @staticmethod
    def reset_hidden(hidden: Hidden, dones: torch.Tensor) -> Hidden:
        """Return one network's memory with the rows of finished episodes, `dones` (N,) bool, back at their start."""
        return reset_hidden(hidden, dones)

    def update_normalizers(self, obs: Observations, distributed: Optional[Any] = None) -> None:
        """Let both networks take in the samples group -> (B, D), of all ranks where several work."""
        self.actor.update_normalizers(obs, distributed)
        self.critic.update_normalizers(obs, distributed)


class ActorCriticRecurrent(ActorCritic):
    """As `ActorCritic`, with a memory (LSTM or GRU) before each of the perceptrons."""

    is_recurrent = True


def _flat_widths(groups: Sequence[str], observation_dims: Mapping[str, Tuple[int, ...]]) -> Dict[str, int]:
    """Map each group to its length, or refuse it."""
    widths: Dict[str, int] = {}
    for group in groups:
        if group not in observation_dims:
            raise RslRlError(f"there is no observation group {group!r}; {near_matches(group, observation_dims)}")
        shape = observation_dims[group]
        if len(shape) != 1:
            raise RslRlError(f"observation group {group!r} has shape {tuple(shape)}, this network reads flat groups")
        widths[group] = shape[0]
    return widths
