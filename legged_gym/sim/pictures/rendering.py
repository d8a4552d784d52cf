"""Pictures of one environment, on any machine: by OpenGL where there is some, else by tracing rays on the CPU.

The scene is a second model that keeps the robot's visual shapes and has a ground pattern, sky and sun (`scenery`). It
is compiled when the first picture is asked for, so a simulator that draws nothing pays nothing.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from typing import Any, Callable, List, NamedTuple, Optional, Protocol

import mujoco
import numpy as np

from legged_gym.sim.engine_arrays import engine_sizes
from legged_gym.sim.pictures.camera import Camera
from legged_gym.sim.pictures.raytracer import RayPainter
from legged_gym.sim.pictures.scenery import SHADOW_REACH, SUN_DIRECTION

# the robot's file comes first into a model, so its root is the first body after the world
ROOT = 1


class Painter(Protocol):
    """Draws the state of an MjData of the model that it was made for."""

    def paint(self, data: Any, camera: Any, option: Any, width: int, height: int) -> np.ndarray:
        """Return (height, width, 3) uint8; data has current kinematics, camera is a free MjvCamera."""

    def close(self) -> None:
        """Free resources."""


class SceneState(NamedTuple):
    """What a picture shows.

    Attributes:
        qpos: (nq,) as in MuJoCo.
        mocap_pos: (nmocap, 3) m.
        mocap_quat: (nmocap, 4) w, x, y, z.
        obstacle_sizes: (K, 3) half sizes, m.
    """

    qpos: np.ndarray
    mocap_pos: np.ndarray
    mocap_quat: np.ndarray
    obstacle_sizes: np.ndarray


class SceneRenderer:
    """Draws states of a robot on its ground, with its obstacles.

    Attributes:
        kind: 'opengl' or 'rays', which of the two draws; None before the first picture.
        model: of the scene; compiled when it is first needed.
        data: what is shown.
        option: which geom groups are.
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

    @functools.cached_property
    def model(self) -> Any:  # noqa: D102
        return self._make_model()

    @functools.cached_property
    def data(self) -> Any:  # noqa: D102
        return mujoco.MjData(self.model)

    @functools.cached_property
    def option(self) -> Any:  # noqa: D102
        option = mujoco.MjvOption()
        option.geomgroup[:] = 0
        option.geomgroup[self._shown_groups(self.model)] = 1
        return option

    @functools.cached_property
    def _obstacles(self) -> List[int]:
        names = [self.model.geom(i).name for i in range(self.model.ngeom)]
        return [i for i, name in enumerate(names) if name.startswith("obstacle_")]

    def pose(self, state: SceneState) -> None:
        """Put the scene into a state."""
        data, model, sizes = self.data, self.model, state.obstacle_sizes
        data.qpos[:], data.mocap_pos[:], data.mocap_quat[:] = state.qpos, state.mocap_pos, state.mocap_quat
        cylinders = model.geom_type[self._obstacles] == mujoco.mjtGeom.mjGEOM_CYLINDER
        model.geom_size[self._obstacles] = engine_sizes(sizes, cylinders)
        model.geom_rbound[self._obstacles] = np.linalg.norm(sizes, axis=1)
        model.geom_aabb[self._obstacles, 3:] = sizes
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_camlight(model, data)

    def render(self, state: SceneState, camera: Camera, width: int, height: int) -> np.ndarray:
        """Draw one state: (height, width, 3) uint8 RGB; a camera without lookat follows the root."""
        painter = self._painter or self._open()
        self.pose(state)
        view = mujoco.MjvCamera()
        view.lookat[:] = self.data.xpos[ROOT] if camera.lookat is None else camera.lookat
        view.distance, view.azimuth, view.elevation = camera.distance, camera.azimuth, camera.elevation
        return painter.paint(self.data, view, self.option, width, height)

    def _open(self) -> Painter:
        """Choose who draws; tell the user once if that is not OpenGL."""
        try:
            self._painter = OpenGlPainter(self.model)
            self.kind = "opengl"
        except Exception as error:  # what fails depends on the platform: a driver, a library, a display
            # PyOpenGL raises an AttributeError about None where a library is missing
            missing = isinstance(error, (AttributeError, ImportError))
            reason = "its library is missing" if missing else " ".join(str(error).split()) or type(error).__name__
            print(f"warning: no OpenGL here ({reason}); pictures are traced on the CPU instead", file=sys.stderr)
            self._painter = RayPainter(self.model)
            self.kind = "rays"
        return self._painter

    def close(self) -> None:
        """Free the OpenGL context; the next picture opens a new one."""
        if self._painter is not None:
            self._painter.close()
            self._painter = None


class OpenGlPainter:
    """Draws with MuJoCo's OpenGL renderer, off screen.

    The context is made here and not by `mujoco.Renderer`, whose platform is fixed when mujoco is imported: without a
    display that would have to be EGL by then, and where EGL is missing the import itself would fail.
    """

    def __init__(self, model: Any) -> None:
        """Open a context by drawing a first frame, so that a platform without OpenGL fails here.

        Raises:
            Exception: whatever the platform's OpenGL raises.
        """
        self._model = model
        self._scene = mujoco.MjvScene(model, maxgeom=2 * model.ngeom + 100)
        self._gl: Optional[Any] = None
        self._size = (0, 0)
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        self.paint(data, mujoco.MjvCamera(), mujoco.MjvOption(), 64, 48)

    def paint(self, data: Any, camera: Any, option: Any, width: int, height: int) -> np.ndarray:
        """See `Painter.paint`."""
        if self._size != (width, height):
            self._open(width, height)
        assert self._gl is not None
        self._gl.make_current()
        scene, every = self._scene, mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, option, mujoco.MjvPerturb(), camera, every, scene)
        scene.flags[mujoco.mjtRndFlag.mjRND_FOG] = 1
        for light in scene.lights[: scene.nlight]:
            if not light.headlight:
                # shadows are drawn in a box around the light, which therefore has to go along with the camera
                light.pos[:] = camera.lookat - 2.0 * SHADOW_REACH * np.asarray(SUN_DIRECTION)
        view = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(view, scene, self._context)
        picture = np.empty((height, width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(picture, None, view, self._context)
        return np.ascontiguousarray(picture[::-1])  # OpenGL counts rows from below

    def _open(self, width: int, height: int) -> None:
        self.close()
        self._gl = _gl_context_class()(width, height)
        self._gl.make_current()
        self._model.vis.global_.offwidth, self._model.vis.global_.offheight = width, height
        self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        if self._context.currentBuffer != mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value:
            raise RuntimeError("OpenGL has no framebuffers to draw on off screen")
        self._size = (width, height)

    def close(self) -> None:
        """See `Painter.close`."""
        if self._gl is not None:
            self._context.free()
            self._gl.free()
            self._gl = None
            self._size = (0, 0)


def try_opengl() -> str:
    """The platform that makes an OpenGL context here.

    Raises:
        Exception: of the platform, which has none.
    """
    kind = _gl_context_class()
    kind(16, 16).free()
    return str(kind.__module__.rpartition(".")[2])


def _gl_context_class() -> Any:
    """MuJoCo's GLContext of the platform that MUJOCO_GL names; else EGL where there is no display, else a window's."""
    name = os.environ.get("MUJOCO_GL", "").lower().strip()
    if name in ("disable", "disabled", "off", "false", "0"):
        raise RuntimeError(f"MUJOCO_GL is {name}")
    if name not in ("egl", "osmesa", "glfw", "cgl"):
        display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if sys.platform == "darwin":
            name = "cgl"
        else:
            name = "glfw" if display or sys.platform == "win32" else "egl"
    return importlib.import_module(f"mujoco.{name}").GLContext
