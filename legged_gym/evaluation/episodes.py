"""Complete episodes, added up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

from torch import Tensor


@dataclass
class Episodes:
    """What E complete episodes came to.

    Attributes:
        sums: name -> (E,) float64, samples of `measure` added up over the episode.
        distance: (E,) m, furthest the robot came from where it started, horizontally.
        fell: (E,) bool, ended other than by time-out.
        levels: (E,) row of the terrain's tile.
        types: (E,) column of the terrain's tile.
    """

    sums: Dict[str, Tensor]
    distance: Tensor
    fell: Tensor
    levels: Tensor
    types: Tensor

    def select(self, mask: Tensor) -> Episodes:
        """The episodes where `mask` (E,) is set."""
        sums = {name: values[mask] for name, values in self.sums.items()}
        return Episodes(sums, self.distance[mask], self.fell[mask], self.levels[mask], self.types[mask])
