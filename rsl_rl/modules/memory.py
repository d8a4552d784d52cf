"""Recurrent network with its state outside."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import torch
from torch import nn

from rsl_rl import kernels
from rsl_rl.kernels.gru import read_rollout
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import check_choice

Hidden = Dict[str, torch.Tensor]

# State tensors of each kind, in the order in which torch passes them.
STATE_NAMES: Dict[str, Tuple[str, ...]] = {"lstm": ("h", "c"), "gru": ("h",)}


class Memory(nn.Module):
    """A stack of LSTM or GRU layers.

    The state is a dict of named tensors that the caller carries from step to step: of LSTM "h" and "c", of GRU "h",
    each (layers, B, hidden_size). The module keeps none, so one network may serve many callers.

    Args:
        input_dim: length of an input.
        hidden_size: length of an output and of a state.
        num_layers: layers, each fed with the output of the one below.
        rnn_type: "lstm" or "gru".

    Raises:
        RslRlError: unknown `rnn_type`.

    Attributes:
        state_names: of the tensors of its state.
    """

    def __init__(self, input_dim: int, hidden_size: int, num_layers: int = 1, rnn_type: str = "lstm") -> None:
        super().__init__()
        check_choice("policy.rnn_type", rnn_type, STATE_NAMES)
        kind = nn.LSTM if rnn_type == "lstm" else nn.GRU
        self.rnn = kind(input_dim, hidden_size, num_layers)
        self.state_names = STATE_NAMES[rnn_type]

    def put_in_front_of_names(self, prefix: str) -> None:
        """Tell its state from that of other memories in one dict."""
        own = STATE_NAMES["lstm" if isinstance(self.rnn, nn.LSTM) else "gru"]
        self.state_names = tuple(prefix + name for name in own)

    def initial_hidden(self, batch_size: int) -> Hidden:
        """Return the state at the start of an episode: zeros (layers, B, hidden_size)."""
        like = next(self.rnn.parameters())
        shape = (self.rnn.num_layers, batch_size, self.rnn.hidden_size)
        return {name: torch.zeros(shape, dtype=like.dtype, device=like.device) for name in self.state_names}

    def forward(
        self, x: torch.Tensor, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Tuple[torch.Tensor, Hidden]:
        """Read one step of B environments, or all samples of a rollout.

        Args:
            x: (B, input_dim).
            hidden: state before the (first) step, name -> (layers, N, H), and maybe of other memories; None for the
                start of an episode.
            trajectories: None for one step of N = B environments. For a rollout, how its B = T*N samples follow on
                one another.

        Returns:
            outputs: (B, hidden_size).
            hidden: state after the (last) step. After a rollout it is right for environments in which no episode ended
                before the last step.
        """
        own = None if hidden is None else {name: hidden[name] for name in self.state_names}
        if self.reads_rollouts(x):
            restarts = torch.zeros(1, len(x), dtype=torch.bool) if trajectories is None else trajectories.restarts
            (name,), steps = self.state_names, x.reshape(*restarts.shape, x.shape[-1])
            outputs, state = read_rollout(self.rnn, steps, None if own is None else own[name], restarts)
            return outputs.flatten(0, 1), {name: state}
        if trajectories is None:
            outputs, after = self.read(x.unsqueeze(0), own)
            return outputs.squeeze(0), after
        outputs, after = self.read(trajectories.pad(x), None if own is None else trajectories.initial_hidden(own))
        return trajectories.unpad(outputs), trajectories.last_hidden(after)

    def read(self, x: torch.Tensor, hidden: Optional[Hidden] = None) -> Tuple[torch.Tensor, Hidden]:
        """Read sequences (T, B, input_dim); returns outputs (T, B, hidden_size) and the state after the last step."""
        state = tuple((self.initial_hidden(x.shape[1]) if hidden is None else hidden).values())
        outputs, after = self.rnn(x, state if len(state) > 1 else state[0])
        return outputs, dict(zip(self.state_names, after if len(state) > 1 else (after,)))

    def reads_rollouts(self, x: torch.Tensor) -> bool:
        """Whether rollouts need not be cut into sequences: by a kernel of its own, for GRUs in full precision."""
        can = isinstance(self.rnn, nn.GRU) and kernels.are_for(self, x)
        return can and not torch.is_autocast_enabled("cpu")


def reset_hidden(hidden: Hidden, dones: torch.Tensor) -> Hidden:
    """Return the state with the rows of finished episodes, `dones` (N,) bool, back at their start."""
    # Filling, not multiplying by zero: an episode that went to NaN must not poison the next one.
    return {name: state.masked_fill(dones.unsqueeze(-1), 0.0) for name, state in hidden.items()}
