"""An actor, an estimate of its value, and a normal distribution of actions."""

from __future__ import annotations

import copy
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple, Type

import torch
from torch import nn

from rsl_rl.models.encoder import Dims, Encoder, Observations, groups_of
from rsl_rl.models.network import Network
from rsl_rl.modules.distribution import GaussianDistribution
from rsl_rl.modules.memory import Hidden, Memory
from rsl_rl.modules.mlp import MLP
from rsl_rl.modules.normalization import EmpiricalNormalization
from rsl_rl.settings import PolicySettings, SharedSettings, read_settings
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import RslRlError, near_matches


class CopyReport(NamedTuple):
    """What `Policy.copy_from` did; as text it is one line.

    Attributes:
        copied: names of the parts that were taken.
        left: name -> why it was not.
    """

    copied: List[str]
    left: Dict[str, str]

    def __str__(self) -> str:
        """Tell it in one line."""
        left = "; ".join(f"{name} ({reason})" for name, reason in self.left.items())
        return f"copied {', '.join(self.copied) or 'nothing'}" + (f"; left {left}" if left else "")


class Outputs(NamedTuple):
    """What a policy says about B states.

    Attributes:
        mean: (B, A), mean actions.
        values: (B,); empty where they were not asked for.
        latents: of the actor, as of `Features`.
        hidden: memories after the (last) step, as `Policy.evaluate` takes them.
    """

    mean: torch.Tensor
    values: torch.Tensor
    latents: Dict[str, torch.Tensor]
    hidden: Dict[str, Hidden]


class Policy(nn.Module):
    """An actor, an estimate of its value, and a normal distribution of actions around the actor's output.

    In the methods, `hidden` of one network maps the names of its memories to (layers, N, H), and that of both is
    {"actor": ..., "critic": ...}; feed-forward networks have {}. `trajectories` is None for one step of N environments;
    for a rollout it tells how the samples follow on one another, and `hidden` is the memory before it (see
    `Network.forward`).

    Args:
        observation_dims: group -> shape of one environment's entry.
        num_actions: A.
        **settings: fields of `Settings`.

    Raises:
        RslRlError: unknown key, choice or group, an image that no convolution reads, a bad standard deviation.

    Attributes:
        Settings: names and defaults of the settings.
        actor: network to mean actions (B, A).
        critic: network to values (B, 1), or perceptron from the actor's features to them.
        distribution: of actions around the mean.
        observation_dims: group -> shape of one environment's entry.
        is_recurrent: whether there are memories.
        is_shared: whether the critic reads the features of the actor, rather than observations.
        groups: the observation groups that at least one of the networks reads.
    """

    Settings: Type[PolicySettings] = PolicySettings
    # What the name of the class stands for: a memory in front of each head, a shared critic.
    _remembers = False
    _shares = False

    critic: nn.Module

    def __init__(self, observation_dims: Dims, num_actions: int, **settings: Any) -> None:
        super().__init__()
        cfg = read_settings("policy", self.Settings, settings)
        given = {} if cfg.critic is None or isinstance(cfg.critic, str) else cfg.critic
        if isinstance(cfg.critic, str) and cfg.critic != "shared":
            raise RslRlError(f"policy.critic is {cfg.critic!r}; it may be 'shared', or settings of its own")
        self.is_shared = self._shares if cfg.critic is None else cfg.critic == "shared"
        both = {
            "activation": cfg.activation,
            "rnn_type": cfg.rnn_type,
            "rnn_hidden_size": cfg.rnn_hidden_size if self._remembers else None,
            "rnn_num_layers": cfg.rnn_num_layers,
            "normalize_observations": cfg.normalize_observations,
            "head_first": not self._shares,
        }
        short = {
            "groups": cfg.actor_obs_groups,
            "encoders": cfg.encoders,
            "hidden_dims": cfg.actor_hidden_dims,
            "output_activation": cfg.output_activation,
        }
        place = "policy.actor" if cfg.actor else "policy"
        self.actor = Network(place, observation_dims, num_actions, **{**both, **short, **cfg.actor})
        self._has_fine_parts = self.is_shared or bool(cfg.actor) or cfg.encoders is not None
        if self.is_shared:
            self.critic = MLP(self.actor.width, 1, cfg.critic_hidden_dims, cfg.activation)
        else:
            groups = [g if g in observation_dims or g != "critic" else "policy" for g in cfg.critic_obs_groups]
            short = {"groups": groups, "hidden_dims": cfg.critic_hidden_dims}
            self.critic = Network("policy.critic", observation_dims, 1, **{**both, **short, **given})
        self.distribution = GaussianDistribution(num_actions, cfg.init_noise_std)
        self.observation_dims = {group: tuple(shape) for group, shape in observation_dims.items()}
        self.groups = groups_of(self)
        self.is_recurrent = any(isinstance(module, Memory) for module in self.modules())

    def with_encoders(self, encoders: Mapping[str, Encoder]) -> Policy:
        """The same policy, weights and all, with other encoders of the actor (see `Network.with_encoders`)."""
        if not encoders:
            return self
        other = copy.copy(self)
        other._modules = {**self._modules, "actor": self.actor.with_encoders(encoders)}
        other.groups = groups_of(other)
        return other

    def deployed(self) -> Policy:
        """The same policy, weights and all, whose actor acts by what its encoders predict (see `Network.deployed`)."""
        if not self.actor.predictions():
            return self
        other = copy.copy(self)
        other._modules = {**self._modules, "actor": self.actor.deployed()}
        other.groups = groups_of(other)
        return other

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

    def values(
        self, obs: Observations, hidden: Dict[str, Hidden], trajectories: Optional[Trajectories] = None
    ) -> torch.Tensor:
        """Estimate the values (B,) of states."""
        if self.is_shared:
            values = self.critic(self.actor.features(obs, hidden["actor"], trajectories).x)
        else:
            values, _ = self.critic(obs, hidden["critic"], trajectories)
        return values.squeeze(-1)

    def evaluate(
        self,
        obs: Observations,
        hidden: Dict[str, Hidden],
        trajectories: Optional[Trajectories] = None,
        with_values: bool = True,
        acting_view: Optional[Observations] = None,
    ) -> Outputs:
        """Compute all outputs, encoding once; without values the critic is not asked and its memory not needed.

        What the actor sees may be another `acting_view` than what a critic of its own sees.
        """
        features = self.actor.features(obs if acting_view is None else acting_view, hidden["actor"], trajectories)
        mean, after = self.actor.outputs(features), {"actor": features.hidden}
        if not with_values:
            return Outputs(mean, mean.new_empty(0), features.latents, after)
        if self.is_shared:
            values, after["critic"] = self.critic(features.x), {}
        else:
            values, after["critic"] = self.critic(obs, hidden["critic"], trajectories)
        return Outputs(mean, values.squeeze(-1), features.latents, after)

    def initial_hidden(self, num_envs: int) -> Dict[str, Hidden]:
        """Return the memories at the start of an episode: "actor" and "critic" -> name -> zeros (layers, N, H)."""
        critic = self.critic.initial_hidden(num_envs) if isinstance(self.critic, Network) else {}
        return {"actor": self.actor.initial_hidden(num_envs), "critic": critic}

    def update_normalizers(self, obs: Observations, distributed: Optional[Any] = None) -> None:
        """Let the networks take in the samples group -> (B, D), of all ranks where several work."""
        for encoder in self.modules():
            if isinstance(encoder, Encoder):
                encoder.update_normalizers(obs, distributed)

    def parts(self) -> Dict[str, nn.Module]:
        """Return the parts that can be frozen or copied, by name; an actor with encoders counts part by part."""
        actor = self.actor.parts() if self._has_fine_parts else {"actor": self.actor}
        return {**actor, "critic": self.critic, "distribution": self.distribution}

    def freeze(self, names: Iterable[str]) -> None:
        """Exempt parts from learning: no gradients, and normalisers take in no more samples.

        Call it before the optimiser is made. It is not part of the state dict.

        Raises:
            RslRlError: there is no part of that name.
        """
        parts = self.parts()
        for name in names:
            if name not in parts:
                raise RslRlError(f"the policy has no part {name!r} to freeze; {near_matches(name, parts)}")
            parts[name].requires_grad_(False)
            for module in parts[name].modules():
                if isinstance(module, EmpiricalNormalization):
                    module.frozen = True

    @torch.no_grad()
    def copy_from(self, other: Policy) -> CopyReport:
        """Take the weights of each part that `other` has under the same name with the same shapes.

        A part is taken as a whole or not at all: half of a recurrent network is worth nothing without the other.
        """
        report = CopyReport([], {})
        others = other.parts()
        for name, part in self.parts().items():
            own = part.state_dict()
            if not own:
                continue
            theirs = others[name].state_dict() if name in others else None
            reason = "not in the other policy" if theirs is None else _difference(own, theirs)
            if theirs is None or reason:
                report.left[name] = reason
            else:
                part.load_state_dict(theirs)
                report.copied.append(name)
        return report


class ActorCritic(Policy):
    """Two perceptrons that share nothing."""


class ActorCriticRecurrent(Policy):
    """As `ActorCritic`, with a memory (LSTM or GRU) in front of each of the perceptrons."""

    _remembers = True


class SharedActorCritic(Policy):
    """Encoders -> concatenation -> memory, if any -> one perceptron for the actions and one for the value.

    encoders = {"proprioception": {}, "scandots": {"hidden_dims": [64, 32], "output_dim": 16}, "commands": {}}
    policy = SharedActorCritic(dims, 12, encoders=encoders, rnn_type="gru", rnn_hidden_size=256)
    """

    Settings = SharedSettings
    _remembers = True
    _shares = True


def _difference(own: Dict[str, torch.Tensor], theirs: Dict[str, torch.Tensor]) -> str:
    """The first difference between the shapes of two state dicts; empty if there is none."""
    for name in [*own, *theirs]:
        shapes = [list(state[name].shape) if name in state else "absent" for state in (theirs, own)]
        if shapes[0] != shapes[1]:
            return f"{name} is {shapes[0]} there, {shapes[1]} here"
    return ""
