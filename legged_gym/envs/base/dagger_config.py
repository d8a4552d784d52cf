"""Defaults of a training that imitates a teacher."""

from __future__ import annotations

from typing import Any, Optional, Sequence

from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfgPPO
from legged_gym.setting_types import LARGEST_SEED, Anything, ByName
from legged_gym.settings import flag, names, number, setting, span, text
from rsl_rl.settings import DaggerRunnerSettings, DAggerSettings, TrainSettings


class LeggedRobotCfgDagger(BaseConfig):
    """Behaviour cloning, then DAgger, with the numbers of Agarwal et al. 2022 (CoRL, arXiv:2211.07638).

    Its environment must give what student and teacher see.
    """

    _prefix = "train."

    seed = number(TrainSettings.seed, low=-1, high=LARGEST_SEED)
    runner_class_name = text("DaggerRunner")

    class policy(LeggedRobotCfgPPO.policy):
        """The student."""

    class algorithm:
        # `action_norm`: mean length instead of mean square; `latent`: the outputs of encoders of the same name
        loss = text(DAggerSettings.loss, DAggerSettings.CHOICES["loss"])
        # these encoders; None for all that both have
        latents: Optional[Sequence[str]] = names(DAggerSettings.latents, least=1)
        copy_weights = flag(DAggerSettings.copy_weights)  # parts of the same name and shapes are taken from the teacher
        freeze = names(DAggerSettings.freeze)  # parts of the student that do not learn: encoders by name, memory, head
        bc_initial_samples = number(DAggerSettings.bc_initial_samples, low=0)  # transitions that the teacher drives
        # an iteration, over all that is kept
        num_learning_epochs = number(DAggerSettings.num_learning_epochs, low=1, high=100_000)
        # bound of an iteration, whose cost would grow with what is kept; they are drawn at random then
        max_batches: Optional[int] = number(DAggerSettings.max_batches, whole=True, low=1)
        batch_size = number(DAggerSettings.batch_size, "sequences", low=1, high=10**6)
        # `num_steps_per_env` is a multiple
        sequence_length = number(DAggerSettings.sequence_length, "steps", low=1, high=10**6)
        learning_rate = number(DAggerSettings.learning_rate, above=0, high=10)
        # `cosine`: down to `min_learning_rate` at `max_iterations`
        schedule = text(DAggerSettings.schedule, DAggerSettings.CHOICES["schedule"])
        min_learning_rate = number(DAggerSettings.min_learning_rate, above=0, high=10)
        weight_decay = number(DAggerSettings.weight_decay, low=0, high=1000)
        max_grad_norm = number(DAggerSettings.max_grad_norm, above=0)
        # `bfloat16`: networks compute in it while learning, on CPUs with units for it; weights and losses stay float32
        precision = text(DAggerSettings.precision, DAggerSettings.CHOICES["precision"])
        # host memory; the oldest samples make room
        max_aggregate_gb = number(DAggerSettings.max_aggregate_gb, "GB", above=0, high=1e6)
        # the newest are kept; 1 aggregates nothing
        max_rollouts: Optional[int] = number(DAggerSettings.max_rollouts, whole=True, low=1)
        image_storage = text(DAggerSettings.image_storage, ("uint8", "float16", "float32"))
        image_range = span(DAggerSettings.image_range, order="<")  # of the pixels, for uint8
        # name -> `class_name` and settings, see [the learner](learner.md)
        extensions: Any = setting(DAggerSettings().extensions, ByName(of=ByName(True, Anything(True))))

    class runner(LeggedRobotCfgPPO.runner):
        policy_class_name = "SharedActorCritic"
        algorithm_class_name = DaggerRunnerSettings.algorithm_class_name
        # run, checkpoint or shipped policy; None: the newest run of `teacher_task`
        teacher: Optional[str] = text(DaggerRunnerSettings.teacher)
        teacher_task: Optional[str] = text(DaggerRunnerSettings.teacher_task)
        # the student has the teacher's networks, but for the encoders that `policy.encoders` names (None drops one)
        teachers_networks = flag(DaggerRunnerSettings.teachers_networks)
        unseen = names(DaggerRunnerSettings.unseen)  # observation groups that the student must not read
        # what is kept lies in `aggregate/` of the run folder, so that a resumed run is bit for bit the same
        save_aggregate = flag(DaggerRunnerSettings.save_aggregate)
        num_steps_per_env = DaggerRunnerSettings.num_steps_per_env
        # the first 21 with the teacher driving, at 256 environments
        max_iterations = DaggerRunnerSettings.max_iterations
        save_interval = 10
