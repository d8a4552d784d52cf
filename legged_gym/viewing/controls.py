"""What visitors of a page can do: time, commands, pushes, the ground, the robots themselves."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

import torch

from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.envs.parts.terrain_levels import Tiles
from legged_gym.rotations import yaw_from_quat

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.playing.player import Player
    from legged_gym.viewing.page import Page

# arrow keys: which command, in which direction
_KEYS = {"arrowup": ("lin_vel_x", 1), "arrowdown": ("lin_vel_x", -1),
         "arrowleft": ("ang_vel_yaw", 1), "arrowright": ("ang_vel_yaw", -1)}  # fmt: skip
_KEY_STEPS = 5  # key strokes from 0 to the end of a range
_UNKNOWN_RANGE = (-1.0, 1.0)

Put = Callable[[torch.Tensor, torch.Tensor], None]
"""Changes robots (n,) by numbers (n, ...)."""


class TimeControls:
    """Play, pause, one step, reset, speed.

    Attributes:
        running: whether time goes on.
        steps: policy steps that are to be done although it does not.
        speed: 1 for real time.
    """

    def __init__(self, page: Page, player: Player) -> None:
        """Add them to the container that is open."""
        self.running, self.steps, self.speed = True, 0, 1.0
        gui = page.server.gui
        self._play = gui.add_button("Pause")
        page.on_click(self._play, self._toggle)
        page.on_click(gui.add_button("Step"), self._one)
        page.on_click(gui.add_button("Reset"), player.reset)
        speed = gui.add_slider("Speed", 0.1, 2.0, 0.1, 1.0)
        page.on(speed, lambda value: setattr(self, "speed", value))
        page.on_key("Play or pause", "space", self._toggle)

    def take_step(self) -> bool:
        """Whether a step is to be done now."""
        if not self.running and self.steps == 0:
            return False
        self.steps = max(0, self.steps - 1)
        return True

    def _toggle(self) -> None:
        self.running = not self.running
        self._play.label = "Pause" if self.running else "Play"

    def _one(self) -> None:
        if self.running:
            self._toggle()
        self.steps += 1


class CommandControls:
    """A slider for every command of a task, and arrow keys; they hold for all robots."""

    def __init__(self, page: Page, first: Dict[str, float]) -> None:
        """Add them to the container that is open, and take the commands over."""
        env, gui = page.env, page.server.gui
        self._given = env.use_part("commands", GivenCommands(env.parts["commands"]))
        ranges = env.trained_commands().get("ranges", {})
        self._sliders: Dict[str, Any] = {}
        self._values: Dict[str, float] = {}
        for name in env.command_columns():
            low, high = ranges.get(name, _UNKNOWN_RANGE)
            asked = first.get(name, min(max(0.0, low), high))
            low, high = min(low, asked), max(high, asked)
            if low >= high:
                continue
            slider = gui.add_slider(name, round(low, 3), round(high, 3), 0.01, round(asked, 2))
            page.on(slider, functools.partial(self.give, name))
            self._sliders[name], self._values[name] = slider, asked
        page.on_click(gui.add_button("Stand"), self._stand)
        for key, (name, sign) in _KEYS.items():
            if name in self._sliders:
                page.on_key(f"{name} {'up' if sign > 0 else 'down'}", key, functools.partial(self._key, name, sign))
        self._given.give(self._values)

    def give(self, name: str, value: float) -> None:
        """Command all robots."""
        self._values[name] = value
        self._given.give(self._values)

    def _key(self, name: str, sign: int) -> None:
        slider = self._sliders[name]
        slider.value = min(max(slider.value + sign * slider.max / _KEY_STEPS, slider.min), slider.max)
        self.give(name, slider.value)

    def _stand(self) -> None:
        for name, slider in self._sliders.items():
            slider.value = min(max(0.0, slider.min), slider.max)
            self.give(name, slider.value)


class GoalControls:
    """Speed and heading of the robot that is watched, by sliders or arrow keys; the others follow their goals."""

    def __init__(self, page: Page, goals: GoalCommands) -> None:
        """Add them to the container that is open."""
        gui, high = page.server.gui, float(goals.ranges.lin_vel_x[1])
        self._page, self._goals = page, goals
        self._drives = gui.add_checkbox("Drive the robot watched", False)
        self._speed: Any = gui.add_slider("Speed, m/s", 0.0, round(1.5 * high, 2), 0.05, round(high, 2))
        self._heading: Any = gui.add_slider("Heading, degrees", -180, 180, 5, 0)
        page.on(self._drives, self._begin)
        keys: Dict[Any, Tuple[Any, float]] = {
            "arrowup": (self._speed, 0.1),
            "arrowdown": (self._speed, -0.1),
            "arrowleft": (self._heading, 10),
            "arrowright": (self._heading, -10),
        }
        for hotkey, (slider, step) in keys.items():
            label = f"{slider.label} {'up' if step > 0 else 'down'}"
            page.on_key(label, hotkey, functools.partial(self._key, slider, step))

    def look(self) -> None:
        """Drive who is watched now, before a step."""
        self._goals.driven.fill_(torch.nan)
        if self._drives.value:
            row = [self._speed.value, math.radians(self._heading.value)]
            self._goals.driven[self._page.robot] = torch.tensor(row, device=self._goals.device)

    def _begin(self, drives: bool) -> None:
        """Straight on at first."""
        if drives:
            yaw = yaw_from_quat(self._page.env.root_states[self._page.robot, 3:7])
            self._heading.value = 5 * round(math.degrees(float(yaw)) / 5)

    def _key(self, slider: Any, step: float) -> None:
        value = slider.value + step
        if slider is self._heading:
            value = (value + 180) % 360 - 180
        slider.value = min(max(value, slider.min), slider.max)


def add_push(page: Page) -> None:
    """A push of the robot that is watched, by a velocity in the world frame."""
    gui, env = page.server.gui, page.env
    velocity = gui.add_vector3("Velocity, m/s", (0.0, 1.0, 0.0), min=(-5.0, -5.0, -5.0), max=(5.0, 5.0, 5.0), step=0.1)

    def push() -> None:
        only = _only(env, page.robot)
        states = env.root_states[only].clone()
        states[:, 7:10] += torch.tensor([list(velocity.value)], device=env.device)
        env.sim.set_root_states(only, states)

    page.on_click(gui.add_button("Push"), push)


def add_tiles(page: Page, player: Player) -> None:
    """Which tile of the ground the robot that is watched starts on, where there are some."""
    env, tiles = page.env, page.env.parts.get("tiles")
    if env.terrain is None or not isinstance(tiles, Tiles):
        return
    names = env.terrain.tile_types
    gui = page.server.gui
    options: List[str] = [
        f"{names[row][col]}, level {row}, column {col}" for col in range(len(names[0])) for row in range(len(names))
    ]
    at = [(row, col) for col in range(len(names[0])) for row in range(len(names))]
    level, kind = int(env.terrain_levels[page.robot]), int(env.terrain_types[page.robot])
    chosen = gui.add_dropdown("Tile", options, initial_value=options[at.index((level, kind))])

    def go(value: str) -> None:
        row, col = at[options.index(value)]
        only = _only(env, page.robot)
        tiles.place(only, torch.full_like(only, row), torch.full_like(only, col))
        player.reset()

    page.on(chosen, go)


def add_robot(page: Page) -> None:
    """Friction, added mass and motor strength of the robot that is watched."""
    gui, env, robots = page.server.gui, page.env, page.env.randomization
    kinds: List[Tuple[str, Tuple[float, float], torch.Tensor, Put]] = [
        ("Friction", (0.0, 2.0), env.friction_coeffs, robots.set_friction),
        ("Added mass, kg", (-3.0, 5.0), env.added_masses, robots.set_added_mass),
        ("Motor strength", (0.3, 1.5), env.motor_strengths, robots.set_motor_strength),
    ]
    for name, (low, high), values, put in kinds:
        start = round(min(max(float(values[page.robot].mean()), low), high), 2)

        def give(value: float, values: torch.Tensor = values, put: Put = put) -> None:
            put(_only(env, page.robot), torch.full_like(values[page.robot : page.robot + 1], value))

        page.on(gui.add_slider(name, low, high, 0.05, start), give)


def _only(env: LeggedRobot, robot: int) -> torch.Tensor:
    return torch.tensor([robot], device=env.device)
