"""Files of meshes as the ground of a task: where they stand, where robots start, and what does not fit together."""

from __future__ import annotations

import pathlib
from typing import Any, List, Sequence

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.terrain import MeshTerrain, make_terrain
from legged_gym.terrain.terrain_config import TerrainCfg

trimesh = pytest.importorskip("trimesh")


def write_box(path: pathlib.Path, size: Sequence[float], middle: Sequence[float]) -> str:
    box = trimesh.creation.box(extents=size)
    box.apply_translation(middle)
    box.export(str(path))
    return str(path)


@pytest.fixture()
def files(tmp_path: pathlib.Path) -> List[str]:
    """A floor, and a block on none, each around its origin."""
    floor = write_box(tmp_path / "floor.obj", (4.0, 3.0, 0.2), (0.0, 0.0, -0.1))
    return [floor, write_box(tmp_path / "block.stl", (1.0, 1.0, 0.6), (0.0, 0.0, 0.3))]


def terrain(files: Sequence[str], **more: Any) -> MeshTerrain:
    cfg = TerrainCfg()
    given = {"mesh_type": "mesh", "mesh_files": files, "horizontal_scale": 0.05, "border_size": 1.0}
    for name, value in {**given, **more}.items():
        setattr(cfg, name, value)
    made = make_terrain(cfg, 1)
    assert isinstance(made, MeshTerrain)
    return made


def test_meshes_are_levels_and_rows_of_copies_are_types(files: List[str]) -> None:
    made = terrain(files, mesh_offsets=[[0.0, 0.0, 0.0], [0.5, 0.0, 0.1]], mesh_oversample=2, n_rows=3)
    assert made.tile_types == [["floor"] * 3] * 2 + [["block"] * 3] * 2
    assert (made.num_rows, made.num_cols, made.tile_length, made.tile_width) == (4, 3, 4.0, 3.0)
    assert made.mesh_offsets.shape == (4, 3, 3)
    np.testing.assert_allclose(made.mesh_offsets[:, 2], [[4.0 * k, 6.0, 0.0] for k in range(4)], atol=1e-9)
    np.testing.assert_allclose(made.env_origins[:2, 1], [[0.0, 3.0, 0.0], [4.0, 3.0, 0.0]], atol=1e-6)
    # the block, moved by (0.5, 0, 0.1), still covers its origin
    np.testing.assert_allclose(made.env_origins[2:, 0], [[8.0, 0.0, 0.7], [12.0, 0.0, 0.7]], atol=2.5e-3)
    assert made.height_map.at(np.array([12.9, 6.0])) == pytest.approx(0.7, abs=2.5e-3)
    # the border is floor, below everything
    assert made.border_size == 1.0 and made.length_x == pytest.approx(4 * 4.0 + 2.0 + 0.05)
    assert made.height_map.at(np.array([-2.9, -2.4])) == pytest.approx(-0.25, abs=2.5e-3)
    mesh = made.height_map.mesh
    assert mesh is not None
    np.testing.assert_allclose(mesh.vertices[:, :2].min(0), [-3.0, -2.5], atol=1e-6)
    np.testing.assert_allclose(mesh.vertices[:, 2].min(), -0.25, atol=2.5e-3)


def test_patterns_name_files_and_robots_start_where_there_is_ground(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture
) -> None:
    write_box(tmp_path / "a_far.ply", (2.0, 2.0, 1.0), (30.0, -20.0, 0.0))
    write_box(tmp_path / "b_near.ply", (60.0, 40.0, 0.1), (0.0, 0.0, 0.0))
    made = terrain([str(tmp_path / "*.ply")], horizontal_scale=0.5)
    assert [row[0] for row in made.tile_types] == ["a_far", "b_near"]
    np.testing.assert_allclose(made.env_origins[0, 0], made.mesh_offsets[0, 0] + [30.0, -20.0, 0.5], atol=2.5e-3)
    assert "note: a_far.ply: no surface at its origin; robots start at (30.00, -20.00)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "more, message",
    [
        ({"mesh_files": ["nowhere/*.obj"]}, "mesh_files: no file matches nowhere/\\*.obj"),
        ({"mesh_offsets": [[0.0, 0.0, 0.0]] * 3}, "3 offsets for 2 meshes; give one for each"),
        ({"n_rows": 100_000}, "take fewer rows, less border or larger cells"),
        ({"vertical_scale": 1e-6}, "move them to height 0, or take larger units"),
    ],
)
def test_what_does_not_fit_is_told(files: List[str], more: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        terrain(more.pop("mesh_files", files), **more)
    assert "\n" not in str(error.value)


def test_a_file_named_twice_and_a_ring_without_a_place_to_start_are_refused(
    tmp_path: pathlib.Path, files: List[str]
) -> None:
    with pytest.raises(UserError, match=r"floor\.obj is named twice"):
        terrain([*files, str(tmp_path / "*.obj")])
    ring = trimesh.creation.annulus(r_min=1.0, r_max=2.0, height=0.2)
    ring.export(path := str(tmp_path / "ring.stl"))
    with pytest.raises(UserError, match=r"ring\.stl: no surface at its origin, where robots start, nor in its middle"):
        terrain([path])
    made = terrain([path], mesh_offsets=[[1.5, 0.0, 0.0]])
    np.testing.assert_allclose(made.env_origins[0, 0], [0.0, 0.0, 0.1], atol=2.5e-3)
