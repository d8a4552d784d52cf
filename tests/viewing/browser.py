"""A real browser, and the program that serves the page."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from typing import Any, Iterator, List, Tuple

import pytest

ROOT = pathlib.Path(__file__).parents[2]
_FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
          "--ignore-gpu-blocklist"]  # fmt: skip
# what chromium says of itself on a machine without a GPU, and of a library inside of the page
_HARMLESS = re.compile("GPU stall|THREE.Clock|Software WebGL|swiftshader", re.IGNORECASE)


def chromium() -> str:
    """Path of the browser; the test is skipped where there is none."""
    pytest.importorskip("viser", reason="the page needs viser")
    pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    pytest.skip("no chromium here: apt-get install chromium")


@contextlib.contextmanager
def program(script: str, *flags: str) -> Iterator[str]:
    """A script that serves a page; gives the page's address."""
    command = [sys.executable, str(ROOT / "legged_gym" / "scripts" / f"{script}.py"), "--port=0", *flags]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    said: List[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            found = re.match(r"viewer +(http\S+)", line)
            if found:
                yield found.group(1)
                break
        else:
            pytest.fail("the program served no page:\n" + "".join(said))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@contextlib.contextmanager
def visit(address: str, width: int = 900, height: int = 600) -> Iterator[Tuple[Any, List[str]]]:
    """A page in the browser, and what its console complains of."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    complaints: List[str] = []

    def hear(message: Any) -> None:
        if message.type in ("error", "warning") and not _HARMLESS.search(message.text):
            complaints.append(message.text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.get_by_role("tab", name="Play").wait_for()
        yield page, complaints
        browser.close()
