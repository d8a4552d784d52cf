"""The part of a training's configuration that the runner itself reads, with its defaults."""

from __future__ import annotations

import copy
from typing import Any, Dict, Mapping

from rsl_rl.utils.errors import RslRlError, near_matches

# `policy` and `algorithm` are the keyword arguments of the classes that `runner` names, which know their own defaults.
TRAIN_DEFAULTS: Dict[str, Any] = {
    "seed": 1,
    "runner_class_name": "OnPolicyRunner",
    "policy": {},
    "algorithm": {},
    "runner": {},
}

# `run_name`, `start_from`, `resume`, `load_run`, `checkpoint` and `resume_path` are for the scripts that choose folders
# and files; the runner accepts them because they live in the same table.
RUNNER_DEFAULTS: Dict[str, Any] = {
    "policy_class_name": "ActorCritic",
    "algorithm_class_name": "PPO",
    "num_steps_per_env": 24,
    "max_iterations": 1500,  # the length that schedules reckon with
    "max_wall_time_s": None,  # stop after the iteration in which a call of `learn` has lasted this long
    "save_interval": 50,
    "log_interval": 1,
    "logger": "tensorboard",  # tensorboard | wandb | none; metrics.jsonl is written in any case
    "wandb_project": None,  # None: experiment_name
    "wandb_entity": None,
    "wandb_mode": None,  # online | offline | disabled; None: environment variable WANDB_MODE, else offline
    "experiment_name": "test",
    "run_name": "",
    "start_from": None,  # path of a checkpoint, for the scripts: a new run begins with its networks
    "resume": False,
    "load_run": -1,
    "checkpoint": -1,
    "resume_path": None,
}


def complete(train_cfg: Mapping[str, Any], runner_defaults: Mapping[str, Any] = RUNNER_DEFAULTS) -> Dict[str, Any]:
    """Copy a config and fill in what is absent at the top and in the section `runner`.

    Args:
        train_cfg: the config.
        runner_defaults: keys of the section `runner` and their defaults.

    Raises:
        RslRlError: a key that does not exist; names the near matches.
    """
    completed = _with_defaults("", train_cfg, TRAIN_DEFAULTS)
    completed["runner"] = _with_defaults("runner.", completed["runner"], runner_defaults)
    return copy.deepcopy(completed)


def _with_defaults(section: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Dict[str, Any]:
    for key in given:
        if key not in defaults:
            raise RslRlError(f"unknown key {section}{key}: {near_matches(key, defaults)}")
    return {**defaults, **given}
