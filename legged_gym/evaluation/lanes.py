"""How far a policy gets on lanes: tiles with obstacles that a robot walks over along +x, up to a finish line.

Taken in the same episodes and at the same states as everything else (`legged_gym.evaluation.evaluate`), for all tiles
and by their type and level:

- success_rate: share of episodes in which the robot crossed the finish line of its tile, had not left the sides of the
  tile before (who walks around obstacles has not crossed them), and did not fall within `SETTLING_TIME` after the
  crossing. A later fall belongs to the next tile, whose obstacles are harder. A tile without a finish line is
  judged like other terrain: no fall, and further from the start than half a tile.
- x_displacement, m: how far the robot stood along +x, at its last state, from where it started. It does not end at the
  finish line: a robot that has time left goes on into the next tile.
- mean_time_to_fall, s: mean over episodes of the time until a fall. An episode that is cut off by time counts with its
  whole length, so the mean is a lower bound of the time to a fall, and only means of episodes of the same length can be
  compared. The share of episodes that were cut off is 1 - fall_share.
- foot_edge_violations: of all contacts of a foot with the ground (one at most for each foot and state), the share in
  which the middle of the foot was on an edge: less than `EDGE_MARGIN` from a drop of more than `EDGE_DROP`.

And for the policy as a whole:

- success_to_half_difficulty: success in the easier half, difficulties 0 to 0.5, of each type other than flat ground;
  the mean over these types.
"""

from __future__ import annotations

import math
import zlib
from typing import Any, Dict, List, Sequence

import numpy as np
import torch
from torch import Tensor

from legged_gym.evaluation.episodes import Episodes
from legged_gym.evaluation.intervals import estimate, ratio_of_sums, share
from legged_gym.sensors.edge_map import EdgeMap
from legged_gym.terrain.lanes import FLAT_TYPES

EDGE_MARGIN = 0.05
"""m from a drop, within which a foot stands on an edge."""

EDGE_DROP = 0.1
"""m, drops that are higher than this make edges."""

SETTLING_TIME = 1.0
"""s behind the finish line in which a fall still undoes the crossing."""

_HALF_DIFFICULTY = 0.5
_ROUNDING = 1e-6

MEAN_OF_SHARES = "mean of shares, their Wilson intervals joined (MOVER)"
"""How the interval of `success_to_half_difficulty` is made, see `mean_of_shares`."""


class LaneSamples:
    """What lanes add to the samples of a state: progress, crossings and feet on edges, so that sums tell the episode.

    Kept here from state to state: where each robot was, and whether it has crossed its line or left its tile.
    """

    def __init__(self, env: Any) -> None:
        """Begin at the first state of every environment's first episode, in an environment that has lanes."""
        terrain, device = env.terrain, env.device
        self._env = env
        self._finish = torch.as_tensor(terrain.finish_x, dtype=torch.float32, device=device)
        self._edges = EdgeMap(terrain.height_map, EDGE_MARGIN, EDGE_DROP, device)
        self._last_x = env.root_states[:, 0].clone()
        self._crossed = torch.zeros(env.num_envs, dtype=torch.bool, device=device)
        self._strayed = torch.zeros_like(self._crossed)

    def measure(self, begins: Tensor) -> Dict[str, Tensor]:
        """The samples of the present state.

        Args:
            begins: (N,) bool, environments whose state is the first of an episode.

        Returns:
            name -> (N,), each to be added up over the episode: `x_displacement` m since the last state, `crossed` 1 at
            the state that crosses the finish line, `seconds_behind` it since, `contacts` of feet and, those of them on
            edges, `edge_contacts`.
        """
        env = self._env
        x, y = env.root_states[:, 0].clone(), env.root_states[:, 1]
        first_y = env.terrain_types * env.terrain.tile_width
        outside = (y < first_y) | (y > first_y + env.terrain.tile_width)
        crossed = self._crossed & ~begins
        self._strayed = (self._strayed & ~begins) | (outside & ~crossed)
        beyond = x > self._finish[env.terrain_levels, env.terrain_types]  # never where there is no line: NaN
        self._crossed = crossed | (beyond & ~self._strayed)
        on_edge = env.feet_contact & self._on_edge()
        samples = {
            "x_displacement": torch.where(begins, torch.zeros_like(x), x - self._last_x),
            "crossed": self._crossed & ~crossed,
            "seconds_behind": crossed * env.dt,
            "contacts": env.feet_contact.sum(dim=1),
            "edge_contacts": on_edge.sum(dim=1),
        }
        self._last_x = x
        return samples

    def _on_edge(self) -> Tensor:
        """(N, F) bool: the middle of the foot is on an edge."""
        return self._edges(self._env.sim.body_states.index_select(1, self._env.feet_indices)[..., :2])


def succeeded(episodes: Episodes, terrain: Any) -> Tensor:
    """(E,) bool: across the finish line and still on its feet `SETTLING_TIME` later."""
    finish = torch.as_tensor(terrain.finish_x)[episodes.levels, episodes.types]
    far = ~episodes.fell & (episodes.distance > terrain.tile_length / 2)
    settled = ~episodes.fell | (episodes.sums["seconds_behind"] >= SETTLING_TIME - _ROUNDING)
    return torch.where(finish.isnan(), far, settled & (episodes.sums["crossed"] > 0))


def lane_metrics(episodes: Episodes, terrain: Any) -> Dict[str, Any]:
    """The metrics of lanes for all tiles together, each {"mean", "ci95"}; the module's docstring defines them."""
    return {
        "success_rate": share(succeeded(episodes, terrain)),
        "success_to_half_difficulty": success_to_half_difficulty(episodes, terrain),
        **estimates(episodes),
    }


def estimates(episodes: Episodes) -> Dict[str, Any]:
    """Progress, time to a fall and feet on edges of some episodes, each {"mean", "ci95"}."""
    sums = episodes.sums
    ones = torch.ones_like(sums["seconds"])
    return {
        "x_displacement": ratio_of_sums(sums["x_displacement"], ones),
        "mean_time_to_fall": ratio_of_sums(sums["seconds"], ones),
        "foot_edge_violations": ratio_of_sums(sums["edge_contacts"], sums["contacts"]),
    }


def success_to_half_difficulty(episodes: Episodes, terrain: Any) -> Dict[str, Any]:
    """Mean over types other than flat of the share of successes at difficulties up to 0.5, {"mean", "ci95"}."""
    difficulty = torch.as_tensor(terrain.difficulties)[episodes.levels, episodes.types]
    success, easy = succeeded(episodes, terrain), difficulty <= _HALF_DIFFICULTY + _ROUNDING
    shares = [
        share(success[easy & tiles[episodes.levels, episodes.types]])
        for name, tiles in tiles_by_type(terrain).items()
        if name not in FLAT_TYPES
    ]
    return mean_of_shares(shares)


def mean_of_shares(shares: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Estimate the plain mean of independent probabilities from the estimate of each.

    The interval joins those of the shares by the method of variance estimates recovery (Zou & Donner, Construction of
    confidence limits about effect measures, Statistics in Medicine 27, 2008): the distances from the means to the
    bounds add up as squares. Like Wilson's it has a width even where all shares are 0 or 1.

    Args:
        shares: {"mean", "ci95"} of each; those without episodes do not count.

    Returns:
        {"mean", "ci95"}; None where nothing was measured.
    """
    known = [entry for entry in shares if entry["mean"] is not None]
    if not known:
        return estimate(None, None, None)
    mean = sum(entry["mean"] for entry in known) / len(known)
    below, above = (
        math.sqrt(sum((entry["ci95"][end] - entry["mean"]) ** 2 for entry in known)) / len(known) for end in (0, 1)
    )
    return estimate(mean, max(mean - below, 0.0), min(mean + above, 1.0))


def types_table(episodes: Episodes, terrain: Any) -> Dict[str, Dict[str, Any]]:
    """All levels of a type together.

    Returns:
        type -> `episodes`, and {"mean", "ci95"} of `success_rate`, `fall_share` and what `estimates` gives.
    """
    table: Dict[str, Dict[str, Any]] = {}
    for name, tiles in tiles_by_type(terrain).items():
        chosen = episodes.select(tiles[episodes.levels, episodes.types])
        table[name] = {
            "episodes": len(chosen.fell),
            "success_rate": share(succeeded(chosen, terrain)),
            "fall_share": share(chosen.fell),
            **estimates(chosen),
        }
    return table


def tiles_by_type(terrain: Any) -> Dict[str, Tensor]:
    """Name of a type -> (num_rows, num_cols) bool, its tiles; in the order in which types come up."""
    names: List[str] = [name for row in terrain.tile_types for name in row]
    tiles = np.array(names).reshape(terrain.num_rows, terrain.num_cols)
    return {name: torch.as_tensor(tiles == name) for name in dict.fromkeys(names)}


def lane_facts(terrain: Any) -> Dict[str, Any]:
    """What a result about lanes says besides its numbers; the checksum tells whether two walked on the same ground."""
    return {
        "edge_margin_m": EDGE_MARGIN,
        "edge_drop_m": EDGE_DROP,
        "half_difficulty": _HALF_DIFFICULTY,
        "settling_time_s": SETTLING_TIME,
        "time_to_fall": "a time-out counts with the length of the episode: a lower bound",
        "mean_of_shares": MEAN_OF_SHARES,
        "ground_crc32": zlib.crc32(terrain.height_field.tobytes()),
    }
