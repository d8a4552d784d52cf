"""The backends against each other, and against themselves with other threads."""

from __future__ import annotations

import pytest
import torch

from tests.sim.worlds import a1_cfg, make, place_a1, root_states, sloped_ground, stand, trajectory

QUANTITIES = ("root_states", "dof_pos", "dof_vel", "torques", "contact_forces", "body_states")


def largest_differences(one, two, steps):
    largest = dict.fromkeys(QUANTITIES, 0.0)
    for _ in range(steps):
        for sim in (one, two):
            stand(sim, 1)
        for name in QUANTITIES:
            difference = (getattr(one, name) - getattr(two, name)).abs().max().item()
            largest[name] = max(largest[name], difference)
    return largest


def test_an_a1_drops_and_stands_alike_on_both_engines():
    """Two seconds of 400 sub-steps; Warp computes in float32, the C engine in float64."""
    pytest.importorskip("mujoco_warp")
    sims = [make(backend, a1_cfg(), 2) for backend in ("mujoco", "mujoco_warp")]
    for sim in sims:
        place_a1(sim, height=0.42)
        states = root_states(2, 0.42)
        states[1, 7:13] = torch.tensor([0.3, -0.2, 0.0, 0.5, -0.5, 1.0])
        sim.set_root_states(torch.arange(2), states)
    largest = largest_differences(*sims, steps=100)
    print("\nlargest differences over 2 s:", {name: f"{value:.1e}" for name, value in largest.items()})
    assert largest["root_states"] < 1e-4
    assert largest["dof_pos"] < 1e-4
    assert largest["contact_forces"] < 0.01
    assert largest["torques"] < 0.01
    assert largest["body_states"] < 1e-3


def test_randomised_a1_agree_on_both_engines():
    pytest.importorskip("mujoco_warp")
    sims = [make(backend, a1_cfg(), 2) for backend in ("mujoco", "mujoco_warp")]
    ids = torch.arange(2)
    for sim in sims:
        place_a1(sim, height=0.36)
        sim.set_friction(ids, torch.tensor([0.3, 1.2]))
        sim.set_masses(ids, "base", torch.tensor([2.0, -1.0]))
        sim.set_coms(ids, "base", torch.tensor([[0.03, 0.0, 0.01], [0.0, 0.02, 0.0]]))
        sim.set_gains(ids, torch.full((2, 12), 25.0), torch.full((2, 12), 0.6))
        sim.set_motor_strength(ids, torch.full((2, 12), 0.9))
    largest = largest_differences(*sims, steps=50)
    print("\nrandomised, largest differences over 1 s:", {name: f"{value:.1e}" for name, value in largest.items()})
    assert largest["root_states"] < 1e-3
    assert largest["contact_forces"] < 0.1


def test_an_a1_stands_much_alike_on_a_height_field():
    """The engines choose other contact points among the triangles under a foot, so here they agree roughly."""
    pytest.importorskip("mujoco_warp")
    sims = [make(backend, a1_cfg(), 2, ground=sloped_ground()) for backend in ("mujoco", "mujoco_warp")]
    for sim in sims:
        place_a1(sim, height=0.5)
        stand(sim, 100)
    difference = (sims[0].body_states - sims[1].body_states).abs()
    print(f"\nheight field, difference after 2 s: {difference[..., :3].max():.1e} m")
    assert difference[..., :3].max() < 0.03


def test_threads_do_not_change_a_bit():
    runs = []
    for threads in (1, 3):
        cfg = a1_cfg()
        cfg.sim.num_threads = threads
        sim = make("mujoco", cfg, 5, ground=sloped_ground())
        place_a1(sim, height=0.6)
        runs.append(torch.cat((trajectory(sim, 25, amplitude=0.3).flatten(), sim.contact_forces.flatten())))
    assert torch.equal(*runs)


@pytest.mark.slow
def test_deterministic_mode_of_warp():
    """On a CPU it cannot show its worth; it must run, repeat itself, and do the same physics."""
    pytest.importorskip("mujoco_warp")
    sims = [make("mujoco_warp", a1_cfg(), 2, deterministic=flag) for flag in (True, True, False)]
    runs = []
    for sim in sims:
        place_a1(sim)
        stand(sim, 30)
        runs.append(sim.root_states.clone())
    assert torch.equal(runs[0], runs[1])
    torch.testing.assert_close(runs[0], runs[2], atol=1e-4, rtol=0)
