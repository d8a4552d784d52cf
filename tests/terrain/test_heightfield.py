"""The height field for physics: against MuJoCo's own rays, and refined walls by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from legged_gym.terrain import HeightField, HeightMap, Terrain, make_heightfield

mujoco = pytest.importorskip("mujoco")


def compile_ground(field: HeightField) -> Any:
    spec = mujoco.MjSpec()
    rows, cols = field.data.shape
    spec.add_hfield(name="ground", nrow=rows, ncol=cols, size=list(field.size), userdata=field.data.reshape(-1))
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="ground", pos=list(field.pos))
    return spec.compile()


def ground_height(model: Any, x: float, y: float) -> float:
    """Where a ray straight down from 50 m meets the ground."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    distance = mujoco.mj_ray(
        model, data, np.array([x, y, 50.0]), np.array([0.0, 0.0, -1.0]), None, 1, -1, np.zeros(1, np.int32)
    )
    assert distance >= 0, f"the ray missed at {x}, {y}"
    return 50.0 - float(distance)


def ramp_and_wall(profile: Any, cols: int = 5) -> HeightMap:
    """A map with one profile along x, 0.1 m a cell, 5 mm a unit, no border."""
    field = np.repeat(np.asarray(profile, np.int16)[:, None], cols, axis=1)
    return HeightMap(field, 0.1, 0.005)


@pytest.mark.parametrize("refine", [1, 3])
def test_mujoco_sees_the_map(make_cfg: Any, refine: int) -> None:
    cfg = make_cfg(num_rows=1, num_cols=2, terrain_length=5.0, terrain_width=4.0, border_size=0.5)
    cfg.terrain_proportions = [0.0, 0.5, 0.0, 0.0, 0.5]
    terrain = Terrain(cfg, seed=2)
    model = compile_ground(make_heightfield(terrain.height_map, refine=refine))
    rng = np.random.default_rng(0)
    rows, cols = terrain.height_field.shape
    assert rows != cols, "so that swapped axes would show"
    # rays go down at the vertices, but for some um towards the inside and off the diagonal: MuJoCo's rays can slip
    # through where two triangles meet
    for i, j in zip(rng.integers(0, rows, 200), rng.integers(0, cols, 200)):
        x, y = i * 0.1 - 0.5, j * 0.1 - 0.5
        x += 2e-5 if i < rows / 2 else -2e-5
        y += 5e-5 if j < cols / 2 else -5e-5
        assert ground_height(model, x, y) == pytest.approx(terrain.heights[i, j], abs=1e-3), (i, j)


def test_mujoco_keeps_the_data_as_given(make_cfg: Any) -> None:
    field = make_heightfield(Terrain(make_cfg(num_rows=1, num_cols=3), seed=2).height_map)
    assert field.data.dtype == np.float32 and (field.data.min(), field.data.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(compile_ground(field).hfield_data, field.data.reshape(-1))


@pytest.mark.parametrize("height", [0, -200])
def test_flat_map(height: int) -> None:
    terrain: Any = ramp_and_wall([height] * 6)
    for refine in (1, 2):
        model = compile_ground(make_heightfield(terrain, refine=refine))
        assert ground_height(model, 0.23, 0.11) == pytest.approx(height * 0.005, abs=1e-6)


def test_without_refinement_a_wall_is_a_ramp_of_one_cell() -> None:
    terrain: Any = ramp_and_wall([0, 0, 100, 100])
    field = make_heightfield(terrain)
    assert field.data.shape == (5, 4)
    model = compile_ground(field)
    for x, height in ((0.05, 0.0), (0.15, 0.25), (0.25, 0.5)):
        assert ground_height(model, x, 0.2) == pytest.approx(height, abs=1e-5)


def test_refined_walls_stand_at_the_upper_vertex_and_ramps_stay_ramps() -> None:
    # slope 0.75 is 15 units a cell: the drop of 16 is a wall, the rise of 15 is not
    terrain: Any = ramp_and_wall([0, 40, 24, 24, 39])
    field = make_heightfield(terrain, refine=4, slope_treshold=0.75)
    assert field.data.shape == (17, 17)
    up, down, level, ramp = [0, 0, 0, 0], [40, 24, 24, 24], [24] * 4, [24, 27.75, 31.5, 35.25]
    expected = np.array([*up, *down, *level, *ramp, 39.0])
    np.testing.assert_allclose(field.data * 40, np.tile(expected, (17, 1)), atol=1e-5)
    model = compile_ground(field)
    assert ground_height(model, 0.07, 0.2) == pytest.approx(0.0, abs=1e-5)
    assert ground_height(model, 0.35, 0.2) == pytest.approx(31.5 * 0.005, abs=1e-5)


def test_refinement_works_the_same_along_y_and_at_corners() -> None:
    block = np.zeros((7, 6), np.int16)
    block[2:5, 2:4] = 60
    fine = make_heightfield(HeightMap(block, 0.1, 0.005), refine=5).data.T
    assert fine.shape == (31, 26)
    expected = np.zeros((31, 26))
    # the block's vertices 2..4 and 2..3 become 10..20 and 10..15, and nothing of it sticks out
    expected[10:21, 10:16] = 1.0
    np.testing.assert_array_equal(fine, expected)


def test_refined_map_keeps_the_vertices(make_cfg: Any) -> None:
    terrain = Terrain(make_cfg(num_rows=2, num_cols=10, border_size=1), seed=2)
    field = make_heightfield(terrain.height_map, refine=3)
    heights = field.data.T[::3, ::3] * field.size[2] + field.pos[2]
    np.testing.assert_allclose(heights, terrain.heights, atol=1e-5)
    np.testing.assert_allclose(field.size, make_heightfield(terrain.height_map).size)
    np.testing.assert_allclose(field.pos, make_heightfield(terrain.height_map).pos)
