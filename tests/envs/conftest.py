"""Environments hold themselves in circles; their physics, 15 MB of address space a robot, goes back after each test.

A process that reserves more than the machine's memory cannot start another one, as later tests do.
"""

from __future__ import annotations

import gc
from typing import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def imports_are_for_good() -> None:
    """Collecting need not go through all that was imported: 0.4 s after each test otherwise."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def without_garbage() -> Iterator[None]:
    """Collects what the test left behind."""
    yield
    gc.collect()
