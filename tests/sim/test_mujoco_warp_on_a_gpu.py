"""MuJoCo Warp on a GPU against the C engine on the CPU; left out where there is no GPU."""

from __future__ import annotations

import pytest
import torch

from legged_gym.sim.factory import make_simulator
from tests.sim.test_warp_order import rough_ground
from tests.sim.worlds import A1_POSE, a1_cfg, make, place_a1, root_states, sloped_ground, spec_of, stand

pytest.importorskip("mujoco_warp")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

GPU = "cuda:0"


def on_gpu(num_envs: int, deterministic: bool = False, **world):
    return make_simulator(spec_of(a1_cfg(), **world), num_envs, "mujoco_warp", GPU, deterministic)


def place(sim, height: float) -> None:
    ids = torch.arange(sim.num_envs, device=sim.device)
    sim.reset(ids)
    sim.set_root_states(ids, root_states(sim.num_envs, height).to(sim.device))
    pose = A1_POSE.repeat(sim.num_envs, 1).to(sim.device)
    sim.set_dof_states(ids, pose, torch.zeros_like(pose))


def walk(sim, steps: int, amplitude: float, start: int = 0) -> torch.Tensor:
    """Root states (N, 13) on the CPU after steps of reproducible targets, the first of them step `start`."""
    for step in range(start, start + steps):
        noise = amplitude * torch.randn(sim.num_envs, 12, generator=torch.Generator().manual_seed(step))
        sim.step((A1_POSE + noise).to(sim.device), 4)
    return sim.root_states.cpu().clone()


def test_an_a1_drops_and_stands_as_on_the_cpu():
    sim, reference = on_gpu(3), make("mujoco", a1_cfg(), 3)
    place(sim, 0.42)
    place_a1(reference, height=0.42)
    for _ in range(100):
        sim.step(A1_POSE.repeat(3, 1).to(sim.device), 4)
        stand(reference, 1)
    assert sim.root_states.device.type == "cuda"
    assert torch.allclose(sim.root_states.cpu(), reference.root_states, atol=1e-4)
    assert torch.allclose(sim.contact_forces.cpu(), reference.contact_forces, atol=0.05)
    assert torch.allclose(sim.torques.cpu(), reference.torques, atol=0.05)


def test_recorded_steps_use_what_was_set_after_recording():
    """Steps are replayed from a graph; masses, friction and gains set later must act in it."""
    sim, reference = on_gpu(2), make("mujoco", a1_cfg(), 2)
    place(sim, 0.36)
    walk(sim, 5, 0.1)  # records the graph
    for one in (sim, reference):
        ids = torch.arange(2, device=one.device)
        place(one, 0.36)
        one.set_friction(ids, torch.tensor([0.3, 1.2], device=one.device))
        one.set_masses(ids, "base", torch.tensor([2.0, -1.0], device=one.device))
        one.set_gains(ids, *(torch.full((2, 12), value, device=one.device) for value in (25.0, 0.6)))
    assert torch.allclose(walk(sim, 25, 0.0), walk(reference, 25, 0.0), atol=1e-3)


def test_a_reset_leaves_other_robots_alone():
    sim, undisturbed = on_gpu(4, deterministic=True), on_gpu(4, deterministic=True)
    for one in (sim, undisturbed):
        place(one, 0.36)
        walk(one, 10, 0.2)
    sim.reset(torch.tensor([1, 3], device=sim.device))
    after, expected = walk(sim, 10, 0.2, start=10), walk(undisturbed, 10, 0.2, start=10)
    assert torch.allclose(after[[0, 2]], expected[[0, 2]], atol=1e-4)
    assert (after[[1, 3]] - expected[[1, 3]]).abs().amax(1).min() > 0.01


def test_deterministic_runs_repeat_bit_for_bit_on_rough_ground():
    """Robots that stumble; whole runs, and one that goes on from a saved state."""
    runs = []
    for _ in range(2):
        sim = on_gpu(512, deterministic=True, ground=rough_ground())
        place(sim, 0.5)
        half = walk(sim, 50, 0.6)
        saved = sim.state_dict()
        runs.append((half, walk(sim, 50, 0.6, start=50), sim.contact_forces.cpu().clone()))
    assert runs[0][2].norm(dim=-1).max() > 10.0
    assert all(torch.equal(*pair) for pair in zip(*runs))
    other = on_gpu(512, deterministic=True, ground=rough_ground())
    other.load_state_dict(saved)
    assert torch.equal(walk(other, 50, 0.6, start=50), runs[0][1])


def test_a_saved_state_goes_on_alike():
    """Not bit for bit: without `deterministic` contacts come in any order on a GPU."""
    sim = on_gpu(4)
    place(sim, 0.36)
    walk(sim, 10, 0.2)
    saved = sim.state_dict()
    expected = walk(sim, 10, 0.2, start=10)
    other = on_gpu(4)
    other.load_state_dict(saved)
    assert torch.allclose(walk(other, 10, 0.2, start=10), expected, atol=1e-4)


def test_rays_meet_the_ground_and_boxes_as_on_the_cpu():
    sim = on_gpu(2, ground=sloped_ground(), obstacles=["box"])
    reference = make("mujoco", a1_cfg(), 2, ground=sloped_ground(), obstacles=["box"])
    generator = torch.Generator().manual_seed(3)
    origins = torch.tensor([0.0, 0.0, 1.0]) + 0.2 * torch.randn(2, 500, 3, generator=generator)
    directions = torch.randn(2, 500, 3, generator=generator) - torch.tensor([0.0, 0.0, 1.0])
    distances = []
    for one in (sim, reference):
        place(one, 0.6)
        ids = torch.arange(2, device=one.device)
        pose = torch.tensor([[[0.8, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0]]]).repeat(2, 1, 1)
        one.set_obstacles(ids, pose.to(one.device), torch.full((2, 1, 3), 0.2, device=one.device))
        rays = origins.to(one.device), directions.to(one.device)
        for robot in (False, True):
            distances.append(one.cast_rays(*rays, robot=robot).cpu())
    assert torch.isfinite(distances[0]).any() and (distances[1] < distances[0]).any()
    for found, expected in zip(distances[:2], distances[2:]):
        assert torch.equal(found.isinf(), expected.isinf())
        assert torch.allclose(found, expected, atol=1e-3)
