"""Contacts with a height field that cannot be, which MuJoCo Warp finds now and then, are taken out."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.terrain.heightfield import HeightField
from tests.sim.worlds import SLED, a1_cfg, everyone, make, root_states, urdf_cfg

pytest.importorskip("mujoco_warp")

BALL = SLED.replace('<box size="0.3 0.2 0.1"/>', '<sphere radius="0.02"/>')
CELL, HALF = 0.025, 20.0


def rough_ground() -> HeightField:
    """40 x 40 m with cells of 2.5 cm, roughness of 3 cm, and steps of 10 cm every half metre."""
    count = round(2 * HALF / CELL) + 1
    steps = np.tile(0.1 * (np.arange(count) // 20 % 2), (count, 1))
    heights = steps + 0.03 * np.random.default_rng(1).uniform(size=(count, count))
    return HeightField((heights / heights.max()).astype(np.float32), (HALF, HALF, float(heights.max()), 1.0), (0, 0, 0))


def test_deepest_overlaps_by_hand():
    from legged_gym.sim.warp.contacts import deepest_overlaps

    model = make("mujoco", a1_cfg(), 1, ground=rough_ground()).robot.model
    depth = deepest_overlaps(model)
    cell = CELL * math.sqrt(2.0)
    feet = model.geom_type == mujoco.mjtGeom.mjGEOM_SPHERE
    assert depth[feet] == pytest.approx(np.full(4, cell + 2 * 0.02 * math.sqrt(2.0)), rel=1e-3)
    trunk = model.geom_bodyid == model.body("base").id  # 0.267 x 0.194 x 0.114 m
    assert depth[trunk] == pytest.approx([cell + math.hypot(0.194, 0.114)], rel=1e-3)


@pytest.mark.parametrize("backend", ["mujoco", "mujoco_warp"])
def test_no_ball_half_in_the_ground_is_thrown_away(backend, tmp_path):
    """Their middles lie within a millimetre of the surface, all over the map; pushed out, they stay below 5 m/s."""
    count = 400
    sim = make(backend, urdf_cfg(tmp_path, BALL), count, ground=rough_ground())
    generator = torch.Generator().manual_seed(4)
    states = root_states(count, 1.0)
    states[:, :2] = (2 * torch.rand(count, 2, generator=generator) - 1) * 0.9 * HALF
    down = torch.tensor([0.0, 0.0, -1.0]).expand(count, 1, 3)
    height = 1.0 - sim.cast_rays(states[:, None, :3], down)[:, 0]
    states[:, 2] = height + 1e-3 * (2 * torch.rand(count, generator=generator) - 1)
    sim.set_root_states(everyone(sim), states)
    for _ in range(2):
        sim.step_torques(torch.zeros(count, 1))
    assert (sim.contact_forces.norm(dim=-1).amax(1) > 1.0).float().mean() > 0.9
    assert sim.root_states[:, 7:10].norm(dim=1).max() < 5.0
