"""A fork's viewer as a page in a browser."""

from __future__ import annotations

import functools
import queue
import time
from typing import Any, Callable, List, Optional

import numpy as np

from legged_gym.forks.screens import view_of
from legged_gym.isaacgym.enums import KeyboardInput
from legged_gym.isaacgym.world.ground import Field, merged
from legged_gym.isaacgym.world.scenery import Scenery
from legged_gym.isaacgym.world.viewer import MOST_SHOWN, Screen, Viewer
from legged_gym.sim.pictures.looks import MujocoLooks
from legged_gym.terrain.height_map import HeightMap
from legged_gym.viewing.page import POSE_INTERVAL
from legged_gym.viewing.scene.robots import RobotScene
from legged_gym.viewing.server import open_server, say_address


class PageScreen(Screen):
    """Robots on a page: one that is followed, and those around it."""

    def __init__(self, viewer: Viewer, host: str, port: int, follow: int) -> None:
        """Serve an empty page; robots come with the first picture."""
        self._viewer, self._robot = viewer, follow
        self._server = open_server(host, port)
        self._scene: Optional[RobotScene] = None
        self._requests: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._pressed: List[int] = []
        self._closed = False
        self._next = 0.0
        self._start: Optional[float] = None

    def draw(self) -> None:
        """See `Screen.draw`: what visitors asked for is done now, in the thread of the fork."""
        if self._scene is None:
            self._open()
            say_address(self._server)
        while not self._requests.empty():
            self._requests.get()()
        now = time.perf_counter()
        if now >= self._next and self._server.get_clients():
            self._next = now + POSE_INTERVAL
            assert self._scene is not None
            self._scene.update()

    def wait(self) -> None:
        """See `Screen.wait`."""
        now, passed = time.perf_counter(), self._viewer.time
        if self._start is None or self._start + passed < now:  # too slow for real time: go on from now
            self._start = now - passed
        time.sleep(self._start + passed - now)

    @property
    def closed(self) -> bool:
        """See `Screen.closed`."""
        return self._closed

    def pressed(self) -> List[int]:
        """See `Screen.pressed`."""
        keys, self._pressed = self._pressed, []
        return keys

    def _open(self) -> None:
        """Draw robots and controls."""
        viewer, gui = self._viewer, self._server.gui
        world = viewer.sim.needs_world("draw_viewer")
        one = Scenery(world)
        looks = MujocoLooks(one.renderer, lambda env: one.state([env]), np.zeros(0, bool), every_body=True)
        self._scene = RobotScene(
            self._server,
            looks,
            _height_map(viewer),
            view_of(viewer, self._robot),
            lambda robot: self._ask(self._watch, robot),
        )
        if world.num_envs > 1:
            self._slider: Any = gui.add_slider("Robot watched", 0, world.num_envs - 1, 1, self._robot)
            self._slider.on_update(lambda event: self._ask(self._watch, event.target.value))
        follow = gui.add_checkbox("Follow", True)
        follow.on_update(lambda _: setattr(self._scene, "follow", follow.value))
        for key, action in viewer.actions.items():
            button = gui.add_button(f"{action} ({KeyboardInput(key).name[len('KEY_') :]})")
            button.on_click(functools.partial(self._press, key))
        gui.add_button("Close the viewer").on_click(lambda _: setattr(self, "_closed", True))
        self._watch(self._robot)

    def _press(self, key: int, _: Any) -> None:
        self._ask(self._pressed.append, key)

    def _ask(self, action: Callable[[Any], None], value: Any) -> None:
        self._requests.put(lambda: action(value))

    def _watch(self, robot: int) -> None:
        """Follow a robot, with those that are nearest to it now."""
        assert self._scene is not None
        self._robot = self._scene.robot = robot
        if hasattr(self, "_slider"):
            self._slider.value = robot
        around = Scenery(self._viewer.sim.world, MOST_SHOWN).near(self._viewer.root_state(robot)[:3])
        self._scene.show(list(dict.fromkeys([robot, *around]))[:MOST_SHOWN])


def _height_map(viewer: Viewer) -> Optional[HeightMap]:
    """Of the first ground that is no plane."""
    fields = [ground for ground in merged(viewer.sim.grounds) if isinstance(ground, Field)]
    return fields[0].height_map() if fields else None
