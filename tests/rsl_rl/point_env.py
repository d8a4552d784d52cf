"""Points whose noise is given beforehand, so that some environments alone live as they would among others."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import torch

from rsl_rl.env.vec_env import VecEnv


class PointEnv(VecEnv):
    """Points in the plane that are pushed and should stay at the origin.

    Args:
        noise: (T, N, 8): for each of T steps the disturbance of a push (2), the state of a new episode (4) and the
            noise of the actions (2), which `policy_noise` hands out.
    """

    def __init__(self, noise: torch.Tensor, max_episode_length: int = 9) -> None:
        self.noise = noise
        self.num_envs, self.num_actions = noise.shape[1], 2
        self.device = torch.device("cpu")
        self.max_episode_length = max_episode_length
        # Ages differ, so that episodes end at all times.
        self.ages = torch.arange(noise.shape[1]) % max_episode_length
        self.episode_length_buf = self.ages.clone()
        self.observation_dims = {"policy": (4,), "critic": (5,)}
        self.cfg: Dict[str, Any] = {}
        self.steps = 0
        self._state = noise[0, :, 2:6].clone()

    def policy_noise(self) -> torch.Tensor:
        """Standard normal noise (N, 2) of the coming action."""
        return self.noise[self.steps, :, 6:]

    def reset(self) -> Dict[str, torch.Tensor]:
        """Start all episodes anew."""
        return self.get_observations()

    def get_observations(self) -> Dict[str, torch.Tensor]:
        """Positions and velocities; the critic also gets the age of the episode."""
        age = (self.episode_length_buf / self.max_episode_length).unsqueeze(1)
        return {"policy": 3.0 * self._state + 1.0, "critic": torch.cat([self._state, age], 1)}

    def step(self, actions: torch.Tensor) -> Tuple[Dict[str, torch.Tensor], torch.Tensor, torch.Tensor, Dict[str, Any]]:
        """Push; episodes end when they are too old or the point is far out."""
        noise = self.noise[self.steps]
        self.steps += 1
        position, velocity = self._state[:, :2], self._state[:, 2:]
        velocity = 0.9 * velocity + 0.2 * actions.clamp(-3.0, 3.0) + 0.1 * noise[:, :2]
        position = position + 0.2 * velocity
        rewards = 1.0 - position.square().sum(1)
        self.episode_length_buf += 1
        time_outs = self.episode_length_buf >= self.max_episode_length
        dones = time_outs | (position.abs().max(1).values > 3.0)
        self._state = torch.where(dones.unsqueeze(1), noise[:, 2:6], torch.cat([position, velocity], 1))
        self.episode_length_buf[dones] = 0
        return self.get_observations(), rewards, dones, {"time_outs": time_outs}

    def state_dict(self) -> Dict[str, Any]:
        """Not needed by these tests."""
        return {}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """Not needed by these tests."""

    def mirror_maps(self) -> None:
        """No symmetry is known."""
        return None

    def close(self) -> None:
        """Nothing to release."""
