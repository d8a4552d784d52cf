"""A policy put together from encoders, whose value is read off the same features as its actions."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from torch import nn

from rsl_rl.models.encoder import Encoder, build_encoders, recall
from rsl_rl.models.model import Hidden, Model, Observations
from rsl_rl.models.policy import Outputs, Policy
from rsl_rl.modules.distribution import GaussianDistribution
from rsl_rl.modules.memory import Memory
from rsl_rl.modules.mlp import MLP
from rsl_rl.utils.errors import RslRlError, reject_unknown
from rsl_rl.utils.trajectories import Trajectories


class EncodedModel(Model):
    """Encoders of several groups each -> concatenation, in their order -> memory, if any -> head.

    The state of all memories is one flat dict: "h" (LSTM: and "c") of the memory behind the encoders, "<encoder>.h" of
    one inside an encoder.

    Attributes:
        groups: the observation groups that it reads, each once.
        is_recurrent: whether there is a memory anywhere.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        observation_dims: Mapping[str, Tuple[int, ...]],
        head: nn.Module,
        memory: Optional[Memory] = None,
    ) -> None:
        """Put the parts together.

        Args:
            encoders: by name.
            observation_dims: group -> shape of one environment's entry.
            head: module from all features, or from outputs of the memory, to (B, outputs).
            memory: recurrent network over the features.
        """
        super().__init__(encoders, head, memory)
        self.groups = list(dict.fromkeys(group for encoder in encoders.values() for group in encoder.groups))
        self.is_recurrent = memory is not None or any(encoder.is_recurrent for encoder in encoders.values())
        self._shapes = {group: tuple(observation_dims[group]) for group in self.groups}

    def forward(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Tuple[torch.Tensor, Hidden]:
        """Compute outputs (B, outputs) and memory; arguments as of `Model.forward`."""
        features, _, after = self.features(obs, hidden, trajectories)
        return self.head(features), after

    def features(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Tuple[torch.Tensor, Dict[str, torch.Tensor], Hidden]:
        """Compute what heads read.

        Returns:
            features: (B, F).
            latents: as `latents`.
            hidden: memory after the (last) step, as of `Model.forward`.
        """
        encoded, after = self._encode_all(obs, hidden, trajectories)
        latents = {name: x for name, x in encoded.items() if not self._encoder(name).passes_through}
        parts = list(encoded.values())
        features = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        if self.memory is not None:
            own = None if hidden is None else {name: hidden[name] for name in self.memory.state_names}
            features, state = recall(self.memory, features, own, trajectories)
            after = {**state, **after}
        return features, latents, after

    def latents(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Dict[str, torch.Tensor]:
        """Compute the outputs (B, k) of the encoders, by name, without those that only pass observations through."""
        encoded, _ = self._encode_all(obs, hidden, trajectories)
        return {name: x for name, x in encoded.items() if not self._encoder(name).passes_through}

    def initial_hidden(self, num_envs: int) -> Hidden:
        """Return all memories at the start of an episode: name -> zeros (layers, N, H)."""
        states = {} if self.memory is None else self.memory.initial_hidden(num_envs)
        for encoder_name in self.encoders:
            own = self._encoder(encoder_name).initial_hidden(num_envs)
            states.update({f"{encoder_name}.{name}": state for name, state in own.items()})
        return states

    def update_normalizers(self, obs: Observations, distributed: Optional[Any] = None) -> None:
        """Let the encoders take in the samples group -> (B, D), of all ranks where several work."""
        for name in self.encoders:
            self._encoder(name).update_normalizers(obs, distributed)

    def _encode_all(
        self, obs: Observations, hidden: Optional[Hidden], trajectories: Optional[Trajectories]
    ) -> Tuple[Dict[str, torch.Tensor], Hidden]:
        self._check_shapes(obs)
        encoded: Dict[str, torch.Tensor] = {}
        after: Hidden = {}
        for name in self.encoders:
            encoder = self._encoder(name)
            own = None if hidden is None else {key: hidden[f"{name}.{key}"] for key in encoder.state_names}
            encoded[name], state = encoder(obs, own, trajectories)
            after.update({f"{name}.{key}": x for key, x in state.items()})
        return encoded, after

    def _encoder(self, name: str) -> Encoder:
        encoder = self.encoders[name]
        assert isinstance(encoder, Encoder)
        return encoder

    def _check_shapes(self, obs: Observations) -> None:
        """Refuse observations of other widths than the policy was made for, which some layers might broadcast."""
        for group, shape in self._shapes.items():
            if obs[group].shape[1:] != shape:
                raise RslRlError(
                    f"observation group {group!r} has shape {tuple(obs[group].shape[1:])}, the policy reads {shape}"
                )


class SharedActorCritic(Policy):
    """Encoders -> concatenation -> memory, if any -> one perceptron for the actions and one for the value.

        encoders = {"proprioception": {}, "scandots": {"hidden_dims": [64, 32], "output_dim": 16}, "commands": {}}
        policy = SharedActorCritic(dims, 12, encoders=encoders, rnn_type="gru", rnn_hidden_size=256)

    Args:
        observation_dims: group -> shape of one environment's entry.
        num_actions: A.
        init_noise_std: standard deviation of the actions at the start.
        actor_hidden_dims: widths of the hidden layers between the features and the actions.
        critic_hidden_dims: widths of the hidden layers between the features and the value.
        activation: see `modules.mlp.ACTIVATIONS`; of encoders too, where they do not say otherwise.
        output_activation: another one, of the mean actions ("tanh" bounds them); None for none.
        rnn_type: "lstm" or "gru"; of encoders too, where they do not say otherwise.
        rnn_hidden_size: H, width of the memory behind the encoders; None or 0 for none.
        rnn_num_layers: layers of that memory.
        encoders: name -> keyword arguments of `Encoder`. {} passes the group of that name through; None drops an
            encoder of a base configuration. Without any, each of `actor_obs_groups` is passed through.
        actor_obs_groups: see `encoders`.
        critic_obs_groups: ignored, the value is read off the features of the actor.
        normalize_observations: scale flat observations by their running mean and standard deviation.
        **unknown: keys that do not exist.

    Raises:
        RslRlError: unknown key, choice or group, or an image that no convolution reads.
    """

    actor: EncodedModel
    is_shared = True

    def __init__(
        self,
        observation_dims: Mapping[str, Tuple[int, ...]],
        num_actions: int,
        init_noise_std: float = 1.0,
        actor_hidden_dims: Sequence[int] = (128, 64),
        critic_hidden_dims: Sequence[int] = (128,),
        activation: str = "elu",
        output_activation: Optional[str] = None,
        rnn_type: str = "lstm",
        rnn_hidden_size: Optional[int] = 256,
        rnn_num_layers: int = 1,
        encoders: Optional[Mapping[str, Optional[Mapping[str, Any]]]] = None,
        actor_obs_groups: Sequence[str] = ("policy",),
        critic_obs_groups: Sequence[str] = (),
        normalize_observations: bool = False,
        **unknown: Any,
    ) -> None:
        super().__init__()
        reject_unknown("policy", unknown, SharedActorCritic.__init__)
        table = {group: {} for group in actor_obs_groups} if encoders is None else encoders
        defaults = {"activation": activation, "rnn_type": rnn_type}
        built = build_encoders(table, observation_dims, normalize_observations, defaults)
        width = sum(encoder.output_dim for encoder in built.values())
        memory = None
        if rnn_hidden_size:
            memory = Memory(width, rnn_hidden_size, rnn_num_layers, rnn_type)
            width = rnn_hidden_size
        head = MLP(width, num_actions, actor_hidden_dims, activation, output_activation)
        self.actor = EncodedModel(built, observation_dims, head, memory)
        self.critic = MLP(width, 1, critic_hidden_dims, activation)
        self.distribution = GaussianDistribution(num_actions, init_noise_std)
        self.is_recurrent = self.actor.is_recurrent

    @property
    def groups(self) -> List[str]:
        """The observation groups that the encoders read."""
        return self.actor.groups

    def values(
        self, obs: Observations, hidden: Dict[str, Hidden], trajectories: Optional[Trajectories] = None
    ) -> torch.Tensor:
        """Estimate the values (B,) of states."""
        features, _, _ = self.actor.features(obs, hidden["actor"], trajectories)
        return self.critic(features).squeeze(-1)

    def evaluate(
        self,
        obs: Observations,
        hidden: Dict[str, Hidden],
        trajectories: Optional[Trajectories] = None,
        with_values: bool = True,
    ) -> Outputs:
        """Compute all outputs, encoding once."""
        features, latents, after = self.actor.features(obs, hidden["actor"], trajectories)
        means = self.actor.head(features)
        values = self.critic(features).squeeze(-1) if with_values else means.new_empty(0)
        return Outputs(means, values, latents, {"actor": after, "critic": {}})

    def initial_hidden(self, num_envs: int) -> Dict[str, Hidden]:
        """Return the memories at the start of an episode: "actor" -> name -> zeros (layers, N, H); "critic" -> {}."""
        return {"actor": self.actor.initial_hidden(num_envs), "critic": {}}

    def latents(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Dict[str, torch.Tensor]:
        """Compute the outputs (B, k) of the encoders by name, without those that pass observations through."""
        return self.actor.latents(obs, hidden, trajectories)

    def parts(self) -> Dict[str, nn.Module]:
        """Return the encoders by their names, "memory", "head" (from features to actions), "critic", "distribution"."""
        memory = {} if self.actor.memory is None else {"memory": self.actor.memory}
        rest = {"head": self.actor.head, "critic": self.critic, "distribution": self.distribution}
        return {**dict(self.actor.encoders.items()), **memory, **rest}
