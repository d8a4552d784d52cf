"""Config files that come along: each names its task, their settings are known, extensions have all that they need."""

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


def task_of(path: str) -> str:
    """The task of the command in the file's first lines."""
    with open(path, encoding="utf-8") as file:
        return re.findall(r"--task=(\w+)", file.read())[0]


@pytest.mark.parametrize("path", FILES, ids=os.path.basename)
def test_a_config_file_goes_with_its_task(path: str) -> None:
    env_cfg, train_cfg = registry.find(task_of(path)).new_cfgs()
    content = read_yaml(path)
    env_cfg.update(content.get("env", {}))
    train_cfg.update(content.get("train", {}))
    for name, settings in (getattr(train_cfg.algorithm, "extensions", None) or {}).items():
        if settings is not None:
            parameters = list(inspect.signature(EXTENSIONS[settings.get("class_name", name)]).parameters.values())[1:]
            needed = {parameter.name for parameter in parameters if parameter.default is parameter.empty}
            known = {parameter.name for parameter in parameters} | {"class_name"}
            assert needed <= set(settings) <= known, name
