"""What cannot be is said in one line; what is only shown does nothing without a window."""

from __future__ import annotations

import pytest

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi
from tests.isaacgym.robots import TWO_ARMS
from tests.isaacgym.scenes import Scene, asset, at, gym, params


def test_there_is_one_gym() -> None:
    assert gymapi.acquire_gym() is gym and gym.initialize()


def test_a_call_that_cannot_be_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"gym\.set_attractor_target is not there on MuJoCo.*position targets"):
        gym.set_attractor_target(None, 0, None)
    with pytest.raises(AttributeError, match="no call 'simulat'"):
        _ = gym.simulat


def test_the_world_must_be_z_up() -> None:
    with pytest.raises(UserError, match=r"create_sim.*UP_AXIS_Z"):
        gym.create_sim(0, -1, gymapi.SIM_PHYSX, gymapi.SimParams())


def test_environments_must_be_alike(tmp_path) -> None:
    robot, ball = asset(tmp_path, TWO_ARMS), gym.create_sphere(None, 0.1)
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params())
    for made in (robot, ball):
        gym.create_actor(gym.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1), made, at())
    with pytest.raises(UserError, match="environment 1 has other actors"):
        gym.prepare_sim(sim)


def test_an_asset_loaded_again_is_the_same(tmp_path) -> None:
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params())
    for _ in range(2):
        env = gym.create_env(sim, gymapi.Vec3(), gymapi.Vec3(), 1)
        gym.create_actor(env, asset(tmp_path, TWO_ARMS), at(), "robot")
    assert gym.prepare_sim(sim)


@pytest.mark.parametrize("call", ["create_env", "create_actor", "add_ground"])
def test_nothing_is_created_after_the_simulation_was_prepared(tmp_path, call) -> None:
    scene = Scene([asset(tmp_path, TWO_ARMS)], [at(z=1.0)])
    arguments = {
        "create_env": (scene.sim, gymapi.Vec3(), gymapi.Vec3(), 1),
        "create_actor": (scene.envs[-1], scene.assets[0], at()),
        "add_ground": (scene.sim, gymapi.PlaneParams()),
    }
    with pytest.raises(UserError, match=f"{call}: nothing can be added after prepare_sim"):
        getattr(gym, call)(*arguments[call])


def test_tensors_are_there_after_prepare_sim(tmp_path) -> None:
    sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, params())
    with pytest.raises(UserError, match="acquire_dof_state_tensor: call prepare_sim first"):
        gym.acquire_dof_state_tensor(sim)


def test_a_viewer_without_a_window_is_quiet(tmp_path, capsys) -> None:
    scene = Scene([asset(tmp_path, TWO_ARMS)], [at(z=1.0)])
    viewer = gym.create_viewer(scene.sim, gymapi.CameraProperties())
    assert viewer
    gym.subscribe_viewer_keyboard_event(viewer, gymapi.KEY_ESCAPE, "QUIT")
    gym.viewer_camera_look_at(viewer, None, gymapi.Vec3(1, 2, 3), gymapi.Vec3())
    for _ in range(2):
        gym.step_graphics(scene.sim)
        gym.draw_viewer(viewer, scene.sim, True)
        gym.sync_frame_time(scene.sim)
        gym.add_lines(viewer, scene.envs[0], 1, [0] * 6, [0] * 3)
    assert not gym.query_viewer_has_closed(viewer) and gym.query_viewer_action_events(viewer) == []
    assert gym.get_viewer_camera_transform(viewer, scene.envs[0]).p.y == 2.0
    gym.create_viewer(scene.sim, gymapi.CameraProperties())
    assert capsys.readouterr().err.count("note:") == 1


def test_time_is_counted(tmp_path) -> None:
    scene = Scene([asset(tmp_path, TWO_ARMS)], [at(z=1.0)])
    scene.step(3)
    assert gym.get_frame_count(scene.sim) == 3 and gym.get_sim_time(scene.sim) == pytest.approx(0.015)
    assert gym.get_elapsed_time(scene.sim) > 0


def test_names_are_found_and_missing_ones_are_minus_one(tmp_path) -> None:
    scene = Scene([asset(tmp_path, TWO_ARMS)] * 2, [at(z=1.0), at(z=3.0)])
    env = scene.envs[1]
    assert gym.find_actor_rigid_body_handle(env, 1, "left") == 4 and gym.find_actor_rigid_body_handle(env, 1, "x") == -1
    assert gym.find_asset_rigid_body_index(scene.assets[0], "right") == 2
    assert gym.find_actor_dof_index(env, 1, "b_right", gymapi.DOMAIN_SIM) == 7
    assert gym.find_actor_handle(env, "actor1") == 1 and gym.get_sim_dof_count(scene.sim) == 8
    assert gym.get_actor_dof_dict(env, 0) == {"a_left": 0, "b_right": 1}


def test_contact_forces_are_the_mean_over_sub_steps(tmp_path) -> None:
    ball = gym.create_sphere(None, 0.1, gymapi.AssetOptions(density=1000.0))
    scene = Scene([ball], [at(z=0.1)], sim_params=params(0.02, 4))
    scene.step(100)
    weight = 9.81 * ball.bodies[0, 0]
    assert scene.contact[:, 2].tolist() == pytest.approx([weight, weight], rel=1e-3)
