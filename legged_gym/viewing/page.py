"""One page: a scene, controls and panels of one environment, and requests of those who look at it.

What a visitor asks for arrives in threads of the server. It is put into a queue, and whoever steps the environment
carries it out between two steps (`Page.serve`), so that nothing else touches the environment.
"""

from __future__ import annotations

import functools
import queue
import time
from typing import TYPE_CHECKING, Any, Callable, List

from legged_gym.errors import UserError
from legged_gym.viewing.panels import Panel, load_panels
from legged_gym.viewing.scene.overlays import Overlays
from legged_gym.viewing.scene.robots import RobotScene
from legged_gym.viewing.server import tell
from rsl_rl.utils.errors import RslRlError

if TYPE_CHECKING:
    from viser import ViserServer

    from legged_gym.envs.base.legged_robot import LeggedRobot

# s between two updates of the poses, and of the panels
POSE_INTERVAL, PANEL_INTERVAL = 1.0 / 30.0, 0.1


class Page:
    """What a browser shows of an environment.

    Attributes:
        server: of the page.
        env: what is shown.
        scene: robots, obstacles, ground.
        robot: index of the robot that is watched.
    """

    def __init__(
        self, server: ViserServer, env: LeggedRobot, robot: int = 0, robots: int = 1, share: float = 1.0
    ) -> None:
        """Draw an environment; controls may be added to tab "Play" before `add_panels`.

        Args:
            server: whose page is made anew.
            env: what is shown.
            robot: index of the robot that is watched first.
            robots: how many are shown at first.
            share: of the time, what `draw` may take at most.
        """
        self.server, self.env, self.robot, self._share = server, env, robot, share
        self._requests: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._next_poses = self._next_panels = 0.0
        self._panels: List[Panel] = []  # those that have been opened
        self._num_robots = min(robots, env.num_envs)
        server.gui.reset()
        server.scene.reset()
        server.gui.main_panel.dock_right()
        server.gui.main_panel.set_width(380)
        height_map = None if env.terrain is None else env.terrain.height_map
        looks = env.sim.open_looks()
        self.scene = RobotScene(
            server, looks, height_map, env.cfg.viewer, lambda clicked: self.ask(lambda: self.watch(clicked))
        )
        self.tabs = server.gui.add_tab_group()
        with self.tabs.add_tab("Play"):
            self.status = server.gui.add_markdown("")
            self.controls = server.gui.add_folder("Robots")
        with self.controls:
            if env.num_envs > 1:
                shown = server.gui.add_slider("Robots shown", 1, min(env.num_envs, 64), 1, self._num_robots)
                self.on(shown, self._show)
                self._watched: Any = server.gui.add_slider("Robot watched", 0, env.num_envs - 1, 1, robot)
                self.on(self._watched, self.watch)
            follow = server.gui.add_checkbox("Follow", True)
            self.on(follow, lambda value: setattr(self.scene, "follow", value))
        with self.tabs.add_tab("Show") as tab:
            self.overlays = Overlays(server, env, self.scene, tab)
        self.watch(robot)

    def add_panels(self) -> None:
        """Add the panels that the config of the environment names, each in a folder that opens when it is wanted.

        What is in a folder is sent when it is first opened: all at once would take a browser without a GPU a second.
        """
        gui = self.server.gui
        for panel in load_panels(self.env.cfg.viewer.panels, self.env):
            with self.panel_tab:
                switch = gui.add_checkbox(panel.title, panel.starts_open)
                folder = gui.add_folder(panel.title, visible=panel.starts_open)
            self.on(switch, functools.partial(self._toggle, panel, folder))
            if panel.starts_open:
                self._toggle(panel, folder, True)

    @property
    def panel_tab(self) -> Any:
        """The tab of the panels; made when it is first needed, so that it comes last."""
        if not hasattr(self, "_panel_tab"):
            self._panel_tab = self.tabs.add_tab("Panels")
        return self._panel_tab

    def watch(self, robot: int) -> None:
        """Follow a robot, and show it in all panels."""
        self.robot = self.scene.robot = self.overlays.robot = robot
        for panel in self._panels:
            panel.robot = robot
            panel.forget()
        if self.env.num_envs > 1:
            self._watched.value = robot
        self._show(self._num_robots)

    def on(self, handle: Any, action: Callable[[Any], None]) -> None:
        """Carry out `action(value)` when a visitor changes an input."""
        handle.on_update(lambda event: self.ask(lambda: action(handle.value)) if event.client_id is not None else None)

    def on_click(self, handle: Any, action: Callable[[], None]) -> None:
        """Carry out an action when a visitor presses a button."""
        handle.on_click(lambda _: self.ask(action))

    def on_key(self, label: str, key: Any, action: Callable[[], None]) -> None:
        """Carry out an action when a visitor presses a key, which is listed by its label."""
        self.server.gui.add_command(label, hotkey=key).on_trigger(lambda _: self.ask(action))

    def ask(self, action: Callable[[], None]) -> None:
        """Have an action carried out between two steps; may be called from any thread."""
        self._requests.put(action)

    def serve(self) -> None:
        """Carry out what visitors asked for; a mistake of theirs is shown on the page."""
        while not self._requests.empty():
            try:
                self._requests.get()()
            except (UserError, RslRlError) as error:
                self.tell("Not possible", str(error))

    def tell(self, title: str, text: str) -> None:
        """Show a message to all visitors."""
        tell(self.server, title, text)

    def draw(self) -> None:
        """Send what has changed, if somebody looks and it is time."""
        now = time.perf_counter()
        if now < self._next_poses or not self.server.get_clients():
            return
        self.scene.update()
        self.overlays.update()
        if now >= self._next_panels:
            self._next_panels = max(self._next_panels + PANEL_INTERVAL, now)
            for panel in self._panels:
                panel.update(self.env)
        spent = time.perf_counter() - now
        self._next_poses = max(self._next_poses + POSE_INTERVAL, now + spent / self._share)

    def _show(self, count: int) -> None:
        """Show the robot that is watched, and those that are nearest to it now."""
        self._num_robots = count
        places = self.env.root_states[:, :2]
        distances = (places - places[self.robot]).norm(dim=1)
        distances[self.robot] = -1.0
        self.scene.show(distances.argsort()[:count].tolist())

    def _toggle(self, panel: Panel, folder: Any, shown: bool) -> None:
        panel.shown = folder.visible = shown
        if panel not in self._panels:
            panel.robot = self.robot
            with folder:
                panel.build(self.server.gui)
            self._panels.append(panel)
