"""Recurrent network with its state outside."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import torch
from torch import nn

from rsl_rl.modules.gru import read_rollout
from rsl_rl.utils.errors import check_choice

# State tensors of each kind, in the order in which torch passes them.
STATE_NAMES: Dict[str, Tuple[str, ...]] = {"lstm": ("h", "c"), "gru": ("h",)}


class Memory(nn.Module):
    """A stack of LSTM or GRU layers.

    The state is a dict of named tensors that the caller carries from step to step: of LSTM "h" and "c", of GRU "h",
    each (layers, B, hidden_size). The module keeps none, so one network may serve many callers.
    """

    def __init__(self, input_dim: int, hidden_size: int, num_layers: int = 1, rnn_type: str = "lstm") -> None:
        """Build the layers.

        Args:
            input_dim: length of an input.
            hidden_size: length of an output and of a state.
            num_layers: layers, each fed with the output of the one below.
            rnn_type: "lstm" or "gru".

        Raises:
            RslRlError: unknown `rnn_type`.
        """
        super().__init__()
        check_choice("policy.rnn_type", rnn_type, STATE_NAMES)
        kind = nn.LSTM if rnn_type == "lstm" else nn.GRU
        self.rnn = kind(input_dim, hidden_size, num_layers)
        self.state_names = STATE_NAMES[rnn_type]

    def initial_hidden(self, batch_size: int) -> Dict[str, torch.Tensor]:
        """Return the state at the start of an episode: zeros (layers, B, hidden_size)."""
        like = next(self.rnn.parameters())
        shape = (self.rnn.num_layers, batch_size, self.rnn.hidden_size)
        return {name: torch.zeros(shape, dtype=like.dtype, device=like.device) for name in self.state_names}

    def forward(
        self, x: torch.Tensor, hidden: Optional[Dict[str, torch.Tensor]] = None
    ) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
        """Read sequences.

        Args:
            x: (T, B, input_dim), T steps of B sequences.
            hidden: state before the first step; None for the start of an episode.

        Returns:
            outputs: (T, B, hidden_size).
            hidden: state after the last step.
        """
        if hidden is None:
            hidden = self.initial_hidden(x.shape[1])
        state = tuple(hidden[name] for name in self.state_names)
        outputs, after = self.rnn(x, state if len(state) > 1 else state[0])
        return outputs, dict(zip(self.state_names, after if len(state) > 1 else (after,)))

    def read_rollout(
        self, x: torch.Tensor, hidden: Optional[Dict[str, torch.Tensor]], restarts: torch.Tensor
    ) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
        """Read a rollout in which episodes end; only where `reads_rollouts` says that it can.

        Args:
            x: (T, N, input_dim), T steps of N environments.
            hidden: state before the first step; None for the start of an episode.
            restarts: (T, N) bool, where an episode begins with the step.

        Returns:
            outputs: (T, N, hidden_size).
            hidden: state after the last step.
        """
        assert isinstance(self.rnn, nn.GRU)
        outputs, state = read_rollout(self.rnn, x, None if hidden is None else hidden["h"], restarts)
        return outputs, {"h": state}

    def reads_rollouts(self, device: torch.device) -> bool:
        """Whether `read_rollout` works for tensors on `device`; elsewhere rollouts must be cut into sequences.

        In evaluation mode layers stay what they are called, so that exported graphs are plain.
        """
        on_cpu = device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        return self.training and on_cpu and isinstance(self.rnn, nn.GRU)
