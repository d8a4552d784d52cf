"""Train many policies without a display: as jobs of a SLURM cluster, or on this machine.

    python legged_gym/scripts/launch.py --tasks=a1_flat,a1 --seeds=1,2,3 --partition=gpu --gpus_per_node=1 --time=600
    python legged_gym/scripts/launch.py --tasks=a1_flat --sweep train.algorithm.learning_rate=1e-3,5e-4 --dry_run
    python legged_gym/scripts/launch.py --tasks=a1_flat --executor=local --max_parallel=2 -- --max_iterations=300

Every combination of tasks, seeds and swept values is one job, and all are checked before the first is submitted. What
follows "--" goes to train.py. A job that is pre-empted, or runs into its time limit, saves a checkpoint and goes on
later in its own run folder. The jobs of a launch are described in logs/jobs/<date>/; see docs/clusters.md.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import time
from typing import List, Optional, Sequence, Tuple

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.cluster import submit as launch_submit
from legged_gym.cluster.plan import Training, plan_trainings, table
from legged_gym.cluster.submit import Resources
from legged_gym.errors import UserError
from legged_gym.programs import run_script, shown_path
from legged_gym.utils import run_folder
from legged_gym.utils.cli import ArgumentParser, positive


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Submit or run what the command line asks for, and print a table of it.

    Returns:
        0; 1 when a training on this machine failed.

    Raises:
        UserError: for a mistake in it.
    """
    args, flags = _parse(list(sys.argv[1:] if argv is None else argv))
    executor = launch_submit.choose_executor(args.executor, args.dry_run)
    if executor == "local" and args.nodes > 1:
        raise UserError(f"--nodes: this is one machine, not {args.nodes}; use --processes_per_node")
    wish = Resources(**{name: getattr(args, name) for name in vars(Resources())})
    name = time.strftime("%Y%m%d_%H%M%S")
    folder = os.path.join(run_folder.experiment_folder("jobs"), name)
    trainings = plan_trainings(name, args.tasks, args.seeds, args.sweep, flags)
    if args.dry_run:
        _show(trainings, wish, folder)
        return 0
    if os.path.exists(folder):
        raise UserError(f"another launch began in this second and has the folder {folder}; start again")
    results: List[str] = []
    if executor == "slurm":
        ids = launch_submit.submit_to_slurm(trainings, wish, folder)
        print(table(trainings, {"job": ids}))
    else:
        ids, results = launch_submit.run_here(trainings, wish, folder)
        print(table(trainings, {"job": ids, "result": results}))
    print(f"launch {shown_path(folder)}")
    return int("failed" in results)


def _parse(argv: List[str]) -> Tuple[argparse.Namespace, List[str]]:
    """Return what is meant for this script, and the flags of train.py."""
    own, flags = argv, []
    if "--" in argv:
        own, flags = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("--tasks", type=_names, required=True, metavar="NAME,...", help="list_tasks.py shows them")
    add("--seeds", type=_numbers, default=[1], metavar="N,...", help="seeds of the runs (default: 1)")
    add("--sweep", action="append", default=[], metavar="PATH=V,...", help="values of a setting; repeatable")
    add("--executor", choices=("auto", "slurm", "local"), default="auto", help="auto: slurm where it is installed")
    add("--dry_run", action="store_true", help="print the batch script and the commands, and submit nothing")
    add("--max_parallel", type=positive, metavar="K", help="jobs at a time (default: 1 here, 256 on SLURM)")
    add("--nodes", type=positive, default=1, help="machines of a job; its processes train one policy")
    add("--gpus_per_node", type=positive, help="GPUs of a job on each machine")
    add("--processes_per_node", type=positive, help="processes on each machine (default: one a GPU)")
    add("--cpus_per_task", type=positive, help="CPUs of a job on each machine")
    add("--time", type=positive, default=1440, metavar="MINUTES", help="time limit of SLURM; the job goes on after it")
    add("--signal_delay", type=positive, default=90, metavar="SECONDS", help="signal so long before the time limit")
    add("--partition", help="of SLURM")
    add("--account", help="of SLURM")
    add(
        "--slurm", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="any option of sbatch; repeatable"
    )
    add("--job_name", default="legged_gym", help="name of the jobs in SLURM")
    return parser.parse_args(own), flags


def _show(trainings: Sequence[Training], wish: Resources, folder: str) -> None:
    """Print the batch script, and what each of its jobs runs."""
    print(launch_submit.batch_script(wish, folder, len(trainings)))
    for training in trainings:
        command = launch_submit.make_job(training, wish, folder).command("HOST", "JOB")
        print(f"# {training.index}\n{' '.join(map(shlex.quote, command))}")


def _names(text: str) -> List[str]:
    if not re.fullmatch(r"[\w-]+(,[\w-]+)*", text):
        raise argparse.ArgumentTypeError(f"expected names such as a1_flat,a1, got {text!r}")
    return text.split(",")


def _numbers(text: str) -> List[int]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise argparse.ArgumentTypeError(f"expected numbers that are not negative, such as 1,2,3, got {text!r}")
    return [int(number) for number in text.split(",")]


def _pair(text: str) -> str:
    if not re.fullmatch(r"[\w-]+=.*", text):
        raise argparse.ArgumentTypeError(f"expected key=value, got {text!r}")
    return text


if __name__ == "__main__":
    run_script(main)
