"""The toy environment with a slow camera: for tests of imitation, where a student must make do with pictures."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import torch

from tests.rsl_rl.toy_vec_env import ToyVecEnv

PERIOD = 3  # steps between two pictures
SHAPE = (1, 4, 6)


class ToyCameraEnv(ToyVecEnv):
    """`ToyVecEnv` with a group "depth": a picture of the positions, taken at every third step of an episode."""

    def __init__(self, num_envs: int = 6, seed: int = 0, size: int = 2, max_episode_length: int = 11) -> None:
        """As `ToyVecEnv`."""
        super().__init__(num_envs, seed, size, max_episode_length)
        self.observation_dims = {**self.observation_dims, "depth": SHAPE}
        self._picture = torch.zeros(num_envs, *SHAPE)

    def get_observations(self) -> Dict[str, torch.Tensor]:
        """The picture shows tanh(position) / 2 along rows and columns, in the range -0.5 to 0.5."""
        due = self.episode_length_buf % PERIOD == 0
        level = 0.5 * torch.tanh(self._position)
        picture = torch.zeros(self.num_envs, *SHAPE)
        picture[:, 0, :2] = level[:, :1, None]
        picture[:, 0, 2:] = level[:, -1:, None]
        # The same tensor is written again and again, as by a real environment.
        self._picture[due] = picture[due]
        return {**super().get_observations(), "depth": self._picture}

    def step(self, actions: torch.Tensor) -> Tuple[Dict[str, torch.Tensor], torch.Tensor, torch.Tensor, Dict[str, Any]]:
        """As `ToyVecEnv.step`."""
        self.last_actions = actions.clone()
        return super().step(actions)

    def state_dict(self) -> Dict[str, Any]:
        """Everything."""
        return {**super().state_dict(), "picture": self._picture}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """Everything back."""
        super().load_state_dict(state)
        self._picture = state["picture"].clone()
