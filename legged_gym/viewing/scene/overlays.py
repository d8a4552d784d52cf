"""What can be drawn beside the robot: forces, what it sees of the ground, where it is to go and where it has been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

import numpy as np
import torch

from legged_gym.envs.imitation.motion_commands import MotionCommands
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.playing.sight import SCANDOTS, depth_colors
from legged_gym.rotations import quat_rotate
from legged_gym.viewing.scene.robots import WORLD, RobotScene

if TYPE_CHECKING:
    from viser import GuiTabHandle, ViserServer

    from legged_gym.envs.base.legged_robot import LeggedRobot

_DEPTH_RAYS = (7, 10)  # rows and columns that are drawn
_METRES_PER_NEWTON = 0.003
_SECONDS_OF_ARROW = 0.5
_PATH_POINTS, _PATH_STEP = 300, 0.03  # m between two points
_FORCE, _COMMAND, _SPEED = (224, 60, 50), (255, 170, 40), (50, 120, 230)
_SCAN, _GOAL, _LATER, _PATH = (255, 196, 84), (60, 180, 90), (150, 165, 155), (120, 70, 200)


class Overlays:
    """Drawn where they are switched on, for the robot that is watched.

    Attributes:
        robot: its index.
    """

    def __init__(self, server: ViserServer, env: LeggedRobot, scene: RobotScene, tab: GuiTabHandle) -> None:
        """Add a checkbox for everything that this environment has to a tab, which is open."""
        self._tab, self._server, self._env, self._scene, self.robot = tab, server, env, scene, 0
        self._scan_name = "Scandots" if SCANDOTS in env.observation_groups else "Height scan"
        self._path: List[np.ndarray] = []
        self._drawn: Dict[str, Any] = {}
        kinds: Dict[str, Callable[[], None]] = {
            "Contact forces": self._forces,
            "Commands and speed": self._arrows,
            "Path": self._trail,
        }
        if env.cfg.terrain.measure_heights:
            kinds[self._scan_name] = self._scan
        if isinstance(env.parts.get("commands"), GoalCommands):
            kinds["Goals"] = self._goal
        if isinstance(env.parts.get("commands"), MotionCommands):
            kinds["Key points"] = self._key_points
        self._images = [name for name, group in env.observation_groups.items() if len(group.shape) == 3]
        if self._images:
            kinds["Camera"] = self._camera
        if env.depth_camera is not None:
            kinds["Depth rays"] = self._rays
        self._kinds: List[Tuple[Any, str, Callable[[], None]]] = [
            (server.gui.add_checkbox(name, False), name, draw) for name, draw in kinds.items()
        ]

    def switch(self, name: str, on: bool) -> None:
        """Switch one on or off by its name, if there is one."""
        for box, known, _ in self._kinds:
            if known == name:
                box.value = on

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

    def _put(self, name: str, add: Callable[..., Any], points: np.ndarray, colors: np.ndarray, **look: Any) -> None:
        """Draw points that lie in the world by one of viser's functions, or move those that are there."""
        points, handle = points - self._origin(), self._drawn.get(name)
        if handle is None or len(handle.points) != len(points):
            handle = self._drawn[name] = add(f"{WORLD}/{name}", points, colors, **look)
        else:
            handle.points, handle.colors = points, colors
        handle.position = self._origin()

    def _arrows_at(self, name: str, points: np.ndarray, colors: np.ndarray) -> None:
        look = {"shaft_radius": 0.008, "head_radius": 0.02, "head_length": 0.05}
        self._put(name, self._server.scene.add_arrows, points, colors, **look)

    def _cloud(self, name: str, points: np.ndarray, color: Tuple[int, int, int], size: float) -> None:
        colors = np.tile(np.array(color, dtype=np.uint8), (len(points), 1))
        look = {"point_size": size, "point_shape": "circle", "precision": "float32"}
        self._put(name, self._server.scene.add_point_cloud, points, colors, **look)

    def _forces(self) -> None:
        env = self._env
        feet = self._scene.places(self.robot, [env.body_names[foot] for foot in env.feet_indices.tolist()])
        forces = env.feet_forces[self.robot].cpu().numpy()
        points = np.stack((feet, feet + _METRES_PER_NEWTON * forces + [0.0, 0.0, 1e-3]), axis=1)
        self._arrows_at("Contact forces", points, np.tile(np.array(_FORCE, dtype=np.uint8), (len(points), 1)))

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
        self._arrows_at("Commands and speed", points, np.array([_COMMAND, _SPEED], dtype=np.uint8))

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
        self._cloud(self._scan_name, points, _SCAN, 0.015)

    def _goal(self) -> None:
        commands = self._env.parts["commands"]
        assert isinstance(commands, GoalCommands)
        goals, reached = commands.course(self.robot).cpu().numpy(), int(commands.goals_reached[self.robot])
        colors = np.array([_GOAL if k == reached else _LATER for k in range(len(goals))], dtype=np.uint8)
        look = {"point_size": 0.2, "point_shape": "circle", "precision": "float32"}
        self._put("Goals", self._server.scene.add_point_cloud, goals, colors, **look)

    def _key_points(self) -> None:
        """Tracked bodies where they should be and where they are, and the feet that should touch."""
        motion = self._env.parts["commands"]
        assert isinstance(motion, MotionCommands)
        wanted = motion.now.link_pos[self.robot, :-1].cpu().numpy()
        there = motion.env.links[self.robot, :-1, :3].cpu().numpy()
        feet = motion.env.sim.body_states[self.robot, motion.env.feet_indices, :3].cpu().numpy()
        down = motion.now.contacts[self.robot].cpu().numpy()
        colors = [_FORCE] * len(wanted) + [_GOAL] * len(there) + [_SCAN if touches else _LATER for touches in down]
        look = {"point_size": 0.05, "point_shape": "circle", "precision": "float32"}
        points = np.concatenate((wanted, there, feet)).astype(np.float32)
        self._put("Key points", self._server.scene.add_point_cloud, points, np.array(colors, dtype=np.uint8), **look)

    def _rays(self) -> None:
        """From the camera to what it sees now; the picture may be older, by the camera's latency."""
        env, cfg, camera = self._env, self._env.cfg.depth_camera, self._env.depth_camera
        assert camera is not None
        only, state = torch.tensor([self.robot], device=env.device), camera.states()[self.robot : self.robot + 1]
        rows, columns = (torch.linspace(0, size - 1, most).long() for size, most in zip(camera.shape[1:], _DEPTH_RAYS))
        chosen = (rows[:, None] * camera.shape[2] + columns).flatten().to(env.device)
        origin, directions = camera.rays(only, state)
        directions = directions[:, chosen]
        depth = env.sim.cast_rays(origin[:, None], directions, only, bool(cfg.sees_robot), float(cfg.far))
        depth = torch.where(depth < cfg.far, depth.clamp_min(cfg.near), 0.0 * directions[..., 0])[0, :, None]
        points = torch.stack((origin.expand(len(chosen), 3), origin + directions[0] * depth), dim=1).cpu().numpy()
        colors = depth_colors(((depth - cfg.near) / (cfg.far - cfg.near) - 0.5).cpu().numpy()).repeat(2, axis=1)
        self._put("Depth rays", self._server.scene.add_line_segments, points, colors, thickness=0.002)

    def _camera(self) -> None:
        images = [self._env.obs_buf[name][self.robot, -1].cpu().numpy() for name in self._images]
        picture = np.concatenate([depth_colors(image) for image in images])
        picture = picture.repeat(4, axis=0).repeat(4, axis=1)
        handle = self._drawn.get("Camera")
        if handle is None:
            with self._tab:
                self._drawn["Camera"] = self._server.gui.add_image(picture, label="Camera", format="png")
        else:
            handle.image = picture
