"""The two networks of PPO: a policy and an estimate of its value."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from torch import nn

from rsl_rl.models.model import Hidden, Model, Observations, flat_width
from rsl_rl.models.policy import Outputs, Policy
from rsl_rl.modules.distribution import GaussianDistribution
from rsl_rl.modules.memory import Memory
from rsl_rl.modules.mlp import MLP
from rsl_rl.modules.normalization import EmpiricalNormalization
from rsl_rl.utils.errors import reject_unknown
from rsl_rl.utils.trajectories import Trajectories


class ActorCritic(Policy):
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
        critic: model to values (B, 1).
    """

    critic: Model

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
            widths = {group: flat_width(group, observation_dims) for group in groups}
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

    def values(
        self, obs: Observations, hidden: Dict[str, Hidden], trajectories: Optional[Trajectories] = None
    ) -> torch.Tensor:
        """Estimate the values (B,) of states."""
        return self.critic(obs, hidden["critic"], trajectories)[0].squeeze(-1)

    def evaluate(
        self,
        obs: Observations,
        hidden: Dict[str, Hidden],
        trajectories: Optional[Trajectories] = None,
        with_values: bool = True,
    ) -> Outputs:
        """Compute mean actions, values and the memories after the (last) step."""
        means, actor_hidden = self.actor(obs, hidden["actor"], trajectories)
        if not with_values:
            return Outputs(means, means.new_empty(0), {}, {"actor": actor_hidden})
        values, critic_hidden = self.critic(obs, hidden["critic"], trajectories)
        return Outputs(means, values.squeeze(-1), {}, {"actor": actor_hidden, "critic": critic_hidden})

    def initial_hidden(self, num_envs: int) -> Dict[str, Hidden]:
        """Return the memories at the start of an episode: "actor" and "critic" -> name -> zeros (layers, N, H)."""
        return {"actor": self.actor.initial_hidden(num_envs), "critic": self.critic.initial_hidden(num_envs)}

    def update_normalizers(self, obs: Observations, distributed: Optional[Any] = None) -> None:
        """Let both networks take in the samples group -> (B, D), of all ranks where several work."""
        self.actor.update_normalizers(obs, distributed)
        self.critic.update_normalizers(obs, distributed)


class ActorCriticRecurrent(ActorCritic):
    """As `ActorCritic`, with a memory (LSTM or GRU) before each of the perceptrons."""

    is_recurrent = True
