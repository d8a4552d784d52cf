"""Shapes on grids, and meshes of grids worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.isaacgym import terrain_utils
from legged_gym.isaacgym.terrain_utils import SubTerrain, convert_heightfield_to_trimesh


def ground(width=80, length=60):
    return SubTerrain("terrain", width=width, length=length, vertical_scale=0.005, horizontal_scale=0.1)


def middle(terrain):
    return terrain.height_field_raw[terrain.width // 2, terrain.length // 2] * terrain.vertical_scale


def test_a_piece_of_ground_begins_flat():
    terrain = ground()
    assert terrain.height_field_raw.shape == (80, 60) and terrain.height_field_raw.dtype == np.int16
    assert not terrain.height_field_raw.any()


def test_slopes_and_stairs_rise_to_the_platform_or_fall():
    for sign in (1, -1):
        slope = terrain_utils.pyramid_sloped_terrain(ground(80, 80), slope=0.25 * sign, platform_size=2.0)
        assert middle(slope) == pytest.approx(0.25 * 4.0 * (30 / 40) ** 2 * sign, abs=0.03)
        stairs = terrain_utils.pyramid_stairs_terrain(ground(80, 80), 0.5, 0.1 * sign, platform_size=2.0)
        assert middle(stairs) == pytest.approx(0.6 * sign) and not stairs.height_field_raw[0].any()


def test_plain_slopes_stairs_and_waves():
    slope = terrain_utils.sloped_terrain(ground(), slope=0.5).height_field_raw
    assert slope[-1, 0] * 0.005 == pytest.approx(0.5 * 7.9) and (slope == slope[:, :1]).all()
    stairs = terrain_utils.stairs_terrain(ground(), step_width=0.4, step_height=0.1).height_field_raw
    assert stairs[:9, 0].tolist() == [20] * 4 + [40] * 4 + [60]
    waves = terrain_utils.wave_terrain(ground(60, 60), num_waves=2, amplitude=1.0).height_field_raw
    assert np.ptp(waves) * 0.005 == pytest.approx(1.0, abs=0.03)
    np.testing.assert_allclose(waves[:30], waves[30:], atol=1)
    with pytest.raises(UserError, match="less than one cell"):
        terrain_utils.stairs_terrain(ground(), 0.01, 0.1)


def test_roughness_adds_and_follows_from_numpys_seed():
    def rough(seed):
        np.random.seed(seed)
        terrain = ground()
        terrain.height_field_raw[:] = 100
        terrain_utils.random_uniform_terrain(terrain, -0.05, 0.05, step=0.005, downsampled_scale=0.2)
        return terrain.height_field_raw

    assert (rough(1) == rough(1)).all() and (rough(1) != rough(2)).any()
    assert 90 <= rough(1).min() < 100 < rough(1).max() <= 110


def test_obstacles_and_stones():
    obstacles = terrain_utils.discrete_obstacles_terrain(ground(), 0.2, 1.0, 2.0, 20, platform_size=1.0)
    assert set(np.unique(obstacles.height_field_raw)) == {-40, -20, 0, 20, 40} and middle(obstacles) == 0
    stones = terrain_utils.stepping_stones_terrain(
        ground(), 0.5, 0.2, 0.0, platform_size=1.0, depth=-2
    ).height_field_raw
    assert set(np.unique(stones)) == {-400, 0}


def test_a_mesh_has_a_vertex_a_cell_and_two_triangles_between_four():
    raw = np.array([[0, 1, 2], [3, 4, 5]], dtype=np.int16)
    vertices, triangles = convert_heightfield_to_trimesh(raw, 0.5, 0.1)
    assert vertices.dtype == np.float32 and triangles.dtype == np.uint32
    expected = [[0, 0, 0], [0, 0.5, 0.1], [0, 1, 0.2], [0.5, 0, 0.3], [0.5, 0.5, 0.4], [0.5, 1, 0.5]]
    np.testing.assert_allclose(vertices, expected, atol=1e-6)
    assert triangles.tolist() == [[0, 4, 1], [0, 3, 4], [1, 5, 2], [1, 4, 5]]
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()  # they face up


def moved(raw, threshold):
    """By how many cells vertices have moved, (R, C, 2)."""
    vertices = convert_heightfield_to_trimesh(np.array(raw, dtype=np.int16), 1.0, 1.0, threshold)[0]
    plain = convert_heightfield_to_trimesh(np.array(raw, dtype=np.int16), 1.0, 1.0)[0]
    assert (vertices[:, 2] == plain[:, 2]).all()
    return (vertices - plain)[:, :2].reshape(*np.shape(raw), 2)


def test_the_lower_side_of_a_wall_moves_under_the_upper_one():
    up_and_down = moved([[0], [0], [9], [9], [0]], 2.0)
    assert up_and_down[:, 0, 0].tolist() == [0, 1, 0, 0, -1] and not up_and_down[..., 1].any()
    along_y = moved([[0, 0, 9, 9, 0]], 2.0)
    assert along_y[0, :, 1].tolist() == [0, 1, 0, 0, -1] and not along_y[..., 0].any()


def test_all_around_a_block_the_ground_moves_to_it_at_corners_too():
    raw = np.zeros((5, 5))
    raw[2, 2] = 9
    shift = moved(raw, 2.0)
    assert shift[1, 2].tolist() == [1, 0] and shift[2, 1].tolist() == [0, 1]
    assert shift[1, 1].tolist() == [1, 1] and shift[3, 3].tolist() == [-1, -1]
    assert np.count_nonzero(np.abs(shift).sum(-1)) == 6


def test_gentle_slopes_stay_as_they_are():
    assert not moved([[0, 1, 2], [1, 2, 3]], 2.0).any()
