"""Which policies are meant: those a training begins with (`runner.start_from`, a teacher), and exported ones."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional, Sequence

from legged_gym.envs import registry
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfgPPO
from legged_gym.envs.registry import TrainCfg
from legged_gym.errors import UserError, listed
from legged_gym.reading import path_of
from legged_gym.utils import run_folder


def resolve_policies(train_cfg: TrainCfg) -> None:
    """Replace `runner.start_from`, and teachers of a training that imitates or clones, by paths of checkpoints.

    They may be such paths, folders of runs, names of runs (for a teacher, of `runner.teacher_task`), or names of
    shipped policies. What a new student is told to load (`runner.load_run`, `checkpoint`, `resume_path`) is of its
    teacher too. Where no teacher is given it becomes the newest run of that task, or that task's shipped policy.

    Raises:
        UserError: there is no such policy, or no teacher.
    """
    runner: Any = train_cfg.runner  # that of a student has a teacher
    if runner.start_from and not runner.resume:  # where a resumed run began need not be there any more
        root = run_folder.experiment_folder(runner.experiment_name)
        runner.start_from = os.path.abspath(_find_policy("start_from", runner.start_from, root))
    if hasattr(runner, "teacher"):
        if not runner.resume:
            _take_run_as_teacher(runner)
        runner.teacher = os.path.abspath(_find_teacher(runner.teacher, runner.teacher_task))
    cloning: Dict[str, Any] = train_cfg.algorithm.extensions.get("cloning") or {}
    given = cloning.get("teacher")
    if given and cloning.get("coef") != 0:
        root = run_folder.experiment_folder(runner.experiment_name)
        names = given if isinstance(given, list) else [given]
        found = [os.path.abspath(_find_policy("train.algorithm.policy_to_clone", str(name), root)) for name in names]
        cloning["teacher"] = found if isinstance(given, list) else found[0]


def resolve_several_teachers(train_cfg: TrainCfg, extensions: Mapping[str, Any], names: Sequence[str]) -> None:
    """Give `cloning` with `several` one teacher for each that the environment names: those runs, where it has none.

    Raises:
        UserError: there are more or fewer, or no such run.
    """
    cloning = extensions.get("cloning") or {}
    if not cloning.get("several") or cloning.get("coef") == 0 or not names:
        return
    if not cloning.get("teacher"):
        root = run_folder.experiment_folder(train_cfg.runner.experiment_name)
        cloning["teacher"] = [_find_policy("train.algorithm.policy_to_clone", name, root) for name in names]
    given = [cloning["teacher"]] if isinstance(cloning["teacher"], str) else cloning["teacher"]
    if len(given) != len(names):
        raise UserError(
            f"train.algorithm.policy_to_clone has {len(given)} teachers, and the clips name {len(names)}: give those "
            f"of {listed(names)} in this order, or none for these runs"
        )


def teachers_actions_about(train_cfg: TrainCfg) -> Optional[str]:
    """What actions of 0 ask for in the runs of the teachers that are cloned, `control.actions_about`; None: unknown.

    Raises:
        UserError: they differ.
    """
    cloning = train_cfg.algorithm.extensions.get("cloning") or {}
    teachers = cloning.get("teacher") if cloning.get("coef") != 0 else None
    folders = [os.path.dirname(path) for path in ([teachers] if isinstance(teachers, str) else teachers or [])]
    folders = [folder for folder in folders if os.path.isfile(os.path.join(folder, run_folder.RUN_CONFIG))]
    configs = [run_folder.read_run_config(folder)["env"] for folder in folders]
    found = {config.get("control", {}).get("actions_about") for config in configs} - {None}
    if len(found) > 1:
        raise UserError(f"actions of the teachers are about different things: {listed(sorted(found))}; use one kind")
    return found.pop() if found else None


def _take_run_as_teacher(runner: Any) -> None:
    plain = {key: getattr(LeggedRobotCfgPPO.runner, key) for key in ("load_run", "checkpoint", "resume_path")}
    named = {key: getattr(runner, key) for key in plain}
    if runner.teacher or not runner.teacher_task or named == plain:
        return
    _, cfg = registry.find(runner.teacher_task).new_cfgs()
    for key in plain:
        setattr(cfg.runner, key, named[key])
        setattr(runner, key, plain[key])
    runner.teacher = run_folder.find_checkpoint(cfg, tasks=registry.family(runner.teacher_task))


def _find_teacher(name: Optional[str], task: Optional[str]) -> str:
    root = run_folder.experiment_folder(registry.find(task).new_cfgs()[1].runner.experiment_name) if task else None
    if name:
        return _find_policy("teacher", name, root)
    if root is None:
        raise UserError("there is no teacher; give --teacher=<run or checkpoint>")
    runs = [run for run in run_folder.list_runs(root) if run_folder.task_of(run) == task]
    hint = f"there is no teacher: train one (train.py --task={task}), or give --teacher=<run or checkpoint>"
    return _first_policy([*runs[-1:], os.path.join(run_folder.POLICIES_DIR, str(task))], hint)


def _find_policy(flag: str, name: str, root: Optional[str]) -> str:
    """Path of the checkpoint that a flag names: a file, a run in `root` or elsewhere, a shipped policy."""
    name = path_of(name)
    if os.path.isfile(name):
        return name
    folders = [name, os.path.join(run_folder.POLICIES_DIR, name), *([os.path.join(root, name)] if root else [])]
    return _first_policy(folders, f"--{flag}: there is no run, checkpoint or shipped policy {name!r}")


def _first_policy(folders: Sequence[str], hint: str) -> str:
    for folder in folders:
        found = run_folder.list_checkpoints(folder) if os.path.isdir(folder) else []
        shipped = os.path.join(folder, run_folder.SHIPPED_CHECKPOINT)
        if found or os.path.isfile(shipped):
            return found[-1][1] if found else shipped
    raise UserError(hint)


def policy_file(path: str) -> str:
    """The ONNX file that a path, or the name of a shipped policy, stands for.

    Raises:
        UserError: there is none.
    """
    places = [
        path,
        *(os.path.join(folder, "policy.onnx") for folder in (path, os.path.join(run_folder.POLICIES_DIR, path))),
    ]
    for place in (*places, os.path.join(path, "exported", "policy.onnx")):
        if os.path.isfile(place):
            if not place.endswith(".onnx"):
                raise UserError(f"--policy={path}: only ONNX files run here; write one with export.py")
            return place
    raise UserError(f"--policy={path}: no ONNX file there; write one with export.py")
