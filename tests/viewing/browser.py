"""A real browser, and the program that serves the page."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from typing import Any, Iterator, List, Tuple

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
_FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
          "--ignore-gpu-blocklist"]  # fmt: skip
# what chromium says of itself on a machine without a GPU, and of a library inside of the page
_CONTRAST = 480
_HARMLESS = re.compile("GPU stall|THREE.Clock|Software WebGL|swiftshader", re.IGNORECASE)


def chromium() -> str:
    """Path of the browser; the test is skipped where there is none."""
    pytest.importorskip("viser", reason="the page needs viser")
    pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    found = [path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path]
    if not found:
        pytest.skip("no chromium here: apt-get install chromium")
    return found[0]


@contextlib.contextmanager
def program(script: str, *flags: str) -> Iterator[Tuple[str, int]]:
    """A script that serves a page; gives the page's address, and the id of the process."""
    command = [sys.executable, str(ROOT / "legged_gym" / "scripts" / f"{script}.py"), "--port=0", *flags]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        # tests that a shell runs in the background are deaf to it, and so would the program be
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    said: List[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            found = re.match(r"viewer +(http\S+)", line)
            if found:
                yield found.group(1), process.pid
                break
        else:
            pytest.fail("the program served no page:\n" + "".join(said))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@contextlib.contextmanager
def visit(address: str = "", width: int = 900, height: int = 600) -> Iterator[Tuple[Any, List[str]]]:
    """A page in the browser, an empty one without an address, and what its console complains of."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    complaints: List[str] = []

    def hear(message: Any) -> None:
        if message.type in ("error", "warning") and not _HARMLESS.search(message.text):
            complaints.append(message.text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(180_000)
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if address:
            page.goto(address)
            page.get_by_role("tab", name="Play").wait_for()
        yield page, complaints
        browser.close()


def picture(page: Any) -> np.ndarray:
    """What a page looks like, (height, width, 3) from 0 to 255."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)


def robot_is_drawn(page: Any, columns: slice = slice(150, 380)) -> bool:
    """Whether there are dark and light parts in the middle of the view; without the robot there is grey ground."""
    return bool(np.ptp(picture(page)[250:400, columns].sum(2)) > _CONTRAST)


def status(page: Any) -> str:
    """What stands above the controls in tab "Play"."""
    return str(page.get_by_text(re.compile(r"^[\d.]+ s.*forward")).first.inner_text())


def seconds(page: Any) -> float:
    """How long the robots have played."""
    return float(status(page).split(" s")[0])
