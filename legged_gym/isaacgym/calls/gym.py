"""The gym object."""

from __future__ import annotations

from typing import Any

from legged_gym.errors import UserError
from legged_gym.isaacgym.calls.creation import Creation
from legged_gym.isaacgym.calls.lookup import Lookup
from legged_gym.isaacgym.calls.pictures import Pictures
from legged_gym.isaacgym.calls.properties import Properties
from legged_gym.isaacgym.calls.tensors import Tensors
from legged_gym.isaacgym.calls.unsupported import UNSUPPORTED
from legged_gym.isaacgym.calls.viewer import Viewing


class Gym(Creation, Lookup, Pictures, Properties, Tensors, Viewing):
    """What `acquire_gym` gives: all calls; it keeps nothing itself, simulations do."""

    def __getattr__(self, name: str) -> Any:
        if name in UNSUPPORTED:
            raise UserError(f"gym.{name} is not there on MuJoCo: {UNSUPPORTED[name]}")
        raise AttributeError(f"the gym object has no call '{name}'")

    def initialize(self) -> bool:
        """Nothing: an obsolete call."""
        return True


_gym = Gym()


def acquire_gym(*_: Any) -> Gym:
    """The gym object, always the same."""
    return _gym
