"""From policies on the disk to results: one policy in its environment, or several side by side."""

from __future__ import annotations

import argparse
import copy
import glob
import os
from typing import Any, Dict, List, Optional, Sequence

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.evaluation import evaluate as evaluation
from legged_gym.evaluation.grid import evaluate_grid
from legged_gym.evaluation.lanes import has_lanes
from legged_gym.policies import policy_io
from legged_gym.policies.exported_policy import ExportedPolicy
from legged_gym.policies.policy_io import Policy, PolicySource, find_policy, load_policy
from legged_gym.utils import reports, run_folder
from legged_gym.utils.task_registry import task_registry
from rsl_rl.utils.errors import near_matches


def evaluate_source(source: PolicySource, args: argparse.Namespace) -> Dict[str, Any]:
    """Evaluate a policy in the environment of its own task, and say on the terminal what is being done.

    Args:
        source: the policy.
        args: the command line of evaluate.py, completed.

    Returns:
        `kind`, `task`, `policy`, `seed`, `sim`, what `evaluation.evaluate` gives, and (unless `--no_grid`) what
        `evaluation_grid.evaluate_grid` does.

    Raises:
        UserError: the policy does not fit the environment, or has been trained on the very ground of the evaluation.
    """
    evaluation.prepare_cfg(source.env_cfg)
    env: Any
    env, env_cfg = task_registry.make_env(source.task, args, source.env_cfg)
    try:
        policy = load_policy(source, env)
        if has_lanes(env.terrain):
            check_new_ground(args.seed, training_seed(source, policy), source.name)
        print(f"task       {source.task}, {env.num_envs} robots, at least {args.num_episodes} episodes of "
              f"{env_cfg.env.episode_length_s:g} s, seed {args.seed}")  # fmt: skip
        print(f"policy     {reports.short_path(source.path)}", flush=True)
        result = {
            "kind": "evaluation",
            "task": source.task,
            "policy": reports.short_path(source.path),
            "seed": args.seed,
            "sim": args.sim,
            **evaluation.evaluate(env, policy, args.num_episodes),
        }
        trained = env.trained_commands()
    finally:
        env.close()
    return result if args.no_grid else {**result, **evaluate_grid(source, args, trained)}


def training_seed(source: PolicySource, policy: Policy) -> Optional[int]:
    """The seed that a policy was trained with, which made its terrain; None where nothing tells.

    It is read from what was saved: in `source.train_cfg` the command line may have put another one.
    """
    if source.run_dir is not None:
        return run_folder.read_run_config(source.run_dir)["train"].get("seed")
    return policy.description["origin"]["seed"] if isinstance(policy, ExportedPolicy) else None


def check_new_ground(seed: int, trained_with: Optional[int], name: str) -> None:
    """Refuse to evaluate a policy on the terrain that it was trained on.

    Raises:
        UserError: the seeds are equal.
    """
    if seed == trained_with:
        raise UserError(
            f"--seed={seed}: {name} was trained with this seed, so it knows the terrain; evaluate with another one"
        )


def find_policies(args: argparse.Namespace, names: Sequence[str]) -> List[PolicySource]:
    """Find several policies by what a user calls them.

    Args:
        args: the command line; its other settings apply to all of them.
        names: each a path, a run folder by its name alone, a shipped policy or (its newest run) a task. The first of
            these that exists is taken.

    Raises:
        UserError: a name stands for nothing, or the command line names yet another policy.
    """
    for flag in ("task", "policy", "load_run", "checkpoint", "experiment_name"):
        if getattr(args, flag) is not None:
            raise UserError(f"--{flag} does not go with --compare, which names all policies itself")
    sources = []
    for name in names:
        one = copy.copy(args)
        one.policy, one.task = _path_of(name), None
        if one.policy is None:
            one.task = _task_of(name)
        sources.append(find_policy(one))
    return sources


def _path_of(name: str) -> Optional[str]:
    """What ``--policy`` takes for a name; None where it may only be a task."""
    if os.path.exists(name):
        return name
    runs = glob.glob(os.path.join(LEGGED_GYM_ROOT_DIR, "logs", "*", glob.escape(name)))
    if len(runs) > 1:
        raise UserError(f"--compare: several experiments have a run {name}; give its path: {', '.join(sorted(runs))}")
    if runs:
        return runs[0]
    return name if os.path.isdir(os.path.join(policy_io.POLICIES_DIR, name)) else None


def _task_of(name: str) -> str:
    if name in registry.TASKS:
        return name
    problem = f"--compare: {name!r} is no file or folder, run, shipped policy or task"
    raise UserError(f"{problem}; {near_matches(name, registry.TASKS)}")


def compare(args: argparse.Namespace, sources: Sequence[PolicySource]) -> List[Dict[str, Any]]:
    """Evaluate policies one after the other, each in the environment of its task, all with the same seed.

    Args:
        args: the command line of evaluate.py, completed.
        sources: from `find_policies`.

    Returns:
        What `evaluate_source` gives for each, with its `name`. Where lanes differ between policies, a note is printed.
    """
    results = []
    for source in sources:
        one = copy.copy(args)
        results.append({"name": source.name, **evaluate_source(source, one)})
        args.seed = one.seed  # the first of them has drawn it, if it was -1
    grounds = {result["lanes"]["ground_crc32"] if "lanes" in result else None for result in results}
    if len(grounds) > 1:
        print("note: the terrain settings of these policies differ: they did not walk on the same ground")
    return results
