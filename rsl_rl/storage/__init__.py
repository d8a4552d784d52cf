"""Where rollouts are kept until they have been learned from."""

from rsl_rl.storage.rollout_storage import MiniBatch, RolloutStorage

__all__ = ["MiniBatch", "RolloutStorage"]
