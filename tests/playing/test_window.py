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

from legged_gym.envs.a1.a1_config import A1FlatCfg
from legged_gym.errors import UserError
from legged_gym.playing.window import Viewer
from legged_gym.utils.task_registry import task_registry


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
def env():
    cfg = A1FlatCfg()
    cfg.env.num_envs = 2
    env, _ = task_registry.make_env("a1_flat", env_cfg=cfg)
    env.reset()
    yield env
    env.close()


def test_it_shows_the_state_of_the_chosen_robot(env, monkeypatch):
    monkeypatch.setattr(glfw, "init", lambda: True)
    monkeypatch.setattr(mujoco_viewer, "launch_passive", FakeWindow)
    pressed = []
    for _ in range(3):
        env.step(torch.randn(2, 12))
    with Viewer(env, pressed.append) as viewer:
        window = viewer._window
        assert viewer.is_open
        window.press(87)
        window.opt.flags[:] = 1 - window.opt.flags
        window.cam.type = mujoco.mjtCamera.mjCAMERA_FREE
        before = window.opt.flags.copy()
        viewer.show(1, "hello")
    assert window.closed and not viewer.is_open
    assert pressed == [87] and window.text == "hello"
    np.testing.assert_allclose(window.shown[0], env.sim.batch.bind("qpos")[1], atol=1e-6)
    assert (window.opt.flags != before).all()
    assert window.cam.type == mujoco.mjtCamera.mjCAMERA_TRACKING
    assert window.model.body(window.cam.trackbodyid).name == env.body_names[0]


def test_a_display_that_is_none_is_one_clear_line(env, monkeypatch):
    monkeypatch.setattr(glfw, "init", lambda: False)
    with pytest.raises(UserError, match="use --video"):
        Viewer(env, print)
