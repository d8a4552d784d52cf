"""Tensors: layouts, memory, setting; of a robot and a ball in each of two environments."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym.isaacgym import gymapi, gymtorch
from tests.isaacgym.robots import TWO_ARMS
from tests.isaacgym.scenes import Scene, asset, at, gym, params

DT = 0.005


@pytest.fixture
def scene(tmp_path) -> Scene:
    free = params()
    free.gravity = gymapi.Vec3()
    ball = gym.create_sphere(None, 0.1, gymapi.AssetOptions())
    return Scene([asset(tmp_path, TWO_ARMS), ball], [at(z=1.0), at(1.0, 2.0, 3.0)], sim_params=free)


def test_rows_go_environment_by_environment_actor_by_actor(scene) -> None:
    assert scene.root.shape == (4, 13) and scene.dof.shape == (4, 2)
    assert scene.bodies.shape == (8, 13) and scene.contact.shape == (8, 3) and scene.dof_force.shape == (4,)
    upright = [0.0, 0.0, 0.0, 1.0] + [0.0] * 6
    torch.testing.assert_close(scene.root[::2], torch.tensor([0.0, 0.0, 1.0, *upright]).repeat(2, 1))
    torch.testing.assert_close(scene.root[1::2], torch.tensor([1.0, 2.0, 3.0, *upright]).repeat(2, 1))
    torch.testing.assert_close(scene.bodies[3], scene.root[1])
    assert gym.get_actor_index(scene.envs[1], 1, gymapi.DOMAIN_SIM) == 3
    assert gym.find_actor_rigid_body_index(scene.envs[1], 1, "sphere", gymapi.DOMAIN_SIM) == 7
    assert gym.find_actor_rigid_body_handle(scene.envs[1], 1, "sphere") == 3


def test_some_actors_are_set_by_their_index_from_a_tensor_of_all(scene) -> None:
    scene.root[:, 0] = 5.0
    scene.root[:, 7:10] = torch.tensor([0.0, 1.0, 0.0])
    chosen = torch.tensor([3, 0, 1], dtype=torch.int32)
    gym.set_actor_root_state_tensor_indexed(
        scene.sim, gymtorch.unwrap_tensor(scene.root), gymtorch.unwrap_tensor(chosen), 2
    )
    scene.refresh()
    assert scene.root[:, 0].tolist() == [5.0, 1.0, 0.0, 5.0]
    scene.dof[:] = torch.arange(8.0).view(4, 2) / 10
    gym.set_dof_state_tensor_indexed(scene.sim, scene.dof, chosen[1:2], 1)
    scene.refresh()
    torch.testing.assert_close(scene.dof, torch.tensor([[0.0, 0.1], [0.2, 0.3], [0.0, 0.0], [0.0, 0.0]]))
    scene.step(20)
    assert scene.root[0, 1] != 0.0 and scene.root[3, 1] == pytest.approx(2.0 + 20 * DT, abs=1e-5)


def test_nothing_is_set_of_no_actors(scene) -> None:
    scene.root[:] = 7.0
    none = torch.zeros(0, dtype=torch.int32)
    assert gym.set_actor_root_state_tensor_indexed(scene.sim, scene.root, none, 0)
    scene.refresh()
    assert scene.root[0, 2] == 1.0


def test_refreshing_fills_the_same_memory_and_leaves_what_was_written_until_then(scene) -> None:
    view, again = scene.root.view(2, 2, 13)[:, 0], gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(scene.sim))
    view[:, 2] = 9.0
    assert again[0, 2] == 9.0
    gym.simulate(scene.sim)
    assert again[0, 2] == 9.0
    scene.refresh()
    assert view[0, 2] == pytest.approx(1.0)


def test_tensors_made_in_inference_mode_can_be_written_to_outside_of_it(tmp_path) -> None:
    with torch.inference_mode():
        scene = Scene([asset(tmp_path, TWO_ARMS)], [at(z=1.0)])
        scene.efforts(torch.zeros(2, 2))
        scene.step()
    scene.root[:] += 1.0
    scene.dof[:] = 0.0
    gym.set_dof_state_tensor(scene.sim, scene.dof)
    scene.step()


def test_a_push_changes_who_was_pushed_alone(scene) -> None:
    scene.step(3)
    before = scene.sim.world.engine.batch.state.copy()
    scene.root[2, 7] = 1.0
    gym.set_actor_root_state_tensor(scene.sim, scene.root)
    after = scene.sim.world.engine.batch.state
    assert (before[0] == after[0]).all() and not (before[1] == after[1]).all()


def test_bodies_follow_a_teleport_at_once(scene) -> None:
    scene.root[0, :3] = torch.tensor([4.0, 5.0, 6.0])
    scene.root[0, 10:] = torch.tensor([0.0, 0.0, 2.0])
    gym.set_actor_root_state_tensor(scene.sim, scene.root)
    scene.refresh()
    torch.testing.assert_close(scene.bodies[:3, 2], torch.full((3,), 6.0))
    # the left arm's origin is 0.2 m to the left of the axis
    torch.testing.assert_close(scene.bodies[1, 7:10], torch.tensor([-0.4, 0.0, 0.0]), atol=1e-5, rtol=0.0)


def test_a_fixed_base_stays_and_can_be_moved(tmp_path) -> None:
    scene = Scene([asset(tmp_path, TWO_ARMS, fix_base_link=True)], [at(z=2.0)])
    scene.step(50)
    assert scene.root[0, 2] == 2.0 and scene.root[0, 7:].abs().max() == 0.0
    scene.root[1, :3] = torch.tensor([1.0, 0.0, 3.0])
    gym.set_actor_root_state_tensor(scene.sim, scene.root)
    scene.step()
    assert scene.root[1, :3].tolist() == [1.0, 0.0, 3.0] and scene.bodies[3, 2] == 3.0


def test_an_environment_whose_physics_breaks_down_begins_anew(scene, capsys) -> None:
    scene.root[2, 7] = float("nan")
    gym.set_actor_root_state_tensor_indexed(scene.sim, scene.root, torch.tensor([2], dtype=torch.int32), 1)
    scene.root[0, 7] = 1.0
    gym.set_actor_root_state_tensor_indexed(scene.sim, scene.root, torch.tensor([0], dtype=torch.int32), 1)
    scene.step(2)
    assert torch.isfinite(scene.root).all()
    assert scene.root[2, 2] == pytest.approx(1.0) and scene.root[0, 0] == pytest.approx(2 * DT, abs=1e-5)
    assert "environment 1 broke down" in capsys.readouterr().err


def test_environments_apart_have_places_of_their_own_on_uneven_ground(tmp_path) -> None:
    flat = gymapi.HeightFieldParams(nbRows=50, nbColumns=50, row_scale=1.0, column_scale=1.0, vertical_scale=1.0)
    flat.transform.p = gymapi.Vec3(-10, -10, 0)
    slope = np.tile(np.arange(50, dtype=np.int16)[:, None], (1, 50))
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params())
    gym.add_heightfield(sim, slope, flat)
    ball = gym.create_sphere(sim, 0.1, gymapi.AssetOptions())
    for _ in range(2):
        env = gym.create_env(sim, gymapi.Vec3(-2, -2, 0), gymapi.Vec3(2, 2, 0), 2)
        gym.create_actor(env, ball, at(z=20.0), "ball", -1, 0)
    gym.prepare_sim(sim)
    root = gymtorch.wrap_tensor(gym.acquire_actor_root_state_tensor(sim))
    for _ in range(int(1.2 / DT)):
        gym.simulate(sim)
    gym.refresh_actor_root_state_tensor(sim)
    assert gym.get_env_origin(gym.get_env(sim, 1)).x == 4.0
    assert root[:, 0].abs().max() < 5.0 and root[1, 2] - root[0, 2] > 1.0
