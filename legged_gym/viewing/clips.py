"""Motion clips to be looked at: a robot put into their frames, without physics, on a page or in a video."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, List, Optional, Sequence

import torch

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.motions.clip import Clip
from legged_gym.playing.frames import FRAMES_PER_SECOND, HEIGHT, WIDTH, FollowCamera, Overlay, VideoWriter
from legged_gym.sim.factory import make_simulator
from legged_gym.sim.spec import SimSpec
from legged_gym.terrain import HeightMap, make_heightfield
from legged_gym.viewing.scene.robots import RobotScene
from legged_gym.viewing.server import say_address

if TYPE_CHECKING:
    from viser import ViserServer

# m, from where a robot as tall as a person is seen whole
_DISTANCE = 3.5
_FRAME = 1.0 / 30.0


class ClipStage:
    """One robot on its ground.

    Attributes:
        sim: whose robot it is.
        height_map: the ground; None for a plane.
        view: where it is looked at from.
    """

    def __init__(self, file: str, joint_names: Sequence[str], height_map: Optional[HeightMap] = None) -> None:
        """Make the robot of a file, whose joints clips name in the order `joint_names`."""
        ground = None if height_map is None else make_heightfield(height_map)
        spec = SimSpec(file=file, joint_names=joint_names, dof_names=joint_names, ground=ground, num_threads=1)
        self.sim, self.height_map = make_simulator(spec, 1, "mujoco"), height_map
        self.view = LeggedRobotCfg.viewer()
        self.view.distance = _DISTANCE

    def put(self, clip: Clip, frame: int) -> List[float]:
        """Put the robot into a frame; returns its root's position and quaternion x, y, z, w."""
        root = torch.zeros(1, 13)
        root[0, :3], root[0, 3:7] = clip.root_pos[frame], clip.root_quat[frame]
        only, joints = torch.zeros(1, dtype=torch.long), clip.joints[frame : frame + 1].float()
        self.sim.set_root_states(only, root)
        self.sim.set_dof_states(only, joints, torch.zeros_like(joints))
        return root[0, :7].tolist()


def film(stage: ClipStage, clip: Clip, path: str, caption: str) -> None:
    """Write a video of a clip in real time.

    Raises:
        UserError: the disk refuses.
    """
    camera, overlay = FollowCamera(stage.view), Overlay()
    with VideoWriter(path, FRAMES_PER_SECOND) as video:
        for count in range(max(1, round(clip.seconds * FRAMES_PER_SECOND))):
            frame = min(round(count * clip.fps / FRAMES_PER_SECOND), len(clip) - 1)
            seen = camera.follow(stage.put(clip, frame), 1.0 / FRAMES_PER_SECOND)
            picture = stage.sim.render(0, seen, WIDTH, HEIGHT)
            video.add(overlay.draw(picture, f"{frame / clip.fps:.1f} s   {_feet(clip, frame)}   {caption}"))


def _feet(clip: Clip, frame: int) -> str:
    """Which feet are on the ground."""
    down = [name for name, contact in zip(clip.contact_names, clip.contacts[frame].tolist()) if contact]
    return "on the ground: " + (", ".join(name.partition("_")[0] for name in down) or "none")


class ClipPage:
    """Clips on a page: which one, which frame, how fast."""

    def __init__(
        self, server: ViserServer, stage: ClipStage, clips: Sequence[Clip], faults: Sequence[List[str]]
    ) -> None:
        """Draw the first clip; `faults` of each are told beside it."""
        self._stage, self._clips, self._faults = stage, clips, faults
        self._names = [f"{number}: {os.path.basename(clip.path)}" for number, clip in enumerate(clips)]
        server.gui.reset()
        server.scene.reset()
        self._scene = RobotScene(server, stage.sim.open_looks(), stage.height_map, stage.view, lambda robot: None)
        gui = server.gui
        self._status = gui.add_markdown("")
        self._chosen = gui.add_dropdown("Clip", self._names)
        self._frame: Any = gui.add_slider("Frame", 0, max(map(len, clips)) - 1, 1, 0)
        self._playing = gui.add_checkbox("Play", True)
        self._speed = gui.add_slider("Speed", 0.1, 2.0, 0.1, 1.0)
        follow = gui.add_checkbox("Follow", True)
        follow.on_update(lambda _: setattr(self._scene, "follow", follow.value))
        self._place = 0.0
        self._scene.show([0])

    def step(self, seconds: float) -> None:
        """Draw what is wanted now; a clip that plays begins again at its end."""
        number = self._names.index(self._chosen.value)
        clip = self._clips[number]
        frame = min(int(self._frame.value), len(clip) - 1)
        if self._playing.value:
            if int(self._place) != frame:  # somebody has moved the slider
                self._place = float(frame)
            self._place = (self._place + seconds * clip.fps * self._speed.value) % len(clip)
            frame = int(self._place)
            self._frame.value = frame
        self._stage.put(clip, frame)
        self._scene.update()
        faults = "".join(f"\n- {fault}" for fault in self._faults[number]) or "\n- no faults"
        self._status.content = f"{frame / clip.fps:.2f} of {clip.seconds:.2f} s, {_feet(clip, frame)}\n{faults}"


def show_on_page(
    server: ViserServer, stage: ClipStage, clips: Sequence[Clip], faults: Sequence[List[str]], seconds: float
) -> None:
    """Serve a page of clips for some time, or until Ctrl-C is pressed."""
    try:
        page, end = ClipPage(server, stage, clips, faults), time.perf_counter() + seconds
        say_address(server)
        last = time.perf_counter()
        while last < end:
            time.sleep(_FRAME)
            now = time.perf_counter()
            page.step(now - last)
            last = now
    except KeyboardInterrupt:
        print("stopped", flush=True)
    finally:
        server.stop()
