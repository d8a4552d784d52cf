"""Clips on a page: chosen, replayed, and errors given by hand."""

from __future__ import annotations

from typing import Any, Iterator

import pytest
import torch

from legged_gym.playing.player import Player
from tests.envs.imitation.robots import make

pytest.importorskip("viser")

from legged_gym.viewing.clip_controls import ClipControls
from legged_gym.viewing.page import Page
from legged_gym.viewing.robot_panels import Tracking
from legged_gym.viewing.server import open_server


class Still:
    """Asks for the default pose."""

    def __call__(self, obs: Any) -> torch.Tensor:
        return torch.zeros(len(obs["torso"]), 23)

    def reset(self, dones: Any = None) -> None:
        pass


class Line:
    """What a plot was given last."""

    def add(self, time: float, values: Any) -> None:
        self.values = values


@pytest.fixture
def player() -> Iterator[Player]:
    env = make(**{"deepmimic.amass_replay_data_path": ["walk.npz", "squat.npz"], "domain_rand.push_robots": False})
    player = Player(env, Still())  # type: ignore[arg-type]
    yield player
    env.close()


def test_clips_are_chosen_replayed_and_given(player):
    env: Any = player.env
    server = open_server("127.0.0.1", 0)
    try:
        page = Page(server, env)
        with page.controls:
            controls = ClipControls(page, player, env.motion)
        controls._clip.value, controls._start.value = "1: squat.npz", 100
        controls._begin()
        assert env.motion.clip.tolist() == [1, 1] and env.motion.frame.tolist() == [100, 100]
        torch.testing.assert_close(env.dof_pos, env.motion.now.joints)
        controls._replay.value = True
        for _ in range(20):
            player.step()
            controls.look(True)
        assert env.motion.frame.tolist() == [120, 120]
        torch.testing.assert_close(env.dof_pos, env.motion.now.joints)
        assert "squat.npz: 2.40 of 6.20 s, 38 %; on the ground: left foot, right foot" in controls._status.content
        controls._drives.value, controls._errors[0].value = True, 0.4
        controls.look(False)
        player.step()
        assert env.obs_buf["history_torso_xy_rel"][0, 0].item() == pytest.approx(0.4)
        plots = {}
        panel = Tracking(env)
        panel.plot = lambda gui, title, names: plots.setdefault(title, Line())
        panel.build(server.gui)
        panel.update(env)
        off = (env.links[0, :-1, :3] - env.motion.now.link_pos[0, :-1]).norm(dim=1).mean()
        assert plots["off by, m"].values == [pytest.approx(off.item(), rel=1e-4)]
        assert plots["off by, rad"].values[0] == pytest.approx(0.0, abs=0.2) and off > 0.01
        page.overlays.switch("Key points", True)
        page.overlays.update()
        assert page.overlays._drawn["Key points"].points.shape == (28, 3)
    finally:
        server.stop()
