"""A teacher with experts that sees what only a simulation knows, on a toy environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import torch

from rsl_rl.runners import OnPolicyRunner
from tests.rsl_rl.toy_vec_env import ToyVecEnv

POLICY: Dict[str, Any] = {
    "actor_hidden_dims": [16, 8],
    "critic_hidden_dims": [8],
    "encoders": {"policy": {}, "hurdles": {}, "explicit": {}, "latent": {"hidden_dims": [8, 5]}},
    "actor": {
        "experts": {
            "names": ["flat", "jump", "crawl"],
            "inference_top_k": 2,
            "gate": {"groups": ["hurdles"], "hidden_dims": [8]},
        }
    },
    "critic": {"groups": ["policy", "hurdles", "explicit", "latent"]},
}
ESTIMATOR = {"encoder": "explicit", "network": {"groups": ["policy"], "hidden_dims": [8], "output_dim": 3}}
HISTORY = {"groups": ["history"], "history_conv": {}, "hidden_dims": [5]}
EXTENSIONS: Dict[str, Any] = {
    "experts": {"temperature": [2.0, 0.6, 0, 4]},
    "estimator": ESTIMATOR,
    "adaptation": {"encoder": "latent", "network": HISTORY, "every": 2, "coef": [0.0, 0.1, 1, 2]},
}


class TeacherEnv(ToyVecEnv):
    """Also gives the velocity, two numbers of a hurdle, four of the robot, and ten frames."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_dims.update(hurdles=(2,), explicit=(3,), latent=(4,), history=(60,))

    def get_observations(self) -> Dict[str, torch.Tensor]:
        obs = super().get_observations()
        own = torch.linspace(-1.0, 1.0, 4 * self.num_envs).view(self.num_envs, 4)
        frames = obs["policy"].repeat(1, 10)
        return {**obs, "hurdles": self._position[:, :2], "explicit": self._velocity, "latent": own, "history": frames}


def make_teacher(folder: Path | None = None, normalize: bool = False, **extensions: Any) -> OnPolicyRunner:
    """A runner with all three extensions, and others in their places."""
    runner = {"num_steps_per_env": 8, "logger": "none", "save_interval": 1, "max_iterations": 4}
    algorithm = {"num_mini_batches": 2, "num_learning_epochs": 2, "extensions": {**EXTENSIONS, **extensions}}
    cfg = {"policy": {**POLICY, "normalize_observations": normalize}, "algorithm": algorithm, "runner": runner}
    return OnPolicyRunner(TeacherEnv(), cfg, None if folder is None else str(folder))
