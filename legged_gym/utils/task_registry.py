"""`task_registry`: from the name of a task to its environment and its learner, as in legged_gym.

Two differences: `get_cfgs` returns new configs each time, where legged_gym returns the same objects again, so that a
change made for one environment does not reach the next; and neither configs nor arguments are written to.
"""

from __future__ import annotations

import argparse
import copy
from typing import TYPE_CHECKING, Optional, Tuple

from legged_gym.envs import registry
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.registry import Config, TrainCfg
from legged_gym.errors import UserError
from legged_gym.utils import run_folder, training
from legged_gym.utils.options import CommandLine
from legged_gym.utils.start_points import resolve_policies

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from rsl_rl.env.vec_env import VecEnv
    from rsl_rl.runners.runner import Runner


class TaskRegistry:
    """Makes environments and learners by the name of the task."""

    def register(
        self, name: str, task_class: type, env_cfg: Config, train_cfg: Config, variant_of: Optional[str] = None
    ) -> None:
        """Add a task, with config classes or (as in legged_gym) instances.

        Raises:
            ValueError: when the name is taken.
        """
        registry.register(name, task_class, env_cfg, train_cfg, variant_of)

    def get_task_class(self, name: str) -> type:
        """Return the environment class of a task.

        Raises:
            UserError: for an unknown task.
        """
        return registry.find(name).load_env_class()

    def get_cfgs(self, name: str) -> Tuple[LeggedRobotCfg, TrainCfg]:
        """Return new (environment, training) configs of a task, the seed of the training in both.

        Raises:
            UserError: for an unknown task.
        """
        return registry.find(name).new_cfgs()

    def make_env(
        self, name: str, args: Optional[argparse.Namespace] = None, env_cfg: Optional[LeggedRobotCfg] = None
    ) -> Tuple[LeggedRobot, LeggedRobotCfg]:
        """Make the environment of a task and seed all random numbers.

        Args:
            name: Name of the task.
            args: Parsed command line (`get_args`), which wins over the config. None takes all defaults and, unlike
                legged_gym, does not look at the arguments of the process.
            env_cfg: Config to use; None for that of the task.

        Returns:
            The environment and its config, whose `seed` is the one drawn if it was -1.

        Raises:
            UserError: for an unknown task, a device that is not there, sizes that make no sense.
        """
        command = CommandLine.read(args)
        cfg, train_cfg = registry.find(name).new_cfgs()
        if env_cfg is None:
            command.apply(cfg, train_cfg)
        else:
            cfg = copy.deepcopy(env_cfg)
            command.apply(cfg)
            train_cfg.seed = cfg.seed
        training.check_sizes(cfg)  # before torch is imported
        plan = training.Plan(name, cfg, train_cfg, command.options).settled()
        env = training.make_env(plan)
        return env, env.cfg

    def make_alg_runner(
        self,
        env: VecEnv,
        name: Optional[str] = None,
        args: Optional[argparse.Namespace] = None,
        train_cfg: Optional[TrainCfg] = None,
        log_root: Optional[str] = "default",
    ) -> Tuple[Runner, TrainCfg]:
        """Make the learner of an environment; with `runner.resume` set, load a checkpoint.

        A new run gets a folder of its own with its settings in it. A resumed run goes on in its old folder.

        Args:
            env: The environment.
            name: Name of the task, for its training config.
            args: Parsed command line, which wins over the config. None takes all defaults.
            train_cfg: Training config to use; it wins over `name`.
            log_root: Folder of the experiment; "default" is ``logs/<experiment_name>``, None keeps no files.

        Returns:
            The runner and its training config.

        Raises:
            UserError: when neither `name` nor `train_cfg` is given, or there is nothing to resume or to learn from.
        """
        if train_cfg is not None:
            cfg = copy.deepcopy(train_cfg)
            if name is not None:
                print(f"note: train_cfg is given, so the training config of {name!r} is not used")
        elif name is None:
            raise UserError("make_alg_runner needs the name of a task or a train_cfg")
        else:
            cfg = registry.find(name).new_cfgs()[1]
        command = CommandLine.read(args)
        command.apply(None, cfg)
        cfg.seed = getattr(env.cfg, "seed", cfg.seed)
        training.check_sizes(env.cfg, cfg)
        resolve_policies(cfg)
        root = run_folder.experiment_folder(cfg.runner.experiment_name) if log_root == "default" else log_root
        checkpoint = run_folder.find_checkpoint(cfg, root) if cfg.runner.resume else None
        plan = training.Plan(name or command.task or "unknown", env.cfg, cfg, command.options, checkpoint)
        return training.make_runner(plan.settled(), env, root), cfg


task_registry = TaskRegistry()
"""The registry that scripts use."""
