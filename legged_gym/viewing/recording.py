"""Recordings that go to the visitor who asks: the last seconds as a video, and the page itself, to be turned about."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Deque, List, Optional, Tuple

from legged_gym.errors import UserError
from legged_gym.playing.frames import FRAMES_PER_SECOND, HEIGHT, WIDTH, FollowCamera, VideoWriter

if TYPE_CHECKING:
    from viser import ClientHandle

    from legged_gym.viewing.page import Page

_LONGEST = 30.0  # s of a video
_LONGEST_PAGE = 120.0  # s of a page
_ENDINGS = (".html", ".viser")
_Frame = Tuple[int, List[float], Any]  # robot, its root state, a snapshot


class Recorder:
    """Remembers what the robot that is watched has just done, and records what the page shows."""

    def __init__(self, page: Page, name: str) -> None:
        """Add its buttons to the container that is open; `name` begins the names of files."""
        self._page, self._name, self._dt = page, name, page.env.dt
        self._stride = max(1, round(1.0 / (FRAMES_PER_SECOND * self._dt)))
        self._frames: Deque[_Frame] = deque(maxlen=round(_LONGEST / (self._stride * self._dt)))
        self._steps = 0
        self._recording: Any = None
        self._visitor: Optional[ClientHandle] = None
        self._began = self._last = 0.0
        gui = page.server.gui
        self._seconds = gui.add_slider("Last seconds", 1.0, _LONGEST, 1.0, 10.0)
        self._video = gui.add_button("Save video")
        self._video.on_click(lambda event: page.ask(lambda: self._save_video(event.client)))
        self._kind = gui.add_dropdown("Page as", _ENDINGS)
        self._record = gui.add_button("Record page")
        self._record.on_click(lambda event: page.ask(lambda: self._toggle(event.client)))

    def look(self, stepped: bool) -> None:
        """Take in what has happened; to be called in every round, after the page was drawn."""
        env, robot = self._page.env, self._page.robot
        if stepped and self._steps % self._stride == 0:
            self._frames.append((robot, env.root_states[robot].tolist(), self._page.scene.snapshot(robot)))
        self._steps += stepped
        if self._recording is not None:
            now = time.perf_counter()
            self._recording.insert_sleep(now - self._last)
            self._last = now
            if now - self._began > _LONGEST_PAGE:
                self._toggle(self._visitor)

    def _save_video(self, visitor: Optional[ClientHandle]) -> None:
        frames = list(self._frames)[-round(self._seconds.value / (self._stride * self._dt)) :]
        frames = [frame for frame in frames if frame[0] == self._page.robot]
        if not frames:
            raise UserError("nothing has happened yet that a video could show")
        self._video.disabled = True
        threading.Thread(target=self._film, args=(frames, visitor), daemon=True).start()

    def _film(self, frames: List[_Frame], visitor: Optional[ClientHandle]) -> None:
        """Draw the frames, in a thread and a scene of its own, and send the file."""
        step, looks = self._stride * self._dt, self._page.env.sim.open_looks()
        camera = FollowCamera(self._page.env.cfg.viewer)
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "robot.mp4")
                with VideoWriter(path, 1.0 / step) as video:
                    for count, (_, root_state, snapshot) in enumerate(frames):
                        self._video.label = f"Save video: {100 * count // len(frames)} %"
                        video.add(looks.picture(snapshot, camera.follow(root_state, step), WIDTH, HEIGHT))
                with open(path, "rb") as file:
                    self._send(visitor, f"{self._name}.mp4", file.read())
        except UserError as error:
            self._page.tell("No video", str(error))
        finally:
            looks.close()
            self._video.disabled, self._video.label = False, "Save video"

    def _toggle(self, visitor: Optional[ClientHandle]) -> None:
        """Begin to record the page, or end and send it."""
        if self._recording is None:
            self._recording, self._visitor = self._page.server.get_scene_serializer(), visitor
            self._began = self._last = time.perf_counter()
            self._record.label = "Stop recording"
            return
        recording, kind, self._recording = self._recording, self._kind.value, None
        self._record.label = "Record page"

        def send() -> None:
            content = recording.as_html().encode() if kind == ".html" else recording.serialize()
            self._send(visitor, f"{self._name}{kind}", content)

        threading.Thread(target=send, daemon=True).start()

    @staticmethod
    def _send(visitor: Optional[ClientHandle], name: str, content: bytes) -> None:
        if visitor is not None:
            visitor.send_file_download(name, content, save_immediately=True)
