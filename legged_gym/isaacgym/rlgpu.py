"""The place of tasks that the original has in C++; forks import the name and use nothing of it."""

from __future__ import annotations

from typing import NoReturn

from legged_gym.errors import UserError


def __getattr__(name: str) -> NoReturn:
    if name.startswith("__"):
        raise AttributeError(name)
    raise UserError(f"isaacgym.rlgpu.{name}: tasks written in C++ are not there on MuJoCo; use the task in Python")
