"""The table of calls says what the gym object has."""

from __future__ import annotations

import os

from benchmarks.gym_page import fill
from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.isaacgym.gymapi import UNSUPPORTED, Gym


def test_the_page_of_calls_is_what_the_gym_object_has() -> None:
    with open(os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "isaacgym.md"), encoding="utf-8") as file:
        page = file.read()
    assert fill(page) == page, "run python benchmarks/make_docs.py"
    calls = [name for name in dir(Gym) if not name.startswith("_") and name != "initialize"]
    assert all(f"| `{name}` |" in page for name in (*calls, *UNSUPPORTED))
    assert not set(calls) & set(UNSUPPORTED)
