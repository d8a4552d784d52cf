"""Evaluates every checkpoint of training runs: metrics against wall clock, samples and iterations.

    python benchmarks/learning_curve.py --task=a1_flat --json=docs/results/a1_flat_curve.json --runs <run> <run> <run>

Runs are names or paths of run folders, one for each seed. Every checkpoint, or with `--every=4` every fourth, meets the
same robots, commands and pushes, in as many episodes as `evaluate.py --num_episodes` would measure it on. Wall clock is
what the run's metrics.jsonl says (Train/time): collecting and learning, on the machine that trained.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.envs import registry
from legged_gym.envs.variants import for_evaluation
from legged_gym.errors import UserError
from legged_gym.evaluation.evaluate import evaluate
from legged_gym.policies.policy_io import find_policy, load_policy
from legged_gym.programs import run_script
from legged_gym.scripts.evaluate import add_evaluation_flags, num_robots
from legged_gym.utils import reports, run_folder
from legged_gym.utils.cli import make_parser
from legged_gym.utils.options import CommandLine
from legged_gym.utils.training import make_env
from rsl_rl.utils.logger import METRICS_FILE, lines_until

# what the curve is made of; the rest of an evaluation is of no use point by point
SHOWN = ("success_to_half_difficulty", "lin_vel_xy_error", "ang_vel_error", "fall_rate", "success_rate")


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Evaluate the runs of the command line and write the curves.

    Raises:
        UserError: for a mistake in it.
    """
    parser = add_evaluation_flags(make_parser(__doc__ or ""))
    parser.add_argument("--runs", nargs="+", required=True, metavar="RUN", help="run folders, by name or path")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth checkpoint, and the last (1)")
    args = parser.parse(argv)
    if args.json is None:
        raise UserError("--json=<file> is needed: it is where the curves go")
    reports.check_writable(args.json)
    args.num_envs = num_robots(args.num_envs, args.num_episodes)
    command = CommandLine.read(args)
    folders = [find_run(command, run) for run in args.runs]
    content = {
        "kind": "learning_curve",
        "task": args.task,
        "seed": args.seed,
        "sim": args.sim,
        "num_episodes": args.num_episodes,
        "runs": curves(command, folders, args.every, args.num_episodes),
        **reports.origin(__file__, argv),
    }
    reports.write_json(args.json, content)
    print(f"written to {args.json}")


def find_run(command: CommandLine, run: str) -> str:
    """Return the path of a run folder.

    Raises:
        UserError: when there is no such run, or it holds no checkpoint.
    """
    _, train_cfg = registry.find(command.task).new_cfgs()
    command.apply(None, train_cfg)
    root = run_folder.experiment_folder(train_cfg.runner.experiment_name)
    return os.path.dirname(run_folder.get_load_path(root, run))


def curves(command: CommandLine, folders: Sequence[str], every: int, num_episodes: int) -> List[Dict[str, Any]]:
    """Evaluate all checkpoints of all runs."""
    result = []
    for folder in folders:
        times = read_times(folder)
        points = []
        for iteration, path in chosen(run_folder.list_checkpoints(folder), every):
            if iteration not in times:
                raise UserError(f"{folder}: {METRICS_FILE} does not know iteration {iteration} of {path}")
            metrics = evaluate_checkpoint(command.with_flags(load_run=folder, checkpoint=iteration), num_episodes)
            points.append({"iteration": iteration, **times[iteration], "metrics": metrics})
            values = "  ".join(f"{name} {metrics[name]['mean']:.3f}" for name in metrics)
            print(
                f"{os.path.basename(folder)} {iteration:>6}  {times[iteration]['seconds']:8.0f} s  {values}", flush=True
            )
        seed = run_folder.read_run_config(folder)["train"]["seed"]
        result.append({"run": os.path.basename(folder), "seed": seed, "points": points})
    return result


def chosen(checkpoints: Sequence[Tuple[int, str]], every: int) -> List[Tuple[int, str]]:
    """Every Nth of the (iteration, path) of checkpoints, from the first on, and always the last."""
    return [point for index, point in enumerate(checkpoints) if index % every == 0 or point is checkpoints[-1]]


def evaluate_checkpoint(command: CommandLine, num_episodes: int) -> Dict[str, Any]:
    """Return the metrics of a curve for the checkpoint that the command line names, in a new environment.

    A new one each time, so that all checkpoints draw the same random numbers, those of `evaluate.py`.
    """
    source = find_policy(command, for_evaluation).settled()
    env = make_env(source)
    try:
        metrics = evaluate(env, load_policy(source, env), num_episodes)["metrics"]
    finally:
        env.close()
    return {name: metrics[name] for name in SHOWN if name in metrics}


def read_times(folder: str) -> Dict[int, Dict[str, float]]:
    """Return iteration -> seconds trained and samples collected by then, from a run's metrics.

    Raises:
        UserError: when the run has no metrics.
    """
    times: Dict[int, Dict[str, float]] = {0: {"seconds": 0.0, "samples": 0}}
    path = os.path.join(folder, METRICS_FILE)
    if not os.path.exists(path):
        raise UserError(f"cannot read {path}: it is not there")
    for row in map(json.loads, lines_until(path)):
        times[row["iteration"]] = {"seconds": row["Train/time"], "samples": row["Train/total_timesteps"]}
    return times


if __name__ == "__main__":
    run_script(main)
