"""Where rollouts are kept until they have been learned from."""

from rsl_rl.storage.rollout_storage import MiniBatch, RolloutStorage
from rsl_rl.storage.sequence_storage import SequenceBatch, SequenceStorage

__all__ = ["MiniBatch", "RolloutStorage", "SequenceBatch", "SequenceStorage"]
