"""From some groups of observations to features."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple, Union

import torch
from torch import nn

from rsl_rl.models.prediction import Prediction, read_predictions
from rsl_rl.modules.conv import ConvNet
from rsl_rl.modules.history_conv import HistoryConv
from rsl_rl.modules.memory import Hidden, Memory
from rsl_rl.modules.mlp import ACTIVATIONS, MLP, Activation
from rsl_rl.modules.normalization import EmpiricalNormalization
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import RslRlError, check_choice, near_matches, reject_unknown

Observations = Mapping[str, torch.Tensor]
Dims = Mapping[str, Tuple[int, ...]]

FUSIONS = ("concatenate", "gated")
# Parts of a policy, or what holds their weights, have these names already (see `Policy.parts`).
RESERVED_NAMES = ("encoders", "memory", "gate", "head", "critic", "distribution")


class Encoder(nn.Module):
    """Observation groups, images and histories through convolutions -> hidden layers -> memory -> linear layer.

    Every part is optional. Without any the groups are passed through, concatenated.

    Args:
        section: of the configuration that the keys come from, for errors.
        name: of the encoder.
        observation_dims: group -> shape of one environment's entry.
        normalize: scale flat groups by their running mean and standard deviation.
        head_width: of the first hidden layer of the head; 0 without one.
        groups: what to read; None for the group that is called like the encoder.
        conv: keyword arguments of `ConvNet`, through which each image goes on its own.
        history_conv: keyword arguments of `HistoryConv`, through which each group but images goes on its own.
        hidden_dims: widths of layers before the memory, each with the activation.
        activation: key of `ACTIVATIONS`.
        rnn_type: "lstm" or "gru".
        rnn_hidden_size: width of the memory; None or 0 for none.
        rnn_num_layers: layers of the memory.
        output_dim: of a linear layer at the end; None for none.
        output_activation: behind that layer; None for none.
        fusion: "concatenate", or "gated": a linear layer more, and a gate (see `is_gated`).
        predicts: observation group -> `name`, `columns`, `scale`, `within` (see `Prediction`), {} for the whole group:
            the last of the `output_dim` numbers take the place of what is observed for the other encoders. It sees
            zeros there itself.
        **unknown: keys that do not exist.

    Raises:
        RslRlError: unknown key, group or choice; an image without `conv` or the other way round.

    Attributes:
        groups: the observation groups that it reads, in the order in which they are concatenated.
        output_dim: number of features, without what it predicts.
        predictions: what it tells of observations, in the order of its outputs.
        is_gated: whether they are added into the first hidden layer of the head, behind a gate that starts at 0.
        passes_through: whether they are the observations themselves (scaled, if they are normalised).
    """

    mlp: Optional[MLP]
    memory: Optional[Memory]
    output: Optional[nn.Linear]
    added: Optional[nn.Linear]

    def __init__(
        self,
        section: str,
        name: str,
        observation_dims: Dims,
        normalize: bool,
        head_width: int,
        groups: Optional[Sequence[str]] = None,
        conv: Optional[Mapping[str, Any]] = None,
        history_conv: Optional[Mapping[str, Any]] = None,
        hidden_dims: Sequence[int] = (),
        activation: str = "elu",
        rnn_type: str = "lstm",
        rnn_hidden_size: Optional[int] = None,
        rnn_num_layers: int = 1,
        output_dim: Optional[int] = None,
        output_activation: Optional[str] = None,
        fusion: str = "concatenate",
        predicts: Optional[Mapping[str, Optional[Mapping[str, Any]]]] = None,
        **unknown: Any,
    ) -> None:
        super().__init__()
        reject_unknown(section, unknown, Encoder.__init__)
        check_choice(f"{section}.activation", activation, ACTIVATIONS)
        check_choice(f"{section}.fusion", fusion, FUSIONS)
        self.groups: List[str] = [name] if groups is None else list(groups)
        if not self.groups:
            raise RslRlError(f"{section}.groups is empty")
        self.inputs = nn.ModuleList()
        how = (observation_dims, normalize, activation, conv, history_conv)
        width = sum(self._read(section, group, *how) for group in self.groups)
        if conv is not None and not any(isinstance(module, ConvNet) for module in self.inputs):
            raise RslRlError(f"{section} has a conv, but none of its groups {self.groups} is an image")
        self.mlp = self.memory = self.output = self.added = None
        ends_in_mlp = bool(hidden_dims and output_dim and not rnn_hidden_size)
        if hidden_dims:
            *before, last = [*hidden_dims, output_dim] if ends_in_mlp and output_dim else hidden_dims
            self.mlp = MLP(width, last, before, activation, None if ends_in_mlp else activation)
            width = last
        if rnn_hidden_size:
            self.memory = Memory(width, rnn_hidden_size, rnn_num_layers, rnn_type)
            width = rnn_hidden_size
        if output_dim and not ends_in_mlp:
            self.output = nn.Linear(width, output_dim)
            width = output_dim
        self._output_activation = _output_activation(section, output_activation, output_dim)
        self.is_gated = fusion == "gated"
        if self.is_gated:
            if not head_width:
                raise RslRlError(f"{section}.fusion is 'gated', but the network has no hidden_dims to add to")
            self.added = nn.Linear(width, head_width)
            self.gate = nn.Parameter(torch.zeros(head_width))
            width = head_width
        self.predictions: List[Prediction] = read_predictions(f"{section}.predicts", predicts or {}, observation_dims)
        self.output_dim = width - sum(prediction.width for prediction in self.predictions)
        self._check_predictions(section, bool(output_dim))
        self.passes_through = next(self.parameters(), None) is None

    def _check_predictions(self, section: str, has_outputs: bool) -> None:
        if self.predictions and (self.is_gated or self.output_dim < 0 or not has_outputs):
            told = sum(prediction.width for prediction in self.predictions)
            raise RslRlError(f"{section}.predicts tells {told} numbers: it needs an output_dim of as many, and no gate")
        for each in self.predictions:
            if each.is_whole and each.group in self.groups:
                raise RslRlError(f"{section}.predicts the whole of {each.group!r}, which it reads itself")

    def _read(
        self,
        section: str,
        group: str,
        observation_dims: Dims,
        normalize: bool,
        activation: str,
        conv: Optional[Mapping[str, Any]],
        history_conv: Optional[Mapping[str, Any]],
    ) -> int:
        """Make what reads a group; returns the number of its outputs."""
        if group not in observation_dims:
            raise RslRlError(f"there is no observation group {group!r}; {near_matches(group, observation_dims)}")
        shape = observation_dims[group]
        module: Union[ConvNet, HistoryConv, None] = None
        if len(shape) == 3 and conv is not None:
            module = ConvNet(f"{section}.conv", shape, **{"activation": activation, **conv})
        elif history_conv is not None:
            module = HistoryConv(f"{section}.history_conv", shape, **{"activation": activation, **history_conv})
        elif len(shape) != 1:
            hint = f"this network reads flat groups; give {section} a conv to read an image"
            raise RslRlError(f"observation group {group!r} has shape {tuple(shape)}, {hint}")
        self.inputs.append(module or (EmpiricalNormalization(shape[0]) if normalize else nn.Identity()))
        return module.output_dim if module else shape[0]

    def forward(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Tuple[torch.Tensor, Hidden]:
        """Compute features (B, output_dim), what it predicts behind them, and the memory after the step."""
        inputs = [module(obs[group]) for module, group in zip(self.inputs, self.groups)]
        features = inputs[0] if len(inputs) == 1 else torch.cat(inputs, dim=-1)
        after: Hidden = {}
        if self.mlp is not None:
            features = self.mlp(features)
        if self.memory is not None:
            features, after = self.memory(features, hidden, trajectories)
        if self.output is not None:
            features = self.output(features)
        if self._output_activation is not None:
            features = self._output_activation(features)
        if self.added is not None:
            features = self.added(features) * self.gate
        return features, after

    def update_normalizers(self, obs: Observations, distributed: Optional[Any] = None) -> None:
        """Take in the samples group -> (B, D), of all ranks where several work."""
        for module, group in zip(self.inputs, self.groups):
            if isinstance(module, EmpiricalNormalization):
                module.update(obs[group], distributed)


def groups_of(network: nn.Module) -> List[str]:
    """The groups that all encoders in a network read, each once."""
    encoders = (module for module in network.modules() if isinstance(module, Encoder))
    return list(dict.fromkeys(group for encoder in encoders for group in encoder.groups))


def _output_activation(section: str, name: Optional[str], output_dim: Optional[int]) -> Optional[Activation]:
    if name is None:
        return None
    check_choice(f"{section}.output_activation", name, ACTIVATIONS)
    if not output_dim:
        raise RslRlError(f"{section}.output_activation is behind the linear layer at the end; give output_dim")
    return ACTIVATIONS[name]
