"""How far a robot has come in an episode: goals one after the other, and the hurdles between them."""

from __future__ import annotations

from typing import Any, Mapping, Optional

import numpy as np

from legged_gym.sim2sim.ground import Tile


def goals_rule(description: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """The observation that tells when a goal is reached; None for a policy that is led by no goals."""
    terms = (term for group in description["observations"].values() for term in group.get("terms", []))
    return next((term for term in terms if "reach" in term), None)


class Course:
    """The goals and hurdles of a tile, seen by a robot on its way.

    Attributes:
        tile: what lies ahead of the start.
        reached: how many goals.
        passed: (h,) bool, hurdles that the robot came past between their posts.
    """

    def __init__(self, tile: Tile, rule: Optional[Mapping[str, Any]], position: np.ndarray) -> None:
        """Begin an episode at a place."""
        self.tile, self.reached, self._dwelt, self._rule = tile, 0, 0, rule
        self.passed, self._last_x = np.zeros(len(tile.hurdles), dtype=bool), float(position[0])

    @property
    def finished(self) -> bool:
        """Whether there are goals, and all are reached."""
        return 0 < len(self.tile.goals) <= self.reached

    @property
    def share(self) -> float:
        """Of the goals, how many are reached."""
        return self.reached / max(len(self.tile.goals), 1)

    def goal(self, ahead: int = 0) -> np.ndarray:
        """(3,) m, the goal that is next, or a later one; beyond the last it stays."""
        return np.asarray(self.tile.goals[min(self.reached + ahead, len(self.tile.goals) - 1)])

    def update(self, position: np.ndarray) -> None:
        """Take in the place after a control step."""
        bars = self.tile.hurdles
        crossed = (self._last_x < bars[:, 0]) & (position[0] >= bars[:, 0])
        self.passed |= crossed & (np.abs(position[1] - bars[:, 1]) < bars[:, 3])
        self._last_x = float(position[0])
        if self._rule is None or self.reached >= len(self.tile.goals):
            return
        away, gate = position - self.goal(), self._rule["gate"]
        self._dwelt = self._dwelt + 1 if np.hypot(away[0], away[1]) < self._rule["reach"] else 0
        if self._dwelt > self._rule["dwell"] or (gate is not None and away[0] > 0.0 and abs(away[1]) < gate):
            self.reached, self._dwelt = self.reached + 1, 0
