"""What a policy sees while it walks as it was trained to: the statistics that `check-log` measures a log against.

``statistics.npz``, beside an exported policy:

===============  ==================================================================================================
``columns``      (n,) names ``<group>.<term>[i]`` of the observations that are described, as the network is given them
``mean``, ``std``  (n,) of them
``low``, ``high``  (n,) what a thousandth of them is below, or above
``correlation``  (2n, 2n) of the columns at one control step and at the next, as its upper triangle, row by row
``policy``       SHA-256 of the network that walked, `network.sha256` of its description
``robots``, ``steps``, ``seed``  of the recording
===============  ==================================================================================================

Robots and commands are drawn as in training, noise is left out. Images, scans and frames of the past have too many
numbers and are not described.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np
import torch

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.policies.exported_policy import ExportedPolicy, OnnxStep
from legged_gym.policies.ground import with_saved_terrain
from legged_gym.policies.policy_io import PolicySource
from legged_gym.reading import read_bytes
from legged_gym.terrain import uses_height_map
from legged_gym.utils.training import make_env
from rsl_rl.extensions.extension import View

STATISTICS_FILE = "statistics.npz"
ROBOTS, STEPS, SEED = 64, 300, 19
MOST_COLUMNS = 24
"""Of a term that is described."""

_COMMAND_INTERVAL = 2.0  # s, so that changes of the command are among what is seen
_TAIL = 0.1  # percent


def described_columns(description: Mapping[str, Any]) -> List[Tuple[str, int, str]]:
    """Group, column and name of the numbers that are described."""
    return [
        (group, term["start"] + i, f"{group}.{term['name']}[{i}]")
        for group, content in description["observations"].items()
        for term in content.get("terms", [])
        if len(content["shape"]) == 1 and term["size"] <= MOST_COLUMNS and term.get("history", 1) == 1
        for i in range(term["size"])
    ]


def record_statistics(source: PolicySource, path: str, view: Optional[View]) -> bytes:
    """The content of the file for an exported policy.

    Args:
        source: the settings of its training.
        path: its ONNX file.
        view: what it sees in the place of its observations; None for these.
    """
    step = OnnxStep(read_bytes(path), path)
    columns = described_columns(step.description)
    plan = source.changed(_with_many_robots).seeded(SEED).settled()
    with contextlib.closing(make_env(plan)) as env, torch.no_grad():
        policy, seen, running = ExportedPolicy(step, env.device), [], []
        obs = env.reset()
        for _ in range(STEPS):
            given = view(obs) if view else obs
            seen.append(torch.stack([given[group][:, column] for group, column, _ in columns], dim=-1).cpu())
            obs, _, dones, _ = env.step(policy(given))
            policy.reset(dones)
            running.append(~dones.cpu())
    content: Dict[str, Any] = {
        "columns": np.array([name for _, _, name in columns]),
        **summary(torch.stack(seen).numpy().astype(float), torch.stack(running).numpy()),
        "policy": step.description["network"]["sha256"],
        **{"robots": ROBOTS, "steps": STEPS, "seed": SEED},
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **content)
    return buffer.getvalue()


def summary(seen: np.ndarray, running: np.ndarray) -> Dict[str, np.ndarray]:
    """Moments of observations (T, N, n); `running` (T, N): whether an episode goes on after the step."""
    pairs = np.concatenate((seen[:-1], seen[1:]), axis=-1)[running[:-1]]
    mean, std = seen.mean((0, 1)), seen.std((0, 1))
    width = np.tile(np.where(std > 0.0, std, 1.0), 2)
    normal = (pairs - np.tile(mean, 2)) / width
    correlation = normal.T @ normal / len(normal)
    low, high = np.percentile(seen, (_TAIL, 100.0 - _TAIL), axis=(0, 1))
    triangle = correlation[np.triu_indices(len(correlation))]
    moments = {"mean": mean, "std": std, "low": low, "high": high, "correlation": triangle}
    return {name: values.astype(np.float32) for name, values in moments.items()}


def _with_many_robots(cfg: LeggedRobotCfg) -> None:
    cfg.env.num_envs = ROBOTS
    cfg.noise.add_noise = cfg.depth_camera.noise.enabled = False
    cfg.commands.curriculum = False
    cfg.commands.resampling_time = min(cfg.commands.resampling_time, _COMMAND_INTERVAL)
    cfg.domain_rand.widen_over = None
    if uses_height_map(cfg.terrain.mesh_type):
        with_saved_terrain(cfg)
