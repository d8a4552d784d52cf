"""The table of tasks: what a name given with ``--task`` stands for.

`legged_gym/envs/__init__.py` fills it, one line a task. The environment class may be given as ``"module:Class"``, so
that reading the table does not import what only a run needs (torch, MuJoCo).
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple, Type, Union

from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.envs.base.dagger_config import LeggedRobotCfgDagger
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg, LeggedRobotCfgPPO
from legged_gym.envs.variants import for_play
from legged_gym.errors import UserError
from rsl_rl.utils.errors import near_matches

TrainCfg = Union[LeggedRobotCfgPPO, LeggedRobotCfgDagger]
Config = Union[BaseConfig, Type[BaseConfig]]


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: What ``--task`` is given.
        env_class: The environment class, or where to find it: ``"module:Class"``.
        env_cfg: Config class of the environment, or an instance that serves as the pattern.
        train_cfg: Config class of the training, or an instance that serves as the pattern.
        variant_of: The task whose runs and policies are its own too.
    """

    name: str
    env_class: Union[str, type]
    env_cfg: Config
    train_cfg: Config
    variant_of: Optional[str] = None

    @property
    def env_class_name(self) -> str:
        """Name of the environment class, known without importing it."""
        return self.env_class.rpartition(":")[2] if isinstance(self.env_class, str) else self.env_class.__name__

    def load_env_class(self) -> type:
        """Return the environment class, imported now if need be."""
        if isinstance(self.env_class, type):
            return self.env_class
        module, _, name = self.env_class.partition(":")
        return getattr(importlib.import_module(module), name)

    def new_cfgs(self) -> Tuple[LeggedRobotCfg, TrainCfg]:
        """Return fresh (environment, training) configs that share nothing with others; the seed is in both."""
        env_cfg, train_cfg = _fresh(self.env_cfg), _fresh(self.train_cfg)
        env_cfg.seed = train_cfg.seed
        return env_cfg, train_cfg

    def own_settings(self) -> Dict[str, Any]:
        """What the environment config of a variant has otherwise than that of its task, nested; else nothing."""
        if self.variant_of is None:
            return {}
        return _fresh(self.env_cfg).difference(_fresh(find(self.variant_of).env_cfg))


TASKS: Dict[str, Task] = {}
"""All tasks by name, in the order they were registered."""
ALIASES: Dict[str, str] = {}
"""Other names of theirs."""


def register(
    name: str, env_class: Union[str, type], env_cfg: Config, train_cfg: Config, variant_of: Optional[str] = None
) -> None:
    """Add a task to the table.

    Args:
        name: What ``--task`` will be given.
        env_class: The environment class, or ``"module:Class"`` to import it only when an environment is made.
        env_cfg: Config class (or instance) of the environment.
        train_cfg: Config class (or instance) of the training.
        variant_of: A task whose runs and policies this one loads too. What its environment config has otherwise than
            that of the task wins over the settings saved with a run.

    Raises:
        ValueError: when the name is taken, a text does not have the form ``"module:Class"``, or there is no such task.
    """
    if name in TASKS or name in ALIASES:
        raise ValueError(f"task {name!r} is registered twice")
    if isinstance(env_class, str) and not all(env_class.partition(":")):
        raise ValueError(f"task {name!r}: write the environment class as 'module:Class', not {env_class!r}")
    if variant_of is not None and variant_of not in TASKS:
        raise ValueError(f"task {name!r} is a variant of {variant_of!r}, which is not registered")
    TASKS[name] = Task(name, env_class, env_cfg, train_cfg, variant_of)


def register_play(name: str, task: str) -> None:
    """Add a variant of a task whose environment is that of play, in evaluations too."""
    parent = TASKS[ALIASES.get(task, task)]
    cfg = _fresh(parent.env_cfg)
    for_play(cfg)
    register(name, parent.env_class, cfg, parent.train_cfg, parent.name)


def alias(name: str, task: str) -> None:
    """Let a task have one more name.

    Raises:
        ValueError: when the name is taken, or there is no such task.
    """
    if name in TASKS or name in ALIASES or task not in TASKS:
        raise ValueError(f"{name!r} cannot stand for {task!r}: it is taken, or there is no such task")
    ALIASES[name] = task


def names() -> Tuple[str, ...]:
    """All names of tasks, those of the user's own files among them."""
    _load_own()
    return (*TASKS, *ALIASES)


def _load_own() -> None:
    """Read, once, the Python files that LEGGED_GYM_TASKS names, in which tasks are registered that lie elsewhere."""
    for file in filter(None, os.environ.get("LEGGED_GYM_TASKS", "").split(os.pathsep)):
        path = os.path.abspath(os.path.expanduser(file))
        name = os.path.splitext(os.path.basename(path))[0]
        if getattr(sys.modules.get(name), "__file__", None) == path:
            continue
        spec = importlib.util.spec_from_file_location(name, path)
        if name in sys.modules or spec is None or spec.loader is None or not os.path.isfile(path):
            reason = "another module has this name" if name in sys.modules else "there is no such Python file"
            raise UserError(f"LEGGED_GYM_TASKS: {file}: {reason}")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:  # or it would pass for read the next time
            del sys.modules[name]
            raise


def find(name: Optional[str]) -> Task:
    """Return the task of that name.

    Raises:
        UserError: without a name, or for an unknown one, with near matches or all names.
    """
    _load_own()
    if not name:
        raise UserError(f"which task? --task=<name>; tasks: {', '.join(TASKS) or 'none'}")
    name = ALIASES.get(name, name)
    if name not in TASKS:
        raise UserError(f"unknown task {name!r}; {near_matches(name, [*TASKS, *ALIASES] if '-' in name else TASKS)}")
    return TASKS[name]


def family(name: str) -> Tuple[str, ...]:
    """Names of the tasks whose runs and policies a task may load: its own, and that of which it is a variant."""
    parent = TASKS[name].variant_of if name in TASKS else None
    return (name,) if parent is None else (name, parent)


def unknown_rewards(task: Optional[str], env_cfg: Optional[BaseConfig]) -> Dict[str, str]:
    """What is wrong with names in `rewards.scales` that no config class has, and no term of the task's environment."""
    scales = getattr(getattr(env_cfg, "rewards", None), "scales", None)
    new = [] if scales is None else [name for name in vars(scales) if not hasattr(type(scales), name)]
    if not new:
        return {}
    env_class, prefix = find(task).load_env_class(), "_reward_"
    known = [name[len(prefix) :] for name in dir(env_class) if name.startswith(prefix)]
    problem = f"{env_class.__name__} has no method {prefix}"
    return {
        name: f"env.rewards.scales.{name}: {problem}{name}; {near_matches(name, known)}"
        for name in new
        if name not in known
    }


def _fresh(cfg: Config) -> Any:
    return cfg() if isinstance(cfg, type) else copy.deepcopy(cfg)
