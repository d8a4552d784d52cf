"""How well a policy does what its task asks, measured on complete episodes.

What is measured is the task's table of metrics: `legged_gym.envs.terms.metrics` tells what each is. Metrics over time
are ratios of sums over all episodes, with Student's t intervals; rates have Wilson intervals
(`legged_gym.evaluation.intervals`). Episodes count as independent. The rate of falls is the probability that 20 s end
other than by time-out: for episodes of another length T, the share p that did is converted, 1 - (1 - p)^(20 s / T). The
cost of transport is energy / (m g path), which is mean mechanical power over weight times mean speed.
"""

from __future__ import annotations

import math
from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.evaluation import lanes
from legged_gym.evaluation.episodes import EpisodeRecorder, Episodes, estimates
from legged_gym.terrain import has_lanes

METHODS = {
    "means": "ratio of sums over episodes, Student's t interval of the linearised ratio",
    "rates": "share of episodes, Wilson score interval",
}


class TileSchedule:
    """Sends robots to all tiles of the map in turn, each equally often (give or take one episode).

    In place of the terrain curriculum: called when episodes end, before the robots are placed for the next.
    """

    def __init__(self, env: Any) -> None:
        """Plan the tiles: a fixed shuffle, so that few episodes are spread over all levels and types too."""
        self._env = env
        rows, cols = env.terrain.num_rows, env.terrain.num_cols
        self._num_cols = cols
        generator = torch.Generator().manual_seed(0)
        self._order = torch.randperm(rows * cols, generator=generator).to(env.device)
        self._rounds = torch.zeros(env.num_envs, dtype=torch.long, device=env.device)
        self._origins = torch.as_tensor(env.terrain.env_origins, device=env.device)

    def assign(self, env_ids: Tensor) -> None:
        """Give environments (n,) the tiles of their next episodes."""
        env = self._env
        turn = self._rounds[env_ids] * env.num_envs + env_ids
        tile = self._order[turn % len(self._order)]
        self._rounds[env_ids] += 1
        levels, types = tile // self._num_cols, tile % self._num_cols
        env.terrain_levels[env_ids], env.terrain_types[env_ids] = levels, types
        env.env_origins[env_ids] = self._origins[levels, types]


def start_episodes(env: Any) -> Dict[str, Tensor]:
    """Reset all environments to time 0, on the tiles of a fresh `TileSchedule` where there is terrain.

    Returns:
        The first observations.
    """
    if env.terrain is None:
        return env.reset()
    schedule = TileSchedule(env)
    schedule.assign(torch.arange(env.num_envs, device=env.device))
    # reset() asks for a new tile too, except for the very first time
    env._update_terrain_curriculum = lambda env_ids: None
    observations = env.reset()
    env._update_terrain_curriculum = schedule.assign
    return observations


@torch.no_grad()
def run_episodes(env: Any, policy: Any, episodes_per_env: int) -> Episodes:
    """Let a policy act until every environment has finished a number of episodes.

    Args:
        env: the environment, with a config of `variants.for_evaluation`.
        policy: observations by group -> actions (N, A), with `reset(dones)` for one with memory.
        episodes_per_env: episodes each environment contributes.

    Raises:
        UserError: an episode does not end.
    """
    observations = start_episodes(env)
    policy.reset(torch.ones(env.num_envs, dtype=torch.bool, device=env.device))
    recorder = EpisodeRecorder(env, episodes_per_env)
    most_steps = episodes_per_env * (env.max_episode_length + 1)
    try:
        while not recorder.complete:
            if recorder.num_samples > most_steps:
                raise UserError("episodes do not end in time: evaluation needs a time-out among the terminations")
            recorder.sample()
            observations, _, dones, _ = env.step(policy(observations).to(env.device))
            policy.reset(dones)
    finally:
        recorder.close()
    return recorder.episodes()


def evaluate(env: Any, policy: Any, num_episodes: int) -> Dict[str, Any]:
    """Run a policy and put its metrics together.

    Args:
        env: see `run_episodes`.
        policy: see `run_episodes`.
        num_episodes: at least this many; rounded up to a multiple of the number of environments.

    Returns:
        `num_episodes`, `episode_length_s`, `metrics` name -> {"mean", "ci95"}, and where there is terrain, `terrain`,
        see `lanes.terrain_table`. Where it has lanes also `terrain_types`, type -> all its levels together, and
        `lanes`, what was counted.
    """
    episodes = run_episodes(env, policy, math.ceil(num_episodes / env.num_envs))
    length, terrain = float(env.cfg.env.episode_length_s), env.terrain
    entries = {name: entry for name, (entry, _) in env.metrics.items()}
    result: Dict[str, Any] = {
        "num_envs": env.num_envs,
        "num_episodes": len(episodes.fell),
        "episode_length_s": length,
        "fall_rate_period_s": entries["fall_rate"].period_s if "fall_rate" in entries else None,
        "intervals": METHODS,
        "metrics": {},
    }
    for name, found in estimates(episodes, entries, length).items():
        result["metrics"][name] = found
        if name == lanes.SUCCESS and has_lanes(terrain):
            result["metrics"]["success_to_half_difficulty"] = lanes.success_to_half_difficulty(episodes, terrain)
    if terrain is not None:
        result["terrain"] = lanes.terrain_table(episodes, entries, length, terrain)
    if has_lanes(terrain):
        result["terrain_types"] = lanes.types_table(episodes, entries, length, terrain)
        result["lanes"] = lanes.lane_facts(terrain)
    return result
