"""Vectors, rotations and poses."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from legged_gym.isaacgym import gymapi
from legged_gym.isaacgym.gymapi import Quat, Transform, Vec3


@pytest.mark.parametrize("one", [1, 1.0, np.array([1.0]), np.float32(1), torch.tensor(1.0), torch.ones(1, 1)])
def test_numbers_of_any_kind(one) -> None:
    vector = Vec3(one, one, one) + Vec3(*torch.ones(3))
    vector.x += one
    assert list(vector) == [3.0, 2.0, 2.0] and type(vector.x) is float


def test_products() -> None:
    x, y = Vec3(1, 0, 0), Vec3(0, 2, 0)
    assert list(x.cross(y)) == [0, 0, 2] and x.dot(y) == 0 and y.length() == 2 and list(2 * x - y) == [2, -2, 0]
    assert copy.deepcopy(y) == y and copy.deepcopy(y) is not y


def test_rotations() -> None:
    quarter = Quat.from_axis_angle(Vec3(0, 0, 3), math.pi / 2)
    assert list(quarter.rotate(Vec3(1, 0, 0))) == pytest.approx([0, 1, 0], abs=1e-6)
    assert list((quarter * quarter).rotate(Vec3(1, 0, 0))) == pytest.approx([-1, 0, 0], abs=1e-6)
    assert list(quarter.inverse().rotate(Vec3(0, 1, 0))) == pytest.approx([1, 0, 0], abs=1e-6)
    # the second angle is that about y: a positive one tilts what looks along x down
    assert list(Quat.from_euler_zyx(0, 0.3, 0).rotate(Vec3(1, 0, 0))) == pytest.approx(
        [math.cos(0.3), 0, -math.sin(0.3)]
    )
    assert Quat.from_euler_zyx(0.1, -0.2, 0.3).to_euler_zyx() == pytest.approx((0.1, -0.2, 0.3), abs=1e-6)


def test_poses() -> None:
    pose = Transform(Vec3(1, 2, 3), Quat.from_axis_angle(Vec3(0, 0, 1), math.pi / 2))
    assert list(pose.transform_point(Vec3(1, 0, 0))) == pytest.approx([1, 3, 3], abs=1e-6)
    assert list((pose.inverse() * pose).p) == pytest.approx([0, 0, 0], abs=1e-6)
    points = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    np.testing.assert_allclose(pose.transform_points(points), [[1, 3, 3], [0, 2, 3]], atol=1e-6)
    assert Transform(Vec3(1, 2, 3), None).r == Quat()


def test_constants_are_integers_under_both_names() -> None:
    assert gymapi.DOF_MODE_EFFORT == 3 == gymapi.DofDriveMode.DOF_MODE_EFFORT
    assert gymapi.UpAxis(1) is gymapi.UP_AXIS_Z and gymapi.KEY_ESCAPE.name == "KEY_ESCAPE"
    assert np.full(2, gymapi.DOF_MODE_POS).dtype.kind == "i"
