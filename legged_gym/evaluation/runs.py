"""From policies on the disk to results: one policy in its environment, or several side by side."""

from __future__ import annotations

import contextlib
import glob
import os
from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence

from legged_gym.envs import registry
from legged_gym.envs.variants import for_evaluation
from legged_gym.errors import UserError
from legged_gym.evaluation import evaluate as evaluation
from legged_gym.evaluation.grid import evaluate_grid
from legged_gym.policies.exported_policy import ExportedPolicy
from legged_gym.policies.policy_io import Policy, PolicySource, find_policy, load_policy
from legged_gym.terrain import has_lanes
from legged_gym.utils import reports, run_folder
from legged_gym.utils.options import CommandLine
from legged_gym.utils.training import make_env
from rsl_rl.utils.errors import near_matches


def evaluate_source(source: PolicySource, num_episodes: int, grid: bool = True) -> Dict[str, Any]:
    """Evaluate a policy in the environment of its own task, and say on the terminal what is being done.

    Args:
        source: the policy, with a config of `variants.for_evaluation`.
        num_episodes: at least so many.
        grid: whether to measure pure commands and standing too.

    Returns:
        `kind`, `task`, `policy`, `seed`, `sim`, what `evaluation.evaluate` gives, and what `grid.evaluate_grid` does.

    Raises:
        UserError: the policy does not fit the environment, or has been trained on the very ground of the evaluation.
    """
    source = source.settled()
    seed = source.env_cfg.seed
    with contextlib.closing(make_env(source)) as env:
        policy = load_policy(source, env)
        if has_lanes(env.terrain):
            check_new_ground(seed, training_seed(source, policy), source.name)
        print(f"task       {source.task}, {env.num_envs} robots, at least {num_episodes} episodes of "
              f"{env.cfg.env.episode_length_s:g} s, seed {seed}")  # fmt: skip
        print(f"policy     {reports.short_path(source.path)}", flush=True)
        result = {
            "kind": "evaluation",
            "task": source.task,
            "policy": reports.short_path(source.path),
            "seed": seed,
            "sim": source.options.sim,
            **evaluation.evaluate(env, policy, num_episodes),
        }
        trained = env.trained_commands()
    return {**result, **evaluate_grid(source, num_episodes, trained)} if grid else result


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


def find_policies(command: CommandLine, names: Sequence[str]) -> List[PolicySource]:
    """Find several policies by what a user calls them.

    Args:
        command: the command line, whose settings apply to all of them.
        names: each a path, a run folder by its name alone, a shipped policy or (its newest run) a task. The first of
            these that exists is taken.

    Raises:
        UserError: a name stands for nothing, or the command line names yet another policy.
    """
    given = {"task": command.task, "policy": command.policy, **command.flags}
    for flag in ("task", "policy", "load_run", "checkpoint", "experiment_name"):
        if given.get(flag) is not None:
            raise UserError(f"--{flag} does not go with --compare, which names all policies itself")
    sources = []
    for name in names:
        path = _path_of(name)
        one = replace(command, policy=path, task=_task_of(name) if path is None else None)
        sources.append(find_policy(one, for_evaluation))
    return sources


def _path_of(name: str) -> Optional[str]:
    """What ``--policy`` takes for a name; None where it may only be a task."""
    if os.path.exists(name):
        return name
    runs = glob.glob(os.path.join(run_folder.logs_folder(), "*", glob.escape(name)))
    if len(runs) > 1:
        raise UserError(f"--compare: several experiments have a run {name}; give its path: {', '.join(sorted(runs))}")
    if runs:
        return runs[0]
    return name if os.path.isdir(os.path.join(run_folder.POLICIES_DIR, name)) else None


def _task_of(name: str) -> str:
    if name in registry.names():
        return name
    problem = f"--compare: {name!r} is no file or folder, run, shipped policy or task"
    raise UserError(f"{problem}; {near_matches(name, registry.names())}")


def compare(sources: Sequence[PolicySource], num_episodes: int, grid: bool = True) -> List[Dict[str, Any]]:
    """Evaluate policies one after the other, each in the environment of its task, all with the same seed.

    Args:
        sources: from `find_policies`.
        num_episodes: see `evaluate_source`.
        grid: see `evaluate_source`.

    Returns:
        What `evaluate_source` gives for each, with its `name`. Where lanes differ between policies, a note is printed.
    """
    results: List[Dict[str, Any]] = []
    for source in sources:
        if results:  # the first of them has drawn the seed, if it was -1
            source = source.seeded(results[0]["seed"])
        results.append({"name": source.name, **evaluate_source(source, num_episodes, grid)})
    grounds = {result["lanes"]["ground_crc32"] if "lanes" in result else None for result in results}
    if len(grounds) > 1:
        print("note: the terrain settings of these policies differ: they did not walk on the same ground")
    return results
