"""Pictures of one environment, from a model with visual shapes that is compiled on first use."""

from __future__ import annotations

from typing import Any, Callable, Optional, Tuple

import mujoco
import numpy as np

from legged_gym.sim.model import ROBOT_GROUP, VISUAL_GROUP
from legged_gym.sim.simulator import Camera


class SceneRenderer:
    """Draws a state of the robot on its ground."""

    def __init__(self, make_model: Callable[[], Any]) -> None:
        """Args: make_model compiles the model with visual shapes; called at the first frame."""
        self._make_model = make_model
        self._model: Optional[Any] = None
        self._renderer: Optional[Any] = None

    def render(self, qpos: np.ndarray, mocap: Tuple[np.ndarray, np.ndarray], obstacle_sizes: np.ndarray, camera: Camera, width: int, height: int) -> np.ndarray:
        if self._model is None:
            self._model = self._make_model()
            self._data = mujoco.MjData(self._model)
            self._option = mujoco.MjvOption()
            self._option.geomgroup[ROBOT_GROUP] = 0
            self._option.geomgroup[VISUAL_GROUP] = 1
            self._model.vis.global_.offwidth, self._model.vis.global_.offheight = 1920, 1080
        if self._renderer is None:
            self._renderer = mujoco.Renderer(self._model, height, width)
        self._data.qpos[:] = qpos
        mujoco.mj_forward(self._model, self._data)
        view = mujoco.MjvCamera()
        view.lookat[:] = qpos[:3] if camera.lookat is None else camera.lookat
        view.distance, view.azimuth, view.elevation = camera.distance, camera.azimuth, camera.elevation
        self._renderer.update_scene(self._data, view, self._option)
        return self._renderer.render()

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
