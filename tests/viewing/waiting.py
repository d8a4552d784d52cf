"""Waiting for what another thread or program does."""

from __future__ import annotations

import time
from typing import Callable


def until(true: Callable[[], bool], what: str, seconds: float = 180.0) -> None:
    """Wait until something is true, and fail after a generous time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it never came true that {what}"
        time.sleep(0.1)
