"""A policy at play on a page, until the program is stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Dict, Optional

from legged_gym.envs.imitation.motion_commands import MotionCommands
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.envs.variants import has_velocity_commands
from legged_gym.viewing.clip_controls import ClipControls
from legged_gym.viewing.controls import CommandControls, GoalControls, TimeControls, add_push, add_robot, add_tiles
from legged_gym.viewing.page import POSE_INTERVAL, Page
from legged_gym.viewing.policies import PolicyControls
from legged_gym.viewing.recording import Recorder
from legged_gym.viewing.server import say_address

if TYPE_CHECKING:
    from viser import ViserServer

    from legged_gym.playing.player import Player
    from legged_gym.policies.policy_io import PolicySource


def play_on_page(
    server: ViserServer,
    player: Player,
    source: PolicySource,
    num_steps: int,
    first: Optional[Dict[str, float]] = None,
    follow: bool = False,
) -> Optional[str]:
    """Let visitors watch and steer the robots of a player.

    Args:
        server: of the page, whose content is replaced.
        player: drives without commands of its own.
        source: the policy.
        num_steps: policy steps to do at most.
        first: commands by name at the beginning.
        follow: take over newer checkpoints of the run as they appear.

    Returns:
        The folder of the run that a visitor wants to see instead; None when all steps are done.
    """
    env = player.env
    page = Page(server, env, player.robot)
    with page.controls:
        times = TimeControls(page, player)
    with page.tabs.add_tab("Record"):
        recorder = Recorder(page, source.task)
    with page.tabs.add_tab("Policy"):
        policies = PolicyControls(page, player, source, follow)
    with page.tabs.add_tab("Robot"):
        add_push(page)
        add_tiles(page, player)
        add_robot(page)
    if has_velocity_commands(env.cfg):
        with page.controls, server.gui.add_folder("Commands"):
            CommandControls(page, first or {})
    driving, clips = _drive(page), _clips(page, player)
    page.add_panels()
    say_address(server)
    pace = _Pace()
    while player.steps < num_steps and policies.wanted is None:
        page.serve()
        policies.look()
        stepped = times.take_step()
        if stepped:
            if driving is not None:
                driving.look()
            player.step()
        if clips is not None:
            clips.look(stepped)
        page.status.content = _status(page, player, times.running)
        page.draw()
        recorder.look(stepped)
        pace.wait(env.dt / times.speed if stepped else POSE_INTERVAL)
    return policies.wanted


def _drive(page: Page) -> Optional[GoalControls]:
    """What drives to goals, if that is what robots do."""
    goals = page.env.parts["commands"]
    if not isinstance(goals, GoalCommands):
        return None
    with page.controls, page.server.gui.add_folder("Drive"):
        driving = GoalControls(page, goals)
    for name in ("Goals", "Camera"):
        page.overlays.switch(name, True)
    return driving


def _clips(page: Page, player: Player) -> Optional[ClipControls]:
    """What chooses clips, if robots follow some."""
    motion = page.env.parts["commands"]
    if not isinstance(motion, MotionCommands):
        return None
    with page.controls, page.server.gui.add_folder("Clip"):
        clips = ClipControls(page, player, motion)
    page.overlays.switch("Key points", True)
    return clips


def _status(page: Page, player: Player, running: bool) -> str:
    time_now = f"{player.time:.1f} s" if running else f"{player.time:.2f} s, paused"
    return f"{time_now}, {float(page.env.base_lin_vel[page.robot, 0]):.1f} m/s forward"


class _Pace:
    """Keeps to a rhythm; who is late goes on from now."""

    def __init__(self) -> None:
        """Begin now."""
        self._next = time.perf_counter()

    def wait(self, seconds: float) -> None:
        """Sleep until so many seconds after the last moment waited for."""
        self._next = max(self._next + seconds, time.perf_counter())
        time.sleep(self._next - time.perf_counter() if self._next > time.perf_counter() else 0.0)
