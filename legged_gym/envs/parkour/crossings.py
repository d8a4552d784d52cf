"""What an evaluation remembers of hurdles: who came to them, who got over or under, and with how much room."""

from __future__ import annotations

from typing import Callable, Dict

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parkour.guidance import Guidance
from legged_gym.envs.parkour.hurdles import Hurdles
from legged_gym.envs.parts.part import Part

# m: who is nearer has come to a hurdle; who is this far behind it has crossed it
_NEAR, _BEHIND = 1.0, 0.6
_FOOT_RADIUS = 0.026
# m: more room than this counts as this
_MOST = 1.0


class Crossings(Part):
    """Watches N robots at H hurdles from state to state.

    Attributes:
        came: (N, H) bool, who is near a hurdle for the first time in this episode.
        crossed: (N, H) bool, whose base is behind one for the first time, having passed between its posts.
        clearance: (N, H) m, 0 but where `crossed`: the least between trunk and bar, or between bar and feet as they
            crossed it; below 0 what was in the way.
    """

    _near: Tensor
    _behind: Tensor
    _least: Tensor
    _feet_ahead: Tensor

    def __init__(self, env: RobotState, hurdles: Hurdles, trunk_half_length: float) -> None:
        """Begin with episodes that begin."""
        super().__init__(env)
        self._hurdles, self._half = hurdles, trunk_half_length
        for name in ("_near", "_behind"):
            self.buffer(name, hurdles.count, dtype=torch.bool)
        self.buffer("_least", hurdles.count, at_reset=_MOST)
        self.buffer("_feet_ahead", hurdles.count, 4, dtype=torch.bool)

    def watch(self, seen: Guidance, feet: Tensor) -> None:
        """Take in a state, whose feet are at (N, 4, 3) m in the world."""
        hurdles, origin = self._hurdles, self.env.env_origins
        near = seen.there & (seen.forward.abs() < _NEAR)
        self.came, self._near = near & ~self._near, near | self._near
        bars = (origin[:, :1] + hurdles.places)[..., None]
        ahead = feet[:, None, :, 0] < bars
        underside, top = hurdles.edges()
        over = feet[:, None, :, 2] - origin[:, 2, None, None] - _FOOT_RADIUS - top[..., None]
        over = torch.where(self._feet_ahead & ~ahead, over, torch.inf).amin(2)
        under = (underside - seen.trunk_top[:, None]).where(seen.forward.abs() < self._half, torch.tensor(torch.inf))
        self._least = self._least.minimum(torch.where(hurdles.crawls(), under, over))
        self._feet_ahead = ahead
        behind = hurdles.passed & (seen.forward < -_BEHIND)
        self.crossed, self._behind = behind & ~self._behind, behind | self._behind
        self.clearance = self._least.masked_fill(~self.crossed, 0.0)


def metrics_of_hurdles(count: int) -> Dict[str, Callable[..., Tensor]]:
    """Methods `_metric_hurdle_<n>_<what>` for hurdles 1 to `count`."""

    def method(what: str, k: int) -> Callable[..., Tensor]:
        return lambda robot: getattr(robot.crossings, what)[:, k].float()

    kinds = ("came", "crossed", "clearance")
    return {f"_metric_hurdle_{k + 1}_{what}": method(what, k) for k in range(count) for what in kinds}
