"""A window with one robot of an environment: MuJoCo's own viewer, fed with the states of any backend."""

from __future__ import annotations

import time
import warnings
from types import TracebackType
from typing import Any, Callable, Optional, Type

import mujoco
import numpy as np

from legged_gym.envs.base.world import sim_spec
from legged_gym.errors import UserError
from legged_gym.sim.model import build_model, shown_groups


class Viewer:
    """Shows a robot in real time; keys go to a function."""

    def __init__(self, env: Any, on_key: Callable[[int], None]) -> None:
        """Open the window.

        Args:
            env: the environment.
            on_key: gets the GLFW code of every key that is pressed, in the thread of the window.

        Raises:
            UserError: no window can be opened here.
        """
        import glfw
        from mujoco import viewer

        # asked here, because MuJoCo ends the whole process where a window cannot be opened
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not glfw.init():
                raise UserError("no window can be opened on this display; use --video, or --headless to see nothing")
        robot = build_model(sim_spec(env.cfg, env.terrain and env.terrain.height_map), visual=True)
        self._env, self._model, self._joints = env, robot.model, robot.qpos_ids
        self._free, self._root, self._mocap = not robot.fixed_base, int(robot.body_ids[0]), robot.root_mocap
        self._data = mujoco.MjData(self._model)
        try:
            self._window = viewer.launch_passive(
                self._model, self._data, key_callback=on_key, show_left_ui=False, show_right_ui=False
            )
        except RuntimeError as error:  # macOS has windows in the main thread alone, and says which program to use
            raise UserError(f"no window can be opened: {error}; or use --video") from error
        self._set_view()
        self._next_frame = time.perf_counter()

    def _set_view(self) -> None:
        view, camera, options = self._env.cfg.viewer, self._window.cam, self._window.opt
        camera.distance, camera.azimuth, camera.elevation = view.distance, view.azimuth, view.elevation
        options.geomgroup[:] = 0
        options.geomgroup[shown_groups(self._model)] = 1
        self._visual_flags = np.array(options.flags)
        self._render_flags = np.array(self._window.user_scn.flags)

    def _keep_view(self) -> None:
        """Undo what the window does of its own with keys that drive the robot: wireframe, shadows, cameras ..."""
        self._window.opt.flags[:] = self._visual_flags
        self._window.user_scn.flags[:] = self._render_flags
        self._window.cam.type, self._window.cam.trackbodyid = mujoco.mjtCamera.mjCAMERA_TRACKING, self._root

    @property
    def is_open(self) -> bool:
        """Whether the user has not closed the window."""
        return bool(self._window.is_running())

    def show(self, robot: int, text: str) -> None:
        """Show the present state of a robot, by its index, and text in a corner."""
        state = self._env.root_states[robot].cpu().numpy().astype(np.float64)
        with self._window.lock():
            if self._free:
                self._data.qpos[:3] = state[:3]
                self._data.qpos[3:7] = state[[6, 3, 4, 5]]
            else:
                self._data.mocap_pos[self._mocap], self._data.mocap_quat[self._mocap] = state[:3], state[[6, 3, 4, 5]]
            self._data.qpos[self._joints] = self._env.dof_pos[robot].cpu().numpy()
            mujoco.mj_forward(self._model, self._data)
            self._keep_view()
        self._window.set_texts((None, mujoco.mjtGridPos.mjGRID_TOPLEFT, text, ""))
        self._window.sync()

    def wait(self, seconds: float) -> None:
        """Sleep until `seconds` after the last call, so that the robot moves in real time."""
        self._next_frame += seconds
        delay = self._next_frame - time.perf_counter()
        if delay > 0:
            time.sleep(delay)
        else:
            # too slow for real time: go on from now instead of hurrying to catch up
            self._next_frame = time.perf_counter()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._window.close()
