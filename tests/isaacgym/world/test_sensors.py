"""Force sensors, Jacobians, mass matrices and cameras against closed forms and against MuJoCo's own."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.isaacgym import gymapi, gymtorch
from tests.isaacgym.robots import BOX, MASS, TWO_ARMS, joint, link, robot
from tests.isaacgym.scenes import Scene, asset, at, gym, params

QUARTER = gymapi.Quat.from_axis_angle(gymapi.Vec3(0, 0, 1), np.pi / 2)


def test_force_sensors_feel_the_weight_where_and_how_they_stand(tmp_path) -> None:
    made = asset(tmp_path, robot([link("base", MASS, BOX)]))
    here = gymapi.Transform(gymapi.Vec3(0.1, 0, -0.05), QUARTER)
    for frame in (True, False):
        gym.create_asset_force_sensor(made, 0, here, gymapi.ForceSensorProperties(use_world_frame=frame))
    scene = Scene([made], [at(z=0.05)], sim_params=params())
    sensors = gymtorch.wrap_tensor(gym.acquire_force_sensor_tensor(scene.sim))
    assert sensors.shape == (4, 6)
    scene.step(200)
    assert gym.refresh_force_sensor_tensor(scene.sim)
    weight = 9.81 * MASS
    # the weight acts 0.1 m behind the sensor: -0.1 x across z is 0.1 y
    expected = torch.tensor([[0, 0, weight, 0, 0.1 * weight, 0], [0, 0, weight, 0.1 * weight, 0, 0]])
    torch.testing.assert_close(sensors, expected.repeat(2, 1), atol=0.05, rtol=0.0)
    torch.testing.assert_close(scene.contact, torch.tensor([[0, 0, weight]]).repeat(2, 1), atol=0.05, rtol=0.0)


ARM = robot(
    [
        link("base", 4.0), link("upper", 1.0, com="0.1 0 -0.3"), link("slider", 0.5, com="0 0.1 0"), link("side", 1.0),
        joint("a", "base", "upper", at="0 0.2 0.1", axis="0.6 0.8 0"),
        joint("b", "upper", "slider", "prismatic", at="0.1 0 -0.2", axis="0 0 1"),
        joint("c", "base", "side", at="0 -0.3 0", axis="1 0 0"),
    ]
)  # fmt: skip


@pytest.mark.parametrize("fixed", [False, True])
def test_jacobians_and_mass_matrices_are_those_of_mujoco(tmp_path, fixed) -> None:
    scene = Scene([asset(tmp_path, ARM, fix_base_link=fixed, armature=0.02)], [at(z=1.0)])
    scene.root[:, 3:7] = torch.nn.functional.normalize(torch.tensor([0.1, 0.4, -0.3, 0.8]), dim=0)
    gym.set_actor_root_state_tensor(scene.sim, scene.root)
    scene.dof[:, 0] = torch.tensor([0.3, -0.4, 0.5] * 2)
    gym.set_dof_state_tensor(scene.sim, scene.dof)
    gym.refresh_jacobian_tensors(scene.sim)
    jacobian = gymtorch.wrap_tensor(gym.acquire_jacobian_tensor(scene.sim, "actor0"))
    mass = gymtorch.wrap_tensor(gym.acquire_mass_matrix_tensor(scene.sim, "actor0"))
    assert gym.refresh_jacobian_tensors(scene.sim) and gym.refresh_mass_matrix_tensors(scene.sim)
    data = scene.sim.world.engine.batch.get_data(1)
    model = scene.sim.world.model
    mujoco.mj_forward(model, data)
    full, size = np.zeros((model.nv, model.nv)), model.nv
    mujoco.mj_fullM(model, data, full)
    turn = np.eye(size)  # MuJoCo's base turns about its own axes
    rows = np.zeros((2, 3, size))
    expected = []
    for name in gym.get_asset_rigid_body_names(scene.assets[0])[int(fixed) :]:
        mujoco.mj_jacBody(model, data, rows[0], rows[1], model.body(f"0/{name}").id)
        expected.append(rows.reshape(6, size).copy())
    if not fixed:
        turn[3:6, 3:6] = data.xmat[model.body("0/base").id].reshape(3, 3).T
    np.testing.assert_allclose(jacobian[1], np.array(expected) @ turn, atol=1e-5)
    np.testing.assert_allclose(mass[1], turn.T @ full @ turn, atol=1e-4)


@pytest.fixture
def watched(tmp_path) -> Scene:
    """A box of 0.2 m on the ground at (2, 0), and another robot in the air, in two environments."""
    box = gym.create_box(None, 0.2, 0.2, 0.2, gymapi.AssetOptions(fix_base_link=True))
    carrier = asset(tmp_path, TWO_ARMS, fix_base_link=True)
    return Scene([box, carrier], [at(2.0, 0.0, 0.1), at(0.0, 0.0, 5.0)], sim_params=params())


def camera(scene: Scene, env: int, **fields: float) -> int:
    return gym.create_camera_sensor(
        scene.envs[env], gymapi.CameraProperties(width=40, height=20, enable_tensors=True, **fields)
    )


def test_depth_is_along_the_view_negative_and_endless_in_the_sky(watched) -> None:
    handle = camera(watched, 0)
    gym.set_camera_location(handle, watched.envs[0], gymapi.Vec3(0, 0, 0.1), gymapi.Vec3(1, 0, 0.1))
    image = gym.get_camera_image(watched.sim, watched.envs[0], handle, gymapi.IMAGE_DEPTH)
    assert image.shape == (20, 40)
    np.testing.assert_allclose(image[9:11, 19:21], -1.9, atol=1e-4)
    assert np.isneginf(image[:9, 0]).all()
    # 45 degrees across 20 pixels: row k from the middle looks (k + 0.5) / 20 m down a metre
    np.testing.assert_allclose(image[15:, 0], [-0.1 / ((k + 0.5) / 20) for k in range(5, 10)], rtol=1e-3)


def test_a_camera_goes_with_its_body(watched) -> None:
    handles = [camera(watched, env) for env in range(2)]
    tilt = gymapi.Transform(gymapi.Vec3(0.3, 0, 0), gymapi.Quat.from_euler_zyx(0.0, np.pi / 2, 0.0))
    base = gym.find_actor_rigid_body_handle(watched.envs[0], 1, "base")
    images = []
    for env, handle in zip(watched.envs, handles):
        gym.attach_camera_to_body(handle, env, base, tilt, gymapi.FOLLOW_TRANSFORM)
        images.append(
            gymtorch.wrap_tensor(gym.get_camera_image_gpu_tensor(watched.sim, env, handle, gymapi.IMAGE_DEPTH))
        )
    watched.root[3, 2] = 3.0
    gym.set_actor_root_state_tensor(watched.sim, watched.root)
    gym.step_graphics(watched.sim)
    gym.render_all_camera_sensors(watched.sim)
    gym.start_access_image_tensors(watched.sim)
    assert images[0][10, 20].item() == pytest.approx(-5.0, abs=1e-3)
    assert images[1][10, 20].item() == pytest.approx(-3.0, abs=1e-3)
    pose = gym.get_camera_transform(watched.sim, watched.envs[1], handles[1])
    assert list(pose.p) == pytest.approx([0.3, 0, 3], abs=1e-5)


def test_segments_are_numbers_of_actors(watched) -> None:
    for env in watched.envs:
        env.actors[0].segmentation = 7
    handle = camera(watched, 1)
    gym.set_camera_location(handle, watched.envs[1], gymapi.Vec3(0, 0, 0.1), gymapi.Vec3(1, 0, 0.1))
    image = gym.get_camera_image(watched.sim, watched.envs[1], handle, gymapi.IMAGE_SEGMENTATION)
    assert image[10, 20] == 7 and image[19, 0] == 0 and (image == 7).sum() < 30


def test_colours_are_of_the_body_in_the_middle(watched) -> None:
    gym.set_rigid_body_color(watched.envs[0], 0, 0, gymapi.MESH_VISUAL, gymapi.Vec3(1, 0, 0))
    handle = camera(watched, 0)
    gym.set_camera_location(handle, watched.envs[0], gymapi.Vec3(1.5, 0, 0.1), gymapi.Vec3(2, 0, 0.1))
    image = gym.get_camera_image(watched.sim, watched.envs[0], handle, gymapi.IMAGE_COLOR)
    assert image.shape == (20, 160) and image.dtype == np.uint8
    middle = image.reshape(20, 40, 4)[10, 20].astype(int)
    assert middle[0] > 60 and middle[1] < 0.2 * middle[0] and middle[3] == 255
