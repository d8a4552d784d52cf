"""Whether a training logs to Weights & Biases, and under which names.

Each name, entity and project, comes from the strongest source that knows it: the flags ``--wandb_entity`` and
``--wandb_project``, the settings ``train.runner.wandb_*``, the file ``legged_gym/user/wandb_config.json``.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, Tuple

from legged_gym import LEGGED_GYM_PACKAGE_DIR
from legged_gym.envs.registry import TrainCfg
from legged_gym.errors import UserError
from legged_gym.reading import read_json
from legged_gym.setting_types import ByName, Text
from legged_gym.utils.options import CommandLine

WANDB_CONFIG = os.path.join(LEGGED_GYM_PACKAGE_DIR, "user", "wandb_config.json")
_KEYS = ("entity", "project")
# What the values of wandb_config_example.json begin with.
_PLACEHOLDER = "YOUR-"


def read_names(path: str) -> Dict[str, Optional[str]]:
    """Return `entity` and `project` as the file has them; None where it is silent, absent or a placeholder.

    Raises:
        UserError: the file is no JSON object, or a value is no text.
    """
    names: Dict[str, Optional[str]] = dict.fromkeys(_KEYS)
    if not os.path.exists(path):
        return names
    for key, value in ByName(of=Text()).convert(read_json(path), path).items():
        if key not in _KEYS:
            print(f"warning: {path}: unknown key {key!r}; it may have {' and '.join(_KEYS)}")
        elif value and not value.startswith(_PLACEHOLDER):
            names[key] = value
    return names


def find_names(entity: Optional[str], project: Optional[str]) -> Tuple[Optional[str], Optional[str]]:
    """Return (entity, project): those given, else those of the user's file.

    Raises:
        UserError: for a mistake in the file.
    """
    saved = read_names(WANDB_CONFIG)
    return entity or saved["entity"], project or saved["project"]


def choose_logger(command: CommandLine, train_cfg: TrainCfg) -> None:
    """Switch W&B on in a config when entity and project are known, off with ``--disable_wandb``.

    An explicit ``--logger`` is obeyed. Named runs go online, others stay offline, unless `runner.wandb_mode` or the
    environment variable WANDB_MODE says otherwise; with WANDB_MODE=disabled only an explicit logger counts.

    Raises:
        UserError: W&B is wanted, but the package or an API key is missing, or the server does not answer.
    """
    runner, flags = train_cfg.runner, command.flags
    if command.options.disable_wandb:
        if runner.logger == "wandb":
            runner.logger = "tensorboard"
        return
    given = [flags.get(f"wandb_{key}") or getattr(runner, f"wandb_{key}", None) for key in _KEYS]
    entity, project = find_names(*given)
    mode = getattr(runner, "wandb_mode", None) or os.environ.get("WANDB_MODE")
    if runner.logger != "wandb":
        if command.sets("train", "runner.logger") or mode == "disabled":
            return
        if not (entity and project):
            for flag, missing in (("wandb_project", "entity"), ("wandb_entity", "project")):
                if flag in flags:
                    print(f"note: W&B is off, the {missing} is not known; give --wandb_{missing}")
            return
        runner.logger = "wandb"
    runner.wandb_entity, runner.wandb_project = entity, project
    runner.wandb_mode = mode or ("online" if entity and project else "offline")
    import_wandb(online=runner.wandb_mode == "online")


def import_wandb(online: bool) -> Any:
    """Return the package; `online`: after it has logged in, without ever asking for a key.

    Raises:
        UserError: no package, no key, or no answer.
    """
    # What the package reads: a copy of the source goes with a run, and a server that is silent is given up soon.
    os.environ.setdefault("WANDB_SAVE_CODE", "true")
    os.environ.setdefault("WANDB_CODE_DIR", LEGGED_GYM_PACKAGE_DIR)
    os.environ.setdefault("WANDB_INIT_TIMEOUT", "30")  # s
    try:
        import wandb
    except ImportError:
        raise UserError('wandb is not installed: pip install -e ".[wandb]", or train with --disable_wandb') from None
    if not online:
        return wandb
    instead = "or work without it: WANDB_MODE=offline, --disable_wandb, or --local for sweeps"
    try:
        has_key = wandb.login(prompt=False)
    except Exception as error:
        raise UserError(f"W&B does not let us in: {error}; {instead}") from None
    if not has_key:
        raise UserError(f"W&B has no API key: run 'wandb login' once or set WANDB_API_KEY, {instead}")
    return wandb
