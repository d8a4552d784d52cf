"""Forward kinematics of many frames, against the engine's."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.rotations import matrix_from_quat
from legged_gym.sim.robot.skeleton import read_skeleton
from tests.motions.biped import Engine, random_clip, write_robot

JOINTS_OFF_THE_ORIGIN = """<mujoco><worldbody><body name="base"><freejoint/><geom size="0.1"/>
<body name="arm" pos="0 0.1 0.2" euler="20 30 40"><joint name="elbow" axis="1 2 0.5" pos="0.1 0.2 -0.05"/>
<geom size="0.05"/><body name="hand_foot" pos="0.3 0 0"><joint name="wrist" axis="0 0 1"/>
<geom type="box" size="0.1 0.05 0.02" pos="0.03 0 0" euler="0 0 30"/></body></body></body></worldbody></mujoco>"""


def test_links_are_where_the_engine_puts_them(tmp_path: pathlib.Path) -> None:
    skeleton = read_skeleton(file := write_robot(tmp_path))
    clip = random_clip(skeleton)
    positions, quats = skeleton.poses(clip.root_pos, clip.root_quat, clip.joints)
    engine = Engine(file).poses(clip.root_pos, clip.root_quat, clip.joints, skeleton.joint_names)
    for k, name in enumerate(skeleton.link_names):
        places, rotations = engine[name]
        np.testing.assert_allclose(positions[:, k], places, atol=1e-6)
        np.testing.assert_allclose(matrix_from_quat(quats[:, k]), rotations, atol=1e-6)


def test_some_links_in_single_precision_are_those_of_all(tmp_path: pathlib.Path) -> None:
    skeleton = read_skeleton(write_robot(tmp_path))
    clip = random_clip(skeleton)
    every, _ = skeleton.poses(clip.root_pos, clip.root_quat, clip.joints)
    index = skeleton.link_indices(["right_wrist_yaw_link", "pelvis"])
    some, _ = skeleton.poses(clip.root_pos.float(), clip.root_quat.float(), clip.joints.float(), index)
    assert some.dtype == torch.float32
    torch.testing.assert_close(some.double(), every[:, index], atol=1e-5, rtol=0.0)


def test_axes_beside_the_origin_and_boxes_as_feet(tmp_path: pathlib.Path) -> None:
    (tmp_path / "arm.xml").write_text(JOINTS_OFF_THE_ORIGIN)
    skeleton = read_skeleton(str(tmp_path / "arm.xml"), "foot")
    joints = torch.tensor([[0.7, -1.1]], dtype=torch.float64)
    root, quat = torch.tensor([[0.1, 0.2, 0.3]]).double(), torch.tensor([[0.0, 0.0, 0.6, 0.8]]).double()
    positions, _ = skeleton.poses(root, quat, joints)
    import mujoco

    model = mujoco.MjModel.from_xml_string(JOINTS_OFF_THE_ORIGIN)
    data = mujoco.MjData(model)
    data.qpos[:] = [0.1, 0.2, 0.3, 0.8, 0.0, 0.0, 0.6, 0.7, -1.1]
    mujoco.mj_kinematics(model, data)
    np.testing.assert_allclose(positions[0], data.xpos[1:], atol=1e-6)
    (points,) = skeleton.sole_points(root, quat, joints)
    box = data.geom(2)
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    corners = box.xpos + (signs * model.geom_size[2]) @ box.xmat.reshape(3, 3).T
    np.testing.assert_allclose(points[0], corners, atol=1e-6)


def test_a_foot_without_shape_and_a_sliding_joint_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(UserError, match="no link 'toe'"):
        read_skeleton(write_robot(tmp_path), "toe")
    (tmp_path / "slide.xml").write_text(JOINTS_OFF_THE_ORIGIN.replace('name="wrist"', 'name="wrist" type="slide"'))
    with pytest.raises(UserError, match="hand_foot has other joints than one hinge"):
        read_skeleton(str(tmp_path / "slide.xml"), "foot")
