"""Heights and rays on a saved terrain are the engine's."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.sim2sim.ground import Ground, Obstacles, read_ground
from legged_gym.sim2sim.model import _add_ground

CELL, ORIGIN = 0.1, (-0.5, 1.0)


@pytest.fixture(scope="module")
def ground():
    """A ramp along x, then a wall, then a plateau; cells are flat, so that triangles make no difference."""
    x = np.arange(31) * CELL
    return Ground(np.tile(np.where(x < 1.55, 0.2 * x, 0.7)[:, None], (1, 21)), CELL, ORIGIN)


@pytest.fixture(scope="module")
def world(ground):
    spec = mujoco.MjSpec()
    _add_ground(spec, ground)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def by_the_engine(world, place, direction):
    hit = np.zeros(1, np.int32)
    return mujoco.mj_ray(*world, place, direction, None, 1, -1, hit)


def test_heights_are_those_of_the_engine(ground, world):
    rng = np.random.default_rng(0)
    places = rng.uniform([-0.4, 1.1], [2.4, 2.9], (200, 2))
    heights = ground.height(places[:, 0], places[:, 1])
    rays = [by_the_engine(world, np.array([x, y, 5.0]), np.array([0.0, 0.0, -1.0])) for x, y in places]
    np.testing.assert_allclose(heights, 5.0 - np.array(rays), atol=1e-5)
    assert float(ground.height(99.0, 2.0)) == pytest.approx(0.7)  # off the map: its edge
    assert float(Ground().height(3.0, 4.0)) == 0.0


def test_rays_are_those_of_the_engine(ground, world):
    rng = np.random.default_rng(1)
    place = np.array([0.1, 2.0, 0.6])
    directions = np.column_stack((np.ones(300), rng.uniform(-0.4, 0.4, 300), rng.uniform(-1.0, 0.2, 300)))
    expected = np.array([by_the_engine(world, place, ray) for ray in directions])
    expected[expected < 0] = np.inf
    found = ground.cast(place, directions, 1.8)
    assert 20 < np.isinf(found).sum() < 200
    wrong = np.abs(np.minimum(found, 1.8) - np.minimum(expected, 1.8)) > 2e-3
    assert wrong.sum() <= 1  # one may graze the edge of the wall


def test_rays_meet_a_plane():
    rays = np.array([[1.0, 0.0, -0.5], [1.0, 0.0, 0.5], [1.0, 0.0, -0.1]])
    np.testing.assert_allclose(Ground().cast(np.array([0.0, 0.0, 1.0]), rays, 3.0), [2.0, np.inf, np.inf])


def test_obstacles_are_met_and_seen_from_above():
    """A bar half a metre up, turned by a quarter, and a post; places and rays by hand."""
    turned = [0.0, 0.0, np.sin(np.pi / 4), np.cos(np.pi / 4)]
    solids = Obstacles(
        ("box", "cylinder"),
        np.array([[0.8, 0.03, 0.05], [0.1, 0.1, 0.3]]),
        np.array([[2.0, 0.0, 0.55, *turned], [1.0, 1.0, 0.3, 0.0, 0.0, 0.0, 1.0]]),
    )
    ground = Ground(obstacles=solids)
    x, y = np.array([[2.0, 2.0, 2.05], [1.0, 1.09, 1.11]]), np.array([[0.0, 0.79, 0.0], [1.0, 1.0, 1.0]])
    np.testing.assert_allclose(ground.height(x, y), [[0.6, 0.6, 0.0], [0.6, 0.6, 0.0]])
    rays = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 0.0, -0.11], [0.0, 1.0, 0.0], [1.0, 0.0, -0.3]])
    found = ground.cast(np.array([0.0, 0.0, 0.55]), rays, 3.0)
    np.testing.assert_allclose(found, [1.97, 0.985, np.inf, np.inf, 0.55 / 0.3], atol=1e-6)
    assert np.isinf(ground.cast(np.array([0.0, 0.0, 0.55]), rays[:1], 1.9)).all()


def test_another_file_is_refused_in_one_line(tmp_path):
    path = tmp_path / "terrain.npz"
    path.write_text("no terrain")
    with pytest.raises(UserError, match=r"terrain\.npz is no terrain"):
        read_ground(str(path))
    np.savez(path, heights=np.zeros((2, 2)))
    with pytest.raises(UserError, match="export the policy again"):
        read_ground(str(path))
    with pytest.raises(UserError, match=r"there is no terrain none\.npz"):
        read_ground("none.npz")


@pytest.mark.parametrize(
    "wrong",
    [
        {"heights": np.zeros(4)}, {"heights": np.full((3, 3), np.nan)}, {"cell": 0.0}, {"starts": np.zeros((2, 3))},
        {"goals": np.zeros((3, 1, 3))}, {"origin": 0.0},
    ],
)  # fmt: skip
def test_a_terrain_that_cannot_be_is_refused_in_one_line(tmp_path, wrong):
    whole = {"heights": np.zeros((3, 4)), "unit": 0.01, "cell": 0.1, "origin": [0.0, 0.0], "starts": np.zeros((1, 3))}
    np.savez(path := str(tmp_path / "terrain.npz"), **{**whole, "names": ["a"]})
    assert [tile.name for tile in read_ground(path).tiles] == ["a"]
    np.savez(path, **{**whole, "names": ["a"], **wrong})
    with pytest.raises(UserError, match=r"terrain\.npz is no terrain that export.py has written") as error:
        read_ground(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wrong", [{"poses": np.zeros((1, 6))}, {"half_sizes": np.zeros((2, 3))}, {"hurdles": []}])
def test_a_course_that_cannot_be_is_refused_in_one_line(tmp_path, wrong):
    path, solids = str(tmp_path / "terrain.npz"), {"half_sizes": np.ones((1, 3)), "poses": np.ones((1, 7))}
    whole = {"starts": np.zeros((1, 3)), "names": ["a"], "shapes": ["box"], **solids}
    goals = np.array([[[1.0, 0, 0], [2.0, 0, 0], [2.0, 0, 0], [np.nan] * 3]])
    np.savez(path, **whole, goals=goals)
    assert read_ground(path).tiles[0].goals.tolist() == [[1.0, 0, 0], [2.0, 0, 0]] and read_ground(path).heights is None
    np.savez(path, **{**whole, **wrong})
    with pytest.raises(UserError, match=r"terrain\.npz is no terrain that export.py has written"):
        read_ground(path)
