"""The package isaacgym behind the seam, played by our own implementation of its API."""

from __future__ import annotations

import sys

import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi, gymtorch
from tests.sim import worlds
from tests.sim.test_conformance_contact import test_feet_carry_the_weight as test_feet_carry_the_weight
from tests.sim.test_conformance_motion import test_force_over_mass as test_force_over_mass
from tests.sim.test_conformance_motion import test_free_fall as test_free_fall
from tests.sim.test_conformance_motion import test_pendulum_keeps_its_energy as test_pendulum_keeps_its_energy
from tests.sim.test_conformance_motion import (
    test_root_spins_about_the_world_axis_it_was_given as test_root_spins_about_the_world_axis_it_was_given,
)
from tests.sim.test_conformance_motion import (
    test_the_wrong_kind_of_command_is_refused as test_the_wrong_kind_of_command_is_refused,
)
from tests.sim.test_conformance_state import (
    test_reset_clears_velocities_forces_and_torques as test_reset_clears_velocities_forces_and_torques,
)


@pytest.fixture(scope="module")
def backend():
    modules = {"isaacgym": sys.modules["legged_gym.isaacgym"], "isaacgym.gymapi": gymapi, "isaacgym.gymtorch": gymtorch}
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        yield "isaacgym"


@pytest.fixture(scope="module")
def a1(backend):
    return worlds.make(backend, worlds.a1_cfg(), 3)


@pytest.fixture(scope="module")
def bench(backend, tmp_path_factory):
    cfg = worlds.urdf_cfg(tmp_path_factory.mktemp("bench"), worlds.BENCH, fix_base_link=True)
    cfg.init_state.pos = [0.0, 0.0, 1.0]
    cfg.sim.dt = 0.002
    return worlds.make(backend, cfg, 3)


def test_it_stands_on_a_height_field(backend) -> None:
    sim = worlds.make(backend, worlds.a1_cfg(), 2, ground=worlds.sloped_ground())
    ids = worlds.everyone(sim)
    sim.reset(ids)
    sim.set_root_states(ids, worlds.root_states(2, 0.2 + 0.36, 1.0))
    sim.set_dof_states(ids, worlds.A1_POSE.repeat(2, 1), torch.zeros(2, 12))
    worlds.stand(sim, 50)
    assert sim.root_states[1, 2] - sim.root_states[0, 2] == pytest.approx(0.1, abs=0.03)
    assert sim.contact_forces[..., 2].sum(1).min() > 80.0


def test_masses_and_states_are_saved_and_changed(a1) -> None:
    worlds.place_a1(a1)
    a1.set_masses(torch.tensor([1]), "base", torch.tensor([5.0]))
    worlds.stand(a1, 300)
    weights = a1.contact_forces[..., 2].sum(1) / worlds.GRAVITY
    torch.testing.assert_close(weights[1] - weights[0], torch.tensor(5.0), atol=0.2, rtol=0.0)
    saved, root = a1.state_dict(), a1.root_states.clone()
    a1.set_masses(torch.tensor([1]), "base", torch.tensor([0.0]))
    worlds.place_a1(a1)
    a1.load_state_dict(saved)
    torch.testing.assert_close(a1.root_states, root)


def test_bodies_in_poses_are_those_of_mujoco(a1) -> None:
    worlds.place_a1(a1)
    poses, before = torch.stack((worlds.A1_POSE, 0.5 * worlds.A1_POSE)), a1.root_states.clone()
    expected = worlds.make("mujoco", worlds.a1_cfg(), 1).bodies_in_pose(poses)
    torch.testing.assert_close(a1.bodies_in_pose(poses), expected, atol=1e-5, rtol=0.0)
    assert torch.equal(a1.root_states, before)


def test_what_the_api_lacks_is_said(a1) -> None:
    with pytest.raises(UserError, match="its API has no rays"):
        a1.cast_rays(torch.zeros(3, 1, 3), torch.zeros(3, 1, 3))
    with pytest.raises(UserError, match="obstacles"):
        worlds.make("isaacgym", worlds.a1_cfg(), 2, obstacles=["box"])
