"""What can be drawn beside the robot: forces, what it sees of the ground, where it is to go and where it has been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

import numpy as np
import torch

from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.playing.sight import depth_colors
from legged_gym.rotations import quat_rotate
from legged_gym.viewing.scene import WORLD, RobotScene

if TYPE_CHECKING:
    from viser import ViserServer

    from legged_gym.envs.base.legged_robot import LeggedRobot

_METRES_PER_NEWTON = 0.003
_SECONDS_OF_ARROW = 0.5
_PATH_POINTS, _PATH_STEP = 300, 0.03  # m between two points
_FORCE, _COMMAND, _SPEED = (224, 60, 50), (255, 170, 40), (50, 120, 230)
_SCAN, _GOAL, _PATH = (255, 196, 84), (60, 180, 90), (120, 70, 200)


class Overlays:
    """Drawn where they are switched on, for the robot that is watched.

    Attributes:
        robot: its index.
    """

    def __init__(self, server: ViserServer, env: LeggedRobot, scene: RobotScene) -> None:
        """Add a checkbox for everything that this environment has, in the container that is open."""
        self._server, self._env, self._scene, self.robot = server, env, scene, 0
        self._path: List[np.ndarray] = []
        self._drawn: Dict[str, Any] = {}
        kinds: Dict[str, Callable[[], None]] = {
            "Contact forces": self._forces,
            "Commands and speed": self._arrows,
            "Path": self._trail,
        }
        if env.cfg.terrain.measure_heights:
            kinds["Height scan"] = self._scan
        if isinstance(env.parts.get("commands"), GoalCommands):
            kinds["Goals"] = self._goal
        self._images = [name for name, group in env.observation_groups.items() if len(group.shape) == 3]
        if self._images:
            kinds["Camera"] = self._camera
        self._kinds: List[Tuple[Any, str, Callable[[], None]]] = [
            (server.gui.add_checkbox(name, False), name, draw) for name, draw in kinds.items()
        ]

    def switch(self, name: str, on: bool) -> None:
        """Switch one on or off by its name."""
        next(box for box, known, _ in self._kinds if known == name).value = on

    def update(self) -> None:
        """Send what is switched on."""
        for box, name, draw in self._kinds:
            if box.value:
                draw()
            elif name in self._drawn:
                self._drawn.pop(name).remove()

    def _origin(self) -> np.ndarray:
        """Where points are counted from: the robot, since browsers move nodes at once, and take in points when idle."""
        origin: np.ndarray = self._env.root_states[self.robot, :3].cpu().numpy().copy()
        return origin

    def _segments(self, name: str, points: np.ndarray, colors: np.ndarray) -> None:
        points, handle = points - self._origin(), self._drawn.get(name)
        if handle is None or len(handle.points) != len(points):
            handle = self._drawn[name] = self._server.scene.add_arrows(
                f"{WORLD}/{name}", points, colors, shaft_radius=0.008, head_radius=0.02, head_length=0.05
            )
        else:
            handle.points = points
        handle.position = self._origin()

    def _cloud(self, name: str, points: np.ndarray, color: Tuple[int, int, int], size: float) -> None:
        points, handle = points - self._origin(), self._drawn.get(name)
        if handle is None or len(handle.points) != len(points):
            handle = self._drawn[name] = self._server.scene.add_point_cloud(
                f"{WORLD}/{name}", points, np.tile(np.array(color, dtype=np.uint8), (len(points), 1)),
                point_size=size, point_shape="circle", precision="float32",
            )  # fmt: skip
        else:
            handle.points = points
        handle.position = self._origin()

    def _forces(self) -> None:
        env = self._env
        feet = self._scene.places(self.robot, [env.body_names[foot] for foot in env.feet_indices.tolist()])
        forces = env.feet_forces[self.robot].cpu().numpy()
        points = np.stack((feet, feet + _METRES_PER_NEWTON * forces + [0.0, 0.0, 1e-3]), axis=1)
        self._segments("Contact forces", points, np.tile(np.array(_FORCE, dtype=np.uint8), (len(points), 1)))

    def _arrows(self) -> None:
        env, robot = self._env, self.robot
        base, quat = env.root_states[robot, :3], env.root_states[robot, 3:7]
        yaw = quat * torch.tensor([0.0, 0.0, 1.0, 1.0], device=env.device)
        flat = torch.cat((env.commands[robot, :2], torch.zeros(1, device=env.device)))
        wanted = quat_rotate((yaw / yaw.norm())[None], flat[None])[0]
        tips = torch.stack((wanted, env.root_states[robot, 7:10])) * _SECONDS_OF_ARROW
        start = base + torch.tensor([0.0, 0.0, 0.2], device=env.device)
        tips[:, 2] += 1e-3
        points = torch.stack((start.expand(2, 3), start + tips), dim=1).cpu().numpy()
        self._segments("Commands and speed", points, np.array([_COMMAND, _SPEED], dtype=np.uint8))

    def _trail(self) -> None:
        place = self._env.root_states[self.robot, :3].cpu().numpy().copy()
        if self._path and np.linalg.norm(place - self._path[-1]) > 1.0:
            self._path = []  # it was put somewhere else
        if not self._path or np.linalg.norm(place - self._path[-1]) > _PATH_STEP:
            self._path = [*self._path[1 - _PATH_POINTS :], place]
            self._cloud("Path", np.array(self._path), _PATH, 0.015)

    def _scan(self) -> None:
        env, state = self._env, self._env.root_states[self.robot : self.robot + 1]
        place = env.height_scan.places(state[:, :3], state[:, 3:7])[0]
        points = torch.cat((place, env.measured_heights[self.robot][:, None] + 0.01), dim=-1).cpu().numpy()
        self._cloud("Height scan", points, _SCAN, 0.02)

    def _goal(self) -> None:
        commands = self._env.parts["commands"]
        assert isinstance(commands, GoalCommands)
        self._cloud("Goals", commands.goals()[self.robot : self.robot + 1].cpu().numpy(), _GOAL, 0.2)

    def _camera(self) -> None:
        images = [self._env.obs_buf[name][self.robot, 0].cpu().numpy() for name in self._images]
        picture = np.concatenate([depth_colors(image) for image in images])
        picture = picture.repeat(4, axis=0).repeat(4, axis=1)
        handle = self._drawn.get("Camera")
        if handle is None:
            self._drawn["Camera"] = self._server.gui.add_image(picture, label="Camera", format="png")
        else:
            handle.image = picture
