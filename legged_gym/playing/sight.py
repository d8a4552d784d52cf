"""What a policy goes by, in the frames of a video: depth images beside the picture, scandots and goals in it.

Both are drawn on finished frames, so they look the same whichever way the picture was rendered. Dots are not hidden by
what stands in front of them.
"""

from __future__ import annotations

import math
from typing import Any, Mapping, Sequence, Tuple

import numpy as np

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.sim.pictures.camera import FIELD_OF_VIEW, Camera, axes_of_view

Color = Tuple[int, int, int]

SCANDOTS = "scandots"
"""Group of observations whose points are drawn."""

_NEAR = 0.05  # m, what is nearer to the camera is not drawn
_PANEL_SHARE = 0.5  # width of the panel for images, in widths of the picture
_PANEL_MARGIN = 10  # pixels
_PANEL_COLOR = (18, 22, 28)
_DOT_COLOR, _DOT_RIM, _DOT_RADIUS = (255, 196, 84), (60, 40, 10), 3
_GOAL_COLOR, _GOAL_RIM, _GOAL_RADIUS = (60, 200, 100), (10, 50, 20), 7


class PolicySight:
    """Draws what one robot's policy sees on frames of that robot.

    Attributes:
        images: groups of observations that are images.
        has_scandots: whether the policy reads scandots, and not just zeros in their place.
    """

    def __init__(self, env: LeggedRobot, observed: Sequence[str], robot: int) -> None:
        """Find out what there is to draw.

        Args:
            env: the environment.
            observed: groups of observations that the policy reads.
            robot: index of the robot.
        """
        self.images = [group for group in observed if len(env.observation_dims[group]) == 3]
        self.has_scandots = SCANDOTS in observed and any(
            np.any(term["scale"]) for term in env.observation_groups[SCANDOTS].layout()
        )
        self._env, self._robot = env, robot

    def draw(self, frame: np.ndarray, camera: Camera, observations: Mapping[str, Any]) -> np.ndarray:
        """Return a frame (height, width, 3) with dots, and a panel on its right if the policy sees images.

        Goals that are still to be reached are drawn too, whatever the policy sees of them.

        Args:
            frame: (height, width, 3) uint8, the picture; it is not changed.
            camera: what took it.
            observations: by group, each (N, ...): what the policy acts on next.
        """
        if self.has_scandots:
            env: Any = self._env  # a robot of a task with scandots
            points = env.scandots_world()[self._robot].cpu().numpy()
            height, width = frame.shape[:2]
            frame = draw_dots(frame, project(points, camera, width, height))
        goals = self._env.parts.get("commands")
        if isinstance(goals, GoalCommands):
            left = goals.course(self._robot)[int(goals.goals_reached[self._robot]) :].cpu().numpy()
            height, width = frame.shape[:2]
            frame = draw_dots(frame, project(left, camera, width, height), _GOAL_COLOR, _GOAL_RIM, _GOAL_RADIUS)
        if self.images:
            images = [observations[group][self._robot, -1].cpu().numpy() for group in self.images]
            frame = beside(frame, [depth_colors(image) for image in images])
        return frame


def project(points: np.ndarray, camera: Camera, width: int, height: int) -> np.ndarray:
    """Where world points appear in a picture.

    Args:
        points: (n, 3) m.
        camera: with a lookat.
        width: of the picture, pixels.
        height: likewise.

    Returns:
        (n, 2) pixels to the right of and below the upper left corner; NaN for points that are not before the camera.
    """
    forward, right = axes_of_view(camera.azimuth, camera.elevation)
    from_camera = np.asarray(points, dtype=np.float64) - np.asarray(camera.lookat) + camera.distance * forward
    depth = from_camera @ forward
    depth[depth < _NEAR] = np.nan
    focal_length = 0.5 * height / math.tan(0.5 * math.radians(FIELD_OF_VIEW))
    to_right, up = from_camera @ right / depth, from_camera @ np.cross(right, forward) / depth
    return np.stack((0.5 * width + focal_length * to_right, 0.5 * height - focal_length * up), axis=1)


def draw_dots(
    frame: np.ndarray, places: np.ndarray, color: Color = _DOT_COLOR, rim: Color = _DOT_RIM, radius: int = _DOT_RADIUS
) -> np.ndarray:
    """Return a frame with a dot at each of the places (n, 2) of `project` that lie in it."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(frame)
    draw = ImageDraw.Draw(picture)
    height, width = frame.shape[:2]
    for x, y in places.tolist():
        if 0.0 <= x < width and 0.0 <= y < height:  # never of NaN
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color, outline=rim)
    return np.asarray(picture)


def depth_colors(image: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) uint8 for a depth image (H, W) from -0.5, near and bright, to 0.5, far and dark."""
    import matplotlib

    table = (255.0 * matplotlib.colormaps["inferno"](np.linspace(1.0, 0.0, 256))[:, :3]).round().astype(np.uint8)
    return table[(255.0 * np.clip(image + 0.5, 0.0, 1.0)).round().astype(int)]


def beside(frame: np.ndarray, images: Sequence[np.ndarray]) -> np.ndarray:
    """Put a panel with images on the right of a frame.

    Args:
        frame: (height, width, 3) uint8.
        images: each (H, W, 3) uint8; shown one below the other, as many times as large as fits, or shrunk to fit.

    Returns:
        (height, width + panel, 3) uint8; the panel's width is even and the same for all frames of one size.
    """
    height, width = frame.shape[:2]
    panel = np.full((height, 2 * round(0.5 * _PANEL_SHARE * width), 3), _PANEL_COLOR, dtype=np.uint8)
    share = height // len(images)
    for index, image in enumerate(images):
        shown = _fitted(image, share - 2 * _PANEL_MARGIN, panel.shape[1] - 2 * _PANEL_MARGIN)
        top, left = index * share + (share - shown.shape[0]) // 2, (panel.shape[1] - shown.shape[1]) // 2
        panel[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
    return np.concatenate((frame, panel), axis=1)


def _fitted(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image with every pixel as many times as large as fits into a space, or every so many pixels of it."""
    times = min(height // image.shape[0], width // image.shape[1])
    if times >= 1:
        return image.repeat(times, axis=0).repeat(times, axis=1)
    step = max(math.ceil(image.shape[0] / height), math.ceil(image.shape[1] / width))
    return image[::step, ::step]
