"""What is sent of robots."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from legged_gym.rotations import quat_mul, quat_rotate
from legged_gym.sim.simulator import Shape
from legged_gym.viewing.scene.ground import to_glb
from legged_gym.viewing.scene.robots import painted, relative_poses


def test_poses_relative_to_parents_lead_back_to_the_world():
    generator = torch.Generator().manual_seed(3)
    parents = [-1, 0, 1, 0, 3]
    poses = torch.randn(5, 7, generator=generator)
    poses[:, 3:] /= poses[:, 3:].norm(dim=1, keepdim=True)
    relative = torch.from_numpy(relative_poses(poses.double().numpy(), parents)).float()
    for part, parent in enumerate(parents):
        place, turn = relative[part, :3], relative[part, 3:]
        if parent >= 0:
            place = poses[parent, :3] + quat_rotate(poses[parent : parent + 1, 3:], place[None])[0]
            turn = quat_mul(poses[parent : parent + 1, 3:], turn[None])[0]
        np.testing.assert_allclose(place, poses[part, :3], atol=1e-4)
        np.testing.assert_allclose(turn, poses[part, 3:], atol=1e-4)


def test_what_is_painted_is_no_metal():
    """By the default of its format it would be, and black where nothing is mirrored in it."""
    pytest.importorskip("trimesh")
    shape = Shape(0, np.eye(3, dtype=np.float32), np.array([[0, 1, 2]]), (0.5, 0.5, 0.5))
    glb = to_glb(painted([shape]))
    tree = json.loads(glb[20 : 20 + int.from_bytes(glb[12:16], "little")])
    (primitive,) = tree["meshes"][0]["primitives"]
    assert tree["materials"][primitive["material"]]["pbrMetallicRoughness"]["metallicFactor"] == 0.0
