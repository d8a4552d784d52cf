"""What robots whose episodes end would have seen next, for learners of others that ask."""

from __future__ import annotations

from typing import Any, Dict

from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part


class FinalObservations(Part):
    """Looks once more before robots are reset; nothing is drawn or remembered for it.

    Attributes:
        last: group -> (N, ...) in the last step in which an episode ended; only the rows of those that did count.
    """

    env: Any  # with the tables of a `LeggedRobot`

    def __init__(self, env: RobotState) -> None:
        """Begin with none."""
        super().__init__(env)
        self.last: Dict[str, Tensor] = {}

    def prepare(self, env_ids: Tensor) -> None:
        """See `Part`."""
        if self.last:  # of this step: an observation was broken, and who has it begins anew once more
            return
        env, history = self.env, vars(self.env.observation_history)
        kept, drawn, shown = dict(history), env.generator.get_state(), env.obs_buf
        env._assemble()
        self.last = env.obs_buf
        history.update(kept)
        env.generator.set_state(drawn)
        env.obs_buf = shown
