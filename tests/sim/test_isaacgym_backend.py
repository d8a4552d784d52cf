"""The package isaacgym behind the seam, played by our own implementation of its API."""

from __future__ import annotations

import sys
import types

import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi, gymtorch
from legged_gym.sim.isaacgym import LACKS
from tests.sim import (
    test_conformance_contact,
    test_conformance_motion,
    test_conformance_randomisation,
    test_conformance_rays,
    test_conformance_state,
    worlds,
)

CONFORMANCE = (
    test_conformance_contact, test_conformance_motion, test_conformance_randomisation, test_conformance_rays,
    test_conformance_state,
)  # fmt: skip
_OUT_OF_REACH = "the solver's memory, which a saved state would need, is out of reach", AssertionError
_RAYS = [name for name in vars(test_conformance_rays) if name.startswith("test_")]
# of the conformance tests, why this one cannot pass, and how it shows
CANNOT = {
    **dict.fromkeys(_RAYS, (LACKS["rays"], UserError)),
    "test_feet_carry_the_weight_on_an_obstacle": (LACKS["obstacles"], AssertionError),
    "test_generalized_state_is_of_the_engine": (LACKS["solver"], UserError),
    "test_a_generalized_state_is_gone_back_to_exactly": (LACKS["solver"], UserError),
    "test_teleports_leave_others_untouched": _OUT_OF_REACH,
    "test_joint_friction_of_one_environment": ("a DOF's friction is PhysX's, and nothing on MuJoCo", AssertionError),
    "test_loading_undoes_fields_set_since": ("a mass that is set anew is rounded: 5e-7 off", AssertionError),
    "test_a_state_from_before_a_field_was_saved_has_the_robots_own": ("its states have no engine's fields", KeyError),
    "test_saved_state_goes_on_bit_for_bit_elsewhere": _OUT_OF_REACH,
}


def _conformance():
    """The tests of all backends, and their fixtures; those that cannot pass must fail."""
    for module in CONFORMANCE:
        for name, thing in vars(module).items():
            if name in CANNOT:
                reason, error = CANNOT[name]
                yield name, pytest.mark.xfail(strict=True, raises=error, reason=reason)(_copy(thing))
            elif name.startswith("test_") or isinstance(thing, type(test_conformance_rays.field)):
                yield name, thing


def _copy(test):
    """With marks of its own."""
    copy = types.FunctionType(test.__code__, test.__globals__, test.__name__, test.__defaults__, test.__closure__)
    copy.pytestmark = list(getattr(test, "pytestmark", []))
    return copy


globals().update(_conformance())


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
def a1_field(backend):
    cfg = worlds.a1_cfg()
    cfg.asset.self_collisions = 0
    return worlds.make(backend, cfg, 3, ground=worlds.sloped_ground())


@pytest.fixture(scope="module")
def bench(backend, tmp_path_factory):
    cfg = worlds.urdf_cfg(tmp_path_factory.mktemp("bench"), worlds.BENCH, fix_base_link=True)
    cfg.init_state.pos = [0.0, 0.0, 1.0]
    cfg.sim.dt = 0.002
    return worlds.make(backend, cfg, 3)


@pytest.fixture(scope="module")
def sleds(backend, tmp_path_factory):
    cfg = worlds.urdf_cfg(tmp_path_factory.mktemp("sled"), worlds.SLED)
    cfg.terrain.static_friction = 0.2
    cosine = (1.0 + worlds.SLOPE_TANGENT**2) ** -0.5
    cfg.sim.gravity = [9.81 * worlds.SLOPE_TANGENT * cosine, 0.0, -9.81 * cosine]
    return worlds.make(backend, cfg, len(worlds.SLED_FRICTION))


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
