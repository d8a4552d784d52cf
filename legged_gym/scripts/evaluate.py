"""Measure how well a policy follows commands.

    python legged_gym/scripts/evaluate.py --task=a1_flat                                 the newest run
    python legged_gym/scripts/evaluate.py --task=a1_flat --load_run=20260131_120000 --checkpoint=300 --json=result.json
    python legged_gym/scripts/evaluate.py --task=a1_flat --policy=resources/policies/a1_flat

Robots are randomised, pushed and given noisy observations as in training; commands are drawn from the whole of their
ranges and curricula are off. On rough terrain every level of every type is visited equally often. What the metrics are
is told in legged_gym/utils/evaluation.py. The seed is another one than that of training, so robots, commands and ground
are new to the policy.

For robots that walk straight on over rough ground, fix the command:

    --env.commands.ranges.lin_vel_x=[0.75,0.75] --env.commands.ranges.lin_vel_y=[0,0] --env.commands.resampling_time=99
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, Dict, List, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.utils.cli import ArgumentParser, make_parser
from legged_gym.utils.policy_io import add_policy_flag, find_policy, load_policy
from legged_gym.utils.script import run_script
from legged_gym.utils.task_registry import task_registry

DEFAULT_EPISODES = 1000
DEFAULT_ENVS = 500
# far from the seeds that people train with
DEFAULT_SEED = 1000

_UNITS = {
    "lin_vel_xy_error": "m/s",
    "ang_vel_error": "rad/s",
    "fall_rate": "per 20 s",
    "mean_episode_length_s": "s",
    "mean_speed": "m/s",
}


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Evaluate as the command line says.

    Raises:
        UserError: for a mistake in it.
    """
    parser = add_evaluation_flags(make_parser(__doc__ or ""))
    add_policy_flag(parser)
    args = parser.parse(argv)
    complete(args)
    # Imported here: torch takes seconds to import, and mistakes found above are answered at once.
    from legged_gym.utils import reports
    from legged_gym.utils.evaluation import evaluate, prepare_cfg

    reports.check_writable(args.json)
    source = find_policy(args)
    prepare_cfg(source.env_cfg)
    env, env_cfg = task_registry.make_env(source.task, args, source.env_cfg)
    try:
        policy = load_policy(source, env)
        print(f"task       {source.task}, {env.num_envs} robots, at least {args.num_episodes} episodes of "
              f"{env_cfg.env.episode_length_s:g} s, seed {args.seed}")  # fmt: skip
        print(f"policy     {reports.short_path(source.path)}", flush=True)
        result = {
            "kind": "evaluation",
            "task": source.task,
            "policy": reports.short_path(source.path),
            "seed": args.seed,
            "sim": args.sim,
            **evaluate(env, policy, args.num_episodes),
            **reports.origin(__file__, argv),
        }
    finally:
        env.close()
    print(format_result(result))
    if args.json:
        reports.write_json(args.json, result)
        print(f"\nwritten to {args.json}")


def add_evaluation_flags(parser: ArgumentParser) -> ArgumentParser:
    """Add the flags that are about evaluation alone."""
    parser.add_argument("--num_episodes", type=int, default=DEFAULT_EPISODES, help=f"at least ({DEFAULT_EPISODES})")
    parser.add_argument("--json", metavar="FILE", help="write the result here too")
    return parser


def complete(args: argparse.Namespace) -> None:
    """Fill in the defaults of evaluation, in place, and refuse what makes no sense.

    Raises:
        UserError: for an unknown task or no episodes.
    """
    if args.num_episodes < 1:
        raise UserError(f"--num_episodes={args.num_episodes}: at least 1 is needed")
    if args.task is not None or getattr(args, "policy", None) is None:
        registry.find(args.task)
    if args.num_envs is None:
        args.num_envs = min(DEFAULT_ENVS, args.num_episodes)
    args.num_envs = min(args.num_envs, args.num_episodes)
    if args.seed is None:
        args.seed = DEFAULT_SEED


def format_result(result: Dict[str, Any]) -> str:
    """Lay out a result as a table of metrics and, with terrain, one of success by type and level."""
    lines = [f"\n{'metric':<24}{'mean':>10}   95 % confidence   ({result['num_episodes']} episodes)"]
    for name, estimate in result["metrics"].items():
        low, high = (_number(bound) for bound in estimate["ci95"])
        lines.append(f"{name:<24}{_number(estimate['mean']):>10}   {low} to {high}  {_UNITS.get(name, '')}".rstrip())
    if "terrain" in result:
        lines += ["", *_terrain_lines(result["terrain"])]
    return "\n".join(lines)


def _terrain_lines(terrain: Dict[str, List[Dict[str, Any]]]) -> List[str]:
    num_levels = 1 + max(entry["level"] for entries in terrain.values() for entry in entries)
    lines = [f"{'success in % at level':<24}" + "".join(f"{level:>5}" for level in range(num_levels))]
    for name, entries in terrain.items():
        rates = {entry["level"]: entry["success_rate"]["mean"] for entry in entries}
        cells = [rates.get(level) for level in range(num_levels)]
        lines.append(f"{name:<24}" + "".join(f"{'-' if rate is None else f'{100 * rate:.0f}':>5}" for rate in cells))
    return lines


def _number(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    run_script(main)
