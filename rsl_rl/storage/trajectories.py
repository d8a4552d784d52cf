"""Laying out a rollout for a recurrent network."""

from __future__ import annotations

from typing import Dict

import torch


class Trajectories:
    """The pieces of episodes in a rollout of T steps of N environments, each in a column of its own.

    A recurrent network starts afresh after every done. So a rollout is cut behind each done into P pieces; piece p
    becomes column p of a grid of L rows (L: the longest piece), filled from the top and padded with zeros. An example
    with T = 4, N = 2, the step at which an episode ended in brackets:

        env 0: a0 [a1] a2 a3         a0 a2 b0
        env 1: b0  b1  b2 b3   ->    a1 a3 b1
                                     .  .  b2
                                     .  .  b3

    Outside of the recurrent network a rollout is one flat batch of T*N samples, (t, n) at t * N + n. Padding is never
    read back, so it takes no part in any loss or gradient.

    Attributes:
        restarts: (T, N) bool, an episode begins with step t. False in the first row, whatever was before it.
        num_pieces: P.
        max_length: L.
    """

    def __init__(self, dones: torch.Tensor) -> None:
        """Cut a rollout.

        Args:
            dones: (T, N) bool, an episode ended with step t.
        """
        num_steps, num_envs = dones.shape
        self.restarts = torch.zeros_like(dones)
        self.restarts[1:] = dones[:-1]
        starts = self.restarts.clone()
        starts[0] = True
        time = torch.arange(num_steps, device=dones.device).unsqueeze(1).expand(num_steps, num_envs)
        row = time - torch.where(starts, time, torch.zeros_like(time)).cummax(dim=0).values
        # Columns are numbered environment by environment, and by time within one.
        column = (starts.t().reshape(-1).cumsum(0) - 1).view(num_envs, num_steps).t()
        self.num_pieces = int(column[-1, -1]) + 1
        self.max_length = int(row.max()) + 1
        self._cell = (row * self.num_pieces + column).reshape(-1)
        self._first_column = column[0].contiguous()
        self._last_column = column[-1].contiguous()

    def pad(self, samples: torch.Tensor) -> torch.Tensor:
        """Lay out (T*N, F) samples as (L, P, F) pieces."""
        grid = samples.new_zeros(self.max_length * self.num_pieces, samples.shape[-1])
        return grid.index_copy(0, self._cell, samples).view(self.max_length, self.num_pieces, -1)

    def unpad(self, pieces: torch.Tensor) -> torch.Tensor:
        """Read (L, P, F) pieces back as (T*N, F) samples."""
        return pieces.flatten(0, 1).index_select(0, self._cell)

    def initial_hidden(self, hidden: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Give every piece the hidden state that it starts from.

        Args:
            hidden: name -> (layers, N, H), before the first step of the rollout.

        Returns:
            name -> (layers, P, H): that state for the first piece of an environment, zero for those after a done.
        """
        return {
            name: state.new_zeros(state.shape[0], self.num_pieces, state.shape[2]).index_copy(
                1, self._first_column, state
            )
            for name, state in hidden.items()
        }

    def last_hidden(self, hidden: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Pick the state after the last step of the rollout, for environments in which no episode ended before it.

        Args:
            hidden: name -> (layers, P, H), after the last row of the grid.

        Returns:
            name -> (layers, N, H); where an episode ended within the rollout, what padding made of a state.
        """
        return {name: state.index_select(1, self._last_column) for name, state in hidden.items()}
