"""Commands from outside, in place of those that a task draws."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Union

import torch
from torch import Tensor

from legged_gym.envs.parts.part import Part


class GivenCommands(Part):
    """Gives what it was told last, also to robots that begin an episode; other commands come as the task draws them."""

    def __init__(self, drawn: Part) -> None:
        """Take the place of the part that draws the commands of an environment; nothing is given yet."""
        super().__init__(drawn.env)
        self._drawn = drawn
        self._given: Dict[str, Tensor] = {}

    def give(self, commands: Mapping[str, Union[float, Tensor]]) -> None:
        """Command all robots from now on: a number or (N,), by names of `env.command_columns`."""
        columns = self.env.command_columns()
        for name, value in commands.items():
            self._given[name] = torch.as_tensor(value, dtype=torch.float32, device=self.device)
            columns[name].copy_(self._given[name])

    def prepare(self, env_ids: Tensor) -> None:
        """See `Part`."""
        self._drawn.prepare(env_ids)

    def clear(self, env_ids: Tensor) -> None:
        """See `Buffers`."""
        self._drawn.clear(env_ids)

    def reset(self, env_ids: Tensor) -> None:
        """See `Part`."""
        self._drawn.reset(env_ids)
        self.give(self._given)

    def update(self) -> None:
        """See `Part`; the task may change its other commands in every step."""
        self._drawn.update()
        self.give(self._given)

    def refresh(self) -> None:
        """See `Part`."""
        self._drawn.refresh()
        self.give(self._given)

    def log(self) -> Dict[str, Any]:
        """See `Part`."""
        return self._drawn.log()

    def state_dict(self) -> Dict[str, Any]:
        """See `Part`; what is given comes from outside again."""
        return self._drawn.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Part`."""
        self._drawn.load_state_dict(state)
