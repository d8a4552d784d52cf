"""Motion clips at play: which one the robots follow, from which frame, and where it would have them be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from legged_gym.envs.imitation.motion_commands import MotionCommands

if TYPE_CHECKING:
    from legged_gym.playing.player import Player
    from legged_gym.viewing.page import Page

# m and rad, how far off a driven robot is told to be
_REACH, _TURN = 0.5, 0.3


class ClipControls:
    """The clip of all robots, a replay without physics, and errors of the root given by hand."""

    def __init__(self, page: Page, player: Player, motion: MotionCommands) -> None:
        """Add them to the page, in a folder that is open."""
        self._page, self._player, self._motion = page, player, motion
        gui = page.server.gui
        self._names = [f"{number}: {os.path.basename(path)}" for number, path in enumerate(motion.library.paths)]
        self._status = gui.add_markdown("")
        self._clip = gui.add_dropdown("Clip", self._names)
        longest = int(motion.library.lengths.max())
        self._start: Any = gui.add_slider("Start frame", 0, longest - 1, 1, 0)
        self._replay = gui.add_checkbox("Replay without physics", False)
        self._drives = gui.add_checkbox("Give errors of the root by hand", False)
        self._errors = [
            gui.add_slider(name, -reach, reach, 0.05, 0.0)
            for name, reach in (("Forward, m", _REACH), ("Left, m", _REACH), ("Turn, rad", _TURN))
        ]
        page.on(self._clip, lambda _: self._begin())
        page.on(self._start, lambda _: self._begin())

    def _begin(self) -> None:
        """All robots start anew, and always there from now on."""
        clip = self._names.index(self._clip.value)
        self._motion.start_at = (clip, min(int(self._start.value), int(self._motion.library.lengths[clip]) - 1))
        self._player.reset()

    def look(self, stepped: bool) -> None:
        """Give errors, put robots into the clip, and tell where it is."""
        motion, env = self._motion, self._page.env
        rows = [float(slider.value) for slider in self._errors] if self._drives.value else [torch.nan] * 3
        motion.given_errors = torch.tensor(rows, device=motion.device).expand(motion.num_envs, 3)
        if stepped and self._replay.value:
            now, everyone = motion.now, torch.arange(motion.num_envs, device=motion.device)
            env.sim.set_dof_states(everyone, now.joints, now.joint_vel)
            state = torch.cat((now.root_pos, now.root_quat, now.root_lin_vel, now.root_ang_vel), dim=1)
            env.sim.set_root_states(everyone, state)
        robot = self._page.robot
        clip, frame = int(motion.clip[robot]), int(motion.frame[robot])
        length = int(motion.library.lengths[clip])
        frame = min(frame, length - 1)
        feet = [f"{side} foot" for side, down in zip(("left", "right"), motion.now.contacts[robot].tolist()) if down]
        self._status.content = (
            f"{self._names[clip]}: {frame * env.dt:.2f} of {(length - 1) * env.dt:.2f} s, {100 * frame // length} %; "
            f"on the ground: {', '.join(feet) or 'none'}"
        )
