"""The functions against matrix exponentials, and from TorchScript."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from legged_gym.isaacgym.torch_utils import (
    copysign,
    get_axis_params,
    get_euler_xyz,
    normalize,
    normalize_angle,
    quat_apply,
    quat_conjugate,
    quat_from_angle_axis,
    quat_from_euler_xyz,
    quat_mul,
    quat_rotate,
    quat_rotate_inverse,
    scale,
    tensor_clamp,
    tf_apply,
    tf_combine,
    tf_inverse,
    tf_vector,
    to_torch,
    torch_rand_float,
    torch_random_dir_2,
    unscale,
    unscale_np,
)

COUNT = 30


def matrices(vectors):
    """Rotation matrices (n, 3, 3) of rotation vectors (n, 3): exponentials of cross products."""
    x, y, z = vectors.unbind(-1)
    o = torch.zeros_like(x)
    return torch.matrix_exp(torch.stack((o, -z, y, z, o, -x, -y, x, o), dim=-1).view(-1, 3, 3))


def turned(q):
    """Rotation matrices (n, 3, 3) of quaternions: the images of the axes as columns."""
    axes = torch.eye(3).expand(len(q), 3, 3)
    return torch.stack([quat_rotate(q, axes[:, k]) for k in range(3)], dim=-1)


@pytest.fixture
def vectors():
    return torch.nn.functional.normalize(torch.randn(COUNT, 3), dim=1) * torch.rand(COUNT, 1) * 3.0


@pytest.fixture
def quats(vectors):
    return quat_from_angle_axis(vectors.norm(dim=1), vectors)


def test_turns_about_an_axis_are_exponentials(vectors, quats):
    torch.testing.assert_close(turned(quats), matrices(vectors), atol=1e-5, rtol=0)


def test_products_inverses_and_both_ways_to_turn(quats):
    other = quats.flip(0)
    torch.testing.assert_close(turned(quat_mul(quats, other)), turned(quats) @ turned(other), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned(quat_conjugate(quats)), turned(quats).mT, atol=1e-5, rtol=0)
    v = torch.randn(COUNT, 3)
    torch.testing.assert_close(quat_rotate_inverse(quats, quat_apply(quats, v)), v, atol=1e-5, rtol=0)
    grid = v.view(5, 6, 3)
    torch.testing.assert_close(quat_apply(quats.view(5, 6, 4), grid).view(-1, 3), quat_rotate(quats, v))


def test_euler_angles_turn_about_x_then_y_then_z_and_come_back_between_0_and_a_turn():
    roll, pitch, yaw = (torch.empty(COUNT).uniform_(-width, width) for width in (3.0, 1.5, 3.0))
    q = quat_from_euler_xyz(roll, pitch, yaw)
    x, y, z = torch.eye(3)
    product = matrices(yaw[:, None] * z) @ matrices(pitch[:, None] * y) @ matrices(roll[:, None] * x)
    torch.testing.assert_close(turned(q), product, atol=1e-5, rtol=0)
    for found, given in zip(get_euler_xyz(q), (roll, pitch, yaw)):
        torch.testing.assert_close(found, given % (2 * math.pi), atol=2e-3, rtol=0)
        assert found.min() >= 0.0 and found.max() < 2 * math.pi


def test_transforms_are_homogeneous_matrices(quats):
    def homogeneous(q, t):
        bottom = torch.tensor([0.0, 0, 0, 1]).expand(len(q), 1, 4)
        return torch.cat((torch.cat((turned(q), t[:, :, None]), dim=2), bottom), dim=1)

    t, q2, t2, v = torch.randn(COUNT, 3), quats.roll(1, 0), torch.randn(COUNT, 3), torch.randn(COUNT, 3)
    both = homogeneous(quats, t) @ homogeneous(q2, t2)
    torch.testing.assert_close(homogeneous(*tf_combine(quats, t, q2, t2)), both, atol=1e-5, rtol=0)
    back = torch.linalg.inv(homogeneous(quats, t))
    torch.testing.assert_close(homogeneous(*tf_inverse(quats, t)), back, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        tf_apply(quats, t, v) - tf_apply(quats, t, 0 * v), tf_vector(quats, v), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(tf_apply(quats, t, 0 * v), t)


def test_small_helpers():
    assert get_axis_params(-1.0, 2) == [0.0, 0.0, -1.0]
    assert get_axis_params(1.0, 0) == [0.0, 0.0, 0.0]  # x_value comes last
    angles = torch.tensor([math.pi + 0.1, -3 * math.pi - 0.2, 0.3])
    torch.testing.assert_close(normalize_angle(angles), torch.tensor([0.1 - math.pi, math.pi - 0.2, 0.3]))
    assert normalize(torch.zeros(2, 3)).abs().max() == 0.0
    low, high = torch.tensor([0.0]), torch.tensor([4.0])
    assert unscale(scale(torch.tensor([0.5]), low, high), low, high) == 0.5 == unscale_np(3.0, 0.0, 4.0)
    assert tensor_clamp(torch.tensor([-1.0, 2.0, 9.0]), low, high).tolist() == [0.0, 2.0, 4.0]
    assert copysign(2.0, torch.tensor([-0.1, 5.0])).tolist() == [-2.0, 2.0]


def test_random_numbers_fill_their_range():
    drawn = torch_rand_float(-2.0, 3.0, (1000, 2), device=torch.device("cpu"))
    assert drawn.shape == (1000, 2) and -2.0 <= drawn.min() < -1.9 and 2.9 < drawn.max() <= 3.0
    assert torch_rand_float(0.0, 1.0, (3, 1), device="cpu").shape == (3, 1)
    torch.testing.assert_close(torch_random_dir_2((7, 2), "cpu").norm(dim=1), torch.ones(7))


def test_numbers_go_to_the_device_that_is_there():
    tensor = to_torch([1, 2])
    assert tensor.dtype == torch.float32 and tensor.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    given = torch.zeros(2)
    to_torch(given, device="cpu")[0] = 1.0
    assert given[0] == 0.0
    assert to_torch(np.arange(3), dtype=torch.long, device="cpu").tolist() == [0, 1, 2]


def test_the_star_brings_numpy_and_torch_too():
    scope = {}
    exec("from legged_gym.isaacgym.torch_utils import *", scope)
    assert scope["np"] is np and scope["torch"] is torch and scope["quat_mul"] is quat_mul


@torch.jit.script
def scripted(q: torch.Tensor, v: torch.Tensor):
    heading = get_euler_xyz(quat_mul(q, quat_conjugate(q)))[2]
    back, shift = tf_inverse(q, quat_apply(q, v))
    return quat_rotate_inverse(q, normalize(v)) + shift + tf_apply(back, shift, v), normalize_angle(heading)


def test_torchscript_compiles_what_it_calls(quats):
    moved, heading = scripted(quats, torch.randn(COUNT, 3))
    assert moved.shape == (COUNT, 3)
    torch.testing.assert_close(heading, torch.zeros(COUNT), atol=1e-5, rtol=0)
