"""The ground of a page: heights of the map, in few triangles."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.terrain.height_map import HeightMap
from legged_gym.viewing.scene.ground import ground_triangles

pytest.importorskip("trimesh")


def stairs_beside_stones(seed: int = 0) -> np.ndarray:
    """(150, 97): a plane, stairs along x, and single high vertices."""
    units = np.zeros((150, 97), dtype=np.int16)
    units[60:] = (np.arange(90) // 12 * 20)[:, None]
    rng = np.random.default_rng(seed)
    units[rng.integers(0, 50, 10), rng.integers(0, 97, 10)] = 7
    return units


def height_at(vertices: np.ndarray, faces: np.ndarray, x: float, y: float) -> float:
    """By barycentric coordinates, over all triangles."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    det = (b[:, 1] - c[:, 1]) * (a[:, 0] - c[:, 0]) + (c[:, 0] - b[:, 0]) * (a[:, 1] - c[:, 1])
    u = ((b[:, 1] - c[:, 1]) * (x - c[:, 0]) + (c[:, 0] - b[:, 0]) * (y - c[:, 1])) / det
    v = ((c[:, 1] - a[:, 1]) * (x - c[:, 0]) + (a[:, 0] - c[:, 0]) * (y - c[:, 1])) / det
    inside = np.flatnonzero((u > -1e-9) & (v > -1e-9) & (u + v < 1 + 1e-9))
    assert len(inside) > 0, f"a hole at {x}, {y}"
    k = inside[0]
    return float(u[k] * a[k, 2] + v[k] * b[k, 2] + (1 - u[k] - v[k]) * c[k, 2])


def test_every_vertex_of_the_map_is_shown_at_its_height():
    units = stairs_beside_stones()
    vertices, faces = ground_triangles(HeightMap(units, 0.1, 0.005, (-1.0, 2.0)))
    rng = np.random.default_rng(1)
    stones = np.argwhere(units[:50] == 7)
    for i, j in [*stones, *np.stack((rng.integers(0, 150, 200), rng.integers(0, 97, 200)), axis=1)]:
        assert height_at(vertices, faces, -1.0 + 0.1 * i, 2.0 + 0.1 * j) == pytest.approx(0.005 * units[i, j])


def test_triangles_cover_the_map_once_and_look_up():
    vertices, faces = ground_triangles(HeightMap(stairs_beside_stones(), 0.1, 0.005))
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    upwards = np.cross(b - a, c - a)[:, 2] / 2
    assert np.all(upwards > 0)
    assert upwards.sum() == pytest.approx(14.9 * 9.6)


def test_planes_are_few_triangles():
    slope = np.tile(np.arange(129, dtype=np.int16)[:, None], (1, 129))
    _, faces = ground_triangles(HeightMap(slope, 0.1, 0.005))
    assert len(faces) == 2 * 4  # four blocks of the largest size


def test_large_rough_maps_are_thinned_out():
    units = np.random.default_rng(0).integers(-9, 9, (101, 101)).astype(np.int16)
    vertices, faces = ground_triangles(HeightMap(units, 0.1, 0.005), most=3000)
    assert len(faces) == 2 * 50 * 50
    assert vertices[:, 0].max() == pytest.approx(10.0)
