"""Pictures of one environment, on any machine: by OpenGL where there is some, else by tracing rays on the CPU.

The scene is a second model that keeps the robot's visual shapes (and has ground pattern, sky and sun, see `scenery`); it
is compiled when the first picture is asked for, so a simulator that draws nothing pays nothing.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, List, Optional, Protocol

import mujoco
import numpy as np

from legged_gym.sim.raytracer import RayPainter
from legged_gym.sim.scenery import SHADOW_REACH, SUN_DIRECTION
from legged_gym.sim.simulator import Camera


class Painter(Protocol):
    """Draws the state of an MjData of the model that it was made for."""

    def paint(self, data: Any, camera: Any, option: Any, width: int, height: int) -> np.ndarray:
        """(height, width, 3) uint8; data has current kinematics, camera is a free MjvCamera, option says what to show."""

    def close(self) -> None:
        """Free resources."""


class SceneRenderer:
    """Draws states of a robot on its ground, with its obstacles.

    Attributes:
        kind: 'opengl' or 'rays', which of the two draws; None before the first picture.
    """

    def __init__(self, make_model: Callable[[], Any], shown_groups: Callable[[Any], List[int]]) -> None:
        """Remember how to make the scene.

        Args:
            make_model: compiles the model with visual shapes.
            shown_groups: the geom groups of that model that a picture shows.
        """
        self.kind: Optional[str] = None
        self._make_model = make_model
        self._shown_groups = shown_groups
        self._painter: Optional[Painter] = None

    def render(
        self, qpos: np.ndarray, mocap_pos: np.ndarray, mocap_quat: np.ndarray, obstacle_sizes: np.ndarray,
        camera: Camera, width: int, height: int,
    ) -> np.ndarray:  # fmt: skip
        """Draw one state.

        Args:
            qpos: (nq,) as in MuJoCo.
            mocap_pos: (nmocap, 3) m.
            mocap_quat: (nmocap, 4) w, x, y, z.
            obstacle_sizes: (K, 3) half sizes of the boxes, m.
            camera: where to look from; it follows the root if it has no lookat.
            width: pixels.
            height: pixels.

        Returns:
            (height, width, 3) uint8 RGB.
        """
        painter = self._painter or self._open()
        data, model = self._data, self._model
        data.qpos[:], data.mocap_pos[:], data.mocap_quat[:] = qpos, mocap_pos, mocap_quat
        model.geom_size[self._obstacles] = obstacle_sizes
        model.geom_rbound[self._obstacles] = np.linalg.norm(obstacle_sizes, axis=1)
        model.geom_aabb[self._obstacles, 3:] = obstacle_sizes
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)
        view = mujoco.MjvCamera()
        view.lookat[:] = data.xpos[self._root] if camera.lookat is None else camera.lookat
        view.distance, view.azimuth, view.elevation = camera.distance, camera.azimuth, camera.elevation
        return painter.paint(data, view, self._option, width, height)

    def _open(self) -> Painter:
        """Compile the scene and choose who draws it; tell the user once if that is not OpenGL."""
        self._model = self._make_model()
        self._data = mujoco.MjData(self._model)
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = 0
        self._option.geomgroup[self._shown_groups(self._model)] = 1
        names = [self._model.geom(i).name for i in range(self._model.ngeom)]
        self._obstacles = [i for i, name in enumerate(names) if name.startswith("obstacle_")]
        self._root = next(i for i in range(1, self._model.nbody) if self._model.body_weldid[i] == i)
        try:
            self._painter = OpenGlPainter(self._model)
            self.kind = "opengl"
        except Exception as error:  # what fails depends on the platform: a driver, a library, a display
            reason = " ".join(str(error).split()) or type(error).__name__
            print(f"warning: no OpenGL here ({reason}); pictures are traced on the CPU instead", file=sys.stderr)
            self._painter = RayPainter(self._model)
            self.kind = "rays"
        return self._painter

    def close(self) -> None:
        """Free the OpenGL context; the next picture opens a new one."""
        if self._painter is not None:
            self._painter.close()
            self._painter = None


class OpenGlPainter:
    """Draws with MuJoCo's own renderer, off screen."""

    def __init__(self, model: Any) -> None:
        """Open a context by drawing the first frame, so that a platform without OpenGL fails here.

        Raises:
            Exception: whatever the platform's OpenGL raises.
        """
        self._model = model
        self._renderer: Optional[Any] = None
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        self.paint(data, mujoco.MjvCamera(), mujoco.MjvOption(), 64, 48)

    def paint(self, data: Any, camera: Any, option: Any, width: int, height: int) -> np.ndarray:
        """See `Painter.paint`."""
        if self._renderer is None or (self._renderer.width, self._renderer.height) != (width, height):
            self.close()
            self._renderer = mujoco.Renderer(self._model, height, width)
        self._renderer.update_scene(data, camera, option)
        scene = self._renderer.scene
        scene.flags[mujoco.mjtRndFlag.mjRND_FOG] = 1
        for light in scene.lights[: scene.nlight]:
            if not light.headlight:
                # shadows are drawn in a box around the light, which therefore has to go along with the camera
                light.pos[:] = camera.lookat - 3.0 * SHADOW_REACH * np.asarray(SUN_DIRECTION)
        return np.array(self._renderer.render())

    def close(self) -> None:
        """See `Painter.close`."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
