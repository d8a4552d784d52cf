"""Captures of our own: clip and mesh belong together, and feet stand on what they climb."""

from __future__ import annotations

import os

import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.motions.checks import faults
from legged_gym.motions.contacts import sole_heights
from legged_gym.motions.loading import ClipOptions, load_clip
from legged_gym.sim.robot.skeleton import read_skeleton
from legged_gym.terrain.meshes import lay_out, read_mesh

pytest.importorskip("h5py")
pytest.importorskip("trimesh")


@pytest.mark.parametrize(("name", "top"), [("box", 0.1), ("stairs", 0.24)])
def test_feet_climb_what_the_mesh_shows(name, top):
    folder = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "motions", name)
    robot = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "robots", "g1", "urdf", "g1_29dof_welded_wrists.urdf")
    skeleton, mesh = read_skeleton(robot), read_mesh(os.path.join(folder, "background_mesh.obj"))
    height_map = lay_out({name: mesh}).height_map

    def ground(places):
        return torch.as_tensor(height_map.at(places.double().numpy()))

    path = os.path.join(folder, "retarget_poses_g1.h5")
    clip = load_clip(path, skeleton, ClipOptions(rate=50.0), ground)[0][0]
    assert clip.fps == 50.0 and not faults(clip, skeleton, ground)
    heights = torch.stack(sole_heights(clip, skeleton, ground))
    assert float(heights.amin()) > -0.03  # where a toe passes an edge, which the map makes a slope
    assert clip.contacts.any(1).all() and 0.1 < float((~clip.contacts).float().mean()) < 0.4
    high = torch.stack(sole_heights(clip, skeleton)).amin(2).T[clip.contacts]
    assert float(high.amax()) == pytest.approx(top, abs=0.035) and float(high.amin()) == pytest.approx(0.0, abs=0.01)
