"""A window with one robot: MuJoCo's own viewer, fed with the states of any backend."""

from __future__ import annotations

import time
import warnings
from typing import Any, Callable

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.sim.pictures.rendering import ROOT, SceneRenderer, SceneState
from legged_gym.sim.simulator import Camera, Window


class MujocoWindow(Window):
    """Shows a scene; what a robot's state is, a function says."""

    def __init__(
        self, scene: SceneRenderer, state_of: Callable[[int], SceneState], camera: Camera, on_key: Callable[[int], None]
    ) -> None:
        """See `Simulator.open_window`; the scene is the window's own."""
        import glfw
        from mujoco import viewer

        # asked here, because MuJoCo ends the whole process where a window cannot be opened
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not glfw.init():
                raise UserError("no window can be opened on this display; use --video, or --headless to see nothing")
        self._scene, self._state_of = scene, state_of
        try:
            self._window = viewer.launch_passive(
                scene.model, scene.data, key_callback=on_key, show_left_ui=False, show_right_ui=False
            )
        except RuntimeError as error:  # macOS has windows in the main thread alone, and says which program to use
            raise UserError(f"no window can be opened: {error}; or use --video") from error
        view, options = self._window.cam, self._window.opt
        view.distance, view.azimuth, view.elevation = camera.distance, camera.azimuth, camera.elevation
        options.geomgroup[:] = scene.option.geomgroup
        self._visual_flags = np.array(options.flags)
        self._render_flags = np.array(self._window.user_scn.flags)
        self._next_frame = time.perf_counter()

    def _keep_view(self) -> None:
        """Undo what the window does of its own with keys that drive the robot: wireframe, shadows, cameras ..."""
        self._window.opt.flags[:] = self._visual_flags
        self._window.user_scn.flags[:] = self._render_flags
        self._window.cam.type, self._window.cam.trackbodyid = mujoco.mjtCamera.mjCAMERA_TRACKING, ROOT

    @property
    def is_open(self) -> bool:
        """See `Window.is_open`."""
        return bool(self._window.is_running())

    def show(self, env_id: int, text: str) -> None:
        """See `Window.show`."""
        with self._window.lock():
            self._scene.pose(self._state_of(env_id))
            self._keep_view()
        self._window.set_texts((None, mujoco.mjtGridPos.mjGRID_TOPLEFT, text, ""))
        self._window.sync()

    def wait(self, seconds: float) -> None:
        """See `Window.wait`."""
        self._next_frame += seconds
        delay = self._next_frame - time.perf_counter()
        if delay > 0:
            time.sleep(delay)
        else:
            # too slow for real time: go on from now instead of hurrying to catch up
            self._next_frame = time.perf_counter()

    def __exit__(self, *error: Any) -> None:
        self._window.close()
