"""The runner of imitation: a student learns what a teacher does, first on the teacher's ways, then on its own."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional, Type

from rsl_rl.algorithms.dagger import DAgger
from rsl_rl.models import POLICIES
from rsl_rl.models.saved_policy import build_policy, like_that_of
from rsl_rl.runners.runner import Runner
from rsl_rl.runners.saved_run import Checked
from rsl_rl.settings import DaggerRunnerSettings
from rsl_rl.storage.aggregate_files import AggregateFiles, SavedAggregate
from rsl_rl.utils.errors import RslRlError, check_choice


class DaggerRunner(Runner):
    """Trains a student by DAgger; see `Runner`.

    An iteration collects `num_steps_per_env` steps of each environment, adds them to all that is kept, and learns from
    that. In the first iterations, up to `algorithm.bc_initial_samples` transitions, the teacher drives;
    `max_iterations` counts these too.

    A checkpoint is like one of PPO. What has been collected lies beside it in the folder `aggregate`, of the newest
    checkpoint alone. A run that is resumed without it (an older checkpoint, or `save_aggregate` off) begins to collect
    anew, with the student driving.

    Raises:
        RslRlError: there is no teacher, it does not fit the environment, or several processes are asked for.
    """

    ALGORITHMS: Mapping[str, Type[DAgger]] = {"DAgger": DAgger}
    Settings = DaggerRunnerSettings

    algorithm: DAgger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._files = AggregateFiles(self.algorithm.storage)
        self._aggregate: Optional[SavedAggregate] = None  # between reading and loading
        planned = self.cfg["max_iterations"] * self.cfg["num_steps_per_env"] * self.env.num_envs
        memory = self.algorithm.storage.check_memory(planned)
        self.logger.message(f"teacher    {self.cfg['teacher']}: {self.algorithm.copied or 'no weights copied'}")
        self.logger.message(f"aggregate  {memory}")

    def _policy_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.cfg["teachers_networks"] or not self.cfg["teacher"]:
            return settings
        name, like = like_that_of(self.cfg["teacher"], settings.get("encoders"))
        check_choice(f"policy_class_name of checkpoint '{self.cfg['teacher']}'", name, POLICIES)
        self.cfg["policy_class_name"] = name
        return like

    def _make_algorithm(self, settings: Mapping[str, Any]) -> DAgger:
        if self.distributed.world_size > 1:
            raise RslRlError("DaggerRunner trains in one process; start it without torchrun")
        if not self.cfg["teacher"]:
            raise RslRlError("runner.teacher is not set: give the path of the teacher's checkpoint")
        for group in self.policy.deployed().actor.groups:
            if group in self.cfg["unseen"]:
                raise RslRlError(
                    f"the student would read {group!r}, which is in runner.unseen: no encoder of policy.encoders "
                    "tells it, and no extension of the teacher's training (estimator, adaptation)"
                )
        teacher, _ = build_policy(self.cfg["teacher"], self.env.observation_dims, self.env.num_actions)
        algorithm_class = self.ALGORITHMS[self.cfg["algorithm_class_name"]]
        return algorithm_class(self.policy, teacher, device=self.device, **settings)

    def _collect(self) -> Dict[str, float]:
        self.algorithm.teacher_drives = self.total_timesteps < self.algorithm.settings.bc_initial_samples
        return super()._collect()

    def _metrics(self) -> Dict[str, float]:
        storage = self.algorithm.storage
        return {
            "Aggregate/samples": float(storage.num_samples),
            "Aggregate/gigabytes": storage.num_gb,
            "Aggregate/teacher_drives": float(self.algorithm.teacher_drives),
        }

    def save(self, path: str, infos: Optional[Mapping[str, Any]] = None) -> None:
        """As `Runner.save`; what has been collected goes into the folder `aggregate` beside the file.

        Raises:
            RslRlError: as `Runner.save`.
        """
        if not self.cfg["save_aggregate"]:
            super().save(path, infos)
            return
        folder = os.path.dirname(os.path.abspath(path))
        self._files.save(folder, self.current_learning_iteration)
        super().save(path, infos)
        self._files.prune(folder, self.current_learning_iteration)

    def load(self, path: str, load_optimizer: bool = True, load_env: bool = True) -> Optional[Dict[str, Any]]:
        """As `Runner.load`; with `load_env` also what had been collected, if it is still there.

        Raises:
            RslRlError: as `Runner.load`.
        """
        infos = super().load(path, load_optimizer, load_env)
        if load_env:
            self._files.restore(os.path.dirname(os.path.abspath(path)), self._aggregate)
            if self._aggregate is None:
                self.logger.message(f"note: no aggregate was kept for {path}; collecting begins anew")
            self._aggregate = None
        return infos

    def _read(self, path: str, load_optimizer: bool, load_env: bool) -> Checked:
        checked = super()._read(path, load_optimizer, load_env)
        if load_env:
            self._aggregate = self._files.read(os.path.dirname(os.path.abspath(path)), checked.main["iter"])
        return checked
