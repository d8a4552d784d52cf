"""A task without physics, small enough to train in a moment."""

from __future__ import annotations

from typing import Any, Optional

from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.settings import number
from tests.rsl_rl.toy_vec_env import ToyVecEnv


class FakeCfg(BaseConfig):
    """Points on a line."""

    class env:
        num_envs = number(4, low=1, high=1000)
        size = 2

    class sim:
        dt = 0.005
        num_threads = 0

    class normalization:
        clip_actions = 4.0


class FakeTrainCfg(BaseConfig):
    seed = 3
    runner_class_name = "OnPolicyRunner"

    class policy:
        init_noise_std = 1.0
        re_init_std = False
        actor_hidden_dims = [4]
        critic_hidden_dims = [4]
        activation = "elu"

    class algorithm:
        num_learning_epochs = number(1, low=1)
        num_mini_batches = number(2, low=1)
        learning_rate = 1e-3
        extensions: Any = {}

    class runner:
        policy_class_name = "ActorCritic"
        algorithm_class_name = "PPO"
        num_steps_per_env = number(4, low=1)
        max_iterations = 2
        max_wall_time_s: Optional[float] = None
        save_interval = 1
        log_interval = 1
        logger = "none"
        experiment_name = "fake"
        run_name = ""
        start_from: Optional[str] = None
        load_model_strict = True
        resume = False
        load_run: Any = -1
        checkpoint = -1
        resume_path: Optional[str] = None


class FakeEnv(ToyVecEnv):
    """Keeps what it was made with."""

    def __init__(
        self,
        cfg: FakeCfg,
        sim: str = "auto",
        device: str = "cpu",
        headless: bool = True,
        seed: Optional[int] = None,
        deterministic: bool = False,
    ) -> None:
        super().__init__(num_envs=cfg.env.num_envs, seed=seed or 0, size=cfg.env.size)
        self.cfg = cfg
        self.made_with = {
            "sim": sim,
            "device": device,
            "headless": headless,
            "seed": seed,
            "deterministic": deterministic,
        }
