"""The config files that come along: their settings are known, and extensions have all the arguments that they need."""

from __future__ import annotations

import glob
import inspect
import os
import re

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.reading import read_yaml
from rsl_rl.extensions.extensions import EXTENSIONS

FILES = sorted(glob.glob(os.path.join(LEGGED_GYM_ROOT_DIR, "legged_gym", "configs", "*.yaml")))
TASKS = {"a1_legged_gym_rewards": "a1_flat", "g1_unitree": "g1", "go2_dynaflow": "go2"}  # the others name their own


def task_of(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        named = re.findall(r"--task=(\w+)", file.read())
    return named[0] if named else TASKS[os.path.splitext(os.path.basename(path))[0]]


@pytest.mark.parametrize("path", FILES, ids=os.path.basename)
def test_a_config_file_goes_with_its_task(path: str) -> None:
    env_cfg, train_cfg = registry.find(task_of(path)).new_cfgs()
    content = read_yaml(path)
    env_cfg.update(content.get("env", {}))
    train_cfg.update(content.get("train", {}))
    for name, settings in (getattr(train_cfg.algorithm, "extensions", None) or {}).items():
        if settings is not None:
            arguments = {key: value for key, value in settings.items() if key != "class_name"}
            inspect.signature(EXTENSIONS[settings.get("class_name", name)]).bind(None, **arguments)
