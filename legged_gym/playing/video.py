"""Videos of a playing robot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, List, Sequence, Tuple

import numpy as np

from legged_gym.envs.variants import has_velocity_commands
from legged_gym.playing.frames import FRAMES_PER_SECOND, HEIGHT, WIDTH, FollowCamera, Overlay, VideoWriter
from legged_gym.playing.sight import PolicySight

if TYPE_CHECKING:
    from legged_gym.playing.player import Player

# s, in which the velocity on frames follows the true one: steps of the gait are averaged out
_DISPLAY_LAG = 0.3


class Film(VideoWriter):
    """Films a robot at play, in real time.

    On the frames are the command and the measured velocity, and what the policy sees of the ground.
    """

    def __init__(self, player: Player, path: str, caption: str, robot: int = 0, observed: Sequence[str] = ()) -> None:
        """Set up the camera.

        Args:
            player: whom to film.
            path: of the video.
            caption: one line for all frames.
            robot: index of the robot.
            observed: groups of observations that the policy reads.
        """
        dt = player.env.dt
        self._stride = max(1, round(1.0 / (FRAMES_PER_SECOND * dt)))
        super().__init__(path, 1.0 / (dt * self._stride))
        self._player, self._caption, self._robot = player, caption, robot
        self._camera = FollowCamera(player.env.cfg.viewer)
        self._overlay = Overlay()
        self._sight = PolicySight(player.env, observed, robot)
        self._velocity = np.zeros(3)

    def look(self) -> None:
        """Take in the state after a step; every few steps make a frame of it."""
        player, env = self._player, self._player.env
        camera = self._camera.follow(env.root_states[self._robot].tolist(), env.dt)
        measured = [*env.base_lin_vel[self._robot, :2].tolist(), float(env.base_ang_vel[self._robot, 2])]
        self._velocity += (np.array(measured) - self._velocity) * (1.0 - math.exp(-env.dt / _DISPLAY_LAG))
        if player.steps % self._stride:
            return
        frame = env.sim.render(self._robot, camera, WIDTH, HEIGHT)
        frame = self._sight.draw(frame, camera, player.observations)
        caption = f"{self._caption}   {player.time:.1f} s"
        self.add(self._overlay.draw(frame, caption, *self._table()))

    def _table(self) -> Tuple[str, List[Tuple[str, Sequence[float]]]]:
        """What the robot is doing, and its commanded and measured velocities; nothing where there are no commands."""
        command, env = self._player.command, self._player.env
        measured = self._velocity.tolist()
        if command is not None:
            return command.label, [("command", command[:3]), ("measured", measured)]
        if not has_velocity_commands(env.cfg):
            return "", []
        return "", [("command", env.commands[self._robot, :3].tolist()), ("measured", measured)]
