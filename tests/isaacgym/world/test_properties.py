"""Properties of shapes, bodies and DOFs: forgiving, per environment, at any time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi
from tests.isaacgym.robots import BOX, TWO_ARMS, link, robot
from tests.isaacgym.scenes import Scene, asset, at, gym, params, plane

SLOPE = 0.5


@pytest.fixture
def box(tmp_path):
    return asset(tmp_path, robot([link("base", 2.0, BOX)]))


def slide(scene: Scene, seconds: float = 1.0) -> torch.Tensor:
    scene.step(int(seconds / 0.005))
    return scene.root[:, 7:10].norm(dim=1)


def tilted():
    """Gravity as on a slope of tangent one half."""
    made = params()
    made.gravity = gymapi.Vec3(9.81 * SLOPE, 0, -9.81)
    return made


def test_friction_of_each_environment_is_the_mean_with_the_ground(box) -> None:
    friction = torch.tensor([0.3, 0.6, 0.8, 1.2]).view(4, 1, 1)  # means with 0.3: 0.3, 0.45, 0.55, 0.75

    def rub(sim, env, actors):
        shapes = gym.get_asset_rigid_shape_properties(box)
        for shape in shapes:
            shape.friction = friction[env.index + 1] if env.index < 3 else friction[0]
        gym.set_asset_rigid_shape_properties(box, shapes)

    def ground(sim):
        gym.add_ground(sim, plane(static_friction=0.3))

    scene = Scene([box], [at(z=0.05)], 5, tilted(), ground, before=rub)
    # an actor takes what its asset had when it was made
    assert [env.actors[0].shapes[0, 0] for env in scene.envs] == pytest.approx([1.0, 0.6, 0.8, 1.2, 0.3])
    speed = slide(scene)
    slides = speed > 0.05
    assert slides.tolist() == [False, True, False, False, True]
    assert speed[4] == pytest.approx(9.81 * (SLOPE - 0.3), rel=0.03)


def test_shapes_change_at_run_time(box) -> None:
    scene = Scene([box], [at(z=0.05)], 2, tilted())
    assert slide(scene, 0.5).max() < 0.02
    shapes = gym.get_actor_rigid_shape_properties(scene.envs[1], 0)
    shapes[0].friction, shapes[0].restitution = np.array([-0.8]), 0.0
    gym.set_actor_rigid_shape_properties(scene.envs[1], 0, shapes)
    speed = slide(scene, 0.5)
    assert speed[0] < 0.02 and speed[1] == pytest.approx(9.81 * (SLOPE - 0.1) * 0.5, rel=0.05)


def falling(scene: Scene) -> torch.Tensor:
    """Speed after a push of 1 N on the root for ten steps without gravity."""
    push = torch.zeros(scene.contact.shape)
    push[:: len(push) // scene.num_envs, 2] = 1.0
    for _ in range(10):
        gym.apply_rigid_body_force_tensors(scene.sim, push)
        gym.simulate(scene.sim)
    scene.refresh()
    return scene.root[:, 9]


def test_masses_and_centres_of_each_environment(box) -> None:
    def load(sim, env, actors):
        bodies = gym.get_actor_rigid_body_properties(env, actors[0])
        bodies[0].mass += np.array([2.0 * env.index])
        bodies[0].com.x += torch.tensor([[0.1]]) * env.index
        assert gym.set_actor_rigid_body_properties(env, actors[0], bodies, recomputeInertia=True)

    free = params()
    free.gravity = gymapi.Vec3()
    scene = Scene([box], [at(z=1.0)], 3, free, before=load)
    bodies = gym.get_actor_rigid_body_properties(scene.envs[2], 0)
    assert (
        bodies[0].mass == 6.0 and bodies[0].inertia.y.y == pytest.approx(0.6) and bodies[0].com.x == pytest.approx(0.2)
    )
    torch.testing.assert_close(falling(scene), 0.05 / torch.tensor([2.0, 4.0, 6.0]), rtol=1e-4, atol=0.0)
    # turned by a torque about y at the centre of mass, the root's origin is lifted where that is not the centre
    for _ in range(5):
        gym.apply_rigid_body_force_tensors(scene.sim, None, torch.tensor([[0.0, 1.0, 0.0]]).repeat(3, 1))
        gym.simulate(scene.sim)
    scene.refresh()
    torch.testing.assert_close(scene.root[:, 11], 0.025 / torch.tensor([0.2, 0.4, 0.6]), rtol=1e-3, atol=0.0)
    assert scene.root[0, 9] == pytest.approx(0.025, rel=1e-3) and scene.root[2, 9] > 0.05 / 6.0 + 0.2 * 0.04


def test_an_inertia_of_any_axes(box) -> None:
    """A body turned by a torque about x alone begins to turn about all axes of a full inertia."""
    inertia = np.array([[0.3, 0.05, 0.02], [0.05, 0.2, -0.04], [0.02, -0.04, 0.4]])

    def shape(sim, env, actors):
        bodies = gym.get_actor_rigid_body_properties(env, actors[0])
        for row, name in zip(inertia, "xyz"):
            setattr(bodies[0].inertia, name, gymapi.Vec3(*row))
        gym.set_actor_rigid_body_properties(env, actors[0], bodies, recomputeInertia=False) if env.index else None

    free = params(dt=1e-3)
    free.gravity = gymapi.Vec3()
    scene = Scene([box], [at(z=1.0)], 2, free, before=shape)
    gym.apply_rigid_body_force_tensors(scene.sim, None, torch.tensor([[1.0, 0.0, 0.0]]).repeat(2, 1))
    scene.step()
    spin = 1e-3 * np.linalg.solve(inertia, [1.0, 0.0, 0.0])
    np.testing.assert_allclose(scene.root[1, 10:], spin, rtol=1e-4)
    np.testing.assert_allclose(scene.root[0, 10:], [1e-3 / 0.2, 0, 0], atol=1e-9)


def test_masses_change_at_run_time(box) -> None:
    free = params()
    free.gravity = gymapi.Vec3()
    scene = Scene([box], [at(z=1.0)], 2, free)
    bodies = gym.get_actor_rigid_body_properties(scene.envs[1], 0)
    bodies[0].mass = 8.0
    gym.set_actor_rigid_body_properties(scene.envs[1], 0, bodies, True)
    torch.testing.assert_close(falling(scene), 0.05 / torch.tensor([2.0, 8.0]), rtol=1e-4, atol=0.0)


def test_gains_and_limits_of_single_environments_change_at_run_time(tmp_path) -> None:
    free = params()
    free.gravity = gymapi.Vec3()
    scene = Scene([asset(tmp_path, TWO_ARMS, fix_base_link=True)], [at(z=1.0)], 2, free)
    dofs = gym.get_actor_dof_properties(scene.envs[1], 0)
    dofs["driveMode"], dofs["stiffness"], dofs["damping"], dofs["upper"] = gymapi.DOF_MODE_POS, 50.0, 5.0, 0.3
    gym.set_actor_dof_properties(scene.envs[1], 0, dofs)
    gym.set_dof_position_target_tensor(scene.sim, torch.full((4,), 0.9))
    scene.step(300)
    assert scene.dof[:2].abs().max() == 0.0
    assert scene.dof[2:, 0].min() > 0.28 and scene.dof[2:, 0].max() < 0.36
    dofs["upper"] = 1.0
    gym.set_actor_dof_properties(scene.envs[1], 0, dofs)
    scene.step(300)
    torch.testing.assert_close(scene.dof[2:, 0], torch.tensor([0.9, 0.9]), atol=1e-3, rtol=0.0)


def test_what_was_got_is_a_copy(box) -> None:
    scene = Scene([box], [at(z=1.0)])
    gym.get_actor_rigid_body_properties(scene.envs[0], 0)[0].mass = 99.0
    gym.get_actor_rigid_shape_properties(scene.envs[0], 0)[0].friction = 99.0
    assert gym.get_actor_rigid_body_properties(scene.envs[0], 0)[0].mass == 2.0
    assert gym.get_actor_rigid_shape_properties(scene.envs[0], 0)[0].friction == 1.0


def test_a_body_without_mass_is_refused(box) -> None:
    scene = Scene([box], [at(z=1.0)])
    bodies = gym.get_actor_rigid_body_properties(scene.envs[0], 0)
    bodies[0].mass = -0.5
    with pytest.raises(UserError, match=r"body base would weigh -0.5 kg"):
        gym.set_actor_rigid_body_properties(scene.envs[0], 0, bodies)


def test_a_name_that_is_no_property_is_refused() -> None:
    with pytest.raises(AttributeError, match="frictoin"):
        gymapi.RigidShapeProperties().frictoin = 1.0
    gymapi.SimParams().flex.anything = 1.0


@pytest.mark.parametrize("filters, collide", [((0, 0), True), ((1, 1), False), ((1, 2), True), ((3, 2), False)])
def test_actors_collide_if_their_filters_share_no_bit(tmp_path, filters, collide) -> None:
    ball = gym.create_sphere(None, 0.1, gymapi.AssetOptions())
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params())
    gym.add_ground(sim, plane())
    env = gym.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1)
    for height, filter_ in zip((0.1, 0.35), filters):
        gym.create_actor(env, ball, at(z=height), f"ball{height}", 0, filter_)
    gym.prepare_sim(sim)
    for _ in range(100):
        gym.simulate(sim)
    gym.refresh_actor_root_state_tensor(sim)
    heights = gym.acquire_actor_root_state_tensor(sim).torch[:, 2]
    assert heights[0] == pytest.approx(0.1, abs=0.01)
    assert (heights[1] > 0.25) == collide
