"""A training of galileo_parkour logs every number of the published ones under its name."""

from __future__ import annotations

import json
import math
from pathlib import Path

from legged_gym.envs.parkour.galileo_config import GalileoParkourCfg, GalileoParkourCfgPPO
from legged_gym.envs.parkour.parkour_robot import ParkourRobot
from rsl_rl.runners import OnPolicyRunner

EXPERTS = ("flat", "jump", "crawl")
COURSE = (
    "current_goal_idx", "far_from_current_goal", "terrain_level_mean", "terrain_level_max", "curriculum_stage",
    "hurdle_height_mean_cm", "hurdle_height_min_cm", "hurdle_height_max_cm",
)  # fmt: skip
LOSSES = (
    "value_function", "surrogate", "entropy", "estimator", "priv_reg", "priv_reg_coef", "hist_latent", "moe_aux",
    "gate_entropy", "gate_min_usage", "gating_temperature", "learning_rate",
    *(f"gate_usage/{name}" for name in EXPERTS),
)  # fmt: skip
REWARDS = [name for name in vars(GalileoParkourCfg.rewards.scales) if not name.startswith("_")]
KEYS = {
    "Train/mean_reward", "Train/mean_episode_length", "Train/action_noise_std", "Policy/mean_noise_std",
    "Perf/total_fps", "Perf/collection time", "Perf/learning_time",
    "Metrics/base_velocity/error_vel_xy", "Metrics/base_velocity/error_vel_yaw",
    *(f"Loss/{name}" for name in LOSSES),
    *(f"Metrics/base_parkour/{name}" for name in COURSE),
    *(f"Episode_Reward/reward_{name}" for name in REWARDS),
}  # fmt: skip


def test_all_keys_after_a_short_training(tmp_path: Path) -> None:
    """The episodes last 0.12 s, so that some end; stages 3 and 5 are rows 6 and 9 of the published tiles."""
    cfg = GalileoParkourCfg()
    cfg.update({"env": {"num_envs": 4, "episode_length_s": 0.12}, "domain_rand": {"push_robots": False}})
    cfg.sim.num_threads = 1
    env = ParkourRobot(cfg, sim="mujoco", seed=1)
    env.hurdles.stages[:] = 3
    env.hurdles.stages[0] = 5
    settings = GalileoParkourCfgPPO().to_dict()
    settings["runner"].update({"num_steps_per_env": 8, "logger": "none", "max_iterations": 1})
    runner = OnPolicyRunner(env, settings, str(tmp_path))
    runner.learn(1)
    runner.close()
    logged = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert sorted(KEYS - set(logged)) == []
    assert all(math.isfinite(logged[key]) for key in KEYS)
    course = {name: logged[f"Metrics/base_parkour/{name}"] for name in COURSE}
    assert course["curriculum_stage"] == 3.5 and course["current_goal_idx"] == 0.0
    assert course["terrain_level_mean"] == 6.75 and course["terrain_level_max"] == 9.0
    assert 5.0 <= course["hurdle_height_min_cm"] < course["hurdle_height_mean_cm"] < course["hurdle_height_max_cm"] < 55
    assert 2.5 < course["far_from_current_goal"] < 3.1, "the first goal is 3 m away, and reached from 0.2 m"
    assert logged["Metrics/base_parkour/success"] == logged["Metrics/base_parkour/falls"] == 0.0
    # the time is over in the seventh step; robots hardly move, which is wrong by about 1 m/s of a command's 4 s
    assert 0.5 * 7 * 0.02 / 4.0 < logged["Metrics/base_velocity/error_vel_xy"] < 2.0 * 7 * 0.02 / 4.0
    assert abs(logged["Episode_Reward/reward_alive"] - 0.5 * 7 * 0.02 / 0.12) < 0.01
    usage = [logged[f"Loss/gate_usage/{name}"] for name in EXPERTS]
    assert abs(sum(usage) - 1.0) < 1e-4 and logged["Loss/gate_min_usage"] <= min(usage) + 1e-6
    assert logged["Train/action_noise_std"] == logged["Policy/mean_noise_std"]
    assert logged["Loss/gating_temperature"] == 2.0 and logged["Loss/priv_reg_coef"] == 0.0
