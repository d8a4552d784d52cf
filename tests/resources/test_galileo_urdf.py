"""Galileo's model as physics gets it, against the published numbers of the robot, and how it stands."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.sim.model import RobotModel
from tests.sim.worlds import LEGGED_GYM_ROOT_DIR, base_cfg, build, everyone, make, root_states

# leg -> (forward, left) signs, in the order of joints and feet
LEGS = {"FL": (1, 1), "FR": (1, -1), "RL": (-1, 1), "RR": (-1, -1)}
MASSES = {"base_link": 25.268, "hip": 1.874, "thigh": 2.930, "calf": 0.303, "foot": 0.0002}
INERTIAS = {
    "base_link": (0.1669, 0.8445, 0.9117),
    "hip": (0.00214, 0.00346, 0.00232),
    "thigh": (0.02650, 0.02323, 0.00801),
    "calf": (0.00853, 0.00858, 0.000094),
}
THIGH, CALF, FOOT_RADIUS = 0.2600, 0.2615, 0.026
POSE = np.tile([0.0, 0.8, -1.5], 4)
STANDING = 0.407


def galileo_cfg():
    cfg = base_cfg()
    cfg.asset.file = f"{LEGGED_GYM_ROOT_DIR}/resources/robots/galileo/urdf/galileo.urdf"
    cfg.asset.foot_name, cfg.asset.self_collisions, cfg.asset.armature = "foot", 1, 0.02
    return cfg


@pytest.fixture(scope="module")
def robot() -> RobotModel:
    return build(galileo_cfg())


def part_of(body: str) -> str:
    return body.split("_")[1] if body[:2] in LEGS else body


def posed(robot: RobotModel, angles: np.ndarray, height: float) -> mujoco.MjData:
    data = mujoco.MjData(robot.model)
    data.qpos[:7] = (0, 0, height, 1, 0, 0, 0)
    data.qpos[robot.qpos_ids] = angles
    mujoco.mj_kinematics(robot.model, data)
    return data


def test_names_and_their_order(robot):
    assert robot.dof_names == [f"{leg}_{part}_joint" for leg in LEGS for part in ("hip", "thigh", "calf")]
    parts = [f"{leg}_{part}" for leg in LEGS for part in ("hip", "thigh", "calf", "foot")]
    assert robot.body_names == ["base_link", *parts], "feet are bodies of their own"


def test_masses_and_inertias(robot):
    for name, body in zip(robot.body_names, robot.body_ids):
        assert robot.model.body_mass[body] == pytest.approx(MASSES[part_of(name)], abs=1e-9)
        if part_of(name) != "foot":
            moments = sorted(INERTIAS[part_of(name)])
            np.testing.assert_allclose(sorted(robot.model.body_inertia[body]), moments, rtol=1e-9)
    assert robot.model.body_mass.sum() == pytest.approx(45.70, abs=0.005)


def test_centres_of_mass(robot):
    np.testing.assert_allclose(robot.model.body("base_link").ipos, (-0.0017, -0.0046, 0.0032), atol=1e-9)
    for leg, (_, y) in LEGS.items():
        expected = {
            "hip": (-0.00215, y * 0.00632, 0),
            "thigh": (-0.00348, -y * 0.03213, -0.03189),
            "calf": (0.0080, y * 0.0036, -0.1289),
        }
        for part, place in expected.items():
            np.testing.assert_allclose(robot.model.body(f"{leg}_{part}").ipos, place, atol=1e-9)


def test_joints(robot):
    ranges = {"hip": (-0.7418, 0.7418), "thigh": (-1.2217, 3.8397), "calf": (-2.7751, -0.5411)}
    for i, name in enumerate(robot.dof_names):
        part = name.split("_")[1]
        np.testing.assert_array_equal(robot.model.joint(name).axis, (1, 0, 0) if part == "hip" else (0, 1, 0))
        np.testing.assert_allclose(robot.dof_pos_limits[i], ranges[part])
        assert (robot.torque_limits[i], robot.dof_vel_limits[i]) == (150.0, 22.0)


def test_frames_with_straight_legs(robot):
    data = posed(robot, np.zeros(12), 0.0)
    for leg, (x, y) in LEGS.items():
        for part, place in {
            "hip": (x * 0.2987, y * 0.0600, 0),
            "thigh": (x * 0.2987, y * 0.1941, 0),
            "calf": (x * 0.2987, y * 0.1941, -THIGH),
            "foot": (x * 0.2987, y * 0.1941, -THIGH - CALF),
        }.items():
            np.testing.assert_allclose(data.body(f"{leg}_{part}").xpos, place, atol=1e-9)


def test_shapes_that_collide_fit_the_trunk_and_the_links(robot):
    """Boxes: their sides are where trunk and links end; no thigh lies in the trunk, and feet are lowest."""
    model, data = robot.model, posed(robot, POSE, STANDING)
    geoms = {model.body(model.geom_bodyid[geom]).name: geom for geom in robot.robot_geoms}
    bodies = {"base_link", *(f"{leg}_{part}" for leg in LEGS for part in ("thigh", "calf", "foot"))}
    assert set(geoms) == bodies and len(robot.robot_geoms) == len(bodies), "hips have none"
    trunk = geoms["base_link"]
    half, middle = model.geom_size[trunk], model.geom_pos[trunk]
    np.testing.assert_allclose(middle - half, (-0.446, -0.165, -0.103), atol=1e-9)
    np.testing.assert_allclose(middle + half, (0.445, 0.165, 0.126), atol=1e-9)
    for leg in LEGS:
        foot, thigh, calf = (geoms[f"{leg}_{part}"] for part in ("foot", "thigh", "calf"))
        assert model.geom_type[foot] == mujoco.mjtGeom.mjGEOM_SPHERE and model.geom_size[foot][0] == FOOT_RADIUS
        for geom, length in ((thigh, THIGH), (calf, CALF)):
            middle, reach = model.geom_pos[geom][2], model.geom_size[geom][2]
            assert -length <= middle - reach < -0.85 * length and -0.1 * length < middle + reach <= 0
        assert abs(data.geom_xpos[thigh][1]) - model.geom_size[thigh][1] > half[1], "beside the trunk"
        corner = data.geom_xpos[calf] + data.geom_xmat[calf].reshape(3, 3) @ (model.geom_size[calf] * (-1, 1, -1))
        assert corner[2] > 0.005, "feet alone touch the ground"


def test_standing_height_and_top_of_the_trunk(robot):
    """Thigh and calf are a two-link arm; the trunk passes under a bar at 0.54 m, and not under one at 0.44 m."""
    height = THIGH * math.cos(0.8) + CALF * math.cos(0.7) + FOOT_RADIUS
    assert height == pytest.approx(STANDING, abs=5e-4)
    data = posed(robot, POSE, height)
    for leg, (x, y) in LEGS.items():
        place = (x * 0.2987 - THIGH * math.sin(0.8) + CALF * math.sin(0.7), y * 0.1941, FOOT_RADIUS)
        np.testing.assert_allclose(data.body(f"{leg}_foot").xpos, place, atol=1e-9)
    trunk = robot.robot_geoms[0]
    top = data.geom_xpos[trunk][2] + robot.model.geom_size[trunk][2]
    assert top == pytest.approx(0.53, abs=0.005)


@pytest.mark.parametrize("backend", ["mujoco", "mujoco_warp"])
def test_it_stands_still_at_its_height_with_a_quarter_of_its_weight_on_each_foot(backend):
    """Stiff joints hold the pose: the height is that of the kinematics."""
    cfg = galileo_cfg()
    cfg.control.stiffness, cfg.control.damping = {"joint": 600.0}, {"joint": 8.0}
    sim = make(backend, cfg, 1)
    pose = torch.as_tensor(POSE[None], dtype=torch.float32)
    sim.set_root_states(everyone(sim), root_states(1, STANDING))
    sim.set_dof_states(everyone(sim), pose, torch.zeros(1, 12))
    for _ in range(100):
        sim.step(pose, 4)
    assert sim.root_states[0, 7:].abs().max() < 0.02 and sim.dof_vel.abs().max() < 0.02
    x, y, _, _ = sim.root_states[0, 3:7].tolist()
    assert 1 - 2 * (x * x + y * y) > 0.9995, "upright"
    assert float(sim.root_states[0, 2]) == pytest.approx(STANDING, abs=0.02)
    forces, feet, weight = sim.contact_forces[0, :, 2], sim.body_indices(["foot"]), 45.70 * 9.81
    assert float(forces[feet].sum()) == pytest.approx(weight, rel=0.01)
    assert float(forces.sum()) == pytest.approx(float(forces[feet].sum()), abs=1e-3), "on feet alone"
    assert ((4 * forces[feet] / weight - 1).abs() < 0.15).all()
    sim.close()
