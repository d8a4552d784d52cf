"""A viewer: where it looks, and the screen on which it is seen, which whoever runs the caller provides."""

from __future__ import annotations

import functools
import math
from typing import Any, Dict, List

import numpy as np

from legged_gym.isaacgym import launch
from legged_gym.isaacgym.maths import Vec3
from legged_gym.isaacgym.parameters import CameraProperties
from legged_gym.isaacgym.world.scene import Sim
from legged_gym.isaacgym.world.scenery import Scenery, seen_from

MOST_SHOWN = 16
"""Environments in one picture: those that are nearest to what is looked at."""


class Screen:
    """Where a viewer is seen; on this one nothing is."""

    def __init__(self, viewer: Viewer) -> None:
        """Say so."""
        viewer.sim.notice(
            "create_viewer: nothing is shown here; run_fork.py records with --video=FILE, and shows with --viewer=web"
        )

    def draw(self) -> None:
        """Show what is now."""

    def wait(self) -> None:
        """Sleep, so that time passes as fast as in the world."""

    @property
    def closed(self) -> bool:
        """Whether the user has seen enough."""
        return False

    def pressed(self) -> List[int]:
        """Keys that were pressed since the last call."""
        return []


class Viewer:
    """A viewer's handle.

    Attributes:
        sim: what is seen.
        eye, target: from where to where it looks, in the world.
        actions: key -> what the caller named it.
        screen: where it is seen.
    """

    def __init__(self, sim: Sim, props: Any = None) -> None:
        """Open a screen."""
        self.sim, self.props = sim, props or CameraProperties()
        self.eye, self.target = Vec3(10.0, 10.0, 3.0), Vec3()
        self.actions: Dict[int, str] = {}
        self.screen: Screen = (launch.make_screen or Screen)(self)

    @property
    def time(self) -> float:
        """Simulated seconds."""
        return float(self.sim.needs_world("draw_viewer").frames * self.sim.params.dt)

    @functools.cached_property
    def scenery(self) -> Scenery:
        """Of as many environments as are shown."""
        return Scenery(self.sim.needs_world("draw_viewer"), MOST_SHOWN)

    def root_state(self, env: int) -> np.ndarray:
        """(13,) of the first actor of an environment, in the world."""
        world = self.sim.needs_world("draw_viewer")
        state: np.ndarray = world.states.root_now().view(world.num_envs, -1, 13)[env, 0].cpu().double().numpy()
        state[:3] += list(self.sim.envs[env].origin)
        return state

    def picture(self, width: int) -> np.ndarray:
        """(H, W, 3) uint8 from where the caller looks; sides are even."""
        props = self.props
        height = 2 * round(0.5 * width * props.height / props.width)
        fov = 2.0 * math.atan(math.tan(0.5 * math.radians(props.horizontal_fov)) * height / width)
        eye, target = np.array(list(self.eye)), np.array(list(self.target))
        state = self.scenery.state(self.scenery.near(self._middle(eye, target)))
        return self.scenery.draw(state, seen_from(eye, target), math.degrees(fov), width, height)

    def _middle(self, eye: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Where the middle of the picture meets the ground; the target where it does not within a few lengths."""
        way = target - eye
        lengths = -eye[2] / way[2] if way[2] < 0.0 else 1.0
        return eye + min(lengths, 3.0) * way
