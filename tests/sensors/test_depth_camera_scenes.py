"""Depth images of known scenes, every pixel, on every backend."""

from __future__ import annotations

import copy
import math

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.rotations import matrix_from_quat, quat_from_euler
from legged_gym.sensors.depth_camera import DepthCamera
from legged_gym.sim.model import GROUND_GROUP
from legged_gym.sim.pictures import rendering
from legged_gym.sim.pictures.heightfield_rays import HeightFieldRays
from legged_gym.terrain.heightfield import HeightField
from tests.sensors.depth_cfg import depth_cfg
from tests.sim.worlds import a1_cfg, everyone, make, place_a1, root_states, sloped_ground

# roll, pitch, yaw, rad
POSES = torch.tensor([[0.0, 0.0, 0.0], [0.1, 0.25, 0.3], [-0.3, -0.1, -0.6]])


@pytest.fixture(scope="module", params=["mujoco", "mujoco_warp"])
def backend(request):
    pytest.importorskip("warp")
    if request.param == "mujoco_warp":
        pytest.importorskip("mujoco_warp")
    return request.param


def stand_at(sim, position) -> None:
    """Robots at one place, each in its own orientation."""
    states = root_states(sim.num_envs, 0.0)
    states[:, :3] = torch.tensor(position)
    states[:, 3:7] = quat_from_euler(*POSES.unbind(1))
    sim.set_root_states(everyone(sim), states)


def rays_of(camera, sim, cfg):
    """Origins (N, 1, 3) and directions (N, R, 3) in double precision, by another way than the camera's."""
    width, height = cfg.width, cfg.height
    focal = 0.5 * width / math.tan(math.radians(0.5 * cfg.horizontal_fov))
    top, bottom, left, right = cfg.crop
    rows, columns = camera.shape[1:]
    rays = []
    for i in range(rows):
        for j in range(columns):
            v = top + (i + 0.5) / rows * (height - top - bottom)
            u = left + (j + 0.5) / columns * (width - left - right)
            rays.append([1.0, (width / 2 - u) / focal, (height / 2 - v) / focal])
    tilt = math.radians(cfg.pitch)
    down = np.array([[math.cos(tilt), 0, math.sin(tilt)], [0, 1, 0], [-math.sin(tilt), 0, math.cos(tilt)]])
    base = matrix_from_quat(sim.root_states[:, 3:7].cpu().double()).numpy()
    origins = sim.root_states[:, :3].cpu().double().numpy() + base @ np.array(cfg.position)
    return origins[:, None], np.einsum("nij,rj->nri", base @ down, np.array(rays))


def images_of(sim, cfg) -> torch.Tensor:
    camera = DepthCamera(cfg, sim, sim.num_envs, 0.02, torch.Generator().manual_seed(0))
    camera.reset(everyone(sim))
    return camera


def metres(camera, cfg) -> np.ndarray:
    return ((camera.images + 0.5) * (cfg.far - cfg.near) + cfg.near).flatten(1).cpu().numpy()


def test_level_ground(backend):
    """The ground is z = 0: depth is -origin / direction along z, as directions are 1 long on the axis."""
    sim, cfg = make(backend, a1_cfg(), 3), depth_cfg(pitch=20.0)
    stand_at(sim, [3.0, -2.0, 0.45])
    camera = images_of(sim, cfg)
    origins, directions = rays_of(camera, sim, cfg)
    with np.errstate(divide="ignore"):
        depth = np.where(directions[..., 2] < 0, -origins[..., 2] / directions[..., 2], np.inf)
    expected = np.clip(depth, 0.0, 2.0)
    assert 0.2 < (expected < 2.0).mean() < 0.95
    np.testing.assert_allclose(metres(camera, cfg), expected, rtol=0, atol=2e-5)


@pytest.fixture(scope="module")
def slope_and_wall(backend):
    """The ground is z = 0.2 + 0.1 x; at x = 1.2 stands a wall, wider and higher than the view, but for robot 1."""
    cfg = a1_cfg()
    cfg.asset.self_collisions = 0
    sim = make(backend, cfg, 3, ground=sloped_ground(), obstacles=["box"] * 2)
    place_a1(sim)
    poses, sizes = torch.zeros(3, 2, 7), torch.zeros(3, 2, 3)
    poses[..., 6] = 1.0
    poses[:, 1, :3] = torch.tensor([1.4, 0.0, 0.0])
    sizes[:, 1] = torch.tensor([0.2, 6.0, 6.0])
    sizes[1] = 0.0
    sim.set_obstacles(everyone(sim), poses, sizes)
    return sim


def test_a_wall_on_a_slope(slope_and_wall):
    sim, cfg = slope_and_wall, depth_cfg(far=3.0, near=0.1)
    stand_at(sim, [-0.5, 0.3, 0.5])
    camera = images_of(sim, cfg)
    origins, directions = rays_of(camera, sim, cfg)
    fall = 0.1 * directions[..., 0] - directions[..., 2]
    with np.errstate(divide="ignore"):
        ground = np.where(fall > 0, (origins[..., 2] - 0.2 - 0.1 * origins[..., 0]) / fall, np.inf)
        wall = np.where(directions[..., 0] > 0, (1.2 - origins[..., 0]) / directions[..., 0], np.inf)
    wall[1] = np.inf
    expected = np.clip(np.minimum(ground, wall), 0.1, 3.0)
    assert (wall < np.minimum(ground, 3.0))[[0, 2]].mean() > 0.2 and (ground < np.minimum(wall, 3.0)).mean() > 0.2
    np.testing.assert_allclose(metres(camera, cfg), expected, rtol=0, atol=1e-4)


def test_frames_of_some_robots(slope_and_wall):
    """A camera whose frame is not due keeps its image, wherever its robot has gone."""
    sim, cfg = slope_and_wall, depth_cfg(latency=0.0)
    stand_at(sim, [-0.5, 0.3, 0.5])
    camera = images_of(sim, cfg)
    before = camera.images.clone()
    stand_at(sim, [-1.5, 0.3, 0.6])
    camera._until_frame[:] = torch.tensor([1.0, 0.0, 1.0])
    camera.update(sim.root_states)
    moved = camera.images.clone()
    assert torch.equal(moved[[0, 2]], before[[0, 2]]) and not torch.equal(moved[1], before[1])
    camera.reset(everyone(sim))
    torch.testing.assert_close(camera.images[1], moved[1], rtol=0, atol=0)


def test_the_robot_is_seen_only_if_asked_for(slope_and_wall):
    """A camera above the trunk that looks straight down: the trunk's top is 0.057 m above its middle."""
    sim = slope_and_wall
    place_a1(sim, height=1.5)
    looking_down = {"position": [0.0, 0.0, 0.3], "pitch": 90.0, "horizontal_fov": 10.0, "crop": [0, 0, 0, 0]}
    with_robot = depth_cfg(sees_robot=True, **looking_down)
    np.testing.assert_allclose(metres(images_of(sim, with_robot), with_robot), 0.3 - 0.057, atol=1e-4)
    without = depth_cfg(**looking_down)
    # 1.8 m above the middle of a slope whose height there is 0.2 m
    np.testing.assert_allclose(metres(images_of(sim, without), without).mean(), 1.6, atol=0.02)


def field_of(data: np.ndarray) -> HeightField:
    """Cells of 0.05 m, heights from -0.2 to 0.2 m."""
    data = (data - data.min()) / (data.max() - data.min())
    half_x, half_y = 0.025 * (data.shape[1] - 1), 0.025 * (data.shape[0] - 1)
    return HeightField(data.astype(np.float32), (half_x, half_y, 0.4, 1.0), (0.3, -0.2, -0.2))


def test_steps_against_another_tracer():
    """Steps and holes that nothing but tracing can tell; MuJoCo's surface as the project's pictures draw it."""
    pytest.importorskip("warp")
    rng = np.random.default_rng(4)
    data = np.kron(rng.integers(0, 5, (12, 14)), np.ones((6, 6))) + 0.1 * rng.uniform(size=(72, 84))
    ground = field_of(data)
    sim, cfg = make("mujoco", a1_cfg(), 3, ground=ground), depth_cfg(pitch=15.0)
    stand_at(sim, [-0.6, 0.1, 0.45])
    camera = images_of(sim, cfg)
    tracer = HeightFieldRays(0.4 * ground.data, *ground.size[:2], np.array(ground.pos))
    origins, directions = rays_of(camera, sim, cfg)
    found = metres(camera, cfg)
    for env in range(3):
        expected = np.clip(tracer.trace(origins[env], directions[env], 100.0)[0], 0.0, 2.0)
        # a ray that grazes an edge may go by on either side
        assert np.mean(np.abs(found[env] - expected) > 1e-4) < 0.005


def test_hills_against_opengl():
    """MuJoCo's renderer draws what the camera measures, pixel for pixel."""
    pytest.importorskip("warp")
    x, y = np.meshgrid(np.linspace(0, 9, 120), np.linspace(0, 7, 90))
    sim = make("mujoco", a1_cfg(), 3, ground=field_of(np.sin(x) * np.cos(y)))
    cfg = depth_cfg(crop=[0, 0, 0, 0], image_shape=[30, 40], pitch=25.0, position=[0.0, 0.0, 0.0])
    states = root_states(3, 0.5)
    yaw = torch.tensor([0.0, 1.0, -2.0])
    states[:, 3:7] = quat_from_euler(torch.zeros(3), torch.zeros(3), yaw)
    sim.set_root_states(everyone(sim), states)
    found = metres(images_of(sim, cfg), cfg).reshape(3, 30, 40)
    for env in range(3):
        drawn = np.clip(depth_by_opengl(sim, math.degrees(yaw[env]), cfg), 0.0, 2.0)
        assert 0.1 < (drawn < 2.0).mean() < 0.95
        close = np.abs(found[env] - drawn) < 0.01
        # crests stand before what is behind them: there a pixel's middle decides
        assert close.mean() > 0.98, close.mean()


def depth_by_opengl(sim, azimuth: float, cfg) -> np.ndarray:
    """(H, W) m to the image plane, from half a metre above the origin."""
    model = copy.copy(sim.robot.model)
    near, far = 0.02, 50.0
    model.vis.map.znear, model.vis.map.zfar = near / model.stat.extent, far / model.stat.extent
    slope = math.tan(math.radians(0.5 * cfg.horizontal_fov)) * cfg.height / cfg.width
    model.vis.quality.offsamples = 0  # else the depth of a pixel is that of some place in it, not of its middle
    model.vis.global_.fovy = math.degrees(2.0 * math.atan(slope))
    try:
        gl = rendering._gl_context_class()(cfg.width, cfg.height)
        gl.make_current()
        context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
    except Exception as error:  # whatever the platform raises
        pytest.skip(f"no OpenGL on this machine: {error}")
    mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, context)
    data, scene, option = mujoco.MjData(model), mujoco.MjvScene(model, 100), mujoco.MjvOption()
    mujoco.mj_forward(model, data)
    option.geomgroup[:] = 0
    option.geomgroup[GROUND_GROUP] = 1
    view = mujoco.MjvCamera()
    view.azimuth, view.elevation, view.distance = azimuth, -cfg.pitch, 1.0
    down = math.radians(cfg.pitch)
    ahead = np.array([math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))]) * math.cos(down)
    view.lookat[:] = [*ahead, 0.5 - math.sin(down)]
    every = mujoco.mjtCatBit.mjCAT_ALL
    mujoco.mjv_updateScene(model, data, option, mujoco.MjvPerturb(), view, every, scene)
    picture, window = np.empty((cfg.height, cfg.width), np.float32), mujoco.MjrRect(0, 0, cfg.width, cfg.height)
    mujoco.mjr_render(window, scene, context)
    mujoco.mjr_readPixels(None, picture, window, context)
    context.free()
    gl.free()
    return near * far / (far - picture[::-1].astype(np.float64) * (far - near))
