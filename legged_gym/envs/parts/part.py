"""The base of all parts."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from torch import Tensor

from legged_gym.envs.base.state import Buffers, RobotState


class Part(Buffers):
    """What has a state besides the robots' own: `buffer` makes it, the methods here change it.

    `LeggedRobot.parts` holds them by name, in the order in which these methods are called. A part may put buffers that
    terms read on the robots instead: `self.env.buffer(...)`.

    Attributes:
        asked_as: a name among the parts, and the attribute by which hooks of the environment ask who has that name.
    """

    asked_as: Tuple[str, str] = ("", "")

    def __init__(self, env: RobotState) -> None:
        """Belong to an environment."""
        self.env, self.num_envs, self.device = env, env.num_envs, env.device
        self._at_reset = {}

    def prepare(self, env_ids: Tensor) -> None:
        """Episodes (n,) have ended, and all still shows it; what starting positions depend on is decided here."""

    def reset(self, env_ids: Tensor) -> None:
        """Episodes (n,) begin: the robots are in their places, and the buffers are cleared."""

    def update(self) -> None:
        """A policy step is over, finished episodes have been reset, and the robots are about to be observed."""

    def refresh(self) -> None:
        """Robots were reset outside of `update`: what follows from their state alone is brought up to date."""

    def log(self) -> Dict[str, Any]:
        """What is logged when episodes end."""
        return {}

    def state_dict(self) -> Dict[str, Any]:
        """What checkpoints hold of it, by names that no other part uses."""
        return dict(self.saved_buffers())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to the state of all parts together; what it lacks stays."""
        self.load_buffers(state)
