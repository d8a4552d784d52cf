"""Rays on every backend, against geometry."""

from __future__ import annotations

import pytest
import torch

from legged_gym.sensors.height_scan import HeightScan
from tests.sim.worlds import everyone, place_a1, root_states

SQRT2 = 2.0**0.5


@pytest.fixture
def field(a1_field):
    """Robots out of the way, one box in environments 0 and 2, the other hidden."""
    place_a1(a1_field, height=0.6)
    ids = everyone(a1_field)
    a1_field.set_root_states(ids, root_states(3, 3.0))
    poses = torch.zeros(3, 2, 7)
    poses[..., 6] = 1.0
    poses[:, 0, :3] = torch.tensor([2.0, 0.0, 1.5])
    sizes = torch.zeros(3, 2, 3)
    sizes[[0, 2], 0] = torch.tensor([0.5, 0.3, 0.2])
    a1_field.set_obstacles(ids, poses, sizes)
    return a1_field


def cast(sim, origin, direction, **kwargs):
    count = len(kwargs.get("env_ids", range(sim.num_envs)))
    origins = torch.tensor(origin, dtype=torch.float32).reshape(1, -1, 3).repeat(count, 1, 1)
    directions = torch.tensor(direction, dtype=torch.float32).reshape(1, -1, 3).repeat(count, 1, 1)
    return sim.cast_rays(origins, directions, **kwargs)


def test_plane(a1):
    place_a1(a1)
    a1.set_root_states(everyone(a1), root_states(3, 5.0))
    origins = [[0.3, 0.2, 1.7], [0.3, 0.2, 1.7], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    directions = [[0.0, 0.0, -1.0], [1.0, 0.0, -1.0], [0.0, 0.0, -2.0], [0.0, 0.0, 1.0]]
    hits = cast(a1, origins, directions)
    # in units of the direction's length: 1.7 down is 1.7 times (1, 0, -1)
    expected = torch.tensor([1.7, 1.7, 0.5, torch.inf]).repeat(3, 1)
    torch.testing.assert_close(hits, expected, rtol=1e-5, atol=1e-5)


def test_unit_directions_measure_metres(a1):
    hits = cast(a1, [[0.0, 3.0, 1.0]], [[1 / SQRT2, 0.0, -1 / SQRT2]])
    torch.testing.assert_close(hits, torch.full((3, 1), SQRT2), rtol=1e-5, atol=0)


def test_height_field(field):
    """The ground is z = 0.2 + 0.1 x."""
    x = torch.linspace(-4.0, 4.0, 33)
    origins = torch.stack((x, torch.full_like(x, -2.03), torch.full_like(x, 2.0)), dim=1)
    down = cast(field, origins.tolist(), [[0.0, 0.0, -1.0]] * 33)
    torch.testing.assert_close(down, (2.0 - 0.2 - 0.1 * x).repeat(3, 1), rtol=0, atol=2e-4)
    level = cast(field, [[0.0, -2.0, 0.45]], [[1.0, 0.0, 0.0]])
    torch.testing.assert_close(level, torch.full((3, 1), 2.5), rtol=0, atol=2e-3)
    assert torch.isinf(cast(field, [[0.0, 0.0, 1.0]], [[-1.0, 0.0, 0.3]])).all()


def test_obstacles_are_seen_and_hidden_ones_are_not(field):
    hits = cast(field, [[0.0, 0.1, 1.5], [2.0, 0.0, 2.5]], [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    torch.testing.assert_close(hits[[0, 2]], torch.tensor([[1.5, 0.8]]).repeat(2, 1), rtol=0, atol=1e-5)
    assert torch.isinf(hits[1, 0])
    assert hits[1, 1].item() == pytest.approx(2.5 - 0.4, abs=1e-4)


def put_cylinder(sim, centre, quat):
    """Radius 0.5 m, half length 0.4 m, in environments 0 and 2."""
    poses, sizes = torch.zeros(3, 2, 7), torch.zeros(3, 2, 3)
    poses[..., 6] = 1.0
    poses[:, 1] = torch.tensor([*centre, *quat])
    sizes[[0, 2], 1] = torch.tensor([0.5, 0.5, 0.4])
    sim.set_obstacles(everyone(sim), poses, sizes)


def test_a_ray_meets_a_cylinder(field):
    """At half a chord before its axis, on its top, and not in the corners of the box around it."""
    put_cylinder(field, (2.0, 0.0, 1.5), (0.0, 0.0, 0.0, 1.0))
    origins = [[0.0, 0.3, 1.5], [2.3, 0.2, 3.0], [2.45, 0.45, 3.0], [2.0, 0.1, 1.5]]
    directions = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 2.0]]
    # the chord at 0.3 m is 0.8 m long; beside it the ground is z = 0.2 + 0.1 x; and half a way up
    expected = torch.tensor([2.0 - 0.4, 3.0 - 1.9, 3.0 - 0.445, 0.2])
    hits = cast(field, origins, directions)
    torch.testing.assert_close(hits[[0, 2]], expected.repeat(2, 1), rtol=0, atol=2e-4)
    ground = torch.tensor([torch.inf, 3.0 - 0.43, 3.0 - 0.445, torch.inf])
    torch.testing.assert_close(hits[1], ground, rtol=0, atol=2e-4)
    alone = cast(field, origins, directions, ground=False)
    torch.testing.assert_close(alone[0], expected.index_fill(0, torch.tensor(2), torch.inf), rtol=0, atol=2e-4)
    assert torch.isinf(alone[1]).all()


def test_a_cylinder_that_lies(field):
    """Along y, 0.8 m long; a ray 0.3 m above its axis meets it 0.4 m before."""
    put_cylinder(field, (2.0, 0.0, 1.5), (SQRT2 / 2, 0.0, 0.0, SQRT2 / 2))
    hits = cast(field, [[0.0, 0.3, 1.8], [0.0, 0.45, 1.8], [2.0, -2.0, 1.9]], [[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]])
    torch.testing.assert_close(hits[0], torch.tensor([1.6, torch.inf, 1.6]), rtol=0, atol=2e-4)


def test_a_height_scan_sees_the_obstacles_of_its_own_environment(field):
    """A box from x = 1.5 to 2.5, y = -0.3 to 0.3 with its top at 1.7 m in environments 0 and 2; the ground is at 0."""
    scan = HeightScan(None, [1.4, 2.0, 2.6], [0.0, 0.4], sim=field)
    states = root_states(3, 3.0)
    top = torch.tensor([[0.0, 0.0, 1.7, 0.0, 0.0, 0.0], [0.0] * 6, [0.0, 0.0, 1.7, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(scan(states[:, :3], states[:, 3:7]), top, rtol=0, atol=1e-4)
    quarter = torch.tensor([[0.0, 0.0, SQRT2 / 2, SQRT2 / 2]]).repeat(3, 1)  # turned to the left, it is on the right
    torch.testing.assert_close(scan(states[:, :3], quarter), torch.zeros(3, 6), rtol=0, atol=1e-4)
    points = torch.tensor([[1.6, 0.2], [1.6, -0.2]]).expand(3, 2, 2)
    torch.testing.assert_close(scan.sample(points), top[:, 2:3].expand(3, 2), rtol=0, atol=1e-4)


def test_obstacles_move_with_their_sizes(field):
    poses = torch.zeros(1, 2, 7)
    poses[..., 6] = 1.0
    poses[0, 0, :3] = torch.tensor([3.0, 0.0, 1.5])
    field.set_obstacles(torch.tensor([2]), poses)
    hits = cast(field, [[0.0, 0.1, 1.5]], [[1.0, 0.0, 0.0]])[:, 0]
    torch.testing.assert_close(hits, torch.tensor([1.5, torch.inf, 2.5]), rtol=0, atol=1e-5)


def test_obstacles_stay_through_a_reset(field):
    field.reset(torch.tensor([0]))
    hits = cast(field, [[0.0, 0.1, 1.5]], [[1.0, 0.0, 0.0]])
    torch.testing.assert_close(hits[[0, 2], 0], torch.tensor([1.5, 1.5]), rtol=0, atol=1e-5)


def test_rays_of_some_environments(field):
    origins = torch.tensor([[[0.0, 0.1, 1.5]], [[1.0, 0.1, 1.5]]])
    directions = torch.tensor([[[1.0, 0.0, 0.0]]]).repeat(2, 1, 1)
    hits = field.cast_rays(origins, directions, env_ids=torch.tensor([1, 2]))
    assert torch.isinf(hits[0, 0])
    assert hits[1, 0].item() == pytest.approx(0.5, abs=1e-5)


def test_the_robot_is_seen_only_if_asked_for(a1):
    place_a1(a1)
    a1.set_root_states(everyone(a1), root_states(3, 2.0))
    above = [[0.0, 0.0, 5.0]]
    down = [[0.0, 0.0, -1.0]]
    torch.testing.assert_close(cast(a1, above, down), torch.full((3, 1), 5.0))
    # the trunk is a box 0.114 m high around the root
    torch.testing.assert_close(cast(a1, above, down, robot=True), torch.full((3, 1), 3.0 - 0.057), rtol=0, atol=1e-4)


def test_nothing_is_seen_beyond_the_greatest_distance(field):
    """From 1.5 m up: the box is 1.5 m ahead, the ground 1.3 m below, seen by rays of length 2 at half of that."""
    origins, directions = [[0.0, 0.1, 1.5], [0.0, 0.0, 1.5], [0.0, 0.0, 1.5]], [[1.0, 0, 0], [0, 0, -1.0], [0, 0, -2.0]]
    expected = torch.tensor([[1.5, 1.3, 0.65], [torch.inf, 1.3, 0.65], [1.5, 1.3, 0.65]])
    for reach in (2.0, 1.4, 0.7, 0.1):
        hits = cast(field, origins, directions, max_distance=reach)
        torch.testing.assert_close(hits, expected.masked_fill(expected > reach, torch.inf), rtol=0, atol=2e-4)


def test_rays_from_one_point(field):
    directions = torch.randn(3, 50, 3) - torch.tensor([0.0, 0.0, 1.0])
    origins = torch.tensor([[[0.0, 0.1, 1.5]], [[1.0, 0.1, 1.5]], [[-1.0, 0.5, 1.2]]])
    one = field.cast_rays(origins, directions)
    assert torch.isfinite(one).any()
    assert torch.equal(one, field.cast_rays(origins.repeat(1, 50, 1), directions))
