"""What parts of a robot that imitates read of it."""

from __future__ import annotations

from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.imitation.clip_files import ClipSet
from legged_gym.envs.imitation.g1_deepmimic_config import G1DeepmimicCfg


class ImitationState(RobotState):
    """See `RobotState`."""

    cfg: G1DeepmimicCfg
    clips: ClipSet
    links: Tensor  # (N, K + 1, 13) like `root_states`, of the tracked bodies and, last, of the torso
    earlier_actions: Tensor  # (N, D), those before `last_actions`
