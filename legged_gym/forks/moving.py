"""A fork's task as a config of ours: which of its settings have a place here, and what is left to do by hand."""

from __future__ import annotations

import glob
import importlib
import inspect
import os
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from legged_gym.envs.base.legged_robot_config import RETIRED_SETTINGS, LeggedRobotCfg, LeggedRobotCfgPPO
from legged_gym.errors import UserError
from legged_gym.forks.launcher import needs_told, prepare
from rsl_rl.utils.errors import near_matches

_DEEPEST = 3
# legged_gym's names of scales and noises -> terms of the observation table
_TERMS = {
    "lin_vel": "base_lin_vel", "ang_vel": "base_ang_vel", "gravity": "projected_gravity", "dof_pos": "dof_pos",
    "dof_vel": "dof_vel", "height_measurements": "heights",
}  # fmt: skip
_FIELDS = {"normalization.obs_scales": "scale", "noise.noise_scales": "noise"}
# settings of legged_gym without a counterpart, by the beginning of their paths
_GONE = {
    **RETIRED_SETTINGS,
    "asset.default_dof_drive_mode": "follows from control.control_type",
    "asset.flip_visual_attachments": "shapes are used as they are in the file",
    "terrain.dynamic_friction": "MuJoCo has one sliding friction",
    "terrain.restitution": "MuJoCo has none",
    "commands.num_commands": "4, of the part `commands`",
    "sim.substeps": "lower sim.dt and raise control.decimation",
    "sim.up_axis": "z is up",
    "viewer": "viewer.distance, azimuth and elevation",
    **{
        f"asset.{name}": "MuJoCo has none"
        for name in ("density", "thickness", "angular_damping", "linear_damping", "max_angular_velocity",
                     "max_linear_velocity")
    },
}  # fmt: skip
_UNSEEN = ("env.num_observations", "env.num_privileged_obs", "env.num_actions")
# numbers of observations of legged_gym's own layout, without and with the heights of its 17 x 11 points
_BLIND, _SEEING = 12, 12 + 17 * 11


@dataclass
class Moved:
    """A task that has been read: our configs, and what has no place in them."""

    task: str
    env_cfg: LeggedRobotCfg
    train_cfg: LeggedRobotCfgPPO
    settings: Dict[str, List[str]] = field(default_factory=dict)  # reason -> settings
    rewards: Dict[str, float] = field(default_factory=dict)
    methods: Dict[str, List[str]] = field(default_factory=dict)

    def left(self) -> str:
        """What is left to do, as a page in Markdown."""
        parts = [f"# {self.task}: what has no place in its config\n"]
        parts += _listing("Settings", [f"{', '.join(names)}: {why}" for why, names in self.settings.items()])
        parts += _listing(
            "Rewards to be written, as methods `_reward_<name>` of a class, with their weights",
            [f"`{name} = {weight:g}`" for name, weight in self.rewards.items()],
        )
        for name, methods in self.methods.items():
            parts += _listing(f"Methods of `{name}`, to be looked through", [f"`{method}`" for method in methods])
        return "\n".join(parts)


def _listing(title: str, lines: Sequence[str]) -> List[str]:
    return [f"## {title}\n", *(f"- {line}" for line in lines), ""] if lines else []


def registry_of(path: str, folders: Sequence[str] = ()) -> Any:
    """The registry of tasks of the fork at or above a path, with all of its tasks.

    Raises:
        UserError: if there is none, or the fork's tasks cannot be imported.
    """
    folder = os.path.realpath(path if os.path.isdir(path) else os.path.dirname(path))
    patterns = ["/".join(["*"] * depth) for depth in range(1, _DEEPEST + 1)]
    found = [file for kind in patterns for file in sorted(glob.glob(f"{folder}/{kind}/utils/task_registry.py"))]
    if not found:
        raise UserError(f"{path}: no utils/task_registry.py below it; give the folder of a fork of legged_gym")
    package = os.path.dirname(os.path.dirname(found[0]))
    prepare(os.path.join(package, "train.py"), folders)
    name = os.path.basename(package)
    with needs_told():
        importlib.import_module(f"{name}.envs")
        return importlib.import_module(f"{name}.utils.task_registry").task_registry


def move(registry: Any, task: str) -> Moved:
    """Read a task of a fork.

    Raises:
        UserError: if the fork has no such task.
    """
    if task not in registry.env_cfgs:
        raise UserError(f"the fork has no task {task!r}; {near_matches(task, registry.env_cfgs)}")
    env, train, robot = (getattr(registry, name)[task] for name in ("env_cfgs", "train_cfgs", "task_classes"))
    moved = Moved(task, LeggedRobotCfg(), LeggedRobotCfgPPO())
    values = dict(_settings(env))
    _see_heights(moved, values)
    for path, value in values.items():
        _move_setting(moved, path, value, os.path.dirname(_package_of(robot)))
    for path, value in _settings(train):
        _set(moved, moved.train_cfg, path, value, "train.")
    moved.rewards = {
        path.rpartition(".")[2]: weight for path, weight in values.items() if _is_new_reward(moved, path) and weight
    }
    moved.methods = dict(_own_methods(robot))
    return moved


def _settings(config: Any, prefix: str = "") -> Iterator[Tuple[str, Any]]:
    """(path, value) of all settings of a config of nested classes or instances."""
    for name in dir(config):
        value = getattr(config, name)
        if name.startswith("_") or (callable(value) and not isinstance(value, type)) or inspect.ismodule(value):
            continue
        if isinstance(value, type) or hasattr(value, "__dict__"):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _see_heights(moved: Moved, values: Dict[str, Any]) -> None:
    """Observe heights where the fork does, by the number of its observations; name a layout of its own."""
    count, actions = values.get("env.num_observations"), values.get("env.num_actions", 0)
    if count not in (_BLIND + 3 * actions, _SEEING + 3 * actions):
        moved.settings["write the table `observations.policy`"] = [f"`env.num_observations = {count}`"]
    if count != _SEEING + 3 * actions:
        values.update({"terrain.measure_heights": False, "observations.policy.heights": None})
        values.pop("normalization.obs_scales.height_measurements", None)
        values.pop("noise.noise_scales.height_measurements", None)
    if values.get("env.num_privileged_obs") is not None:
        moved.settings["write the table `observations.critic`"] = ["`env.num_privileged_obs`"]


def _move_setting(moved: Moved, path: str, value: Any, root: str) -> None:
    section, _, name = path.rpartition(".")
    if path in _UNSEEN or (section == "rewards.scales" and not hasattr(moved.env_cfg.rewards.scales, name)):
        return
    if section in _FIELDS and name in _TERMS:
        path = f"observations.policy.{_TERMS[name]}.{_FIELDS[section]}"
    elif path == "asset.file":
        value = value.replace("{LEGGED_GYM_ROOT_DIR}", root)
    _set(moved, moved.env_cfg, path, value, "env.")


def _is_new_reward(moved: Moved, path: str) -> bool:
    section, _, name = path.rpartition(".")
    return section == "rewards.scales" and not hasattr(moved.env_cfg.rewards.scales, name)


def _set(moved: Moved, config: Any, path: str, value: Any, prefix: str) -> None:
    try:
        config.set(path, value)
    except UserError as error:
        gone = (why for start, why in _GONE.items() if f"{path}.".startswith(f"{start}."))
        reason = next(gone, None) or str(error).partition("; known here")[0].replace(f" {path}", "")
        moved.settings.setdefault(reason, []).append(f"`{prefix}{path} = {value!r}`")


def _own_methods(robot: type) -> Iterator[Tuple[str, List[str]]]:
    """Classes between a robot and the one that all robots share, with what they define."""
    shared: Optional[type] = None
    for klass in robot.__mro__:
        if klass.__name__ in ("LeggedRobot", "BaseTask", "object"):
            shared = klass
            break
        methods = [name for name, value in vars(klass).items() if inspect.isfunction(value)]
        yield klass.__name__, methods
    if shared is not None and shared.__name__ == "LeggedRobot":
        from legged_gym.envs.base.legged_robot import LeggedRobot

        terms = [name for name in vars(shared) if name.startswith("_reward_") and not hasattr(LeggedRobot, name)]
        yield from [("LeggedRobot", terms)] if terms else []


def _package_of(robot: type) -> str:
    """The folder of the package that a robot's class is in."""
    package = importlib.import_module(robot.__module__.partition(".")[0])
    return os.path.dirname(os.path.realpath(str(package.__file__)))
