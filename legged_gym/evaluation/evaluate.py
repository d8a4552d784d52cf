"""How well a policy follows velocity commands, measured on complete episodes.

Every environment contributes the same number of episodes, its first ones, all begun at time 0. Without that, short
episodes would be over-represented: among the first 1000 episodes to finish, whoever falls often appears often.

What is measured, at every state in which the policy acts (so an episode of L steps has L samples: its first state
counts, the one it ended in does not), with the true state of the robot and not what it observes:

- lin_vel_xy_error, m/s: mean over time of |commanded - true| horizontal velocity in the base frame. Start-up, command
  changes and pushes are included.
- ang_vel_error, rad/s: mean over time of |commanded - true| yaw rate in the base frame.
- height_error, m, where a height is commanded: mean over time of |commanded - true| height above the ground.
- fall_rate: probability that 20 s end other than by time-out: a fall, or physics that broke down. For episodes of
  another length T, the share p that did is converted: 1 - (1 - p)^(20 s / T).
- mean_episode_length_s, s: cut at the time-out.
- cost_of_transport: energy / (m g path), which is mean mechanical power over weight times mean speed. Power is the sum
  over joints of |torque * velocity|: nothing is won back by braking. Path and speed are horizontal.
- mean_speed, m/s: that speed.
- success_rate, only with terrain: share of episodes without a fall in which the robot came further from its start than
  half the length of a tile, which leads over the tile's obstacles. Lanes with a finish line have more to tell, see
  `legged_gym.evaluation.lanes`.

Metrics over time are ratios of sums over all episodes, with Student's t intervals; rates have Wilson intervals
(`legged_gym.evaluation.intervals`). Episodes count as independent.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional

import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.evaluation import lanes
from legged_gym.evaluation.episodes import Episodes
from legged_gym.evaluation.intervals import ratio_of_sums, share
from legged_gym.terrain import has_lanes

# s, the length of episode that fall rates are stated for
FALL_RATE_PERIOD = 20.0

METHODS = {
    "means": "ratio of sums over episodes, Student's t interval of the linearised ratio",
    "rates": "share of episodes, Wilson score interval",
}


class EpisodeRecorder:
    """Adds up samples of N environments into their first K episodes each.

    Attributes:
        complete: whether all environments have finished K episodes.
        num_samples: states taken in.
    """

    def __init__(self, env: Any, episodes_per_env: int) -> None:
        """Begin at the first state of every environment's first episode.

        Args:
            env: the environment.
            episodes_per_env: K.
        """
        self.num_samples = 0
        self._env, self._count = env, episodes_per_env
        self._lanes = lanes.LaneSamples(env) if has_lanes(env.terrain) else None
        self._rows = torch.zeros(env.num_envs, dtype=torch.long, device=env.device)
        self._columns = torch.arange(env.num_envs, device=env.device)
        self._start = env.root_states[:, :2].clone()
        self._ended = torch.zeros(env.num_envs, dtype=torch.bool, device=env.device)
        self._sums: Dict[str, Tensor] = {}
        self._distance = self._zeros(torch.float32)
        self._fell = self._zeros(torch.bool)
        self._levels, self._types = self._zeros(torch.long), self._zeros(torch.long)

    def _zeros(self, dtype: torch.dtype) -> Tensor:
        """(K + 1, N): environments that have done their part go on into the last row, which nobody reads."""
        return torch.zeros(self._count + 1, self._env.num_envs, dtype=dtype, device=self._env.device)

    @property
    def complete(self) -> bool:
        """See the class."""
        return int(self._rows.min()) >= self._count

    def sample(self) -> None:
        """Take in the present states, in which the policy is about to act."""
        self.num_samples += 1
        env, at = self._env, (self._rows, self._columns)
        # robots may differ from episode to episode, so their weight is asked for each time
        samples = measure(env, weight(env))
        if self._lanes is not None:
            samples.update(self._lanes.measure(self._ended))
        for name, values in samples.items():
            if name not in self._sums:
                self._sums[name] = self._zeros(torch.float64)
            self._sums[name][at] += values.double()
        position = env.root_states[:, :2]
        self._start = torch.where(self._ended[:, None], position, self._start)
        self._distance[at] = torch.maximum(self._distance[at], (position - self._start).norm(dim=1))
        self._levels[at], self._types[at] = env.terrain_levels, env.terrain_types

    def end(self, dones: Tensor, time_outs: Tensor) -> None:
        """Close the episodes that ended with the step that was just made.

        Args:
            dones: (N,) bool.
            time_outs: (N,) bool, those of them that were cut off by time.
        """
        self._fell[self._rows, self._columns] = dones & ~time_outs
        self._rows = (self._rows + dones.long()).clamp(max=self._count)
        self._ended = dones.clone()

    def episodes(self) -> Episodes:
        """All K * N episodes, on the CPU; those of the first environment's first round come first."""

        def flat(table: Tensor) -> Tensor:
            return table[: self._count].flatten().cpu()

        sums = {name: flat(table) for name, table in self._sums.items()}
        return Episodes(sums, *(flat(t) for t in (self._distance, self._fell, self._levels, self._types)))


def measure(env: Any, weight: Tensor) -> Dict[str, Tensor]:
    """The samples of one state of all environments.

    Args:
        env: the environment.
        weight: (N,) N.

    Returns:
        name -> (N,): `steps` 1, `seconds` of a step, and what integrates over it: `lin_vel_xy_error` m, `ang_vel_error`
        rad, `energy` J, `path` m, `weight_path` N m; `height_error` m s, where a height is commanded.
    """
    dt = env.dt
    path = env.root_states[:, 7:9].norm(dim=1) * dt
    samples = {
        "seconds": torch.full_like(path, dt),
        "lin_vel_xy_error": (env.commands[:, :2] - env.base_lin_vel[:, :2]).norm(dim=1) * dt,
        "ang_vel_error": (env.commands[:, 2] - env.base_ang_vel[:, 2]).abs() * dt,
        "energy": (env.torques * env.dof_vel).abs().sum(dim=1) * dt,
        "path": path,
        "weight_path": weight * path,
    }
    if hasattr(env, "height_errors"):
        samples["height_error"] = env.height_errors().abs() * dt
    return samples


def weight(env: Any) -> Tensor:
    """(N,) N, of each environment's robot with the mass that was added to it."""
    return (env.sim.mass + env.added_masses) * math.sqrt(sum(g * g for g in env.cfg.sim.gravity))


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
    while not recorder.complete:
        if recorder.num_samples > most_steps:
            raise UserError("episodes do not end in time: evaluation needs a time-out among the terminations")
        recorder.sample()
        observations, _, dones, extras = env.step(policy(observations).to(env.device))
        recorder.end(dones, extras["time_outs"])
        policy.reset(dones)
    return recorder.episodes()


def evaluate(env: Any, policy: Any, num_episodes: int) -> Dict[str, Any]:
    """Run a policy and put its metrics together.

    Args:
        env: see `run_episodes`.
        policy: see `run_episodes`.
        num_episodes: at least this many; rounded up to a multiple of the number of environments.

    Returns:
        `num_episodes`, `episode_length_s`, `metrics` name -> {"mean", "ci95"}, and where there is terrain, `terrain`:
        type -> list of levels, see `terrain_table`. Where it has lanes also `terrain_types`, type -> all its levels
        together, and `lanes`, what was counted.
    """
    episodes = run_episodes(env, policy, math.ceil(num_episodes / env.num_envs))
    length = float(env.cfg.env.episode_length_s)
    terrain, on_lanes = env.terrain, has_lanes(env.terrain)
    half_tile = None if terrain is None or on_lanes else terrain.tile_length / 2
    result: Dict[str, Any] = {
        "num_envs": env.num_envs,
        "num_episodes": len(episodes.fell),
        "episode_length_s": length,
        "fall_rate_period_s": FALL_RATE_PERIOD,
        "intervals": METHODS,
        "metrics": summarize(episodes, length, half_tile),
    }
    if terrain is not None:
        result["terrain"] = terrain_table(episodes, terrain)
    if on_lanes:
        result["metrics"].update(lanes.lane_metrics(episodes, terrain))
        result["terrain_types"] = lanes.types_table(episodes, terrain)
        result["lanes"] = lanes.lane_facts(terrain)
    return result


def summarize(episodes: Episodes, episode_length_s: float, half_tile: Optional[float] = None) -> Dict[str, Any]:
    """Metrics of episodes, each {"mean", "ci95"}; the module's docstring defines them.

    Args:
        episodes: at least one.
        episode_length_s: s, after which an episode is cut off.
        half_tile: m, distance of success; None where that is not what success means.
    """
    sums = episodes.sums
    ones = torch.ones_like(sums["seconds"])
    metrics = {
        "lin_vel_xy_error": ratio_of_sums(sums["lin_vel_xy_error"], sums["seconds"]),
        "ang_vel_error": ratio_of_sums(sums["ang_vel_error"], sums["seconds"]),
        "fall_rate": fall_rate(episodes.fell, episode_length_s),
        "mean_episode_length_s": ratio_of_sums(sums["seconds"], ones),
        "cost_of_transport": ratio_of_sums(sums["energy"], sums["weight_path"]),
        "mean_speed": ratio_of_sums(sums["path"], sums["seconds"]),
    }
    if "height_error" in sums:
        metrics["height_error"] = ratio_of_sums(sums["height_error"], sums["seconds"])
    if half_tile is not None:
        metrics["success_rate"] = share(succeeded(episodes, half_tile))
    return metrics


def fall_rate(fell: Tensor, episode_length_s: float) -> Dict[str, Any]:
    """Probability of a fall within `FALL_RATE_PERIOD`, from episodes (E,) that were cut off after a length in s."""
    rate = share(fell)
    if rate["mean"] is None or episode_length_s == FALL_RATE_PERIOD:
        return rate
    # as many episodes in a row as make up the period, each with the same chance of a fall
    power = FALL_RATE_PERIOD / episode_length_s
    return {
        "mean": 1.0 - (1.0 - rate["mean"]) ** power,
        "ci95": [1.0 - (1.0 - bound) ** power for bound in rate["ci95"]],
    }


def succeeded(episodes: Episodes, half_tile: float) -> Tensor:
    """(E,) bool: no fall, and further from the start than `half_tile` m at some time."""
    return ~episodes.fell & (episodes.distance > half_tile)


def terrain_table(episodes: Episodes, terrain: Any) -> Dict[str, List[Dict[str, Any]]]:
    """Success and falls by type of terrain and level.

    Args:
        episodes: on the tiles of the terrain.
        terrain: the map.

    Returns:
        type -> one entry for each level (row of the map) with that type: `level`, `difficulty` (None where the type has
        none), `episodes`, `success_rate` and `fall_share` (of episodes, whatever their length), each {"mean", "ci95"};
        on lanes also what `evaluation_lanes.estimates` gives.
    """
    on_lanes, half_tile = has_lanes(terrain), terrain.tile_length / 2
    table: Dict[str, List[Dict[str, Any]]] = {}
    for level in range(terrain.num_rows):
        columns: Dict[str, List[int]] = {}
        for column, name in enumerate(terrain.tile_types[level]):
            columns.setdefault(name, []).append(column)
        for name, members in columns.items():
            here = (episodes.levels == level) & torch.isin(episodes.types, torch.tensor(members))
            chosen = episodes.select(here)
            success = lanes.succeeded(chosen, terrain) if on_lanes else succeeded(chosen, half_tile)
            difficulty = float(terrain.difficulties[level, members[0]])
            entry = {
                "level": level,
                "difficulty": None if math.isnan(difficulty) else difficulty,
                "episodes": len(chosen.fell),
                "success_rate": share(success),
                "fall_share": share(chosen.fell),
                **(lanes.estimates(chosen) if on_lanes else {}),
            }
            table.setdefault(name, []).append(entry)
    return table
