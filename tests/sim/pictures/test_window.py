"""The window: what it is given to show. It is replaced by one that only takes notes, as tests have no display."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import glfw
import mujoco
import numpy as np
import pytest
import torch
from mujoco import viewer as mujoco_viewer

from legged_gym.errors import UserError
from legged_gym.sim.simulator import Camera
from tests.sim.worlds import A1_POSE, a1_cfg, make, place_a1


class FakeWindow:
    def __init__(self, model, data, key_callback, **options):
        self.model, self.data, self.press = model, data, key_callback
        self.cam, self.opt = mujoco.MjvCamera(), mujoco.MjvOption()
        self.user_scn = SimpleNamespace(flags=np.zeros(10, np.uint8))
        self.shown, self.closed = [], False

    def lock(self):
        return contextlib.nullcontext()

    def is_running(self):
        return not self.closed

    def set_texts(self, texts):
        self.text = texts[2]

    def sync(self):
        self.shown.append(self.data.qpos.copy())

    def close(self):
        self.closed = True


@pytest.fixture
def sim():
    sim = make("mujoco", a1_cfg(), 2, obstacles=["cylinder"])
    place_a1(sim)
    yield sim
    sim.close()


def test_it_shows_the_state_of_the_chosen_robot(sim, monkeypatch):
    monkeypatch.setattr(glfw, "init", lambda: True)
    monkeypatch.setattr(mujoco_viewer, "launch_passive", FakeWindow)
    pressed = []
    for _ in range(3):
        sim.step(A1_POSE + torch.randn(2, 12), 4)
    poses = torch.tensor([[[1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0]]]).repeat(2, 1, 1)
    sim.set_obstacles(torch.arange(2), poses, torch.tensor([[[0.2, 0.2, 0.4]]]).repeat(2, 1, 1))
    with sim.open_window(Camera(distance=2.5), pressed.append) as viewer:
        window = viewer._window
        assert viewer.is_open
        window.press(87)
        window.opt.flags[:] = 1 - window.opt.flags
        window.cam.type = mujoco.mjtCamera.mjCAMERA_FREE
        before = window.opt.flags.copy()
        viewer.show(1, "hello")
    assert window.closed and not viewer.is_open
    assert pressed == [87] and window.text == "hello"
    np.testing.assert_allclose(window.shown[0], sim.batch.bind("qpos")[1], atol=1e-6)
    assert (window.opt.flags != before).all() and window.cam.distance == 2.5
    np.testing.assert_allclose(window.model.geom("obstacle_0").size[:2], [0.2, 0.4])
    np.testing.assert_allclose(window.data.geom("obstacle_0").xpos, [1.0, 2.0, 3.0])
    assert window.cam.type == mujoco.mjtCamera.mjCAMERA_TRACKING
    assert window.model.body(window.cam.trackbodyid).name == sim.body_names[0]


def test_a_display_that_is_none_is_one_clear_line(sim, monkeypatch):
    monkeypatch.setattr(glfw, "init", lambda: False)
    with pytest.raises(UserError, match="use --video"):
        sim.open_window(Camera(), print)
