"""Meshes as the ground of a task, by configuration alone."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import torch

from legged_gym.envs import A1RoughCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.terrain_levels import TileSchedule
from legged_gym.envs.variants import for_play
from legged_gym.errors import UserError
from legged_gym.terrain import MeshTerrain

trimesh = pytest.importorskip("trimesh")


@pytest.fixture()
def cfg(tmp_path: pathlib.Path) -> Any:
    """Two meshes, in two rows: a table above a floor, and a block."""
    floor = trimesh.creation.box(bounds=[[-2.0, -1.5, -0.2], [2.0, 1.5, 0.0]])
    top = trimesh.creation.box(bounds=[[0.5, -0.5, 1.0], [1.5, 0.5, 1.1]])
    trimesh.util.concatenate([floor, top]).export(str(tmp_path / "table.obj"))
    block = trimesh.creation.box(bounds=[[0.5, -0.5, 0.0], [1.5, 0.5, 0.5]])
    trimesh.util.concatenate([floor, block]).export(str(tmp_path / "block.obj"))
    cfg: Any = A1RoughCfg()
    cfg.update({"env": {"num_envs": 4}, "sim": {"num_threads": 1}, "domain_rand": {"push_robots": False}})
    files = [str(tmp_path / "table.obj"), str(tmp_path / "block.obj")]
    cfg.update({"terrain": {"mesh_type": "mesh", "mesh_files": files, "n_rows": 2, "horizontal_scale": 0.05}})
    cfg.update({"terrain": {"border_size": 1.0, "max_init_terrain_level": 0}, "init_state": {"max_random_pos": [0, 0]}})
    return cfg


def test_robots_stand_on_the_meshes_and_see_them(cfg: Any, capsys: pytest.CaptureFixture) -> None:
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    assert "warning: table.obj: under" in capsys.readouterr().out
    assert isinstance(env.terrain, MeshTerrain)
    env.use_part("tiles", TileSchedule(env))
    env.reset()
    places = {(level, kind) for level, kind in zip(env.terrain_levels.tolist(), env.terrain_types.tolist())}
    assert places == {(0, 0), (0, 1), (1, 0), (1, 1)}
    # 1 m in front of the origin: the top of the table or the block, for the scan; below the table, rays see its floor
    ahead = env.env_origins + torch.tensor([1.0, 0.0, -1.0])
    tops = torch.where(env.terrain_levels == 0, 1.1, 0.5)
    scan = env.height_scan.sample(ahead[:, None, :2])[:, 0]
    torch.testing.assert_close(scan, tops, rtol=0.0, atol=2.6e-3)
    pytest.importorskip("warp")
    below = torch.stack([env.env_origins[:, 0] + 1.0, env.env_origins[:, 1], torch.full((4,), 0.9)], dim=1)
    distances = env.sim.cast_rays(below[:, None], torch.tensor([0.0, 0.0, -1.0]).repeat(4, 1, 1))[:, 0]
    torch.testing.assert_close(distances, torch.where(env.terrain_levels == 0, 0.9, 0.4), rtol=0.0, atol=1e-3)


def test_levels_go_along_the_list_of_meshes(cfg: Any) -> None:
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    assert env.terrain_levels.tolist() == [0] * 4 and env.terrain_types.tolist() == [0, 0, 1, 1]
    env.terrain_curriculum.move(torch.tensor([1]), torch.tensor([True]), torch.tensor([False]))
    assert env.terrain_levels.tolist() == [0, 1, 0, 0]
    assert float(env.env_origins[1, 0] - env.env_origins[0, 0]) == pytest.approx(4.0)


def test_play_takes_one_row(cfg: Any) -> None:
    for_play(cfg)
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    assert env.terrain is not None and env.terrain.env_origins.shape == (2, 1, 3)


def test_files_and_the_kind_of_ground_go_together(cfg: Any, capsys: pytest.CaptureFixture) -> None:
    cfg.terrain.mesh_type = "plane"
    LeggedRobot(cfg, sim="mujoco", seed=1)
    assert "note: env.terrain.mesh_files is not read, since mesh_type is plane" in capsys.readouterr().out
    cfg.terrain.mesh_type, cfg.terrain.mesh_files = "mesh", None
    with pytest.raises(UserError, match="mesh_type is mesh: give"):
        LeggedRobot(cfg, sim="mujoco", seed=1)
