"""On what screen a fork's viewer is seen: in a video, in a window."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Dict, List, Optional, Type

import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.enums import KeyboardInput
from legged_gym.isaacgym.world.viewer import Screen, Viewer
from legged_gym.playing.frames import FRAMES_PER_SECOND, FollowCamera, VideoWriter
from legged_gym.sim.pictures.camera import FIELD_OF_VIEW, Camera

WIDTH, HEIGHT = 960, 540
"""Of a video that goes along with a robot; others are as high as the fork's window would be."""
# in the place of keys that are named otherwise in windows
_OTHER_NAMES = {"DEL": "DELETE", "NUMPAD_DEL": "KP_DECIMAL", "NUMPAD_SLASH": "KP_DIVIDE"}
# a robot is seen whole from this many of its sizes, and this many m
_SIZES, _ROOM = 2.0, 1.0


@dataclass(frozen=True)
class View:
    """From where a robot is looked at that is followed: m, degrees."""

    distance: float
    azimuth: float = 120.0
    elevation: float = -18.0


def view_of(viewer: Viewer, env: int) -> View:
    """From where the actors of an environment are seen whole.

    Raises:
        UserError: there is no such environment.
    """
    world = viewer.sim.needs_world("draw_viewer")
    if env >= world.num_envs:
        raise UserError(f"--follow={env}: there are {world.num_envs} environments, counted from 0")
    world.states.flush()
    places = world.states.body_places()[env].cpu().numpy()
    return View(_ROOM + _SIZES * float(np.linalg.norm(np.ptp(places, axis=0))))


class VideoScreen(Screen):
    """Writes what a viewer sees into a file; a context manager that ends it."""

    def __init__(self, path: str, seconds: float, follow: Optional[int]) -> None:
        """Begin with the first viewer.

        Args:
            path: of the file.
            seconds: simulated seconds, after which the viewer says that it was closed.
            follow: the environment whose first robot the camera goes along with; None looks from where the fork does.
        """
        self._path, self._seconds, self._follow = path, seconds, follow
        self._viewer: Optional[Viewer] = None
        self._files = contextlib.ExitStack()
        self._frames, self._done = 0, False

    def of(self, viewer: Viewer) -> Screen:
        """The screen of a viewer, which is the same for all; the first one is seen."""
        if self._viewer is None:
            self._viewer = viewer
            self._video = self._files.enter_context(VideoWriter(self._path, FRAMES_PER_SECOND))
        return self

    def draw(self) -> None:
        """See `Screen.draw`; as many frames as the time that has passed needs."""
        assert self._viewer is not None
        if self._done:
            return
        if self._frames == 0:
            self._began, self._camera = self._viewer.time, FollowCamera(view_of(self._viewer, self._follow or 0))
        passed = self._viewer.time - self._began
        due = int(min(passed, self._seconds) * FRAMES_PER_SECOND + 1e-3) + 1 - self._frames
        if due > 0:
            picture = self._picture()
            for _ in range(due):
                self._video.add(picture)
            self._frames += due
        if passed >= self._seconds:
            self.end()

    def _picture(self) -> np.ndarray:
        viewer, follow = self._viewer, self._follow
        assert viewer is not None
        if follow is None:
            return viewer.picture(WIDTH)
        root = viewer.root_state(follow)
        camera = self._camera.follow(root.tolist(), 1.0 / FRAMES_PER_SECOND)
        state = viewer.scenery.state(viewer.scenery.near(root[:3]))
        return viewer.scenery.draw(state, camera, FIELD_OF_VIEW, WIDTH, HEIGHT)

    @property
    def closed(self) -> bool:
        """See `Screen.closed`."""
        return self._done

    def end(self) -> None:
        """Make the file whole, and tell where it is."""
        if not self._done:
            self._done = True
            self._files.close()
            if self._frames:
                print(f"video      {self._path}", flush=True)

    def __enter__(self) -> VideoScreen:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.end()
        if not self._frames and kind in (None, SystemExit):
            raise UserError("the script drew nothing in a viewer, so there is no video: leave out its --headless")


class WindowScreen(Screen):
    """MuJoCo's window; its camera goes along with a robot."""

    def __init__(self, viewer: Viewer, follow: int) -> None:
        """Open the window with the first picture."""
        self._viewer, self._follow = viewer, follow
        self._window: Any = None
        self._keys = _window_keys()
        self._pressed: List[int] = []
        self._waited = 0.0

    def draw(self) -> None:
        """See `Screen.draw`."""
        if self._window is None:
            from legged_gym.sim.pictures.window import MujocoWindow

            view, scenery = view_of(self._viewer, self._follow), self._viewer.scenery
            camera = Camera(None, view.distance, view.azimuth, view.elevation)
            self._window = MujocoWindow(
                scenery.renderer,
                lambda env: scenery.state(scenery.near(self._viewer.root_state(env)[:3])),
                camera,
                lambda key: self._pressed.append(self._keys.get(key, -1)),
            )
        self._window.show(self._follow, "")

    def wait(self) -> None:
        """See `Screen.wait`."""
        time = self._viewer.time
        if self._window is not None:
            self._window.wait(time - self._waited)
        self._waited = time

    @property
    def closed(self) -> bool:
        """See `Screen.closed`."""
        return self._window is not None and not self._window.is_open

    def pressed(self) -> List[int]:
        """See `Screen.pressed`."""
        keys, self._pressed = self._pressed, []
        return keys


def _window_keys() -> Dict[int, int]:
    """A window's number of a key -> the API's."""
    import glfw

    keys = {}
    for key in KeyboardInput:
        name = key.name[len("KEY_") :]
        code = getattr(glfw, f"KEY_{_OTHER_NAMES.get(name, name.replace('NUMPAD_', 'KP_'))}", None)
        if code is not None:
            keys[int(code)] = int(key)
    return keys
