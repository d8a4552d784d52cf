"""From groups of observations to one output vector."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from torch import nn

from rsl_rl.models.encoder import RESERVED_NAMES, Dims, Encoder, Observations, groups_of
from rsl_rl.models.prediction import Prediction
from rsl_rl.modules.memory import Hidden, Memory
from rsl_rl.modules.mixture import Mixture
from rsl_rl.modules.mlp import MLP
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import RslRlError, reject_unknown


class Features(NamedTuple):
    """What heads read.

    Attributes:
        x: (B, F), input of the first layer.
        added: (B, hidden_dims[0]), sum of the gated encoders; None without them.
        latents: outputs (B, k) of the encoders, by name, without those that pass observations through; "gate": the
            weights (B, K) of the experts of a mixture; "<encoder>.<name>": what an encoder predicts.
        hidden: memories after the (last) step.
    """

    x: torch.Tensor
    added: Optional[torch.Tensor]
    latents: Dict[str, torch.Tensor]
    hidden: Hidden


class Network(nn.Module):
    """Encoders -> fusion -> memory, if any -> head: a perceptron, or a mixture of them with a gate of its own.

    Encoders are concatenated, or added into the first hidden layer of the head. The state of all memories is one flat
    dict: "h" (LSTM: and "c") of the memory in front of the head, "<encoder>.h" of one inside an encoder.

    Args:
        section: of the configuration that the keys come from, for errors.
        observation_dims: group -> shape of one environment's entry.
        num_outputs: length of an output.
        groups: flat groups to pass through, where there are no `encoders`.
        encoders: name -> keyword arguments of `Encoder`, in the order of the concatenation. {} passes the group of that
            name through; None drops an encoder of a base configuration.
        hidden_dims: widths of the head's hidden layers.
        activation: see `modules.mlp.ACTIVATIONS`; of encoders and gate too, where they do not say otherwise.
        output_activation: another one, of the outputs ("tanh" bounds them); None for none.
        rnn_type: "lstm" or "gru"; of encoders and gate too, where they do not say otherwise.
        rnn_hidden_size: width of the memory in front of the head; None or 0 for none.
        rnn_num_layers: layers of that memory.
        experts: keyword arguments of `Mixture`, and "gate", those of its gate, a network like this; None for a
            perceptron.
        normalize_observations: scale flat observations by their running mean and standard deviation.
        head_first: draw the head's weights before those of the memory.
        **unknown: keys that do not exist.

    Raises:
        RslRlError: unknown key, choice or group, or an image that no convolution reads.

    Attributes:
        groups: the observation groups that it reads, each once; not those that it predicts as a whole.
        width: F, inputs of the head.
        is_recurrent: whether there is a memory anywhere.
        is_deployed: whether it acts by what its encoders predict, whatever is observed.
        is_normalized: whether flat observations are scaled.
    """

    def __init__(
        self,
        section: str,
        observation_dims: Dims,
        num_outputs: int,
        groups: Sequence[str] = ("policy",),
        encoders: Optional[Mapping[str, Optional[Mapping[str, Any]]]] = None,
        hidden_dims: Sequence[int] = (512, 256, 128),
        activation: str = "elu",
        output_activation: Optional[str] = None,
        rnn_type: str = "lstm",
        rnn_hidden_size: Optional[int] = None,
        rnn_num_layers: int = 1,
        experts: Optional[Mapping[str, Any]] = None,
        normalize_observations: bool = False,
        head_first: bool = False,
        **unknown: Any,
    ) -> None:
        super().__init__()
        reject_unknown(section, unknown, Network.__init__)
        self.encoders = nn.ModuleDict()
        inputs = 0
        own: Dict[str, Any] = {"activation": activation, "rnn_type": rnn_type}
        for name, settings in ({group: {} for group in groups} if encoders is None else encoders).items():
            if settings is not None:
                if "." in name or (settings and name in RESERVED_NAMES):
                    raise RslRlError(f"{section}.encoders: {name!r} cannot be the name of an encoder")
                place, settings = f"{section}.encoders.{name}", {**own, **settings}
                width = hidden_dims[0] if hidden_dims else 0
                encoder = Encoder(place, name, observation_dims, normalize_observations, width, **settings)
                inputs += 0 if encoder.is_gated else encoder.output_dim
                self.encoders[name] = encoder
        if not inputs:
            raise RslRlError(f"{section}.encoders is empty: the network would see nothing")
        self.width = rnn_hidden_size or inputs
        sizes = (self.width, num_outputs, hidden_dims, activation, output_activation)
        self.memory: Optional[Memory] = None
        self.gate: Optional[Network] = None

        def make_head() -> Union[MLP, Mixture]:
            return MLP(*sizes) if experts is None else Mixture(f"{section}.experts", *sizes, **experts)

        head = make_head() if head_first else None
        if rnn_hidden_size:
            self.memory = Memory(inputs, rnn_hidden_size, rnn_num_layers, rnn_type)
        self.head = head or make_head()
        if isinstance(self.head, Mixture):
            own.update(groups=groups, hidden_dims=(64, 64), normalize_observations=normalize_observations)
            place, settings = f"{section}.experts.gate", {**own, **self.head.gate_settings}
            self.gate = Network(place, observation_dims, len(self.head.experts), **settings)
        self.is_deployed, self.is_normalized = False, normalize_observations
        self.groups = self._groups()
        self._shapes = {group: tuple(shape) for group, shape in observation_dims.items()}
        for path, module in self.named_modules():
            if isinstance(module, Memory):
                names = [part for part in path.split(".") if part not in ("encoders", "memory")]
                module.put_in_front_of_names("".join(f"{name}." for name in names))
        self.is_recurrent = bool(self.initial_hidden(1))

    def forward(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Tuple[torch.Tensor, Hidden]:
        """Compute the outputs for one step of B environments, or for all samples of a rollout.

        Args:
            obs: group -> (B, *shape); may hold groups that are not read.
            hidden: memories before the (first) step, name -> (layers, N, H); None for the start of an episode. Feed-
                forward networks pass it on.
            trajectories: None for one step of N = B environments. For a rollout, how its B = T*N samples follow on
                one another.

        Returns:
            outputs: (B, outputs).
            hidden: memories after the (last) step; {} for a feed-forward network. After a rollout they are right for
                environments in which no episode ended before the last step.
        """
        features = self.features(obs, hidden, trajectories)
        return self.outputs(features), features.hidden

    def features(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Features:
        """Compute what heads read; arguments as of `forward`."""
        for group in self.groups:  # other widths might be broadcast by some layers
            shape = self._shapes[group]
            if obs[group].shape[1:] != shape:
                raise RslRlError(
                    f"observation group {group!r} has shape {tuple(obs[group].shape[1:])}, the policy reads {shape}"
                )
        obs, first, latents, after = self._predict(obs, hidden, trajectories)
        parts, added = [], None
        for name, encoder in self.encoders.items():
            if name in first:
                encoded = first[name]
            else:
                encoded, states = encoder(obs, hidden, trajectories)
                after.update(states)
            if not encoder.is_gated:
                parts.append(encoded)
            else:
                added = encoded if added is None else added + encoded
            if not encoder.passes_through:
                latents[name] = encoded
        if self.gate is not None and isinstance(self.head, Mixture):
            logits, states = self.gate(obs, hidden, trajectories)
            after.update(states)
            latents["gate"] = self.head.weights(logits)
        x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        if self.memory is not None:
            x, states = self.memory(x, hidden, trajectories)
            after = {**states, **after}
        return Features(x, added, latents, after)

    def _predict(
        self, obs: Observations, hidden: Optional[Hidden], trajectories: Optional[Trajectories]
    ) -> Tuple[Observations, Dict[str, torch.Tensor], Dict[str, torch.Tensor], Hidden]:
        """Ask the encoders that predict; no gradient goes back from what others make of it.

        Returns:
            The observations with what is predicted in its place, and of these encoders the features, what they predict
            and the memories.
        """
        telling = self._telling()
        seen, told_of = dict(obs), dict(obs)
        features: Dict[str, torch.Tensor] = {}
        latents: Dict[str, torch.Tensor] = {}
        after: Hidden = {}
        for encoder in telling.values():
            for each in encoder.predictions:
                if each.group in seen:
                    seen[each.group] = each.put(seen[each.group], torch.zeros_like(each.of(seen[each.group])))
        for name, encoder in telling.items():
            outputs, states = encoder(seen, hidden, trajectories)
            after.update(states)
            features[name], *told = outputs.split(
                [encoder.output_dim, *(each.width for each in encoder.predictions)], dim=1
            )
            for each, raw in zip(encoder.predictions, told):
                value = latents[f"{name}.{each.name}"] = each.scale * raw
                value = value.detach()
                if not self.is_deployed and each.within is not None:
                    value = torch.where(each.holds(obs[each.group]), value, each.of(obs[each.group]))
                told_of[each.group] = value if each.is_whole else each.put(told_of[each.group], value)
        return told_of, features, latents, after

    def outputs(self, features: Features) -> torch.Tensor:
        """Compute the outputs (B, outputs) from features."""
        weights = [features.latents["gate"]] if isinstance(self.head, Mixture) else []
        outputs: torch.Tensor = self.head(features.x, *weights, features.added)
        return outputs

    def initial_hidden(self, num_envs: int) -> Hidden:
        """Return all memories at the start of an episode: name -> zeros (layers, N, H)."""
        memories = [module for module in self.modules() if isinstance(module, Memory)]
        memories.sort(key=lambda memory: memory is not self.memory)
        return {name: state for memory in memories for name, state in memory.initial_hidden(num_envs).items()}

    def with_encoders(self, encoders: Mapping[str, Encoder]) -> Network:
        """The same network, weights and all, with other encoders in the places of those of their names."""
        other = copy.copy(self)
        other._modules = {**self._modules, "encoders": nn.ModuleDict({**dict(self.encoders.items()), **encoders})}
        other.groups = other._groups()
        return other

    def deployed(self) -> Network:
        """The same network, weights and all, that acts by what its encoders predict, whatever is observed."""
        other = copy.copy(self)
        other.is_deployed = True
        other.groups = other._groups()
        return other

    def predictions(self) -> Dict[str, Prediction]:
        """What encoders tell of observations, by the name among the latents."""
        told = self._telling().items()
        return {f"{name}.{each.name}": each for name, encoder in told for each in encoder.predictions}

    def _telling(self) -> Dict[str, Encoder]:
        encoders = {name: encoder for name, encoder in self.encoders.items() if isinstance(encoder, Encoder)}
        return {name: encoder for name, encoder in encoders.items() if encoder.predictions}

    def _groups(self) -> List[str]:
        bounded = {each.group for each in self.predictions().values() if each.within is not None}
        whole = {each.group for each in self.predictions().values() if each.is_whole}
        needed = set() if self.is_deployed else bounded
        return [group for group in groups_of(self) if group not in whole or group in needed]

    def parts(self) -> Dict[str, nn.Module]:
        """Return the encoders by their names, "memory", "head" and "gate", as far as they are there."""
        rest = {"memory": self.memory, "head": self.head, "gate": self.gate}
        return {**dict(self.encoders.items()), **{name: part for name, part in rest.items() if part is not None}}
