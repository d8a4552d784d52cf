"""Robots that follow clips of our own, by real physics."""

from __future__ import annotations

from typing import Any

from legged_gym.envs.imitation.g1_deepmimic import G1Deepmimic
from legged_gym.envs.imitation.g1_deepmimic_config import G1DeepmimicCfg
from legged_gym.envs.imitation.training_config import TASKS


def make(task: str = "g1_deepmimic_mocap", num_envs: int = 2, seed: int = 3, **settings: Any) -> G1Deepmimic:
    cfg: G1DeepmimicCfg = {name: cfg for name, cfg, _ in TASKS}[task]()
    quiet = {"env.num_envs": num_envs, "sim.num_threads": 1, "domain_rand.randomize_friction": False,
             "deepmimic.amass_replay_data_path": ["walk.npz"], "deepmimic.root_error_noise": 0.0}  # fmt: skip
    for path, value in {**quiet, **settings}.items():
        cfg.set(path, value)
    return G1Deepmimic(cfg, sim="mujoco", seed=seed)
