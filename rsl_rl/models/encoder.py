"""From some groups of observations to features."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import torch
from torch import nn

from rsl_rl.models.model import Hidden, Observations, flat_width, remember
from rsl_rl.modules.conv import ConvNet
from rsl_rl.modules.memory import Memory
from rsl_rl.modules.mlp import ACTIVATIONS, MLP
from rsl_rl.modules.normalization import EmpiricalNormalization
from rsl_rl.utils.errors import RslRlError, check_choice, reject_unknown
from rsl_rl.utils.trajectories import Trajectories


class Encoder(nn.Module):
    """Observation groups, images through convolutions -> hidden layers -> memory -> linear layer.

    Every part is optional. Without any the groups are passed through, concatenated.

    Attributes:
        groups: the observation groups that it reads, in the order in which they are concatenated.
        output_dim: number of features.
        is_recurrent: whether there is a memory.
        state_names: names of the tensors of its memory.
    """

    def __init__(
        self,
        name: str,
        observation_dims: Mapping[str, Tuple[int, ...]],
        normalize: bool,
        groups: Optional[Sequence[str]] = None,
        conv: Optional[Mapping[str, Any]] = None,
        hidden_dims: Sequence[int] = (),
        activation: str = "elu",
        rnn_type: str = "lstm",
        rnn_hidden_size: Optional[int] = None,
        rnn_num_layers: int = 1,
        output_dim: Optional[int] = None,
        **unknown: Any,
    ) -> None:
        """Build the parts.

        Args:
            name: of the encoder, for errors.
            observation_dims: group -> shape of one environment's entry.
            normalize: scale flat groups by their running mean and standard deviation.
            groups: what to read; None for the group that is called like the encoder.
            conv: keyword arguments of `ConvNet`, through which each image goes on its own.
            hidden_dims: widths of layers before the memory, each with the activation.
            activation: key of `ACTIVATIONS`.
            rnn_type: "lstm" or "gru".
            rnn_hidden_size: width of the memory; None or 0 for none.
            rnn_num_layers: layers of the memory.
            output_dim: of a linear layer at the end; None for none.
            **unknown: keys that do not exist.

        Raises:
            RslRlError: unknown key, group or choice; an image without `conv` or the other way round.
        """
        super().__init__()
        section = f"policy.encoders.{name}"
        reject_unknown(section, unknown, Encoder.__init__)
        check_choice(f"{section}.activation", activation, ACTIVATIONS)
        self.groups: List[str] = [name] if groups is None else list(groups)
        if not self.groups:
            raise RslRlError(f"{section}.groups is empty")
        self.inputs = nn.ModuleList()
        width = 0
        for group in self.groups:
            shape = observation_dims.get(group, ())
            if len(shape) == 3 and conv is not None:
                image = ConvNet(f"{section}.conv", shape, **{"activation": activation, **conv})
                self.inputs.append(image)
                width += image.output_dim
            else:
                size = flat_width(group, observation_dims, hint=f"; give {section} a conv to read an image")
                self.inputs.append(EmpiricalNormalization(size) if normalize else nn.Identity())
                width += size
        if conv is not None and not any(isinstance(module, ConvNet) for module in self.inputs):
            raise RslRlError(f"{section} has a conv, but none of its groups {self.groups} is an image")
        width = self._build(width, list(hidden_dims), activation, rnn_type, rnn_hidden_size, rnn_num_layers, output_dim)
        self.output_dim = width
        self.is_recurrent = self.memory is not None
        self.state_names: Tuple[str, ...] = () if self.memory is None else self.memory.state_names

    def _build(
        self,
        width: int,
        hidden_dims: List[int],
        activation: str,
        rnn_type: str,
        rnn_hidden_size: Optional[int],
        rnn_num_layers: int,
        output_dim: Optional[int],
    ) -> int:
        """Build what comes behind `width` inputs; returns the number of outputs."""
        self.mlp: Optional[nn.Module] = None
        self.memory: Optional[Memory] = None
        self.output: Optional[nn.Module] = None
        if hidden_dims and not rnn_hidden_size and output_dim:
            self.mlp = MLP(width, output_dim, hidden_dims, activation)
            return output_dim
        if hidden_dims:
            self.mlp = MLP(width, hidden_dims[-1], hidden_dims[:-1], activation, output_activation=activation)
            width = hidden_dims[-1]
        if rnn_hidden_size:
            self.memory = Memory(width, rnn_hidden_size, rnn_num_layers, rnn_type)
            width = rnn_hidden_size
        if output_dim:
            self.output = nn.Linear(width, output_dim)
            width = output_dim
        return width

    @property
    def passes_through(self) -> bool:
        """Whether the features are the observations themselves (scaled, if they are normalised)."""
        has_images = any(isinstance(module, ConvNet) for module in self.inputs)
        return self.mlp is None and self.memory is None and self.output is None and not has_images

    def forward(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Tuple[torch.Tensor, Hidden]:
        """Compute features (B, output_dim) and the memory after the step, as `Model.forward` does."""
        inputs = [module(obs[group]) for module, group in zip(self.inputs, self.groups)]
        features = inputs[0] if len(inputs) == 1 else torch.cat(inputs, dim=-1)
        after: Hidden = {}
        if self.mlp is not None:
            features = self.mlp(features)
        if self.memory is not None:
            features, after = recall(self.memory, features, hidden, trajectories)
        if self.output is not None:
            features = self.output(features)
        return features, after

    def initial_hidden(self, num_envs: int) -> Hidden:
        """Return the memory at the start of an episode: name -> zeros (layers, N, H); {} without a memory."""
        return {} if self.memory is None else self.memory.initial_hidden(num_envs)

    def update_normalizers(self, obs: Observations, distributed: Optional[Any] = None) -> None:
        """Take in the samples group -> (B, D), of all ranks where several work."""
        for module, group in zip(self.inputs, self.groups):
            if isinstance(module, EmpiricalNormalization):
                module.update(obs[group], distributed)


def recall(
    memory: Memory, features: torch.Tensor, hidden: Optional[Hidden], trajectories: Optional[Trajectories]
) -> Tuple[torch.Tensor, Hidden]:
    """As `remember`, to within rounding errors, by faster ways where the memory has them."""
    if not memory.reads_rollouts(features.device):
        return remember(memory, features, hidden, trajectories)
    restarts = torch.zeros(1, len(features), dtype=torch.bool) if trajectories is None else trajectories.restarts
    steps = features.reshape(*restarts.shape, features.shape[-1])
    outputs, after = memory.read_rollout(steps, hidden, restarts)
    return outputs.flatten(0, 1), after


def build_encoders(
    table: Mapping[str, Optional[Mapping[str, Any]]],
    observation_dims: Mapping[str, Tuple[int, ...]],
    normalize: bool,
    defaults: Mapping[str, Any],
) -> Dict[str, Encoder]:
    """Build the encoders of a table, in its order.

    Args:
        table: name -> keyword arguments of `Encoder`; None for an encoder that a derived configuration has dropped.
        observation_dims: group -> shape of one environment's entry.
        normalize: see `Encoder`.
        defaults: keyword arguments for all of them.

    Raises:
        RslRlError: the table is empty, or as `Encoder`.
    """
    encoders: Dict[str, Encoder] = {}
    for name, settings in table.items():
        if settings is None:
            continue
        if "." in name or name in RESERVED_NAMES:
            raise RslRlError(f"policy.encoders: {name!r} cannot be the name of an encoder")
        encoders[name] = Encoder(name, observation_dims, normalize, **{**defaults, **settings})
    if not encoders:
        raise RslRlError("policy.encoders is empty: the policy would see nothing")
    return encoders


# Parts of a policy have these names already (see `Policy.parts`).
RESERVED_NAMES = ("memory", "head", "critic", "distribution")
