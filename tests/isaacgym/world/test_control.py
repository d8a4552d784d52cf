"""Drives of all modes, and forces on bodies, against closed forms."""

from __future__ import annotations

import pytest
import torch

from legged_gym.isaacgym import gymapi, gymtorch
from tests.isaacgym.robots import BOX, MASS, TWO_ARMS, joint, link, robot
from tests.isaacgym.scenes import Scene, asset, at, gym, params

DT = 0.005
# three carts of 2 kg on rails along x of a fixed base
RANGE = 'lower="-9" upper="9" effort="10" velocity="9"'
RAILS = robot(
    [link("base")]
    + [link(name, 2.0) for name in "abc"]
    + [joint(name, "base", name, "prismatic", axis="1 0 0", limit=RANGE) for name in "abc"]
)


def floating() -> object:
    free = params()
    free.gravity = gymapi.Vec3()
    return free


@pytest.fixture
def carts(tmp_path) -> Scene:
    def drive(sim, env, actors):
        dofs = gym.get_actor_dof_properties(env, actors[0])
        dofs["driveMode"] = [gymapi.DOF_MODE_POS, gymapi.DOF_MODE_VEL, gymapi.DOF_MODE_EFFORT]
        dofs["stiffness"], dofs["damping"] = [200.0, 0.0, 0.0], [40.0, 50.0, 0.0]
        gym.set_actor_dof_properties(env, actors[0], dofs)

    return Scene([asset(tmp_path, RAILS, fix_base_link=True)], [at(z=1.0)], sim_params=floating(), before=drive)


def test_each_dof_takes_what_its_mode_says(carts) -> None:
    goals = torch.tensor([[0.5, 9.0, 9.0], [-0.5, 9.0, 9.0]])
    gym.set_dof_position_target_tensor(carts.sim, gymtorch.unwrap_tensor(goals))
    gym.set_dof_velocity_target_tensor(carts.sim, gymtorch.unwrap_tensor(torch.tensor([[9.0, 0.3, 9.0]]).repeat(2, 1)))
    for _ in range(400):
        carts.efforts(torch.tensor([[9.0, 9.0, 1.0]]).repeat(2, 1))
        gym.simulate(carts.sim)
    carts.refresh()
    state = carts.dof.view(2, 3, 2)
    torch.testing.assert_close(state[:, 0, 0], torch.tensor([0.5, -0.5]), atol=1e-3, rtol=0.0)
    torch.testing.assert_close(state[:, 1, 1], torch.tensor([0.3, 0.3]), atol=1e-3, rtol=0.0)
    # 1 N on 2 kg for two seconds
    torch.testing.assert_close(state[:, 2, 1], torch.tensor([1.0, 1.0]), atol=1e-4, rtol=0.0)


def test_efforts_last_one_step_and_targets_until_they_change(carts) -> None:
    carts.efforts(torch.ones(2, 3))
    gym.set_dof_position_target_tensor(carts.sim, torch.ones(2, 3))
    carts.step()
    after_one = carts.dof.view(2, 3, 2)[0].clone()
    carts.step(50)
    moved = carts.dof.view(2, 3, 2)[0]
    assert moved[2, 1] == after_one[2, 1] == pytest.approx(DT / 2.0)
    assert moved[0, 0] > 0.1


def test_position_drives_give_no_more_than_the_effort_of_the_file(carts) -> None:
    gym.set_dof_position_target_tensor(carts.sim, torch.full((2, 3), 5.0))
    carts.step()
    torch.testing.assert_close(carts.dof_force.view(2, 3)[:, 0], torch.tensor([10.0, 10.0]))


def test_targets_of_some_actors(carts) -> None:
    chosen = torch.tensor([1], dtype=torch.int32)
    gym.set_dof_position_target_tensor_indexed(carts.sim, torch.ones(2, 3), gymtorch.unwrap_tensor(chosen), 1)
    carts.step(20)
    assert carts.dof.view(2, 3, 2)[0, 0, 0] == 0.0 and carts.dof.view(2, 3, 2)[1, 0, 0] > 0.02


@pytest.fixture
def body(tmp_path) -> Scene:
    """A box turned by a quarter about z: its x axis is the world's y."""
    pose = gymapi.Transform(gymapi.Vec3(0, 0, 1), gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 0, 1), torch.pi / 2))
    return Scene([asset(tmp_path, robot([link("base", MASS, BOX, com="0.1 0 0")]))], [pose], sim_params=floating())


@pytest.mark.parametrize("space, direction", [(gymapi.ENV_SPACE, 0), (gymapi.GLOBAL_SPACE, 0), (gymapi.LOCAL_SPACE, 1)])
def test_a_force_acts_at_the_centre_of_mass_for_one_step(body, space, direction) -> None:
    push = torch.zeros(2, 1, 3)
    push[0, 0, 0] = 12.0
    gym.apply_rigid_body_force_tensors(body.sim, forceTensor=gymtorch.unwrap_tensor(push), space=space)
    body.step(2)
    expected = torch.zeros(3)
    expected[direction] = 12.0 / MASS * DT
    torch.testing.assert_close(body.root[0, 7:10], expected, atol=1e-6, rtol=0.0)
    assert body.root[0, 10:].abs().max() < 1e-6 and body.root[1, 7:].abs().max() == 0.0


def test_forces_of_several_calls_and_torques_add_up(body) -> None:
    push, turn = torch.zeros(2, 3), torch.tensor([[0.0, 0.0, 0.3]]).repeat(2, 1)
    push[:, 2] = 6.0
    gym.apply_rigid_body_force_tensors(body.sim, push, None, gymapi.ENV_SPACE)
    gym.apply_rigid_body_force_tensors(body.sim, push, turn, gymapi.ENV_SPACE)
    body.step()
    assert body.root[0, 9].item() == pytest.approx(12.0 / MASS * DT, abs=1e-6)
    assert body.root[0, 12].item() == pytest.approx(0.3 / (0.1 * MASS) * DT, abs=1e-6)


@pytest.mark.parametrize("space, place", [(gymapi.ENV_SPACE, [0.0, 0.3, 1.0]), (gymapi.LOCAL_SPACE, [0.3, 0.0, 0.0])])
def test_a_force_at_a_place_turns_about_the_centre_of_mass(body, space, place) -> None:
    # the centre of mass is at (0, 0.1, 1), so the arm is 0.2 m along the body's x axis, and the force crosses it
    force = torch.tensor([[12.0, 0.0, 0.0]]) if space == gymapi.ENV_SPACE else torch.tensor([[0.0, -12.0, 0.0]])
    gym.apply_rigid_body_force_at_pos_tensors(body.sim, force.repeat(2, 1), torch.tensor([place]).repeat(2, 1), space)
    body.step()
    spin = -0.2 * 12.0 / (0.1 * MASS) * DT
    torch.testing.assert_close(body.root[0, 10:], torch.tensor([0.0, 0.0, spin]), atol=1e-5, rtol=0.0)


def test_gravity_may_change_at_any_time(tmp_path) -> None:
    scene = Scene([asset(tmp_path, TWO_ARMS)], [at(z=5.0)], sim_params=floating())
    scene.step()
    assert scene.root[0, 9] == 0.0
    changed = gym.get_sim_params(scene.sim)
    changed.gravity = gymapi.Vec3(torch.tensor(0.0), 0.0, -2.0)
    gym.set_sim_params(scene.sim, changed)
    scene.step(10)
    torch.testing.assert_close(scene.root[:, 9], torch.full((2,), -2.0 * 10 * DT), atol=1e-6, rtol=0.0)
