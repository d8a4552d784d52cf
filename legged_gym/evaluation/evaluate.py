"""How well a policy does what its task asks, measured on complete episodes.

What is measured is the task's table of metrics: `legged_gym.envs.terms.metrics` tells what each is. Metrics over time
are ratios of sums over all episodes, with Student's t intervals; rates have Wilson intervals
(`legged_gym.evaluation.intervals`). Episodes count as independent. The rate of falls is the probability that 20 s end
other than by time-out: for episodes of another length T, the share p that did is converted, 1 - (1 - p)^(20 s / T). The
cost of transport is energy / (m g path), which is mean mechanical power over weight times mean speed.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Optional

import torch

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.terrain_levels import TileSchedule
from legged_gym.errors import UserError
from legged_gym.evaluation import lanes
from legged_gym.evaluation.episodes import EpisodeRecorder, Episodes, estimates
from legged_gym.evaluation.intervals import SituationMeans
from legged_gym.policies.policy_io import Policy
from legged_gym.terrain import has_lanes
from rsl_rl.runners.inference_policy import InferencePolicy

METHODS = {
    "means": "ratio of sums over episodes, Student's t interval of the linearised ratio",
    "rates": "share of episodes, Wilson score interval",
}


@torch.no_grad()
def run_episodes(
    env: LeggedRobot,
    policy: Policy,
    episodes_per_env: int,
    use: Optional[SituationMeans] = None,
    errors: Optional[SituationMeans] = None,
) -> Episodes:
    """Let a policy act until every environment has finished a number of episodes.

    Args:
        env: the environment, with a config of `variants.for_evaluation`.
        policy: observations by group -> actions (N, A), with `reset(dones)` for one with memory.
        episodes_per_env: episodes each environment contributes.
        use: takes in which experts act where.
        errors: takes in, for its only situation, how far off is what the policy predicts of its observations.

    Raises:
        UserError: an episode does not end.
    """
    if env.terrain is not None and env.episode_kinds() is None:  # else the kind tells which tile
        env.use_part("tiles", TileSchedule(env))
    observations = env.reset()
    policy.reset(torch.ones(env.num_envs, dtype=torch.bool, device=env.device))
    recorder = EpisodeRecorder(env, episodes_per_env)
    most_steps = episodes_per_env * (env.longest_episode + 1)
    try:
        while not recorder.complete:
            if recorder.num_samples > most_steps:
                raise UserError("episodes do not end in time: evaluation needs a time-out among the terminations")
            recorder.sample()
            there = env.situations()
            if use is not None and there is not None and isinstance(policy, InferencePolicy):
                use.add(there[1], policy.expert_weights(observations))
            if errors is not None and isinstance(policy, InferencePolicy):
                errors.add(torch.zeros(env.num_envs, dtype=torch.int64), policy.prediction_errors(observations))
            observations, _, dones, _ = env.step(policy(observations).to(env.device))
            policy.reset(dones)
    finally:
        recorder.close()
    return recorder.episodes()


def evaluate(env: LeggedRobot, policy: Policy, num_episodes: int) -> Dict[str, Any]:
    """Run a policy and put its metrics together.

    Args:
        env: see `run_episodes`.
        policy: see `run_episodes`.
        num_episodes: at least this many; rounded up to a multiple of the number of environments.

    Returns:
        `num_episodes`, `episode_length_s`, `metrics` name -> {"mean", "ci95"}, and where there is terrain, `terrain`,
        see `lanes.terrain_table`; where episodes are of several kinds, `episode_kinds`, kind -> `episodes` and its
        metrics. Where it has lanes also `terrain_types`, type -> all its levels together, and
        `lanes`, what was counted.
    """
    there = env.situations()
    use = SituationMeans([] if there is None else there[0], env.num_envs)
    errors = SituationMeans(["everywhere"], env.num_envs)
    episodes = run_episodes(env, policy, math.ceil(num_episodes / env.num_envs), use, errors)
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
    for name, found in errors.table().get("everywhere", {}).items():
        result["metrics"][f"predicted_{name}_error"] = found
    if use.table():
        result["experts"] = use.table()
    kinds = env.episode_kinds()
    if kinds is not None:
        parts = [episodes.select(episodes.kinds == kind) for kind in range(len(kinds[0]))]
        result["episode_kinds"] = {
            name: {"episodes": len(part.fell), **estimates(part, entries, length)}
            for name, part in zip(kinds[0], parts)
        }
    if terrain is not None and lanes.SUCCESS in entries:
        result["terrain"] = lanes.terrain_table(episodes, entries, length, terrain)
    if has_lanes(terrain):
        result["terrain_types"] = lanes.types_table(episodes, entries, length, terrain)
        result["lanes"] = lanes.lane_facts(terrain)
    return result
