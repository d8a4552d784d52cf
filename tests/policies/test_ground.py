"""The terrain that is saved with a policy is that on which its task would stand."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.envs import registry
from legged_gym.policies.ground import GROUND_SEED, saved_terrain, sees, with_saved_terrain
from legged_gym.sim2sim.ground import read_ground
from legged_gym.utils.cli import get_args
from legged_gym.utils.task_registry import task_registry


def saved(cfg, folder):
    path = folder / "terrain.npz"
    path.write_bytes(saved_terrain(cfg))
    return read_ground(str(path))


def rough_cfg(refinement):
    cfg, _ = registry.find("a1").new_cfgs()
    cfg.terrain.edge_refinement, cfg.terrain.num_cols = refinement, 5
    return cfg


@pytest.mark.parametrize("refinement", [1, 3])
def test_robots_of_the_task_would_stand_on_it(tmp_path, refinement):
    cfg = rough_cfg(refinement)
    ground = saved(cfg, tmp_path)
    with_saved_terrain(cfg)
    args = get_args(["--sim=mujoco", f"--seed={GROUND_SEED}"])
    cfg.env.num_envs = 10
    env, _ = task_registry.make_env("a1", args, cfg)
    rng = np.random.default_rng(0)
    places = rng.uniform(0.0, 16.0, (10, 40, 3)).astype(np.float32)
    places[..., 2] = 9.0
    from torch import as_tensor, tensor

    down = tensor([0.0, 0.0, -1.0]).expand(10, 40, 3).contiguous()
    heights = 9.0 - env.sim.cast_rays(as_tensor(places), down).numpy()
    found = ground.height(places[..., 0], places[..., 1])
    assert np.abs(heights).max() > 0.05
    assert np.abs(found - heights).max() < 0.03  # cells of rough ground are two triangles for the engine
    assert np.abs(found - heights).mean() < 1e-3
    np.testing.assert_allclose(ground.starts, env.terrain.env_origins.reshape(-1, 3))
    assert len(ground.tiles) == len(ground.starts) and ground.tiles[0].name.endswith(", 0.25")
    env.close()


def test_a_plane_is_not_saved():
    cfg, _ = registry.find("a1_flat").new_cfgs()
    assert saved_terrain(cfg) is None


def test_who_sees():
    blind = {"observations": {"policy": {"terms": [{"name": "dof_pos"}]}}}
    assert not sees(blind)
    assert sees({"observations": {**blind["observations"], "image": {"terms": [{"name": "depth", "camera": {}}]}}})
    assert sees({"observations": {"policy": {"terms": [{"name": "heights", "points_x": [0.0]}]}}})
