"""Defaults of a training that imitates a teacher."""

from __future__ import annotations

from typing import List, Optional

from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfgPPO
from legged_gym.setting_types import LARGEST_SEED
from legged_gym.settings import flag, names, number, span, text


class LeggedRobotCfgDagger(BaseConfig):
    """Behaviour cloning, then DAgger, with the numbers of Agarwal et al. 2022 (CoRL, arXiv:2211.07638).

    Its environment must give what student and teacher see.
    """

    _prefix = "train."

    seed = number(1, low=-1, high=LARGEST_SEED)
    runner_class_name = text("DaggerRunner")

    class policy(LeggedRobotCfgPPO.policy):
        """The student."""

    class algorithm:
        loss = text("action", ("action", "latent"))  # `latent`: the outputs of encoders of the same name
        latents: Optional[List[str]] = names(None, least=1)  # these encoders; None for all that both have
        copy_weights = flag(True)  # parts of the same name and shapes are taken from the teacher
        freeze: List[str] = names([])  # parts of the student that do not learn: encoders by name, memory, head
        bc_initial_samples = number(1_000_000, low=0)  # transitions that the teacher drives
        num_learning_epochs = number(5, low=1, high=100_000)  # an iteration, over all that is kept
        # bound of an iteration, whose cost would grow with what is kept; they are drawn at random then
        max_batches: Optional[int] = number(None, whole=True, low=1)
        batch_size = number(32, "sequences", low=1, high=10**6)
        sequence_length = number(24, "steps", low=1, high=10**6)  # `num_steps_per_env` is a multiple
        learning_rate = number(1.0e-4, above=0, high=10)
        schedule = text("fixed", ("fixed", "cosine"))  # `cosine`: down to `min_learning_rate` at `max_iterations`
        min_learning_rate = number(1.0e-5, above=0, high=10)
        weight_decay = number(0.0, low=0, high=1000)
        max_grad_norm = number(1.0, above=0)
        max_aggregate_gb = number(4.0, "GB", above=0, high=1e6)  # host memory; the oldest samples make room
        image_storage = text("uint8", ("uint8", "float16", "float32"))
        image_range = span([-0.5, 0.5], order="<")  # of the pixels, for uint8

    class runner(LeggedRobotCfgPPO.runner):
        policy_class_name = "SharedActorCritic"
        algorithm_class_name = "DAgger"
        # run, checkpoint or shipped policy; None: the newest run of `teacher_task`
        teacher: Optional[str] = text(None)
        teacher_task: Optional[str] = text(None)
        # what is kept lies in `aggregate/` of the run folder, so that a resumed run is bit for bit the same
        save_aggregate = flag(True)
        num_steps_per_env = 192
        max_iterations = 121  # the first 21 with the teacher driving, at 256 environments
        save_interval = 10
