"""Run folders: ``logs/<experiment>/<YYYYmmdd_HHMMSS>_<run_name>/`` with all that is needed to repeat or load a run.

=================  ============================================================================================
``config.yaml``    task, command, versions, git commit and every setting, resolved (`save_run_config`)
``git.diff``       what the working tree had beyond that commit
``model_<it>.pt``  checkpoints; the learner writes these, its metrics and its TensorBoard events
=================  ============================================================================================
"""

from __future__ import annotations

import glob
import os
import re
import shlex
import shutil
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import yaml

from legged_gym import IS_CHECKOUT, LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.envs.registry import TrainCfg
from legged_gym.errors import UserError
from legged_gym.programs import process_command
from legged_gym.reading import path_of, portable, read_yaml
from legged_gym.utils import reports
from legged_gym.utils.files import write_files
from legged_gym.utils.run_lock import LOCK_FILE
from rsl_rl.utils.archive import CHECKPOINT_NAME, is_script

_LOGS_PARENT = LEGGED_GYM_ROOT_DIR if IS_CHECKOUT else ""
POLICIES_DIR = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "policies")
"""Folders of shipped policies, one a task."""
SHIPPED_CHECKPOINT = "model.pt"
RUN_CONFIG = "config.yaml"
GIT_DIFF = "git.diff"

_TIME_FORMAT = "%Y%m%d_%H%M%S"
# 20260131_120000_name, or 20260131_120000-2_name for a second run of the same name in the same second.
_RUN_NAME = re.compile(r"(\d{8}_\d{6})(?:-(\d+))?(?:_.*)?")
# What a resumed or played run was told to load says nothing about the run itself.
LOADING_KEYS = ("resume", "load_run", "checkpoint", "resume_path")


def logs_folder() -> str:
    """Where runs lie: what LEGGED_GYM_LOGS says, else ``logs`` in the repository, without one in the current folder."""
    chosen = os.environ.get("LEGGED_GYM_LOGS")
    return os.path.abspath(os.path.expanduser(chosen) if chosen else os.path.join(_LOGS_PARENT, "logs"))


def experiment_folder(experiment_name: str) -> str:
    """Return ``logs/<experiment_name>``, see `logs_folder`.

    Raises:
        UserError: when the name cannot be the name of a folder, or of folders with ``/`` between them.
    """
    for name in experiment_name.split("/"):
        _check_name("experiment_name", name)
    if not all(experiment_name.split("/")):
        raise UserError(f"experiment_name {experiment_name!r} is empty, or a folder in it; it names one under logs/")
    return os.path.join(logs_folder(), experiment_name)


def create_run_folder(root: str, run_name: str = "", now: Optional[float] = None) -> str:
    """Make the folder of a new run; no two calls ever get the same one, not even of two processes.

    It is named after the time, or what the environment variable LOG_RUN_NAME says.

    Args:
        root: Folder of the experiment; made if absent.
        run_name: Ending of the name, may be empty.
        now: Seconds since the epoch; None for the present time.

    Raises:
        UserError: when `run_name` cannot be part of a folder's name, or the disk refuses.
    """
    _check_name("run_name", run_name)
    stamp = os.environ.get("LOG_RUN_NAME") or time.strftime(_TIME_FORMAT, time.localtime(now))
    _check_name("LOG_RUN_NAME", stamp)
    ending = f"_{run_name}" if run_name else ""
    count = 1
    while True:
        folder = os.path.join(root, stamp + ("" if count == 1 else f"-{count}") + ending)
        try:
            os.makedirs(folder)
            return folder
        except FileExistsError:
            count += 1
        except OSError as error:
            raise UserError(f"cannot make the run folder {folder}: {error.strerror}") from None


def make_run_folder(path: str) -> str:
    """Make the run folder `path` unless it is there, and return it in full.

    Raises:
        UserError: when the disk refuses.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the run folder {path}: {error.strerror}") from None
    return os.path.abspath(path)


def list_checkpoints(folder: str) -> List[Tuple[int, str]]:
    """Return (iteration, path) of the checkpoints in a run folder, earliest first.

    Raises:
        UserError: when the folder cannot be read.
    """
    found = [(CHECKPOINT_NAME.fullmatch(name), name) for name in _names_in(folder)]
    return sorted((int(match.group(1)), os.path.join(folder, name)) for match, name in found if match)


def list_runs(root: str) -> List[str]:
    """Return the paths of the run folders that hold a checkpoint, oldest first; other folders are not runs.

    Age is the time in the name; for folders that were renamed it is the time of their last change. Folders that cannot
    be read, of other users, are passed over with a note.

    Raises:
        UserError: when `root` cannot be read.
    """
    runs: List[str] = []
    for name in _names_in(root) if os.path.isdir(root) else []:
        folder = os.path.join(root, name)
        try:
            if name != "exported" and os.path.isdir(folder) and list_checkpoints(folder):
                runs.append(folder)
        except UserError as error:
            print(f"note: a folder is passed over: {error}")
    return sorted(runs, key=_age)


def discard(folder: str) -> None:
    """Remove a run folder, and those of logs/ that are empty without it."""
    shutil.rmtree(folder, ignore_errors=True)
    logs, parent = logs_folder(), os.path.dirname(os.path.abspath(folder))
    while (parent + os.sep).startswith(logs + os.sep):
        try:
            os.rmdir(parent)
        except OSError:  # other runs are in there
            return
        parent = os.path.dirname(parent)


def is_new(folder: str) -> bool:
    """Whether nothing is in a folder yet, or no folder is there."""
    return not os.path.isdir(folder) or not set(_names_in(folder)) - {LOCK_FILE}


def _names_in(folder: str) -> List[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise UserError(f"cannot read the folder {folder}: {error.strerror}") from None


def get_load_path(
    root: str, load_run: Union[int, str] = -1, checkpoint: int = -1, tasks: Optional[Sequence[str]] = None
) -> str:
    """Return the path of the checkpoint to load.

    Args:
        root: Folder of the experiment.
        load_run: Name of a run folder, the end of its name after a `_`, or its path; -1 for the newest that holds a
            checkpoint.
        checkpoint: Iteration; -1 for the last.
        tasks: Of which the newest run may be; None for all.

    Raises:
        UserError: when there is no such run or checkpoint; the message lists what there is.
    """
    folder = _find_run(root, load_run, tasks)
    checkpoints = dict(list_checkpoints(folder))
    if not checkpoints:
        raise UserError(f"run {folder} holds no checkpoint (model_<iteration>.pt)")
    if checkpoint == -1:
        return checkpoints[max(checkpoints)]
    if checkpoint not in checkpoints:
        raise UserError(f"run {folder} has no checkpoint {checkpoint}; it has {_shorten(sorted(checkpoints))}")
    return checkpoints[checkpoint]


def find_checkpoint(train_cfg: TrainCfg, root: Optional[str] = None, tasks: Optional[Sequence[str]] = None) -> str:
    """Return the path of the checkpoint that a training config names by `experiment_name`, `load_run`, `checkpoint`.

    Args:
        train_cfg: The training config; `runner.resume_path`, if set, is the path itself.
        root: Folder of the experiment; None for ``logs/<experiment_name>``.
        tasks: Of which the newest run may be; None for all.

    Raises:
        UserError: when there is none.
    """
    runner = train_cfg.runner
    if runner.resume_path:
        if not os.path.isfile(runner.resume_path):
            raise UserError(f"--checkpoint: there is no file {runner.resume_path}")
        return runner.resume_path
    root = experiment_folder(runner.experiment_name) if root is None else root
    return get_load_path(root, runner.load_run, runner.checkpoint, tasks)


def save_run_config(
    folder: str, task: str, env_cfg: BaseConfig, train_cfg: BaseConfig, run: Optional[Dict[str, Any]] = None
) -> None:
    """Write config.yaml and git.diff. When a run is resumed, earlier ones stay as config_1.yaml, ....

    Args:
        folder: The run folder.
        task: Name of the task.
        env_cfg: Config of the environment, as used.
        train_cfg: Config of the training, as used.
        run: How it runs: simulator, devices, number of processes.
    """
    content = {
        "task": task,
        "command": " ".join(shlex.quote(word) for word in process_command()),
        "created": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "run": run or {},
        "versions": reports.versions(),
        "git": reports.git_state(LEGGED_GYM_ROOT_DIR),
        "env": portable(env_cfg.to_dict()),
        "train": portable(train_cfg.to_dict()),  # a student finds its teacher from another checkout, too
    }
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)
    _replace(folder, RUN_CONFIG, text)
    _replace(folder, GIT_DIFF, reports.git_diff(LEGGED_GYM_ROOT_DIR))


def read_run_config(folder: str, name: str = RUN_CONFIG) -> Dict[str, Any]:
    """Return the content of a run's config.yaml, or of that of an earlier part of the run.

    Raises:
        UserError: when it is missing or damaged.
    """
    path = os.path.join(folder, name)
    content = read_yaml(path)
    if not isinstance(content, dict) or not all(isinstance(content.get(part), dict) for part in ("env", "train")):
        raise UserError(f"{path} is not the config of a run: it needs the parts 'task', 'env' and 'train'")
    return content


def task_of(folder: str) -> Optional[str]:
    """The task of a run; None where its config is missing or does not say.

    Raises:
        UserError: when it is damaged.
    """
    return read_run_config(folder).get("task") if os.path.isfile(os.path.join(folder, RUN_CONFIG)) else None


def earlier_commands(folder: str) -> List[str]:
    """The commands of a run's earlier parts, first to last; empty for a run that was never resumed.

    Raises:
        UserError: when a config of theirs is damaged.
    """
    stem, extension = os.path.splitext(RUN_CONFIG)
    commands: List[str] = []
    while os.path.exists(os.path.join(folder, f"{stem}_{len(commands) + 1}{extension}")):
        commands.append(str(read_run_config(folder, f"{stem}_{len(commands) + 1}{extension}").get("command", "")))
    return commands


def restore_run_cfgs(folder: str, task: str, env_cfg: BaseConfig, train_cfg: BaseConfig) -> List[str]:
    """Put the settings saved with a run into fresh configs; apply the command line after this.

    Args:
        folder: The run folder.
        task: Name of the task that the run is expected to be of.
        env_cfg: Environment config of the run's task, changed in place.
        train_cfg: Training config of the run's task, changed in place.

    Returns:
        One line for every saved setting that the present classes do not know or do not accept, and for code of drives
        that the task alone would not run.

    Raises:
        UserError: when the run has no readable config.yaml, or is of another task.
    """
    content = read_run_config(folder)
    if content.get("task") not in registry.family(task):
        raise UserError(f"run {folder} is of task {content.get('task')!r}, not {task!r}")
    runner = _section(folder, content, "train.runner")
    current = train_cfg.to_dict()["runner"]
    runner.update({key: current[key] for key in LOADING_KEYS if key in current})
    # A reward that did not exist yet was not paid; what the run learns must not change under it.
    scales = _section(folder, content, "env.rewards.scales")
    known = _section(folder, {"env": env_cfg.to_dict()}, "env.rewards.scales")
    scales.update({name: 0.0 for name in known if name not in scales})
    before = _actuator_file(env_cfg)
    problems = env_cfg.restore(content["env"], "env.") + train_cfg.restore(content["train"], "train.")
    for name, problem in registry.unknown_rewards(task, env_cfg).items():
        delattr(env_cfg.rewards.scales, name)  # type: ignore[attr-defined]
        problems.append(problem)
    after = _actuator_file(env_cfg)
    if after not in (None, before) and is_script(path_of(str(after))):
        problems.append(f"control.actuator_net_file {after} is TorchScript: its code runs when it is loaded")
    return problems


def _actuator_file(env_cfg: BaseConfig) -> Optional[str]:
    """The file of the drives; None where a task has none."""
    control: Any = getattr(env_cfg, "control", None)
    return control.actuator_net_file if getattr(control, "control_type", None) == "actuator_net" else None


def _section(folder: str, content: Dict[str, Any], path: str) -> Dict[str, Any]:
    """The section "a.b.c" of a run's config; one of its own, and empty, where there is none."""
    section = content
    for name in path.split("."):
        section = section.get(name, {})
        if not isinstance(section, dict):
            raise UserError(
                f"{os.path.join(folder, RUN_CONFIG)}: {name} of {path} is {section!r}; it must be a section"
            )
    return section


def _find_run(root: str, load_run: Union[int, str], tasks: Optional[Sequence[str]]) -> str:
    runs = list_runs(root)
    if load_run != -1:
        for folder in (os.path.join(root, str(load_run)), str(load_run)):
            if os.path.isdir(folder):
                return os.path.normpath(folder)
        named = [run for run in runs if os.path.basename(run).endswith(f"_{load_run}")]
        if named:
            return named[-1]
        raise UserError(f"no run {load_run!r} in {root}; {_what_is_there(root, runs)}")
    if not runs:
        raise UserError(f"no run with a checkpoint in {root}; {_what_is_there(root, runs)}")
    mine = (run for run in reversed(runs) if tasks is None or task_of(run) in (None, *tasks))
    found = next(mine, None)
    if found is None:
        raise UserError(f"no run of task {tasks[0] if tasks else ''!r} in {root}, only of others")
    return found


def _what_is_there(root: str, runs: List[str]) -> str:
    if runs:
        return f"it has {_shorten([os.path.basename(run) for run in runs])}"
    parent = os.path.dirname(os.path.normpath(root))
    # unlike `list_runs`, glob says nothing about folders that cannot be read
    checkpoints = glob.glob(os.path.join(glob.escape(parent), "*", "*", "model_[0-9]*.pt"))
    others = sorted({os.path.relpath(path, parent).split(os.sep)[0] for path in checkpoints})
    return f"experiments with runs are {_shorten(others)}" if others else "train first, or check --experiment_name"


def _age(folder: str) -> Tuple[float, int, float]:
    changed = os.path.getmtime(folder)
    match = _RUN_NAME.fullmatch(os.path.basename(folder))
    if match:
        try:
            return time.mktime(time.strptime(match.group(1), _TIME_FORMAT)), int(match.group(2) or 1), changed
        except ValueError:  # digits that are no date
            pass
    return changed, 1, changed


def _shorten(items: List[Any], most: int = 6) -> str:
    """List the last few items."""
    shown = ", ".join(str(item) for item in items[-most:])
    return shown if len(items) <= most else f"... {shown} ({len(items)} in all)"


def _check_name(what: str, name: str) -> None:
    if not re.fullmatch(r"[\w.+=,@-]*", name) or name in (".", ".."):
        raise UserError(f"{what} {name!r} names a folder: use letters, digits and _ . + = , @ - only")


def _replace(folder: str, name: str, text: str) -> None:
    """Write a file (none if the text is empty); one of an earlier part of the run stays as config_1.yaml and so on."""
    path = os.path.join(folder, name)
    if os.path.exists(path):
        stem, extension = os.path.splitext(path)
        count = 1
        while os.path.exists(f"{stem}_{count}{extension}"):
            count += 1
        with open(path, "rb") as file:
            write_files(folder, {os.path.basename(f"{stem}_{count}{extension}"): file.read()})
    if text:
        write_files(folder, {name: text.encode("utf-8", errors="replace")})
    elif os.path.exists(path):
        os.remove(path)
