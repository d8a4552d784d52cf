"""A tiny vectorised environment with noise of its own, random early ends and time-outs, for tests of the runner."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import torch

from rsl_rl.env.vec_env import VecEnv


class ToyVecEnv(VecEnv):
    """Points on a line: the action pushes a point, the reward asks it to stay near zero.

    Deterministic given its seed; the whole state is in `state_dict`. Observations are noisy, so asking for them twice
    gives two answers: a resumed run must go on with the stored ones.
    """

    def __init__(self, num_envs: int = 6, seed: int = 0, size: int = 3, max_episode_length: int = 7) -> None:
        """Put `num_envs` points of `size` coordinates at rest."""
        self.num_envs = num_envs
        self.num_actions = size
        self.device = torch.device("cpu")
        self.max_episode_length = max_episode_length
        self.episode_length_buf = torch.zeros(num_envs, dtype=torch.int64)
        self.observation_dims = {"policy": (2 * size,), "critic": (2 * size + 1,)}
        self.cfg: Dict[str, Any] = {}
        self._generator = torch.Generator().manual_seed(seed)
        self._position = torch.zeros(num_envs, size)
        self._velocity = torch.zeros(num_envs, size)
        self._difficulty = 1.0

    def _draw(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self._generator)

    def _reset_rows(self, rows: torch.Tensor) -> None:
        count = int(rows.sum())
        self._position[rows] = self._draw(count, self.num_actions)
        self._velocity[rows] = 0.0
        self.episode_length_buf[rows] = 0

    def reset(self) -> Dict[str, torch.Tensor]:
        """Start all episodes anew."""
        self._reset_rows(torch.ones(self.num_envs, dtype=torch.bool))
        return self.get_observations()

    def get_observations(self) -> Dict[str, torch.Tensor]:
        """Noisy positions and velocities; the critic also gets the share of the episode that has gone by."""
        state = torch.cat([self._position, self._velocity], dim=1)
        share = (self.episode_length_buf / self.max_episode_length).unsqueeze(1)
        noisy = state + 0.05 * self._draw(*state.shape)
        return {"policy": noisy, "critic": torch.cat([state, share], dim=1)}

    def step(self, actions: torch.Tensor) -> Tuple[Dict[str, torch.Tensor], torch.Tensor, torch.Tensor, Dict[str, Any]]:
        """Push, then end the episodes that are too far out or too old."""
        self._velocity = 0.9 * self._velocity + 0.1 * actions.clamp(-3, 3)
        self._position = self._position + 0.1 * self._velocity + 0.02 * self._difficulty * self._draw(*actions.shape)
        self.episode_length_buf += 1
        rewards = 1.0 - self._position.abs().mean(dim=1)
        time_outs = self.episode_length_buf >= self.max_episode_length
        dones = time_outs | (self._position.abs().max(dim=1).values > 2.5)
        extras: Dict[str, Any] = {"time_outs": time_outs}
        if bool(dones.any()):
            self._difficulty *= 1.001
            extras["log"] = {"difficulty": self._difficulty, "distance": self._position[dones].abs().mean()}
            self._reset_rows(dones)
        return self.get_observations(), rewards, dones, extras

    def state_dict(self) -> Dict[str, Any]:
        """Everything."""
        return {
            "position": self._position,
            "velocity": self._velocity,
            "episode_length_buf": self.episode_length_buf,
            "difficulty": self._difficulty,
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """Everything back."""
        self._position = state["position"].clone()
        self._velocity = state["velocity"].clone()
        self.episode_length_buf = state["episode_length_buf"].clone()
        self._difficulty = state["difficulty"]
        self._generator.set_state(state["generator"])

    def mirror_maps(self) -> None:
        """No symmetry is known."""
        return None

    def close(self) -> None:
        """Nothing to release."""
