"""Rays at ground and obstacles against the engine's own, from wherever a walk over cells may stumble."""

from __future__ import annotations

import math

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.sim.model import GROUND_GROUP, OBSTACLE_GROUP
from legged_gym.terrain.heightfield import HeightField
from tests.sim.worlds import SLED, everyone, make, urdf_cfg

pytest.importorskip("warp")

RAYS = 4000
HALF_X, HALF_Y, TOP = 2.9, 2.0, 0.8


def ground(data: np.ndarray) -> HeightField:
    """Any number of cells on 5.8 x 4 m, from z = -0.5 to 0.3."""
    return HeightField(data.astype(np.float32), (HALF_X, HALF_Y, TOP, 1.0), (0.2, -0.1, -0.5))


def blocks(rng) -> np.ndarray:
    """Steps and pits, as steep as cells allow, with some roughness; 41 x 59 vertices, so cells are squares of 0.1 m."""
    data = np.kron(rng.integers(0, 4, (7, 10)), np.ones((6, 6)))[:41, :59] / 3.0
    data += 0.1 * rng.uniform(size=data.shape)
    data -= data.min()
    return data / data.max()


def hills(rng) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, 9, 33), np.linspace(0, 7, 17))
    data = np.sin(x) * np.cos(y) + 0.1 * rng.uniform(size=x.shape)
    data -= data.min()
    return data / data.max()


@pytest.fixture(scope="module", params=["blocks", "hills", "plane"])
def sim(request, tmp_path_factory):
    rng = np.random.default_rng(0)
    field = {"blocks": lambda: ground(blocks(rng)), "hills": lambda: ground(hills(rng)), "plane": lambda: None}
    cfg = urdf_cfg(tmp_path_factory.mktemp("sled"), SLED)
    return make("mujoco", cfg, 3, ground=field[request.param](), obstacles=["box", "cylinder"] * 2)


def place_obstacles(sim) -> None:
    """Turned boxes and cylinders about the field, one hidden in each world."""
    generator = torch.Generator().manual_seed(2)
    poses = torch.randn(3, 4, 7, generator=generator)
    poses[..., 3:] /= poses[..., 3:].norm(dim=-1, keepdim=True)
    sizes = torch.rand(3, 4, 3, generator=generator) * 0.4 + 0.05
    sizes[:, 1::2, 1] = sizes[:, 1::2, 0]
    sizes[:, 2, 1] = 0.0
    sim.set_obstacles(everyone(sim), poses, sizes)


def random_rays(seed: int):
    """From above the field, between its hills, under it and beside it; lengths differ."""
    generator = torch.Generator().manual_seed(seed)
    origins = torch.rand(3, RAYS, 3, generator=generator) * torch.tensor([8.0, 6.0, 2.0]) - torch.tensor(
        [4.0, 3.0, 0.4]
    )
    directions = torch.randn(3, RAYS, 3, generator=generator) * torch.tensor([1.0, 1.0, 0.4])
    return origins, directions


def above_ground(sim, origins) -> torch.Tensor:
    """Rays that start inside of the earth are another matter: MuJoCo's field is solid down to its base."""
    up = torch.zeros_like(origins)
    up[..., 2] = 1.0
    return torch.isinf(engine(sim, origins, up))


def engine(sim, origins, directions, max_distance=math.inf, ids=None) -> torch.Tensor:
    groups = np.zeros(mujoco.mjNGROUP, np.uint8)
    groups[[GROUND_GROUP, OBSTACLE_GROUP]] = 1
    return sim._cast_in_engine(origins, directions, ids, groups, max_distance)


def differing(a: torch.Tensor, b: torch.Tensor) -> float:
    """Share of rays whose distances differ, or that hit in one way and miss in the other."""
    return 1.0 - torch.isclose(a, b, rtol=1e-4, atol=1e-4).float().mean().item()


@pytest.mark.parametrize("obstacles", [False, True])
def test_random_rays(sim, obstacles):
    if obstacles:
        place_obstacles(sim)
    else:
        sim.set_obstacles(everyone(sim), torch.eye(7)[6].repeat(3, 4, 1), torch.zeros(3, 4, 3))
    origins, directions = random_rays(1)
    keep = above_ground(sim, origins).all(0)
    assert keep.sum() > 500
    origins, directions = origins[:, keep], directions[:, keep]
    found, expected = sim.cast_rays(origins, directions), engine(sim, origins, directions)
    assert 0.1 < torch.isfinite(expected).float().mean() < 0.98
    # rays that graze an edge to single precision
    assert differing(found, expected) < 2e-3


def test_rays_at_obstacles_alone(sim, monkeypatch):
    place_obstacles(sim)
    origins, directions = random_rays(5)
    found = sim.cast_rays(origins, directions, ground=False)
    monkeypatch.setitem(sim.__dict__, "_scene_rays", None)  # as without Warp
    expected = sim.cast_rays(origins, directions, ground=False)
    assert differing(found, expected) < 2e-3
    share = torch.isfinite(expected).float().mean()
    assert 0.01 < share < torch.isfinite(sim.cast_rays(origins, directions)).float().mean() - 0.2


def test_max_distance_is_in_units_of_the_direction(sim):
    origins, directions = random_rays(2)
    keep = above_ground(sim, origins).all(0)
    origins, directions = origins[:, keep], directions[:, keep]
    whole = sim.cast_rays(origins, directions)
    for reach in (0.3, 2.0):
        near = sim.cast_rays(origins, directions, max_distance=reach)
        assert differing(near, whole.masked_fill(whole > reach, math.inf)) < 1e-3
        assert 0.02 < torch.isfinite(near).float().mean() < torch.isfinite(whole).float().mean()


def test_rays_along_the_axes_and_through_vertices(sim):
    """Where a ray goes along a border of cells, or passes from one to the next through a corner."""
    x, y = np.meshgrid(np.linspace(-2.7, 3.1, 59)[5:-5:3], np.linspace(-2.1, 1.9, 41)[3:-3:2])
    starts = torch.tensor(np.stack((x, y, np.full_like(x, 1.0)), axis=-1).reshape(-1, 3), dtype=torch.float32)
    steps = [[0, 0, -1], [1, 0, -0.5], [0, 1, -0.5], [-1, 0, -0.3], [0, -1, -0.3], [1, 1, -0.7], [-1, 1, -0.7]]
    for step in steps:
        origins = starts.expand(3, -1, 3).contiguous()
        directions = torch.tensor(step, dtype=torch.float32).expand_as(origins).contiguous()
        assert differing(sim.cast_rays(origins, directions), engine(sim, origins, directions)) < 0.01


def test_one_origin_for_all_rays(sim):
    origins, directions = random_rays(3)
    origins = origins[:, :1] * 0.2 + torch.tensor([0.0, 0.0, 1.0])
    one = sim.cast_rays(origins, directions)
    assert torch.equal(one, sim.cast_rays(origins.expand_as(directions).contiguous(), directions))
    assert torch.equal(one[1:2], sim.cast_rays(origins[1:2], directions[1:2], env_ids=torch.tensor([1])))
    assert torch.equal(engine(sim, origins, directions), engine(sim, origins.expand(3, RAYS, 3), directions))


def test_flat_fields_have_no_seams(tmp_path):
    """All of the ground is at the top of the field, as where nothing but level tiles were asked for."""
    sim = make("mujoco", urdf_cfg(tmp_path, SLED), 1, ground=ground(np.zeros((40, 60))))
    generator = torch.Generator().manual_seed(0)
    origins = torch.rand(1, RAYS, 3, generator=generator) - torch.tensor([0.5, 0.5, 0.4])
    directions = 0.2 * torch.randn(1, RAYS, 3, generator=generator)
    directions[..., 2] = -directions[..., 2].abs() - 0.5
    hits = sim.cast_rays(origins, directions)
    torch.testing.assert_close(hits, -(origins[..., 2] + 0.5) / directions[..., 2], rtol=1e-4, atol=1e-5)


def test_a_robot_that_is_not_a_number_does_not_stop_the_others(sim):
    origins, directions = random_rays(4)
    expected = sim.cast_rays(origins, directions)
    origins[0, :7] = math.nan
    directions[0, 7:9] = math.inf
    directions[0, 9] = 0.0
    found = sim.cast_rays(origins, directions)
    assert torch.isinf(found[0, :10]).all()
    assert torch.equal(found[0, 10:], expected[0, 10:]) and torch.equal(found[1:], expected[1:])


def test_threads_change_nothing(sim):
    origins, directions = random_rays(5)
    together = sim.cast_rays(origins, directions)
    single = [sim.cast_rays(origins[i : i + 1], directions[i : i + 1], env_ids=torch.tensor([i])) for i in range(3)]
    assert torch.equal(together, torch.cat(single))
    nobody = torch.zeros(0, dtype=torch.long)
    assert sim.cast_rays(origins[:0], directions[:0], env_ids=nobody).shape == (0, RAYS)


def test_without_warp_the_engine_casts(tmp_path, monkeypatch, capsys):
    sim = make("mujoco", urdf_cfg(tmp_path, SLED), 3, ground=ground(hills(np.random.default_rng(0))))
    origins, directions = random_rays(6)
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        found = sim.cast_rays(origins[:, :1], directions, max_distance=2.0)
    assert torch.equal(found, engine(sim, origins[:, :1], directions, 2.0))
    sim.cast_rays(origins[:, :1], directions)
    assert capsys.readouterr().err.count("warp-lang") == 1
