"""The page in a real browser: a policy that walks is watched, steered, stopped and exported."""

from __future__ import annotations

import io
import re
import shutil
import time
from typing import Any, Callable

import numpy as np
import pytest

from tests.viewing.browser import ROOT, chromium, program, visit


@pytest.fixture
def run(tmp_path):
    """A run folder with the shipped policy as its checkpoint."""
    shipped, folder = ROOT / "resources" / "policies" / "a1_flat", tmp_path / "run"
    folder.mkdir()
    shutil.copy(shipped / "model.pt", folder / "model_100.pt")
    shutil.copy(shipped / "config.yaml", folder / "config.yaml")
    return folder


def until(true: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it never came true that {what}"
        time.sleep(0.1)


def status(page: Any) -> str:
    return str(page.get_by_text(re.compile(r"^[\d.]+ s.*forward")).first.inner_text())


def seconds(page: Any) -> float:
    return float(status(page).split(" s")[0])


def speed(page: Any) -> float:
    return float(re.findall(r"(-?[\d.]+) m/s", status(page))[0])


def picture(page: Any) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)


def give(page: Any, name: str, value: str) -> None:
    """Type a value into the box beside a slider."""
    box = page.get_by_text(name, exact=True).first.locator("xpath=ancestor::*[.//input[not(@type='hidden')]][1]")
    box = box.locator("input:not([type='hidden'])").last
    box.fill(value)
    box.press("Enter")


def test_a_robot_is_seen_steered_stopped_and_exported(run):
    chromium()
    with program("play", f"--policy={run}", "--viewer=web", "--num_envs=2") as address, visit(address) as (page, told):
        # the robot has dark and light parts in the middle of the view, where there is only grey ground without it
        until(lambda: np.ptp(picture(page)[250:400, 150:380].sum(2)) > 350, "a robot is drawn")

        assert speed(page) < 0.2
        give(page, "lin_vel_x", "0.8")
        until(lambda: speed(page) > 0.6, "the robot walks as it is told")

        page.get_by_role("button", name="Pause").click()
        page.get_by_text(re.compile("paused")).wait_for()
        stopped = seconds(page)
        page.get_by_role("button", name="Step", exact=True).click()
        until(lambda: seconds(page) == pytest.approx(stopped + 0.02), "one step was done")
        page.get_by_role("button", name="Reset", exact=True).click()
        until(lambda: abs(speed(page)) < 0.6, "the robot starts anew")
        page.get_by_role("button", name="Play", exact=True).click()
        until(lambda: seconds(page) > stopped + 0.5, "time goes on")

        page.get_by_role("tab", name="Robot").click()
        page.get_by_role("button", name="Push", exact=True).click()
        give(page, "Friction", "0.5")
        give(page, "Added mass, kg", "2")
        give(page, "Motor strength", "0.9")

        page.get_by_role("tab", name="Panels").click()
        for panel in ("Reward terms", "Joints", "Actions", "Observation", "Episodes"):
            page.get_by_label(panel, exact=True).check()
        page.get_by_text("base_ang_vel", exact=True).first.wait_for()

        page.get_by_role("tab", name="Policy").click()
        page.get_by_role("button", name="Export", exact=True).click()
        until(lambda: (run / "exported" / "policy.onnx").exists(), "the policy is exported")
        assert told == []
