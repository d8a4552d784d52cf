"""Pictures, by OpenGL and by rays: the same things in the same places; no display is needed."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.sim.pictures import rendering
from legged_gym.sim.pictures.heightfield_rays import HeightFieldRays
from legged_gym.sim.pictures.scenery import OBSTACLE_COLOR
from legged_gym.sim.simulator import Camera
from legged_gym.terrain.heightfield import HeightField
from tests.sim.worlds import a1_cfg, everyone, make, place_a1, root_states, sloped_ground, stand

SIZE = {"width": 160, "height": 120}
AT_ORIGIN = Camera(lookat=(0.0, 0.0, 0.2), distance=1.6, azimuth=130.0, elevation=-20.0)


@pytest.fixture(params=["opengl", "rays"])
def kind(request, monkeypatch):
    """Makes renderers use one of the two ways to draw."""
    if request.param == "rays":
        monkeypatch.setattr(rendering, "OpenGlPainter", no_opengl)
    return request.param


def no_opengl(model):
    raise RuntimeError("no driver\nat all")


def picture_of(sim, kind, camera=None, **size):
    picture = sim.render(0, camera, **(size or SIZE))
    if kind == "opengl" and sim._scene.kind != kind:
        pytest.skip("no OpenGL on this machine")
    return picture


def standing_a1(**kwargs):
    sim = make("mujoco", a1_cfg(), 1, **kwargs)
    place_a1(sim, height=0.3 if not kwargs else 0.5)
    stand(sim, 20)
    return sim


def silhouette(kind):
    """Pixels that change when the robot (and its shadow) leave the picture."""
    sim = standing_a1()
    with_robot = picture_of(sim, kind, AT_ORIGIN).astype(int)
    sim.set_root_states(everyone(sim), root_states(1, 50.0))
    without = picture_of(sim, kind, AT_ORIGIN).astype(int)
    sim.close()
    return np.abs(with_robot - without).max(axis=-1) > 24, with_robot


def test_frames(kind):
    sim = standing_a1()
    frame = picture_of(sim, kind)
    assert frame.shape == (120, 160, 3)
    assert frame.dtype == np.uint8
    assert picture_of(sim, kind, width=64, height=64).shape == (64, 64, 3)
    assert np.array_equal(picture_of(sim, kind), frame)
    sim.close()
    assert np.array_equal(picture_of(sim, kind), frame)


def test_sky_is_above_and_ground_below(kind):
    frame = picture_of(standing_a1(), kind, Camera(lookat=(0, 0, 0.2), distance=3.0, elevation=-5.0)).astype(int)
    sky, ground = frame[:10].mean(axis=(0, 1)), frame[-10:].mean(axis=(0, 1))
    assert sky[2] > sky[0] + 10
    assert sky.sum() > ground.sum() + 100


def test_camera_follows_the_root(kind):
    sim = standing_a1()
    near = picture_of(sim, kind).astype(int)
    sim.set_root_states(everyone(sim), sim.root_states + torch.tensor([4.0, 2.0, 0.0] + 10 * [0.0]))
    far = picture_of(sim, kind).astype(int)
    assert (np.abs(near - far).max(axis=-1) > 24).mean() < 0.02


@pytest.mark.parametrize("shape", ["box", "cylinder"])
def test_obstacles_are_drawn_with_their_sizes(kind, shape):
    sim = standing_a1(obstacles=[shape])

    def orange(half_size):
        poses = torch.tensor([[[1.5, 0.0, 0.3, 0.0, 0.0, 0.0, 1.0]]])
        sim.set_obstacles(everyone(sim), poses, torch.full((1, 1, 3), half_size))
        frame = picture_of(sim, kind, Camera(lookat=(1.5, 0.0, 0.3), distance=2.0, azimuth=100.0)).astype(float)
        shade = frame / np.maximum(frame.sum(axis=-1, keepdims=True), 1.0)
        return (np.abs(shade - np.array(OBSTACLE_COLOR) / sum(OBSTACLE_COLOR)).max(axis=-1) < 0.08).mean()

    assert orange(0.0) < 0.002
    small, large = orange(0.1), orange(0.2)
    assert 0.005 < small < 0.1
    assert 2.5 * small < large < 6 * small


def test_uneven_ground_is_shaded(kind):
    x = np.linspace(0, 20, 61)
    heights = 0.5 + 0.5 * np.sin(np.add.outer(x, x)).astype(np.float32)
    sim = standing_a1(ground=HeightField(heights, (4.0, 4.0, 0.3, 1.0), (0.0, 0.0, 0.0)))
    frame = picture_of(sim, kind, Camera(lookat=(0.0, 0.0, 0.2), distance=4.0, elevation=-60.0)).astype(int)
    assert frame.sum(axis=-1).std() / 3 > 15


def test_both_show_the_robot_at_the_same_place(monkeypatch):
    by_opengl, picture = silhouette("opengl")
    monkeypatch.setattr(rendering, "OpenGlPainter", no_opengl)
    by_rays, traced = silhouette("rays")
    assert by_rays.sum() > 300
    assert (by_opengl & by_rays).sum() > 0.85 * (by_opengl | by_rays).sum()
    assert np.abs(picture - traced)[by_opengl & by_rays].mean() < 20


def test_fallback_is_told_once(monkeypatch, capsys):
    monkeypatch.setattr(rendering, "OpenGlPainter", no_opengl)
    sim = standing_a1()
    for _ in range(2):
        sim.render(0, **SIZE)
    assert sim._scene.kind == "rays"
    expected = "warning: no OpenGL here (no driver at all); pictures are traced on the CPU instead\n"
    assert capsys.readouterr().err == expected


def test_heightfield_rays_are_the_engines():
    """Against mj_ray, for rays from inside and outside of the map, down, flat and upwards."""
    rng = np.random.default_rng(4)
    heights = rng.random((33, 41)).astype(np.float32)
    ground = HeightField(heights, (2.0, 1.6, 0.6, 0.1), (0.3, -0.2, 0.1))
    spec = mujoco.MjSpec()
    spec.add_hfield(name="g", nrow=33, ncol=41, size=list(ground.size), userdata=heights.reshape(-1))
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="g", pos=list(ground.pos))
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    # the engine scales heights to 0..1
    stored = model.hfield_data.reshape(33, 41) * 0.6
    field = HeightFieldRays(stored, 2.0, 1.6, np.array(ground.pos))

    origins = rng.uniform([-2.0, -2.0, 0.75], [2.5, 1.5, 1.5], (400, 3))
    targets = rng.uniform([-1.6, -1.7, 0.1], [2.2, 1.3, 0.7], (400, 3))
    directions = targets - origins
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    distance, normals = field.trace(origins, directions, 20.0)
    compared = 0
    for o, d, t, normal in zip(origins, directions, distance, normals):
        engine_normal = np.zeros(3)
        expected = mujoco.mj_ray(model, data, o, d, None, True, -1, np.zeros(1, np.int32), engine_normal)
        if np.isinf(t) or engine_normal[2] < 0.05:
            # the engine's field has walls and a floor, which no picture needs
            assert expected < 0 or engine_normal[2] < 0.05
            continue
        compared += 1
        assert t == pytest.approx(expected, abs=1e-6)
        np.testing.assert_allclose(normal, engine_normal, atol=1e-4)
    assert compared > 300
    assert np.isinf(field.trace(origins, -directions + [0, 0, 2.0], 20.0)[0]).all()


def test_vertical_rays_and_odd_sizes():
    field = sloped_ground()
    rays = HeightFieldRays(field.data * field.size[2], 4.5, 4.5, np.array(field.pos))
    x = np.array([-4.49, -1.0, 0.05, 4.49, 4.6])
    origins = np.stack((x, 0 * x, 0 * x + 3.0), axis=1)
    down = np.tile([0.0, 0.0, -1.0], (5, 1))
    np.testing.assert_allclose(rays.trace(origins, down, 10.0)[0], [*(2.8 - 0.1 * x[:4]), np.inf], atol=1e-5)
