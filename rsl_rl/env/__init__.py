"""What the learner asks of an environment."""

from rsl_rl.env.vec_env import VecEnv

__all__ = ["VecEnv"]
