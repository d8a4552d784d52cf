"""Which trainings a launch consists of: tasks x seeds x overrides, all checked before the first one is submitted."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from legged_gym.errors import UserError
from legged_gym.programs import shown_path
from legged_gym.utils import run_folder
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from legged_gym.utils.reports import aligned
from legged_gym.utils.training import plan_training

# What a launch decides itself.
_TAKEN_FLAGS = ("--task", "--seed", "--run_folder", "--resume", "--load_run", "--checkpoint")


@dataclass(frozen=True)
class Training:
    """One training of a launch.

    Attributes:
        index: Its number in the launch.
        task: Name of the task.
        seed: Of the run.
        overrides: "path=value" of every swept setting.
        run_folder: Where it lives, from the first attempt to the last.
        flags: Of train.py.
    """

    index: int
    task: str
    seed: int
    overrides: Tuple[str, ...]
    run_folder: str
    flags: Tuple[str, ...]


def plan_trainings(
    name: str, tasks: Sequence[str], seeds: Sequence[int], sweeps: Sequence[str], flags: Sequence[str]
) -> List[Training]:
    """Return every combination of tasks, seeds and swept values.

    Args:
        name: Of the launch; the run folders begin with it.
        tasks: Names of tasks.
        seeds: Not negative.
        sweeps: "env.<path>=<value>,<value>..." or "train.<path>=...".
        flags: Of train.py, for all of them.

    Raises:
        UserError: for the first mistake in any of them.
    """
    for flag in flags:
        if flag.partition("=")[0] in _TAKEN_FLAGS:
            raise UserError(f"{flag} cannot be given for all jobs; use --tasks and --seeds, a launch begins new runs")
    trainings: List[Training] = []
    for task, seed, overrides in itertools.product(tasks, seeds, itertools.product(*map(_swept, sweeps))):
        index = len(trainings)
        swept = [f"--{override}" for override in overrides]
        words = [f"--task={task}", f"--seed={seed}", "--headless", *flags, *swept]
        runner = plan_training(CommandLine.read(get_args(words))).train_cfg.runner
        if hasattr(runner, "teacher"):
            words.append(f"--teacher={runner.teacher}")  # a newer one must not replace it when the job starts
        root = run_folder.experiment_folder(runner.experiment_name)
        folder = os.path.join(root, f"{name}_job{index}_seed{seed}")
        words.append(f"--run_folder={folder}")
        trainings.append(Training(index, task, seed, overrides, folder, tuple(words)))
    return trainings


def _swept(text: str) -> List[str]:
    """Split "train.a.b=1,2" into "train.a.b=1" and "train.a.b=2"; commas inside of brackets stay."""
    path, equals, values = text.partition("=")
    if not equals or not path.startswith(("env.", "train.")):
        raise UserError(f"--sweep={text}: expected env.<path>=<value>,<value>... or train.<path>=...")
    return [f"{path}={value}" for value in re.split(r",(?![^\[]*\])", values)]


def table(trainings: Sequence[Training], columns: Dict[str, Sequence[str]]) -> str:
    """Return a table with one line a training.

    Args:
        trainings: The lines.
        columns: Title -> one entry a training, to stand before what is known of the trainings.
    """
    columns = {
        **columns,
        "task": [training.task for training in trainings],
        "seed": [str(training.seed) for training in trainings],
        "overrides": [" ".join(training.overrides) or "-" for training in trainings],
        "folder": [shown_path(training.run_folder) for training in trainings],
    }
    return "\n".join(aligned([list(columns), *zip(*columns.values())]))
