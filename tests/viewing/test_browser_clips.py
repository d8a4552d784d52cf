"""The folder "Clip" in a real browser: a clip is replayed from a frame that a visitor chose, and its robot driven."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.policies.tiny_run import ITERATION, make_run
from tests.viewing.browser import chromium, program, visit
from tests.viewing.test_browser import give
from tests.viewing.waiting import until

CLIP = ("--env.deepmimic.amass_replay_data_path=walk.npz", "--env.deepmimic.amass_terrain_difficulty=1")


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    """A page with a robot that has a clip to follow and has not learned to, and what its console complained of."""
    chromium()
    run = make_run(tmp_path_factory.mktemp("clips"), "g1_deepmimic", *CLIP)
    flags = [f"--policy={run}/model_{ITERATION}.pt", "--task=g1_deepmimic", "--viewer=web", "--num_envs=1", *CLIP]
    with program("play", *flags) as (address, _), visit(address) as (page, told):
        yield page, told


def told_of(page: Any) -> str:
    return str(page.get_by_text(re.compile(r"walk\.npz: [\d.]+ of ")).last.inner_text())


def test_a_clip_is_replayed_and_its_follower_driven(visited):
    page, told = visited
    until(lambda: "walk.npz" in told_of(page), "the clip is named")
    page.get_by_role("checkbox", name="Replay without physics").check()
    give(page, "Start frame", "200")
    until(lambda: float(re.findall(r"([\d.]+) of", told_of(page))[0]) >= 4.0, "the clip goes on from there")
    page.get_by_role("checkbox", name="Give errors of the root by hand").check()
    give(page, "Forward, m", "0.4")
    page.get_by_role("tab", name="Panels").click()
    page.get_by_text("off by, rad").first.wait_for()
    assert told == []
