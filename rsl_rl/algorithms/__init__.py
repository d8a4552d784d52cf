"""Algorithms that improve a policy."""

from rsl_rl.algorithms.dagger import DAgger
from rsl_rl.algorithms.ppo import PPO

__all__ = ["PPO", "DAgger"]
