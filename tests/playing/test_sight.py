"""What a policy sees, on frames: dots are where a renderer puts the points, images come out pixel by pixel."""

from __future__ import annotations

from types import SimpleNamespace

import imageio.v2 as imageio
import mujoco
import numpy as np
import pytest
import torch

from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.envs.terms.observation_groups import make_group
from legged_gym.playing import video
from legged_gym.playing.sight import FIELD_OF_VIEW, PolicySight, beside, depth_colors, draw_dots, project
from legged_gym.sim.pictures.raytracer import _View
from legged_gym.sim.simulator import Camera

WIDTH, HEIGHT = 320, 240
CAMERA = Camera(lookat=[1.0, -2.0, 0.3], distance=1.8, azimuth=130.0, elevation=-25.0)


# ---------------------------------------------------------------- projection


def test_points_appear_where_rays_through_the_picture_go():
    """The other way round, by the tracer of pictures: a place in the picture -> a ray -> points on it."""
    view = _View(CAMERA, FIELD_OF_VIEW, WIDTH, HEIGHT)
    rng = np.random.default_rng(0)
    rows, cols = rng.uniform(0, HEIGHT, 50), rng.uniform(0, WIDTH, 50)
    points = view.origin + rng.uniform(0.5, 9.0, (50, 1)) * view.directions(rows, cols)
    np.testing.assert_allclose(project(points, CAMERA, WIDTH, HEIGHT), np.stack((cols, rows), axis=1), atol=1e-6)


def test_points_appear_where_mujoco_projects_them():
    """By the frustum of MuJoCo's own camera, which needs no OpenGL."""
    model = mujoco.MjModel.from_xml_string("<mujoco><worldbody><geom size='1'/></worldbody></mujoco>")
    assert model.vis.global_.fovy == FIELD_OF_VIEW
    data, scene, free = mujoco.MjData(model), mujoco.MjvScene(model, 10), mujoco.MjvCamera()
    mujoco.mj_forward(model, data)
    free.lookat[:], free.distance = CAMERA.lookat, CAMERA.distance
    free.azimuth, free.elevation = CAMERA.azimuth, CAMERA.elevation
    every = mujoco.mjtCatBit.mjCAT_ALL
    mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), mujoco.MjvPerturb(), free, every, scene)
    gl = mujoco.mjv_averageCamera(*scene.camera)
    forward, up = np.array(gl.forward), np.array(gl.up)
    points = np.array([[1.0, -2.0, 0.3], [1.3, -1.8, 0.0], [0.6, -2.4, 0.5]])
    offsets = points - np.array(gl.pos)
    depth = offsets @ forward / gl.frustum_near
    up_share = (offsets @ up / depth - gl.frustum_bottom) / (gl.frustum_top - gl.frustum_bottom)
    half_width = 0.5 * (gl.frustum_top - gl.frustum_bottom) * WIDTH / HEIGHT
    right_share = (offsets @ np.cross(forward, up) / depth + half_width) / (2.0 * half_width)
    expected = np.stack((WIDTH * right_share, HEIGHT * (1.0 - up_share)), axis=1)
    np.testing.assert_allclose(project(points, CAMERA, WIDTH, HEIGHT), expected, atol=1e-3)
    np.testing.assert_allclose(expected[0], [WIDTH / 2, HEIGHT / 2], atol=1e-3)  # what it looks at


def test_points_behind_the_camera_are_nowhere():
    behind = np.array([[1.0, -2.0, 0.3]]) - 3.0 * _View(CAMERA, FIELD_OF_VIEW, WIDTH, HEIGHT).forward
    assert np.isnan(project(behind, CAMERA, WIDTH, HEIGHT)).all()


# ---------------------------------------------------------------- drawing


def test_dots():
    frame = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    places = np.array([[50.0, 60.0], [np.nan, np.nan], [-40.0, 10.0], [200.0, 400.0]])
    drawn = draw_dots(frame, places)
    assert (frame == 100).all()
    changed = (drawn != 100).any(axis=2)
    rows, cols = np.nonzero(changed)
    assert 20 < len(rows) < 80  # one dot
    assert (rows.mean(), cols.mean()) == pytest.approx((60.0, 50.0), abs=0.6)


def test_depth_is_brighter_where_it_is_nearer():
    colors = depth_colors(np.array([[-0.9, -0.5, 0.0, 0.5, 2.0]])).astype(int).sum(axis=2)[0]
    assert colors[0] == colors[1] > colors[2] > colors[3] == colors[4]


def test_an_image_stands_enlarged_beside_the_frame():
    frame = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    image = np.arange(58 * 87 * 3, dtype=np.int64).reshape(58, 87, 3).astype(np.uint8)
    wide = beside(frame, [image])
    assert wide.shape == (HEIGHT, WIDTH + 160, 3)
    assert np.array_equal(wide[:, :WIDTH], frame)
    # 140 pixels of room hold 87 once
    panel = wide[:, WIDTH:]
    top, left = (HEIGHT - 58) // 2, (160 - 87) // 2
    assert np.array_equal(panel[top : top + 58, left : left + 87], image)
    large = beside(np.zeros((480, 640, 3), np.uint8), [image])[:, 640:]
    assert large.shape[1] == 320
    top, left = (480 - 3 * 58) // 2, (320 - 3 * 87) // 2
    for shift in (0, 2):
        assert np.array_equal(large[top + shift : top + 174 : 3, left + shift : left + 261 : 3], image)


def test_two_images_and_one_that_is_too_large():
    images = [np.full((20, 20, 3), 250, np.uint8), np.full((500, 500, 3), 251, np.uint8)]
    panel = beside(np.zeros((HEIGHT, WIDTH, 3), np.uint8), images)[:, WIDTH:]
    first, second = (np.argwhere((panel == value).all(axis=2)) for value in (250, 251))
    assert len(first) == 100 * 100  # five times, in the upper half
    assert first[:, 0].max() < HEIGHT // 2 <= second[:, 0].min()
    assert len(second) == 100 * 100  # every fifth pixel


# ---------------------------------------------------------------- of an environment


class SeeingEnv:
    """Two robots with a depth image and scandots."""

    observation_dims = {"proprioception": (3,), "scandots": (6,), "depth": (1, 4, 6)}
    dt = 0.02
    num_envs = 2

    def __init__(self, scale=1.0):
        self.parts = {}
        entries = {"scandots": ObsTerm(scale=scale)}
        self.observation_groups = {"scandots": make_group("scandots", entries, {"scandots": (6,)}, 0.0)}
        self.cfg = SimpleNamespace(
            viewer=SimpleNamespace(distance=1.8, azimuth=120.0, elevation=-18.0),
            observations=SimpleNamespace(),
            commands=SimpleNamespace(ranges=SimpleNamespace()),
        )
        self.root_states = torch.zeros(2, 13)
        self.root_states[:, 6] = 1.0
        self.base_lin_vel = self.base_ang_vel = torch.zeros(2, 3)
        self.sim = SimpleNamespace(render=lambda robot, camera, width, height: np.zeros((height, width, 3), np.uint8))

    def scandots_world(self):
        return torch.tensor([[[9.0, 9.0, 9.0]], [[0.0, 0.0, 0.0]]])


def observations():
    depth = torch.zeros(2, 1, 4, 6)
    depth[1, 0, 0, 0] = -0.5
    return {"proprioception": torch.zeros(2, 3), "scandots": torch.zeros(2, 6), "depth": depth}


def test_only_what_the_policy_reads_is_drawn():
    frame, camera = np.zeros((HEIGHT, WIDTH, 3), np.uint8), Camera(lookat=[0.0, 0.0, 0.0])
    for env, observed in ((SeeingEnv(), ["proprioception"]), (SeeingEnv(scale=0.0), ["proprioception", "scandots"])):
        blind = PolicySight(env, observed, 1)
        assert np.array_equal(blind.draw(frame, camera, observations()), frame)
    teacher = PolicySight(SeeingEnv(), ["proprioception", "scandots"], 1).draw(frame, camera, observations())
    assert teacher.shape == frame.shape
    assert teacher[HEIGHT // 2, WIDTH // 2].any()  # the camera looks at the dot
    student = PolicySight(SeeingEnv(), ["depth", "proprioception"], 1).draw(frame, camera, observations())
    assert student.shape == (HEIGHT, WIDTH + 160, 3)
    assert not student[:, :WIDTH].any()
    brightest = np.unravel_index(student.astype(int).sum(axis=2).argmax(), student.shape[:2])
    times = 140 // 6
    assert brightest == ((HEIGHT - 4 * times) // 2, WIDTH + (160 - 6 * times) // 2)  # the pixel that is near


def test_goals_that_are_still_to_come_are_drawn():
    class Goals(GoalCommands):
        goals_reached = torch.tensor([0, 1])

        def __init__(self):
            pass

        def course(self, robot):
            return torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 9.0]])

    env = SeeingEnv()
    env.parts = {"commands": Goals()}
    frame, camera = np.zeros((HEIGHT, WIDTH, 3), np.uint8), Camera(lookat=[0.0, 0.0, 0.0])
    first, second = (PolicySight(env, [], robot).draw(frame, camera, observations()).any(axis=2) for robot in (0, 1))
    assert first[HEIGHT // 2, WIDTH // 2] and not second[HEIGHT // 2, WIDTH // 2], "robot 1 has reached it"
    assert second.any() and (first & second == second).all()


def test_a_film_of_a_policy_that_sees_is_wider(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "WIDTH", WIDTH)
    monkeypatch.setattr(video, "HEIGHT", HEIGHT)
    player = SimpleNamespace(env=SeeingEnv(), command=None, steps=2, time=0.04, observations=observations())
    with video.Film(player, str(tmp_path / "walk.mp4"), "caption", 1, ["depth", "scandots"]) as film:
        film.look()
    frame = imageio.get_reader(tmp_path / "walk.mp4").get_data(0)
    assert frame.shape == (HEIGHT, WIDTH + 160, 3)
