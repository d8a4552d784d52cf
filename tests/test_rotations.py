"""Quaternions against rotation matrices that are multiplied out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym.rotations import (
    matrix_from_quat,
    quat_conjugate,
    quat_from_euler,
    quat_mul,
    quat_rotate,
    quat_rotate_inverse,
    quat_slerp,
    rotation_vector,
    wrap_to_pi,
    yaw_from_quat,
)


def about(axis, angle):
    """Quaternion (4,) of a turn about a unit axis."""
    half = 0.5 * angle
    return torch.tensor([*(math.sin(half) * a for a in axis), math.cos(half)])


@pytest.fixture
def quats():
    return torch.nn.functional.normalize(torch.randn(20, 4), dim=1)


def axis_turns(roll, pitch, yaw):
    """Rz(yaw) Ry(pitch) Rx(roll) from its three matrices."""
    (cr, sr), (cp, sp), (cy, sy) = ((math.cos(a), math.sin(a)) for a in (roll, pitch, yaw))
    rx = torch.tensor([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    ry = torch.tensor([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    rz = torch.tensor([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1.0]])
    return rz @ ry @ rx


def test_quarter_turns_move_the_axes_to_each_other():
    x, y, z = torch.eye(3)
    torch.testing.assert_close(quat_rotate(about(z, math.pi / 2), x), y)
    torch.testing.assert_close(quat_rotate(about(x, math.pi / 2), y), z)
    torch.testing.assert_close(quat_rotate(about(y, math.pi / 2), z), x)
    torch.testing.assert_close(quat_rotate_inverse(about(z, math.pi / 2), y), x)


def test_rotation_by_the_matrix_is_the_same(quats):
    vectors = torch.randn(20, 3)
    by_matrix = (matrix_from_quat(quats) @ vectors[..., None]).squeeze(-1)
    torch.testing.assert_close(quat_rotate(quats, vectors), by_matrix, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(quat_rotate_inverse(quats, by_matrix), vectors, atol=1e-5, rtol=1e-5)


def test_the_conjugate_turns_back(quats):
    vectors = torch.randn(20, 3)
    there = quat_rotate(quats, vectors)
    torch.testing.assert_close(quat_rotate(quat_conjugate(quats), there), vectors, atol=1e-5, rtol=1e-5)


def test_matrices_are_rotations(quats):
    matrices = matrix_from_quat(quats)
    torch.testing.assert_close(matrices @ matrices.mT, torch.eye(3).expand(20, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(20))


@pytest.mark.parametrize("angles", [(0.3, 0.0, 0.0), (0.0, -0.4, 0.0), (0.0, 0.0, 2.5), (0.7, -1.1, -2.0)])
def test_euler_angles_are_the_product_of_three_turns(angles):
    quat = quat_from_euler(*torch.tensor(angles))
    torch.testing.assert_close(matrix_from_quat(quat), axis_turns(*angles), atol=1e-6, rtol=1e-5)


def test_product_is_the_second_then_the_first(quats):
    a, b = quats[:10], quats[10:]
    expected = matrix_from_quat(a) @ matrix_from_quat(b)
    torch.testing.assert_close(matrix_from_quat(quat_mul(a, b)), expected, atol=1e-5, rtol=1e-5)


def test_yaw_is_where_the_nose_points(quats):
    nose = quat_rotate(quats, torch.tensor([1.0, 0.0, 0.0]).expand(20, 3))
    torch.testing.assert_close(yaw_from_quat(quats), torch.atan2(nose[:, 1], nose[:, 0]), atol=1e-4, rtol=1e-4)


def test_leading_dimensions_are_kept():
    quats, vectors = torch.randn(4, 5, 4), torch.randn(4, 5, 3)
    assert quat_rotate(quats, vectors).shape == (4, 5, 3)
    assert matrix_from_quat(quats).shape == (4, 5, 3, 3)
    assert yaw_from_quat(quats).shape == (4, 5)


def test_angles_are_wrapped_into_one_turn():
    angles = torch.tensor([0.0, 3.0, -3.0, 3.5, -3.5, 2 * math.pi, 7 * math.pi + 0.1])
    expected = torch.tensor([0.0, 3.0, -3.0, 3.5 - 2 * math.pi, 2 * math.pi - 3.5, 0.0, 0.1 - math.pi])
    torch.testing.assert_close(wrap_to_pi(angles), expected, atol=1e-5, rtol=0)
    assert wrap_to_pi(torch.tensor(math.pi)) == -torch.pi


def test_a_slerp_turns_at_constant_speed_the_shorter_way() -> None:
    axis, whole = torch.tensor([0.6, 0.0, 0.8]), 2.0

    def about(angle: float) -> torch.Tensor:
        half = torch.tensor(0.5 * angle)
        return torch.cat((torch.sin(half) * axis, torch.cos(half)[None]))

    for part in (0.0, 0.25, 0.7, 1.0):
        for sign in (1.0, -1.0):  # q and -q are one orientation
            found = quat_slerp(about(0.3), sign * about(0.3 + whole), torch.tensor([part]))
            torch.testing.assert_close(found, about(0.3 + part * whole), atol=1e-6, rtol=0.0)
    close = quat_slerp(about(0.3), about(0.3), torch.tensor([0.5]))
    torch.testing.assert_close(close, about(0.3), atol=1e-6, rtol=0.0)


def test_a_rotation_vector_is_axis_times_angle() -> None:
    axis = torch.tensor([0.6, 0.0, -0.8])
    for angle in (0.0, 1e-6, 0.5, 3.0, -2.0):
        half = torch.tensor(0.5 * angle)
        q = torch.cat((torch.sin(half) * axis, torch.cos(half)[None]))
        torch.testing.assert_close(rotation_vector(q), angle * axis, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(rotation_vector(-q), angle * axis, atol=1e-6, rtol=1e-5)
