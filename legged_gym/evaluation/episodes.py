"""Complete episodes and what they come to by the table of metrics.

Every environment contributes the same number of episodes, its first ones, all begun at time 0. Without that, short
episodes would be over-represented: among the first 1000 episodes to finish, whoever falls often appears often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import Metric
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.part import Part
from legged_gym.envs.terms.tables import check_values
from legged_gym.evaluation.intervals import ratio_of_sums, share

SECONDS, FELL, LEVELS, TYPES, KINDS = "seconds", "fell", "levels", "types", "kinds"
_RECORDER = "recorder"


@dataclass
class Episodes:
    """What E complete episodes came to.

    Attributes:
        values: name of a metric -> (E,) as reduced over the episode, means as integrals over its time; and the sums
            that metrics are divided by (`_divisor`).
        seconds: (E,) s, how long they lasted.
        fell: (E,) bool, ended other than by time-out.
        levels: (E,) row of the terrain's tile.
        types: (E,) column of the terrain's tile.
        kinds: (E,) int64, see `MetricTerms.episode_kinds`; 0 where there are none.
    """

    values: Dict[str, Tensor]
    seconds: Tensor
    fell: Tensor
    levels: Tensor
    types: Tensor
    kinds: Tensor

    def select(self, mask: Tensor) -> Episodes:
        """The episodes where `mask` (E,) is set."""
        values = {name: each[mask] for name, each in self.values.items()}
        facts = (self.seconds, self.fell, self.levels, self.types, self.kinds)
        return Episodes(values, *(each[mask] for each in facts))


class EpisodeRecorder(Part):
    """Measures N environments over their first K episodes each.

    Attributes:
        complete: whether all environments have finished K episodes.
        num_samples: states taken in.
    """

    env: LeggedRobot

    def __init__(self, env: LeggedRobot, episodes_per_env: int) -> None:
        """Begin at the first state of every environment's first episode.

        Args:
            env: the environment, of which this is a part until `close`.
            episodes_per_env: K.

        Raises:
            UserError: a metric does not give (N,).
        """
        super().__init__(env)
        self.num_samples = 0
        self._count = episodes_per_env
        self._columns = torch.arange(env.num_envs, device=env.device)
        self._rows = torch.zeros_like(self._columns)
        self._samples = torch.zeros_like(self._columns)  # of the present episode
        env.update_metrics()
        self._terms = dict(_terms(env))
        for name, (_, term) in self._terms.items():
            check_values(term, f"metrics.{name}", (env.num_envs,))
        self._tables: Dict[str, Tensor] = {}
        env.use_part(_RECORDER, self, first=True)

    @property
    def complete(self) -> bool:
        """See the class."""
        return int(self._rows.min()) >= self._count

    def _table(self, name: str, dtype: torch.dtype) -> Tensor:
        """(K + 1, N): environments that have done their part go on into the last row, which nobody reads."""
        if name not in self._tables:
            shape = (self._count + 1, self.env.num_envs)
            self._tables[name] = torch.zeros(shape, dtype=dtype, device=self.env.device)
        return self._tables[name]

    def sample(self) -> None:
        """Take in the present states, in which the policy is about to act."""
        env, at = self.env, (self._rows, self._columns)
        if self.num_samples:
            env.update_metrics()
        self.num_samples += 1
        first = self._samples == 0
        self._samples += 1
        self._table(SECONDS, torch.float64)[at] += torch.full((env.num_envs,), env.dt, device=env.device).double()
        for name, (reduce, term) in self._terms.items():
            if reduce == "last":
                continue
            value = term()
            if reduce == "max":
                table = self._table(name, value.dtype)
                table[at] = torch.where(first, value, torch.maximum(table[at], value))
            else:
                self._table(name, torch.float64)[at] += (value * env.dt if reduce == "mean" else value).double()

    def prepare(self, env_ids: Tensor) -> None:
        """Close the episodes of environments (n,), before anything is reset; those without a sample are none."""
        env = self.env
        env_ids = env_ids[self._samples[env_ids] > 0]
        rows = self._rows[env_ids]
        kinds = env.episode_kinds()
        facts = {
            FELL: env.reset_buf & ~env.time_out_buf,
            LEVELS: env.terrain_levels,
            TYPES: env.terrain_types,
            KINDS: torch.zeros_like(self._columns) if kinds is None else kinds[1],
        }
        last = {name: term() for name, (reduce, term) in self._terms.items() if reduce == "last"}
        for name, value in {**facts, **last}.items():
            self._table(name, value.dtype)[rows, env_ids] = value[env_ids]
        self._rows[env_ids] = (rows + 1).clamp(max=self._count)
        self._samples[env_ids] = 0
        env.reset_metrics(env_ids)

    def close(self) -> None:
        """Measure no further episodes."""
        self.env.drop_part(_RECORDER)

    def episodes(self) -> Episodes:
        """All K * N episodes, on the CPU; those of the first environment's first round come first."""
        values = {name: table[: self._count].flatten().cpu() for name, table in self._tables.items()}
        facts = [values.pop(name) for name in (SECONDS, FELL, LEVELS, TYPES, KINDS)]
        return Episodes(values, *facts)


def _terms(env: LeggedRobot) -> Any:
    """Name -> (how it is reduced, method) of every metric and of what they are divided by."""
    for name, (entry, term) in env.metrics.items():
        yield name, (entry.reduce, term)
        if entry.per is not None:
            yield _divisor(entry.per), ("sum", getattr(env, f"_metric_{entry.per}"))


def _divisor(name: str) -> str:
    """Where sums of a metric that others are divided by are kept, whatever the metric itself comes to."""
    return f"per {name}"


def estimates(
    episodes: Episodes, entries: Mapping[str, Metric], episode_length_s: float, ground: Optional[str] = None
) -> Dict[str, Any]:
    """Metrics of episodes, each {"mean", "ci95"}.

    Args:
        episodes: any number.
        entries: of the table.
        episode_length_s: s, after which an episode is truncated.
        ground: only those of this ground; None for all.
    """
    chosen = {name: entry for name, entry in entries.items() if ground in (None, entry.ground)}
    return {name: _estimate(episodes, name, entry, episode_length_s) for name, entry in chosen.items()}


def _estimate(episodes: Episodes, name: str, entry: Metric, episode_length_s: float) -> Dict[str, Any]:
    values = episodes.values[name]
    if values.dtype == torch.bool:
        rate = share(values)
        return rate if entry.period_s is None else _in_period(rate, entry.period_s, episode_length_s)
    if entry.reduce == "mean":
        return ratio_of_sums(values, episodes.seconds)
    return ratio_of_sums(values, torch.ones_like(values) if entry.per is None else episodes.values[_divisor(entry.per)])


def _in_period(rate: Dict[str, Any], period_s: float, episode_length_s: float) -> Dict[str, Any]:
    """Probability of an event within a period, from its fraction of episodes that are truncated after a length in s."""
    if rate["mean"] is None or episode_length_s == period_s:
        return rate
    # as many episodes in a row as make up the period, each with the same chance
    power = period_s / episode_length_s
    return {
        "mean": 1.0 - (1.0 - rate["mean"]) ** power,
        "ci95": [1.0 - (1.0 - bound) ** power for bound in rate["ci95"]],
    }
