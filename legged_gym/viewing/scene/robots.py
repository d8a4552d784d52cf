"""Robots, obstacles and ground on a page: shapes are sent once, after that poses alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from legged_gym.sim.pictures.camera import axes_of_view
from legged_gym.sim.pictures.scenery import OBSTACLE_COLOR, SKY_HORIZON
from legged_gym.sim.simulator import Looks, Shape
from legged_gym.viewing.scene.ground import ground_glb, to_glb

if TYPE_CHECKING:
    from viser import ViserServer

    from legged_gym.terrain import HeightMap

_WXYZ = [6, 3, 4, 5]
_SKY_LIGHT = 1.7
WORLD = "/world"
"""Everything is below this node, which moves so that the robot that is followed stays in the middle of the view."""


class RobotScene:
    """What is drawn of an environment.

    Attributes:
        robot: index of the robot that is followed.
        follow: whether the view goes along with it.
    """

    def __init__(
        self,
        server: ViserServer,
        looks: Looks,
        height_map: Optional[HeightMap],
        view: Any,
        on_click: Callable[[int], None],
    ) -> None:
        """Send the ground.

        Args:
            server: of the page.
            looks: of the robots.
            height_map: their ground; None for a plane.
            view: where visitors look from: `distance`, `azimuth`, `elevation`.
            on_click: is told the index of a robot that was clicked, in a thread of the server.
        """
        self._server, self._on_click = server, on_click
        self.robot, self.follow = 0, True
        self._shown: List[int] = []
        self._looks = looks
        self._obstacles: List[Any] = []
        self._robots: Dict[int, List[Any]] = {}  # the nodes of its parts
        self._meshes: Dict[int, Optional[bytes]] = {}
        scene = server.scene
        scene.set_up_direction("+z")
        scene.configure_fog(15.0, 45.0, color=rgb(SKY_HORIZON))
        sky = np.full((2, 2, 3), rgb(SKY_HORIZON), dtype=np.uint8)
        scene.set_background_image(sky)
        # light from above and below in place of viser's photograph of a hall, which takes seconds without a GPU
        scene.configure_environment_map(None)
        scene.add_light_hemisphere("/sky", sky_color=rgb(SKY_HORIZON), intensity=_SKY_LIGHT)
        self._world = scene.add_frame(WORLD, show_axes=False)
        scene.add_glb(f"{WORLD}/ground", ground_glb(height_map), cast_shadow=False)
        server.initial_camera.look_at = np.zeros(3)
        server.initial_camera.position = -1.3 * view.distance * axes_of_view(view.azimuth, view.elevation)[0]
        server.initial_camera.fov = np.radians(45.0)
        self._add_obstacles()

    def show(self, robots: Sequence[int]) -> None:
        """Choose which robots are drawn."""
        for robot in set(self._shown) - set(robots):
            self._robots.pop(robot)[0].remove()  # with all that hangs on it
        self._shown = list(robots)
        for robot in set(robots) - set(self._robots):
            self._robots[robot] = self._add_robot(robot)
        self.update()

    def update(self) -> None:
        """Send where everything is now."""
        with self._server.atomic():
            for robot in self._shown:
                poses = self._looks.poses(robot)
                if robot == self.robot and self.follow:
                    self._world.position = -poses[0, :3]
                # relative to what a part hangs on, most positions stay, and only angles have to be sent
                for node, pose in zip(self._robots[robot], relative_poses(poses, self._looks.parents).tolist()):
                    node.position, node.wxyz = pose[:3], (pose[6], *pose[3:6])
            self._place_obstacles()

    def _add_robot(self, robot: int) -> List[Any]:
        """Nodes of the parts, each below that of its parent."""
        scene = self._server.scene
        nodes: List[Any] = []
        paths: List[str] = []
        for part, (name, parent) in enumerate(zip(self._looks.parts, self._looks.parents)):
            paths.append(f"{WORLD}/robot_{robot}/{name}" if parent < 0 else f"{paths[parent]}/{name}")
            if part not in self._meshes:
                shapes = [shape for shape in self._looks.shapes if shape.part == part]
                self._meshes[part] = to_glb(painted(shapes)) if shapes else None
            glb = self._meshes[part]
            if glb is None:
                nodes.append(scene.add_frame(paths[part], show_axes=False))
            else:
                node = scene.add_glb(paths[part], glb)
                node.on_click(lambda _: self._on_click(robot))
                nodes.append(node)
        return nodes

    def places(self, robot: int, names: Sequence[str]) -> np.ndarray:
        """Where bodies of a robot are, (n, 3) m."""
        poses: np.ndarray = self._looks.poses(robot)[[self._looks.parts.index(name) for name in names], :3]
        return poses

    def snapshot(self, robot: int) -> Any:
        """What a picture of a robot as it is now needs, see `Looks.picture`."""
        return self._looks.snapshot(robot)

    def _add_obstacles(self) -> None:
        color = rgb(OBSTACLE_COLOR)
        for index, kind in enumerate(self._looks.obstacles):
            name = f"{WORLD}/obstacle_{index}"
            if kind == "box":
                self._obstacles.append(self._server.scene.add_box(name, color, (2.0, 2.0, 2.0)))
            else:
                self._obstacles.append(self._server.scene.add_cylinder(name, 1.0, 2.0, color=color))

    def _place_obstacles(self) -> None:
        if not self._obstacles:
            return
        poses, half_sizes = self._looks.obstacle_poses(self.robot)
        for handle, pose, size in zip(self._obstacles, poses, half_sizes):
            handle.visible = bool((size > 0).all())
            if handle.visible:
                handle.position, handle.wxyz, handle.scale = pose[:3], pose[_WXYZ], tuple(size.tolist())


def relative_poses(poses: np.ndarray, parents: Sequence[int]) -> np.ndarray:
    """Poses (P, 7) in the frames of the parents, rounded to what can be seen; those of parts without one stay."""
    position, quat = poses[:, :3], poses[:, 3:]
    base = np.where(np.array(parents)[:, None] < 0, np.array([0.0, 0, 0, 0, 0, 0, 1]), poses[parents])
    vector, w = -base[:, 3:6], base[:, 6:]  # the inverse rotation
    offset = position - base[:, :3]
    turned = offset + 2.0 * np.cross(vector, np.cross(vector, offset) + w * offset)
    dot = np.sum(vector * quat[:, :3], axis=1, keepdims=True)
    imaginary = w * quat[:, :3] + quat[:, 3:] * vector + np.cross(vector, quat[:, :3])
    relative: np.ndarray = np.concatenate((turned, imaginary, w * quat[:, 3:] - dot), axis=1).round(5)
    return relative


def painted(shapes: Sequence[Shape]) -> Any:
    """One mesh of several shapes, each with its colour."""
    import trimesh

    meshes = []
    for shape in shapes:
        # every triangle has vertices of its own, so that flat faces have sharp edges
        vertices, faces = shape.vertices[shape.faces.reshape(-1)], np.arange(shape.faces.size).reshape(-1, 3)
        colors = np.tile([*rgb(shape.color), 255], (len(vertices), 1)).astype(np.uint8)
        meshes.append(trimesh.Trimesh(vertices, faces, vertex_colors=colors, process=False))
    return trimesh.util.concatenate(meshes)


def rgb(color: Sequence[float]) -> Tuple[int, int, int]:
    """A colour from 0 .. 1 as 0 .. 255."""
    red, green, blue = (round(255 * part) for part in color)
    return red, green, blue
