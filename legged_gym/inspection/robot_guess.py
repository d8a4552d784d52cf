"""A config for a robot of which only the file is known: feet, sides, a pose that may stand, gains by its weight."""

from __future__ import annotations

import contextlib
import io
from typing import Any, List

import mujoco
import numpy as np

from legged_gym.envs import variants
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.world import sim_spec
from legged_gym.envs.terms.mirror import partners
from legged_gym.sim.model import RobotModel, bodies_in_pose, build_model
from legged_gym.sim.robot.robot_feet import notes_on_feet
from legged_gym.sim.robot.robot_file import load_robot
from legged_gym.sim.robot.robot_parts import all_bodies

# parts of names that feet and sides often have
_FEET = ("foot", "Foot", "FOOT", "toe", "ankle_roll", "ankle", "sole", "wheel")
_SIDES = (
    ["left", "right"], ["Left", "Right"], ["LEFT", "RIGHT"], ["LF", "RF"], ["LH", "RH"], ["lf_", "rf_"], ["lh_", "rh_"],
    ["FL", "FR"], ["RL", "RR"], ["L_", "R_"], ["l_", "r_"],
)  # fmt: skip
# rad, how far joints of a leg that carries its share of the weight with half of its length as lever may give way
_SAG = 0.1
_GRAVITY = 9.81


def quiet_config(cfg: LeggedRobotCfg, file: str) -> None:
    """One robot on a plane without anything random."""
    cfg.env.num_envs = cfg.sim.num_threads = 1
    cfg.asset.file = file or cfg.asset.file
    cfg.terrain.mesh_type, cfg.terrain.curriculum = "plane", False
    cfg.init_state.dof_pos_factor, cfg.init_state.max_random_vel = [1.0, 1.0], 0.0
    cfg.control.action_delay = [0, 0]
    variants.without_noise(cfg)
    variants.with_equal_robots(cfg)


def guess_config(file: str, foot_name: str) -> LeggedRobotCfg:
    """A config for a robot file.

    Args:
        file: URDF or MJCF.
        foot_name: part of the names of feet; '' for a guess.

    Raises:
        UserError: there is no robot in the file, or none that can be.
    """
    cfg = LeggedRobotCfg()
    quiet_config(cfg, file)
    cfg.terrain.measure_heights, cfg.observations.policy.heights = False, None
    cfg.sim.mujoco.integrator = "implicitfast"  # nothing is known of the rotors, so damping may be much for a joint
    cfg.control.stiffness, cfg.control.damping = {"": 1.0}, {"": 0.0}
    cfg.asset.foot_name = foot_name or _guess_feet(file)
    with contextlib.redirect_stdout(io.StringIO()):  # the notes come once more, with the environment
        robot = build_model(sim_spec(cfg))
    names = robot.dof_names
    cfg.asset.left_right = [pair for pair in _SIDES if partners(names, [pair]) != list(range(len(names)))]
    feet = [i for i, name in enumerate(robot.body_names) if cfg.asset.foot_name in name]
    pose = _guess_pose(robot, feet)
    cfg.init_state.default_joint_angles = dict(zip(names, [round(float(angle), 4) + 0.0 for angle in pose]))
    lowest, negated = _lowest_point(robot, pose), _negated(robot, pose, partners(names, cfg.asset.left_right))
    cfg.init_state.pos = [0.0, 0.0, round(0.005 - lowest, 3)]
    cfg.asset.mirror_negates = [name for name, negates in zip(names, negated) if negates]
    lever = 0.5 * -lowest
    stiffness = max(1.0, robot.model.body_mass.sum() * _GRAVITY / max(1, len(feet)) * lever / _SAG)
    stiffness = float(f"{stiffness:.2g}")
    cfg.control.stiffness, cfg.control.damping = {"": stiffness}, {"": float(f"{0.03 * stiffness:.2g}")}
    return cfg


def _guess_feet(file: str) -> str:
    for part in _FEET:
        root = load_robot(file, part).root
        if any(part in str(body.name) for body in all_bodies(root)) and not notes_on_feet(root, part):
            return part
    return "None"


def _guess_pose(robot: RobotModel, feet: List[int]) -> np.ndarray:
    """Angles (D,): zero where the range allows it, else its middle; then feet back to under where zero has them."""
    low, high = robot.dof_pos_limits.T
    middle = np.where(np.isfinite(low + high), 0.5 * (low + high), np.clip(0.0, low, high))
    start = np.where((low <= 0.0) & (high >= 0.0), 0.0, middle)
    pose, step = start.copy(), 1e-4

    def errors(poses: np.ndarray) -> np.ndarray:
        away = bodies_in_pose(robot, poses)[:, feet, :2] - target
        return np.concatenate((away.reshape(len(poses), -1), 0.01 * (poses - start)), axis=1)

    target = bodies_in_pose(robot, np.zeros((1, len(pose))))[0, feet, :2]
    for _ in range(50):  # Gauss-Newton, in steps that joints can follow
        values = errors(np.concatenate((pose[None], pose + step * np.eye(len(pose)))))
        slopes = (values[1:] - values[0]).T / step
        change = np.linalg.lstsq(slopes, -values[0], rcond=None)[0]
        pose = np.clip(pose + np.clip(change, -0.2, 0.2), low, high)
    return np.clip(np.round(pose, 4), low, high) + 0.0  # no -0


def _posed(robot: RobotModel, pose: np.ndarray) -> Any:
    """MjData of the robot with its root upright in the origin."""
    data = mujoco.MjData(robot.model)
    data.qpos[:7] = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    data.qpos[robot.qpos_ids] = pose
    mujoco.mj_kinematics(robot.model, data)
    return data


def _lowest_point(robot: RobotModel, pose: np.ndarray) -> float:
    """Height of the lowest point of its collision shapes above its root, m."""
    data, geoms = _posed(robot, pose), robot.robot_geoms
    turns = data.geom_xmat[geoms].reshape(-1, 3, 3)
    boxes = robot.model.geom_aabb[geoms]
    middle = data.geom_xpos[geoms, 2] + np.einsum("gj,gj->g", turns[:, 2], boxes[:, :3])
    return float((middle - np.einsum("gj,gj->g", np.abs(turns[:, 2]), boxes[:, 3:])).min())


def _negated(robot: RobotModel, pose: np.ndarray, index: List[int]) -> np.ndarray:
    """Whether each joint's angle changes sign in a mirror, (D,) bool, by the axes of it and its partner."""
    data, model = _posed(robot, pose), robot.model
    joints = [model.joint(name).id for name in robot.dof_names]
    axes, slides = data.xaxis[joints], model.jnt_type[joints] == int(mujoco.mjtJoint.mjJNT_SLIDE)
    # a mirror at the xz plane turns the y of a direction round, and x and z of an axis of rotation
    mirrored = np.where(slides[:, None], axes * [1.0, -1.0, 1.0], axes * [-1.0, 1.0, -1.0])
    return np.asarray((mirrored * axes[index]).sum(1) < 0.0)
