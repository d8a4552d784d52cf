"""Observation terms, each a function of the robot and of what the description says of the term.

They are the field's names in `_obs_<name>` of the environments, written anew from the descriptions' words.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

import mujoco
import numpy as np

from legged_gym.sim2sim.model import GROUND_GROUP
from legged_gym.sim2sim.motion import Reference, heading
from legged_gym.sim2sim.robot import Robot, Term

_TOUCH, _FIRM_TOUCH = 1.0, 2.0  # N

Entry = Mapping[str, Any]


def base_lin_vel(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    return robot.velocity


def base_ang_vel(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    return robot.angular_velocity


def projected_gravity(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    return np.asarray(robot.rotation.T @ [0.0, 0.0, -1.0])


def base_height(robot: Robot, term: Entry) -> List[float]:  # noqa: D103
    x, y, z = robot.position
    return [z - float(robot.ground.height(x, y))]


def commands(robot: Robot, term: Entry) -> List[float]:
    """As told; the yaw rate turns to the heading where one is told."""
    rule, values = robot.description["commands"]["heading"], dict(robot.command)
    if rule is not None and "heading" in values:
        forward = robot.rotation[:, 0]
        error = (values["heading"] - np.arctan2(forward[1], forward[0]) + np.pi) % (2.0 * np.pi) - np.pi
        values["ang_vel_yaw"] = float(np.clip(rule["gain"] * error, -rule["limit"], rule["limit"]))
    return [values[name] for name in term["names"]]


def dof_pos(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    return np.asarray(robot.joint_angles - robot.default)


def dof_vel(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    return robot.joint_velocities


def actions(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    return robot.actions[-1]


def dof_pos_history(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    none = [np.zeros_like(robot.default)] * term["length"]
    newest = [*none, *robot.actions[1:]][::-1][: term["length"]]
    return np.asarray(robot.description["actions"]["scale"] * np.concatenate(newest))


def phase(robot: Robot, term: Entry) -> List[float]:  # noqa: D103
    angle = 2.0 * np.pi * term["frequency"] * robot.time
    return [np.sin(angle), np.cos(angle)]


def feet_contact(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    return np.asarray(robot.foot_forces[:, 2] > _TOUCH)


def height_command(robot: Robot, term: Entry) -> List[float]:
    """As told, or the middle of the range."""
    low, high = robot.description["commands"]["ranges"]["height"]
    return [robot.command.get("height", 0.5 * (low + high))]


def roll_pitch(robot: Robot, term: Entry) -> List[float]:  # noqa: D103
    x, y, z = projected_gravity(robot, term)
    return [np.arctan2(-y, -z), np.arcsin(np.clip(x, -1.0, 1.0))]


def yaw_errors(robot: Robot, term: Entry) -> List[float]:
    """0, and the turns to this and the next goal; 0 where there is none."""
    if not len(robot.course.tile.goals):
        return [0.0, 0.0, 0.0]
    yaw, errors = heading(robot.data.qpos[3:7]), [0.0]
    for ahead in (0, 1):
        away = robot.course.goal(ahead) - robot.position
        errors.append(float((np.arctan2(away[1], away[0]) - yaw + np.pi) % (2.0 * np.pi) - np.pi))
    return errors


def hurdles(robot: Robot, term: Entry) -> np.ndarray:
    """Their heights, then whether each is to be crawled under; -1 for none."""
    values, bars = np.full((2, term["size"] // 2), -1.0), robot.course.tile.hurdles[:, 2]
    values[:, : len(bars)] = np.minimum(bars / term["height_scale"], 1.0), bars > term["crawl_above"]
    return values.ravel()


def nearest(robot: Robot, term: Entry) -> List[float]:
    """1 for flat, jump or crawl, else 0; how far ahead the nearest hurdle is, and its height."""
    yaw, bars = heading(robot.data.qpos[3:7]), robot.course.tile.hurdles
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y = (bars[:, :2] - robot.position[:2]).T
    forward, aside = cos * x + sin * y, cos * y - sin * x
    counts = (np.abs(aside) <= term["lane_half_width"]) & (forward > -term["back_sense"])
    near = np.flatnonzero(counts & (np.abs(forward) < term["detection_range"]))
    if not len(near):
        return [1.0, 0.0, 0.0, 1.0, 0.0]
    first = near[np.abs(forward[near]).argmin()]
    crawl = float(bars[first, 2] > term["crawl_above"])
    return [0.0, 1.0 - crawl, crawl, forward[first] / term["detection_range"], bars[first, 2] / term["height_scale"]]


def forward_command(robot: Robot, term: Entry) -> List[float]:  # noqa: D103
    return [0.0, 0.0, robot.command["lin_vel_x"]]


def ground_class(robot: Robot, term: Entry) -> List[float]:
    """1, 0 where there is something to climb or jump over."""
    flat = robot.ground.heights is None or "flat" in robot.course.tile.name
    return [0.0, 1.0] if flat else [1.0, 0.0]


def feet_touch(robot: Robot, term: Entry) -> np.ndarray:
    """0.5 for feet that touch something now or did a step ago."""
    touches = robot.memory.setdefault("touches", [])
    if len(touches) <= robot.steps:
        touches.append(np.linalg.norm(robot.foot_forces, axis=1) > _FIRM_TOUCH)
    return np.asarray(np.any(touches[-2:], axis=0) - 0.5)


def past_proprioception(robot: Robot, term: Entry) -> np.ndarray:
    """What proprioception was a step ago; at the start what it is."""
    frames = robot.memory.setdefault("proprioception", [])
    if len(frames) <= robot.steps:
        parts = (
            0.25 * base_ang_vel(robot, term), roll_pitch(robot, term), np.zeros(3), forward_command(robot, term),
            ground_class(robot, term), dof_pos(robot, term), 0.05 * dof_vel(robot, term), actions(robot, term),
            feet_touch(robot, term),
        )  # fmt: skip
        frames.append(np.concatenate([np.asarray(part) for part in parts]))
    return np.asarray(frames[-2:][0])


def explicit(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    return np.concatenate((robot.velocity, np.zeros(6)))


def latent(robot: Robot, term: Entry) -> np.ndarray:
    """Of a robot as in its file: no added mass, no shift of the centre of mass, friction 1, gains as they are."""
    values = np.zeros(term["size"])
    values[4] = 1.0
    return values


def nothing(robot: Robot, term: Entry) -> np.ndarray:
    """0: no jump is told, and the robot is as in its file."""
    return np.zeros(term["size"] // term.get("history", 1))


def heights(robot: Robot, term: Entry) -> np.ndarray:
    """Of the points of a scan, the outer loop along x."""
    x, y, z = robot.position
    yaw = 2.0 * np.arctan2(robot.data.qpos[6], robot.data.qpos[3])
    cos, sin = np.cos(yaw), np.sin(yaw)
    points_x, points_y = np.meshgrid(term["points_x"], term["points_y"], indexing="ij")
    ground = robot.ground.height(x + cos * points_x - sin * points_y, y + sin * points_x + cos * points_y)
    return np.asarray(z - term["base_height"] - ground)


def torso_real(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    own = base_ang_vel(robot, term), projected_gravity(robot, term), dof_pos(robot, term), dof_vel(robot, term)
    return np.concatenate((*own, robot.actions[-1]))


def torso_xy_rel(robot: Robot, term: Entry) -> List[float]:
    """From the robot's torso to the clip's, forward and to the left."""
    clip, yaw = _clip(robot), heading(robot.data.xquat[_clip(robot).torso])
    x, y, _ = clip.at(robot.steps).xpos[clip.torso] - robot.data.xpos[clip.torso]
    return [np.cos(yaw) * x + np.sin(yaw) * y, np.cos(yaw) * y - np.sin(yaw) * x]


def torso_yaw_rel(robot: Robot, term: Entry) -> List[float]:  # noqa: D103
    clip = _clip(robot)
    turn = heading(clip.at(robot.steps).xquat[clip.torso]) - heading(robot.data.xquat[clip.torso])
    return [(turn + np.pi) % (2.0 * np.pi) - np.pi]


def target_joints(robot: Robot, term: Entry) -> np.ndarray:  # noqa: D103
    clip = _clip(robot)
    return np.asarray(clip.joints[clip.last(robot.steps)] - robot.default)


def upper_body_joint_targets(robot: Robot, term: Entry) -> np.ndarray:
    """The last joints, which are those above the legs."""
    return target_joints(robot, term)[-term["size"] :]


def target_root_roll(robot: Robot, term: Entry) -> List[float]:  # noqa: D103
    w, x, y, z = _root_quat(robot)
    return [np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))]


def target_root_pitch(robot: Robot, term: Entry) -> List[float]:  # noqa: D103
    w, x, y, z = _root_quat(robot)
    return [np.arcsin(np.clip(2.0 * (w * y - z * x), -1.0, 1.0))]


def terrain_height(robot: Robot, term: Entry) -> np.ndarray:
    """How far the ground is below a grid around the torso, from right to left the outer loop."""
    steps, torso = np.linspace(-0.5, 0.5, round(term["size"] ** 0.5)), _clip(robot).torso
    to_left, forward = np.meshgrid(steps, steps, indexing="ij")
    (x, y, z), yaw = robot.data.xpos[torso], heading(robot.data.xquat[torso])
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.asarray(z - robot.ground.height(x + cos * forward - sin * to_left, y + sin * forward + cos * to_left))


def _clip(robot: Robot) -> Reference:
    assert robot.reference is not None, "policies that see a clip have one"
    return robot.reference


def _root_quat(robot: Robot) -> np.ndarray:
    clip = _clip(robot)
    return np.asarray(clip.qpos[clip.last(robot.steps), 3:7])


def depth(robot: Robot, term: Entry) -> np.ndarray:
    """The image that has arrived of the depth camera."""
    if "depth" not in robot.memory:
        robot.memory["depth"] = DepthCamera(term["camera"])
    return np.asarray(robot.memory["depth"].update(robot))


class DepthCamera:
    """Frames that are taken now and then and seen some time later."""

    def __init__(self, settings: Entry) -> None:
        """Lay out the rays; `settings` are those of the description."""
        self._settings = settings
        top, bottom, left, right = settings["crop"]
        rows, columns = settings["image_shape"]
        width, height = settings["width"], settings["height"]
        focal = 0.5 * width / np.tan(0.5 * np.radians(settings["horizontal_fov"]))
        down = top + (np.arange(rows) + 0.5) * (height - top - bottom) / rows
        across = left + (np.arange(columns) + 0.5) * (width - left - right) / columns
        up, to_left = np.meshgrid((0.5 * height - down) / focal, (0.5 * width - across) / focal, indexing="ij")
        # of length 1 along the optical axis, so that distances in these units are depths
        rays = np.stack((np.ones(up.size), to_left.ravel(), up.ravel()), axis=1)
        pitch = np.radians(settings["pitch"])
        self._rays = rays @ np.array([[np.cos(pitch), 0, -np.sin(pitch)], [0, 1, 0], [np.sin(pitch), 0, np.cos(pitch)]])
        self._due: float = settings["period"]
        self._under_way: List[Tuple[float, np.ndarray]] = []  # when they arrive
        self._frames: List[np.ndarray] = []  # of the image, oldest first

    def update(self, robot: Robot) -> np.ndarray:
        """The image that is seen now, (frames, H * W)."""
        soon = robot.time + 1e-6
        if not self._frames:
            self._frames = [self._take(robot)] * self._settings.get("frames", 1)
        if self._due <= soon:
            self._under_way.append((robot.time + self._settings["latency"], self._take(robot)))
            self._due += self._settings["period"]
        arrived = [frame for when, frame in self._under_way if when <= soon]
        self._under_way = self._under_way[len(arrived) :]
        self._frames = [*self._frames, *arrived[-1:]][-len(self._frames) :]
        return np.stack(self._frames)

    def _take(self, robot: Robot) -> np.ndarray:
        settings, position, turn = self._settings, robot.position, robot.rotation
        if settings.get("body"):
            body = robot.data.body(settings["body"])
            position, turn = body.xpos, body.xmat.reshape(3, 3)
        place, rays = position + turn @ settings["position"], self._rays @ turn.T
        distance = robot.ground.cast(place, rays, settings["far"])
        if settings["sees_robot"]:
            distance = np.minimum(distance, _to_robot(robot, place, rays))
        near, far = settings["near"], settings["far"]
        return np.asarray((np.clip(distance, near, far) - near) / (far - near) - 0.5)


def _to_robot(robot: Robot, place: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """How many times each ray leads to the robot, infinity for a miss."""
    groups = np.ones(mujoco.mjNGROUP, np.uint8)
    groups[GROUND_GROUP] = 0
    count = len(rays)
    hit, distance = np.zeros(count, np.int32), np.zeros(count)
    mujoco.mj_multiRay(
        robot.model, robot.data, place, rays.ravel(), groups, 1, -1, hit, distance, None, count, mujoco.mjMAXVAL
    )
    return np.where(distance < 0, np.inf, distance)


_NOMINAL = ("friction", "added_mass", "com_displacement", "motor_strength", "gain_factors")

TERMS: Dict[str, Term] = {
    **{
        term.__name__: term
        for term in (
            base_lin_vel, base_ang_vel, projected_gravity, base_height, commands, dof_pos, dof_vel, actions,
            dof_pos_history, phase, feet_contact, height_command, heights, depth, roll_pitch, yaw_errors, hurdles,
            nearest, forward_command, ground_class, feet_touch, past_proprioception, explicit, latent, torso_real,
            torso_xy_rel, torso_yaw_rel, target_joints, upper_body_joint_targets, target_root_roll, target_root_pitch,
            terrain_height,
        )
    },
    "terrain_height_noisy": terrain_height,
    **dict.fromkeys(("scandots", "scan"), heights),
    **dict.fromkeys(("jump_command", "jump_counter", *_NOMINAL), nothing),
}  # fmt: skip
"""By name."""
