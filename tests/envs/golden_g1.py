"""The terms of the walking G1 a second time: Unitree's formulas, and a clock of 0.8 s a stride."""

from __future__ import annotations

import numpy as np

from tests.envs.golden_physics import norm
from tests.envs.golden_robot import GoldenRobot


class GoldenG1(GoldenRobot):
    """The right leg is half a stride behind the left; a foot is on the ground for the first 55 % of its own stride."""

    def stride(self) -> np.ndarray:
        return np.fmod(self.age * self.dt, 0.8) / 0.8

    def obs_phase(self) -> np.ndarray:
        angle = 2.0 * np.pi * self.age * self.dt / 0.8
        return np.stack((np.sin(angle), np.cos(angle)), axis=1)

    def reward_alive(self) -> np.ndarray:
        return np.ones(len(self.age))

    def reward_hip_pos(self) -> np.ndarray:
        return np.sum(self.now.dof_pos[:, [1, 2, 7, 8]] ** 2, axis=1)

    def reward_contact(self) -> np.ndarray:
        agreeing = np.zeros(len(self.age))
        for foot, behind in enumerate((0.0, 0.5)):
            own = np.fmod(self.stride() + behind, 1.0)
            on_ground = (own < 0.55) | self._stands()
            agreeing += np.where(np.abs(own - 0.55) < 1e-6, np.nan, on_ground == self.contact[:, foot])
        return agreeing

    def reward_contact_no_vel(self) -> np.ndarray:
        speed = norm(self.feet_states[..., 7:10])
        return np.sum(speed**2 * (norm(self.feet_forces) > 1.0), axis=1)

    def reward_feet_swing_height(self) -> np.ndarray:
        height = self.feet_states[..., 2] - self.ground.at(self.feet_states[..., :2])
        swings = norm(self.feet_forces) <= 1.0
        return np.sum(np.where(swings, (height - 0.08) ** 2, 0.0), axis=1)
