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
