"""Jumps on command: when they begin, their three phases, and what each phase is rewarded for.

A jump takes `JUMP_STEPS` policy steps: 20 to take off, 15 in the air, 15 to land. It is off unless
`commands.jump_fraction` says otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.terms.observations import ObservationTerms

JUMP_STEPS = 50
# steps still to come when the time in the air begins and when it ends
_IN_THE_AIR, _LANDING = 30, 15
# m from the commanded height within which a jump has reached it
_REACHED = 0.2


class JumpTerms(ObservationTerms):
    """Commands and rewards of jumps.

    Attributes:
        height_commands: (N,) m, of the base above the ground.
        jump_commands: (N,) m, height of the base to jump to; 0 in all steps but the one in which a jump begins.
        jump_targets: (N,) m, of the jump under way.
        jump_counter: (N,) int64, policy steps that it still takes; 0 for no jump.
    """

    height_commands: Tensor
    jump_commands: Tensor
    jump_targets: Tensor
    jump_counter: Tensor

    def _height_of_base(self) -> Tensor:
        """(N,) m above the ground under it."""
        return self._obs_base_height()[:, 0]

    def _in_the_air(self) -> Tensor:
        return (self.jump_counter >= _LANDING) & (self.jump_counter < _IN_THE_AIR)

    def _reward_jump_height_tracking(self) -> Tensor:
        """In the air: exp(-error^2) of the height of the base."""
        return torch.exp(-(self._height_of_base() - self.jump_targets).square()) * self._in_the_air()

    def _reward_jump_height_achievement(self) -> Tensor:
        """In the air: 1 near the commanded height."""
        return ((self._height_of_base() - self.jump_targets).abs() < _REACHED).float() * self._in_the_air()

    def _reward_jump_speed(self) -> Tensor:
        """In the air: 0.2 exp(vertical velocity)."""
        return 0.2 * self.root_states[:, 9].exp() * self._in_the_air()

    def _reward_jump_landing(self) -> Tensor:
        """While landing: squared error of the commanded height of walking."""
        landing = (self.jump_counter > 0) & (self.jump_counter < _LANDING)
        return (self._height_of_base() - self.cfg.rewards.base_height_target).square() * landing
