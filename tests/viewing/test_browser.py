"""The page in a real browser: a policy that walks is watched, steered, stopped and exported."""

from __future__ import annotations

import re
import shutil
from typing import Any

import numpy as np
import pytest

from tests.viewing.browser import ROOT, chromium, program, robot_is_drawn, seconds, status, visit
from tests.viewing.waiting import until


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    """A page, what its console complained of, and the run folder, with the shipped policy as its checkpoint."""
    chromium()
    shipped, folder = ROOT / "resources" / "policies" / "a1_flat", tmp_path_factory.mktemp("run")
    shutil.copy(shipped / "model.pt", folder / "model_100.pt")
    shutil.copy(shipped / "config.yaml", folder / "config.yaml")
    flags = [f"--policy={folder}", "--viewer=web", "--num_envs=2"]
    with program("play", *flags) as (address, _), visit(address) as (page, told):
        yield page, told, folder


def speed(page: Any) -> float:
    return float(re.findall(r"(-?[\d.]+) m/s", status(page))[0])


def give(page: Any, name: str, value: str) -> None:
    """Type a value into the box beside a slider."""
    box = page.get_by_text(name, exact=True).first.locator("xpath=ancestor::*[.//input[not(@type='hidden')]][1]")
    box = box.locator("input:not([type='hidden'])").last
    box.fill(value)
    box.press("Enter")


def test_a_robot_is_seen_and_steered(visited):
    page, told, _ = visited
    until(lambda: robot_is_drawn(page), "a robot is drawn")
    assert speed(page) < 0.2
    give(page, "lin_vel_x", "0.8")
    until(lambda: speed(page) > 0.6, "the robot walks as it is told")
    page.mouse.click(40, 500)  # out of the box beside the slider
    for _ in range(5):  # from 0.8 m/s in steps of a fifth of 1 m/s
        page.keyboard.press("ArrowDown")
    until(lambda: speed(page) < 0.0, "the robot walks backwards, as the keys say")
    assert told == []


def test_time_is_stopped_and_goes_on(visited):
    page, told, _ = visited
    page.get_by_role("button", name="Pause").click()
    page.get_by_text(re.compile("paused")).wait_for()
    stopped = seconds(page)
    page.get_by_role("button", name="Step", exact=True).click()
    until(lambda: seconds(page) == pytest.approx(stopped + 0.02), "one step was done")
    page.get_by_role("button", name="Reset", exact=True).click()
    until(lambda: abs(speed(page)) < 0.6, "the robot starts anew")
    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: seconds(page) > stopped + 0.5, "time goes on")
    assert told == []


def test_a_robot_is_pushed_changed_and_inspected(visited):
    page, told, _ = visited
    page.get_by_role("tab", name="Robot").click()
    page.get_by_role("button", name="Push", exact=True).click()
    give(page, "Friction", "0.5")
    give(page, "Added mass, kg", "2")
    give(page, "Motor strength", "0.9")
    page.get_by_role("tab", name="Panels").click()
    for panel in ("Reward terms", "Joints", "Actions", "Observation", "Episodes"):
        page.get_by_role("checkbox", name=panel, exact=True).check()
    page.get_by_text("base_ang_vel", exact=True).first.wait_for()
    page.get_by_text("FR_calf_joint", exact=True).first.wait_for()  # a row of the joints and their limits
    for panel in ("Reward terms", "Joints", "Actions", "Observation", "Episodes"):
        page.get_by_role("checkbox", name=panel, exact=True).uncheck()
    assert told == []


def test_the_policy_is_exported(visited):
    page, told, run = visited
    page.get_by_role("tab", name="Policy").click()
    page.get_by_role("button", name="Export", exact=True).click()
    until(lambda: (run / "exported" / "policy.onnx").exists(), "the policy is exported")
    assert told == []


def test_the_last_seconds_are_saved_as_a_video(visited, tmp_path):
    imageio = pytest.importorskip("imageio.v2")
    page, told, _ = visited
    page.get_by_role("tab", name="Record").click()
    give(page, "Last seconds", "1")
    with page.expect_download(timeout=300_000) as download:
        page.get_by_role("button", name="Save video").click()
    download.value.save_as(tmp_path / "robot.mp4")
    with imageio.get_reader(tmp_path / "robot.mp4") as video:
        frames = [frame for frame in video]  # list(video) asks for its length, which is infinite
    assert len(frames) == 25
    assert np.ptp(frames[-1][200:320, 220:420].astype(int).sum(2)) > 400  # of a robot, as in `robot_is_drawn`
    assert told == []


def test_a_recorded_page_plays_without_the_program(visited, tmp_path):
    """The last test, as the page is left."""
    page, told, _ = visited
    page.get_by_role("tab", name="Record").click()
    page.get_by_role("button", name="Record page").click()
    page.get_by_role("button", name="Stop recording").wait_for()
    page.get_by_role("tab", name="Play").click()
    start = seconds(page)
    until(lambda: seconds(page) > start + 1.0, "a second is recorded")
    page.get_by_role("tab", name="Record").click()
    with page.expect_download(timeout=300_000) as download:
        page.get_by_role("button", name="Stop recording").click()
    download.value.save_as(tmp_path / "page.html")
    assert told == []
    page.goto(f"file://{tmp_path / 'page.html'}")
    until(
        lambda: robot_is_drawn(page, slice(340, 560)), "the robot of the recording is drawn, in a page without controls"
    )
