"""Depth cameras, in the rhythm of the environment."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part
from legged_gym.sensors.depth_camera import DepthCamera


class Camera(Part):
    """Has `env.depth_camera` take the frames that are due."""

    def __init__(self, env: RobotState) -> None:
        """Make the cameras of the config."""
        super().__init__(env)
        self._camera = DepthCamera(env.cfg.depth_camera, env.sim, self.num_envs, env.dt, env.generator)
        env.depth_camera = self._camera

    def update(self) -> None:
        """Look."""
        self._camera.share = self.env.randomization_share()
        self._camera.update(self._camera.states())

    def reset(self, env_ids: Tensor) -> None:
        """Begin with a frame that is just seen."""
        self._camera.share = self.env.randomization_share()
        self._camera.reset(env_ids)

    def state_dict(self) -> Dict[str, Any]:
        """See `Part`."""
        return {"depth_camera": self._camera.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Part`."""
        self._camera.load_state_dict(state.get("depth_camera") or {})
