"""Defaults of a training that imitates a teacher."""

from __future__ import annotations

from typing import List, Optional

from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfgPPO


class LeggedRobotCfgDagger(BaseConfig):
    """Behaviour cloning, then DAgger, with the numbers of Agarwal et al. 2022 (CoRL, arXiv:2211.07638).

    Its environment must give what student and teacher see.
    """

    seed = 1
    runner_class_name = "DaggerRunner"

    class policy(LeggedRobotCfgPPO.policy):
        """The student."""

    class algorithm:
        loss = "action"  # or latent: the outputs of encoders of the same name
        latents: Optional[List[str]] = None  # these encoders; None for all that both have
        copy_weights = True  # parts of the same name and shapes are taken from the teacher
        freeze: List[str] = []  # parts of the student that do not learn: encoders by name, memory, head
        bc_initial_samples = 1_000_000  # transitions that the teacher drives
        num_learning_epochs = 5  # an iteration, over all that is kept
        max_batches: Optional[int] = None  # bound of an iteration, whose cost would grow with what is kept
        batch_size = 32  # sequences
        sequence_length = 24  # steps; num_steps_per_env is a multiple
        learning_rate = 1.0e-4
        schedule = "fixed"  # or cosine, down to min_learning_rate at max_iterations
        min_learning_rate = 1.0e-5
        weight_decay = 0.0
        max_grad_norm = 1.0
        max_aggregate_gb = 4.0  # of host memory; the oldest samples make room for the newest
        image_storage = "uint8"  # uint8, float16 or float32
        image_range = [-0.5, 0.5]  # of the pixels, for uint8

    class runner(LeggedRobotCfgPPO.runner):
        policy_class_name = "SharedActorCritic"
        algorithm_class_name = "DAgger"
        teacher: Optional[str] = None  # run, checkpoint or shipped policy; None: the newest run of teacher_task
        teacher_task: Optional[str] = None
        save_aggregate = True  # what is kept goes beside the checkpoints, so that a resumed run is bit for bit the same
        num_steps_per_env = 192
        max_iterations = 121  # the first 21 with the teacher driving, at 256 environments
        save_interval = 10
