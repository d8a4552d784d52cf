"""Make docs/images/viewer.jpg: an A1 on stairs, its scandots and its panels, as a browser shows them."""

from __future__ import annotations

import io
import os
import sys

if not __package__:
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from PIL import Image

from legged_gym import LEGGED_GYM_ROOT_DIR
from tests.viewing.browser import program, robot_is_drawn, seconds, visit
from tests.viewing.waiting import until

_PATH = os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "images", "viewer.jpg")
_STAIRS = ["--env.terrain.tile_types=[lane_stairs]", "--env.terrain.num_rows=2", "--env.terrain.num_cols=1",
           "--env.terrain.difficulty_range=[0.5,0.6]", "--env.viewer.azimuth=45"]  # fmt: skip
_ON_STAIRS = 3.0  # s after the start


def main() -> None:
    """Play, look, and take the picture."""
    flags = ["--policy=a1_vision", "--viewer=web", "--num_envs=1", "--seed=1", "--command", "0.6", "0", "0", *_STAIRS]
    with program("play", *flags) as (address, _), visit(address, 1280, 800) as (page, _):
        until(lambda: robot_is_drawn(page), "the robot is drawn")
        page.keyboard.press("Escape")
        page.get_by_role("tab", name="Show").click()
        for overlay in ("Scandots", "Commands and speed"):
            page.get_by_role("checkbox", name=overlay, exact=True).check()
        page.get_by_role("tab", name="Play").click()
        page.get_by_role("button", name="Reset", exact=True).click()
        start = seconds(page)
        until(lambda: seconds(page) > start + _ON_STAIRS, "the robot is on the stairs")
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("tab", name="Panels").click()
        page.get_by_text("feet on the ground").wait_for()
        for close in page.locator(".mantine-Notification-closeButton").all():
            close.click()
        page.wait_for_timeout(3000.0)  # until the curves and the notice's end are drawn
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(_PATH, quality=88)


if __name__ == "__main__":
    main()
