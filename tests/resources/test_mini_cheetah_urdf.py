"""The Mini Cheetah's model as physics gets it, against the published constants of the robot."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest

from legged_gym.envs.mini_cheetah.mini_cheetah_config import MiniCheetahCfg
from legged_gym.sim.model import RobotModel
from tests.sim.worlds import build

# leg -> (forward, left) signs, in the order of joints and feet
LEGS = {"rf": (1, -1), "lf": (1, 1), "rh": (-1, -1), "lh": (-1, 1)}
MASSES = {"base": 3.3, "hip": 0.54, "thigh": 0.634, "shank": 0.064, "foot": 0.01}
THIGH, SHANK, FOOT_RADIUS = 0.2085, 0.196, 0.0202


@pytest.fixture(scope="module")
def robot() -> RobotModel:
    return build(MiniCheetahCfg())


def part_of(body: str) -> str:
    return body.split("_")[-1]


def test_names_and_their_order(robot):
    assert robot.dof_names == [f"{leg}_{joint}" for leg in LEGS for joint in ("haa", "hfe", "kfe")]
    parts = [f"{leg}_{part}" for leg in LEGS for part in ("hip", "thigh", "shank", "foot")]
    assert robot.body_names == ["base", *parts], "feet are bodies of their own"


def test_masses(robot):
    for name, body in zip(robot.body_names, robot.body_ids):
        assert robot.model.body_mass[body] == pytest.approx(MASSES[part_of(name)], abs=1e-9)
    assert robot.model.body_mass.sum() == pytest.approx(8.292, abs=1e-9)


def test_centres_of_mass(robot):
    for leg, (x, y) in LEGS.items():
        expected = {
            "hip": (x * 0.055, y * 0.036, 0), "thigh": (0, y * 0.016, -0.02), "shank": (0, 0, -0.061), "foot": (0, 0, 0)
        }  # fmt: skip
        for part, place in expected.items():
            np.testing.assert_allclose(robot.model.body(f"{leg}_{part}").ipos, place, atol=1e-9)
    np.testing.assert_allclose(robot.model.body("base").ipos, 0, atol=1e-9)


def inertia(model: mujoco.MjModel, name: str) -> np.ndarray:
    """(3, 3) about the centre of mass, in the axes of the body."""
    body = model.body(name)
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, body.iquat)
    axes = axes.reshape(3, 3)
    return axes @ np.diag(body.inertia) @ axes.T


def symmetric(xx, yy, zz, xy=0.0, xz=0.0, yz=0.0) -> np.ndarray:
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def test_inertias(robot):
    """The published ones, but for two that no rigid body can have: base yy (0.362030) and thigh xy (2.45e-4)."""
    ball = 0.4 * 0.01 * FOOT_RADIUS**2
    np.testing.assert_allclose(inertia(robot.model, "base"), symmetric(0.011253, 0.036203, 0.042673), atol=1e-9)
    for leg, (x, y) in LEGS.items():
        expected = {
            "hip": symmetric(3.81e-4, 5.60e-4, 4.44e-4, xy=x * y * 5.8e-5),
            "thigh": symmetric(1.983e-3, 2.103e-3, 4.08e-4, xy=y * 1.9e-4, xz=1.3e-5, yz=y * 1.5e-6),
            "shank": symmetric(2.45e-4, 2.48e-4, 6e-6),
            "foot": symmetric(ball, ball, ball),
        }
        for part, matrix in expected.items():
            np.testing.assert_allclose(inertia(robot.model, f"{leg}_{part}"), matrix, atol=1e-9)


def test_inertias_are_those_of_rigid_bodies(robot):
    moments = robot.model.body_inertia[robot.body_ids]
    assert (moments > 0).all()
    assert (moments.sum(axis=1) - 2 * moments.max(axis=1) >= 0).all(), "triangle inequality"


def test_joints(robot):
    """Axes, ranges, and what motors can do; rotors of 63e-6 kg m^2 behind gears of 6, 6 and 9.33."""
    model = robot.model
    expected = {
        "haa": ((1, 0, 0), (-1.5, 1.5), 18.0, 41.0, 63e-6 * 6**2),
        "hfe": ((0, -1, 0), (-2.6, 2.6), 18.0, 41.0, 63e-6 * 6**2),
        "kfe": ((0, -1, 0), (0.12, 2.7), 28.0, 26.8, 63e-6 * 9.33**2),
    }
    for i, name in enumerate(robot.dof_names):
        axis, limits, torque, speed, rotor = expected[part_of(name)]
        joint = model.joint(name)
        np.testing.assert_allclose(joint.axis, axis, atol=1e-12)
        np.testing.assert_allclose(robot.dof_pos_limits[i], limits)
        assert (robot.torque_limits[i], robot.dof_vel_limits[i]) == (torque, speed)
        assert joint.armature[0] == pytest.approx(rotor, abs=1e-6)
        assert joint.damping[0] == 0.01
        np.testing.assert_allclose(model.actuator(name).forcerange, (-torque, torque))


def test_collision_shapes(robot):
    """Shape, size (MuJoCo's half lengths) and place of every shape that collides; hips have none."""
    model = robot.model
    box, cylinder, sphere = (getattr(mujoco.mjtGeom, f"mjGEOM_{name}") for name in ("BOX", "CYLINDER", "SPHERE"))
    found = {}
    for geom in robot.robot_geoms:
        name = model.body(model.geom_bodyid[geom]).name
        assert name not in found
        found[name] = (model.geom_type[geom], model.geom_size[geom], model.geom_pos[geom])
    expected = {"base": (box, (0.15, 0.1, 0.05), (0, 0, 0.01))}
    for leg, (_, y) in LEGS.items():
        expected[f"{leg}_thigh"] = (cylinder, (0.015, 0.085, 0), (0, y * 0.05, -0.092))
        expected[f"{leg}_shank"] = (cylinder, (0.01, 0.05, 0), (0, 0, -0.1))
        expected[f"{leg}_foot"] = (sphere, (FOOT_RADIUS, 0, 0), (0, 0, 0))
    assert set(found) == set(expected)
    for name, (kind, size, place) in expected.items():
        assert found[name][0] == kind
        np.testing.assert_allclose(found[name][1], size, atol=1e-12)
        np.testing.assert_allclose(found[name][2], place, atol=1e-12)


def places(robot: RobotModel, angles: np.ndarray) -> mujoco.MjData:
    data = mujoco.MjData(robot.model)
    data.qpos[:7] = (0, 0, 0, 1, 0, 0, 0)
    data.qpos[robot.qpos_ids] = angles
    mujoco.mj_kinematics(robot.model, data)
    return data


def test_frames_with_straight_legs(robot):
    data = places(robot, np.zeros(12))
    for leg, (x, y) in LEGS.items():
        for part, place in {
            "hip": (x * 0.14775, y * 0.049, 0),
            "thigh": (x * 0.20275, y * 0.068, 0),
            "shank": (x * 0.20275, y * 0.117, -THIGH),
            "foot": (x * 0.20275, y * 0.117, -THIGH - SHANK),
        }.items():
            np.testing.assert_allclose(data.body(f"{leg}_{part}").xpos, place, atol=1e-12)


def test_feet_of_the_default_pose(robot):
    """Thigh and shank are a two-link arm; a positive angle about -y swings what hangs forward."""
    pose = MiniCheetahCfg().init_state.default_joint_angles
    data = places(robot, np.array([pose[name] for name in robot.dof_names]))
    hip, knee = -0.785398, 1.596976
    forward = THIGH * math.sin(hip) + SHANK * math.sin(hip + knee)
    down = THIGH * math.cos(hip) + SHANK * math.cos(hip + knee)
    assert forward == pytest.approx(-0.005, abs=5e-4)
    assert down + FOOT_RADIUS == pytest.approx(0.3025, abs=5e-5)
    for leg, (x, y) in LEGS.items():
        np.testing.assert_allclose(data.body(f"{leg}_foot").xpos, (x * 0.20275 + forward, y * 0.117, -down), atol=1e-12)


def test_a_turned_hip_swings_the_leg_sideways(robot):
    """A haa joint turns about +x: a hanging leg goes to +y, on every side of the robot."""
    angle = 0.4
    data = places(robot, np.tile([angle, 0.0, 0.0], 4))
    for leg, (x, y) in LEGS.items():
        out, down = y * (0.117 - 0.049), THIGH + SHANK
        side = y * 0.049 + out * math.cos(angle) + down * math.sin(angle)
        height = out * math.sin(angle) - down * math.cos(angle)
        np.testing.assert_allclose(data.body(f"{leg}_foot").xpos, (x * 0.20275, side, height), atol=1e-12)
