"""What a command line says, read once: which task, which policy, which settings, and how to run.

Precedence, from weak to strong: config classes, the config saved with a run, the changes for play or evaluation
(`envs.variants`), ``--cfg`` files in the order given, parameters of a sweep, flags such as ``--num_envs``, and settings
by path such as ``--env.terrain.num_rows=6``.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple

from legged_gym import LEGGED_GYM_PACKAGE_DIR
from legged_gym.envs import registry
from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.errors import UserError, in_file
from legged_gym.reading import path_of, read_yaml

if TYPE_CHECKING:
    from rsl_rl.utils.distributed import Distributed

# Flags that are settings by another name.
_SETTINGS = {
    "num_envs": "env.env.num_envs",
    "num_threads": "env.sim.num_threads",
    "asset": "env.asset.file",
    "obs_layout": "env.env.obs_layout",
    "seed": "train.seed",
    "num_learning_epochs": "train.algorithm.num_learning_epochs",
    "resume": "train.runner.resume",
    **{
        name: f"train.runner.{name}"
        for name in (
            "num_steps_per_env", "max_iterations", "experiment_name", "run_name", "load_run", "checkpoint",
            "resume_path", "start_from", "logger", "wandb_project", "wandb_entity", "wandb_note",
            "teacher",
        )
    },
}  # fmt: skip
# Those that not every task has, and the words of the error.
_SOME_TASKS = {
    "obs_layout": "this task has one layout; --env.observations... changes it",
    "teacher": "this task learns without one; tasks of students have train.runner.teacher",
}
# What a run folder's config.yaml holds beside the settings; such a file can be given to --cfg as it is.
_RUN_FILE_KEYS = ("task", "command", "created", "run", "versions", "git")


@dataclass(frozen=True)
class Options:
    """How something is run, whatever it is.

    Attributes:
        sim: the physics engine; "auto" until `devices.resolve_devices`.
        sim_device: of the physics; None, as below, until then.
        rl_device: of the networks.
        device: for both, if there is one; None from then on.
        deterministic: only algorithms that repeat bit for bit, where there are some.
        headless: no viewer.
        multi_gpu: insist on several processes.
        run_folder: folder of a training; None for a new one below ``logs/``.
        disable_wandb: no W&B, whatever else is said.
        distributed: the place of this process in its group; None until it has joined.
    """

    sim: str = "auto"
    sim_device: Optional[str] = None
    rl_device: Optional[str] = None
    device: Optional[str] = None
    deterministic: bool = False
    headless: bool = False
    multi_gpu: bool = False
    run_folder: Optional[str] = None
    disable_wandb: bool = False
    distributed: Optional[Distributed] = None


@dataclass(frozen=True)
class CommandLine:
    """A command line, less what a script keeps for itself.

    Attributes:
        task: name of the task.
        policy: what ``--policy`` names.
        files: of ``--cfg``.
        flags: those that are settings, by name, where given.
        settings: (part, path, text) of settings by path.
        options: how to run.
    """

    task: Optional[str] = None
    policy: Optional[str] = None
    files: Tuple[str, ...] = ()
    flags: Mapping[str, Any] = field(default_factory=dict)
    settings: Tuple[Tuple[str, str, str], ...] = ()
    options: Options = Options()

    @classmethod
    def read(cls, args: Optional[argparse.Namespace] = None) -> CommandLine:
        """Read what `ArgumentParser.parse` returned; None stands for an empty command line."""
        given = {} if args is None else vars(args)
        options = {name: given[name] for name in vars(Options()) if given.get(name) is not None}
        flags = {name: given[name] for name in _SETTINGS if given.get(name) is not None and given[name] is not False}
        task = registry.ALIASES.get(str(given.get("task")), given.get("task"))
        policy = registry.family(str(task))[-1] if given.get("use_pretrained_checkpoint") else given.get("policy")
        if isinstance(flags.get("checkpoint"), str):
            path = os.path.abspath(flags.pop("checkpoint"))
            if policy is not None:
                raise UserError("--checkpoint=FILE and --policy both name a policy; leave one of them out")
            if "policy" in given:
                policy = path
            else:
                flags["resume_path"] = path
        by_path = [(part, *pair) for part in ("env", "train") for pair in given.get(f"{part}_settings", ())]
        return cls(
            task=task,
            policy=policy,
            files=tuple(given.get("cfg", ())),
            flags=flags,
            settings=tuple(by_path),
            options=Options(**options),
        )

    def sets(self, part: str, path: str) -> bool:
        """Whether a flag, a setting by path or a file says what a setting is."""
        return (
            any(_SETTINGS[name] == f"{part}.{path}" for name in self.flags)
            or any((part, path) == (one, where) for one, where, _ in self.settings)
            or any(_has(read_cfg_file(file, self.task).get(part, {}), path) for file in self.files)
        )

    def with_flags(self, **flags: Any) -> CommandLine:
        """The same with other flags."""
        return replace(self, flags={**self.flags, **flags})

    def apply(self, env_cfg: Optional[BaseConfig] = None, train_cfg: Optional[BaseConfig] = None) -> None:
        """Write what the command line says into configs; None leaves one out.

        Raises:
            UserError: for unknown settings, values of the wrong type, files that cannot be read.
        """
        self.apply_files(env_cfg, train_cfg)
        self.apply_flags(env_cfg, train_cfg)

    def apply_files(self, env_cfg: Optional[BaseConfig], train_cfg: Optional[BaseConfig]) -> None:
        """The weaker half of `apply`."""
        cfgs = {"env": env_cfg, "train": train_cfg}
        for path in self.files:
            for part, values in read_cfg_file(path, self.task).items():
                cfg = cfgs[part]
                if cfg is not None:
                    with in_file(path):
                        cfg.update(values, prefix=f"{part}.")
                        self._check_rewards(cfg)

    def apply_flags(self, env_cfg: Optional[BaseConfig], train_cfg: Optional[BaseConfig]) -> None:
        """The stronger half of `apply`."""
        cfgs = {"env": env_cfg, "train": train_cfg}
        for name, value in self.flags.items():
            part, *sections, last = _SETTINGS[name].split(".")
            owner: Any = cfgs[part]
            if name == "seed" and env_cfg is not None:
                env_cfg.seed = value  # type: ignore[attr-defined]
            if owner is None:
                continue
            for section in sections:
                owner = getattr(owner, section)
            if name in _SOME_TASKS and not hasattr(owner, last):
                raise UserError(f"--{name}: {_SOME_TASKS[name]}")
            setattr(owner, last, os.path.abspath(value) if name == "asset" else value)
        for part, path, text in self.settings:
            cfg = cfgs[part]
            if (part, path) == ("env", "seed") and cfg is not None:
                raise UserError("--env.seed: the seed of a run is given with --seed")
            if cfg is not None:
                cfg.set(path, text, prefix=f"{part}.")
        self._check_rewards(env_cfg)
        if env_cfg is not None and train_cfg is not None:
            env_cfg.seed = train_cfg.seed  # type: ignore[attr-defined]

    def _check_rewards(self, cfg: Optional[BaseConfig]) -> None:
        for problem in registry.unknown_rewards(self.task, cfg).values():
            raise UserError(problem)


def _has(values: Any, path: str) -> bool:
    """Whether nested settings, whose keys may be paths themselves, have one at a path."""
    if not isinstance(values, dict):
        return False
    words = path.split(".")
    heads = [(".".join(words[:k]), ".".join(words[k:])) for k in range(1, len(words))]
    return path in values or any(_has(values.get(head), rest) for head, rest in heads)


def _cfg_path(name: str) -> str:
    """A path, or the name of a file in `legged_gym/configs/`, with or without ``.yaml``."""
    own = (os.path.join(LEGGED_GYM_PACKAGE_DIR, "configs", name + ending) for ending in ("", ".yaml"))
    return next(filter(os.path.isfile, (path_of(name), *own)), name)


def read_cfg_file(path: str, task: Optional[str] = None) -> Dict[str, Dict[str, Any]]:
    """Read a ``--cfg`` file: the parts ``env`` and ``train``, each a nested dict; a run's config.yaml is one too.

    Raises:
        UserError: when the file is missing, is no YAML, has other parts, is of another task, or has a seed of the
            environment alone.
    """
    content = read_yaml(_cfg_path(path))
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected the parts 'env:' and 'train:', got {type(content).__name__}")
    for key in content:
        if key not in ("env", "train", *_RUN_FILE_KEYS):
            raise UserError(f"{path}: unknown part {key!r}; settings stand under 'env:' or 'train:'")
    if task and content.get("task") not in (None, *registry.family(task)):
        hint = "take out its line 'task:' to use its settings all the same"
        raise UserError(f"{path} is the config of task {content['task']!r}, not of {task!r}; {hint}")
    parts = {part: content[part] for part in ("env", "train") if content.get(part) is not None}
    seeds = [values.get("seed") if isinstance(values, dict) else None for values in map(parts.get, ("env", "train"))]
    if seeds[0] is not None and seeds[0] != seeds[1]:
        raise UserError(f"{path}: env.seed is not read: the seed of a run is train.seed, or given with --seed")
    return parts
