"""What episodes came to by type and level of the tiles that robots walked over, and on lanes.

Lanes are tiles with obstacles that a robot walks over along +x, up to a finish line. What is measured there is told by
the terms of `legged_gym.envs.terms.metrics`:

- success_rate, x_displacement, foot_edge_violations (of all contacts of a foot with the ground, one at most for each
  foot and state, the share on an edge).
- mean_time_to_fall, s: mean over episodes of the time until a fall. An episode that is truncated counts with its
  whole length, so the mean is a lower bound of the time to a fall, and only means of episodes of the same length can be
  compared. The fraction of episodes that were truncated is 1 - fall_share.

And for the policy as a whole:

- success_to_half_difficulty: success in the easier half, difficulties 0 to 0.5, of each type other than flat ground;
  the mean over these types.
"""

from __future__ import annotations

import math
import zlib
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.base_config import Metric
from legged_gym.envs.parts.progress import EDGE_DROP, EDGE_MARGIN, SETTLING_TIME
from legged_gym.evaluation.episodes import Episodes, estimates
from legged_gym.evaluation.intervals import estimate, share
from legged_gym.terrain import Terrain
from legged_gym.terrain.lanes import FLAT_TYPES

SUCCESS = "success_rate"
_HALF_DIFFICULTY = 0.5
_ROUNDING = 1e-6

MEAN_OF_SHARES = "mean of shares, their Wilson intervals joined (MOVER)"
"""How the interval of `success_to_half_difficulty` is made, see `mean_of_shares`."""

Entries = Mapping[str, Metric]


def terrain_table(
    episodes: Episodes, entries: Entries, episode_length_s: float, terrain: Terrain
) -> Dict[str, List[Dict[str, Any]]]:
    """What episodes came to by type of terrain and level.

    Args:
        episodes: on the tiles of the terrain.
        entries: of the table of metrics.
        episode_length_s: s, after which an episode is truncated.
        terrain: the map.

    Returns:
        type -> one entry for each level (row of the map) with that type: `level`, `difficulty` (None where the type has
        none), and what `of_tiles` gives.
    """
    table: Dict[str, List[Dict[str, Any]]] = {}
    for level in range(terrain.num_rows):
        columns: Dict[str, List[int]] = {}
        for column, name in enumerate(terrain.tile_types[level]):
            columns.setdefault(name, []).append(column)
        for name, members in columns.items():
            here = (episodes.levels == level) & torch.isin(episodes.types, torch.tensor(members))
            difficulty = float(terrain.difficulties[level, members[0]])
            place = {"level": level, "difficulty": None if math.isnan(difficulty) else difficulty}
            table.setdefault(name, []).append({**place, **of_tiles(episodes.select(here), entries, episode_length_s)})
    return table


def types_table(
    episodes: Episodes, entries: Entries, episode_length_s: float, terrain: Terrain
) -> Dict[str, Dict[str, Any]]:
    """All levels of a type together: type -> what `of_tiles` gives; see `terrain_table`."""
    return {
        name: of_tiles(episodes.select(tiles[episodes.levels, episodes.types]), entries, episode_length_s)
        for name, tiles in tiles_by_type(terrain).items()
    }


def of_tiles(episodes: Episodes, entries: Entries, episode_length_s: float) -> Dict[str, Any]:
    """`episodes`, how many, and {"mean", "ci95"} of `fall_share` and of the metrics of tiles and of lanes."""
    return {
        "episodes": len(episodes.fell),
        **estimates(episodes, entries, episode_length_s, "tiles"),
        "fall_share": share(episodes.fell),
        **estimates(episodes, entries, episode_length_s, "lanes"),
    }


def success_to_half_difficulty(episodes: Episodes, terrain: Terrain) -> Dict[str, Any]:
    """Mean over types other than flat of the fraction of successes at difficulties up to 0.5, {"mean", "ci95"}."""
    difficulty = torch.as_tensor(terrain.difficulties)[episodes.levels, episodes.types]
    success, easy = episodes.values[SUCCESS], difficulty <= _HALF_DIFFICULTY + _ROUNDING
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


def tiles_by_type(terrain: Terrain) -> Dict[str, Tensor]:
    """Name of a type -> (num_rows, num_cols) bool, its tiles; in the order in which types come up."""
    names: List[str] = [name for row in terrain.tile_types for name in row]
    tiles = np.array(names).reshape(terrain.num_rows, terrain.num_cols)
    return {name: torch.as_tensor(tiles == name) for name in dict.fromkeys(names)}


def lane_facts(terrain: Terrain) -> Dict[str, Any]:
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
