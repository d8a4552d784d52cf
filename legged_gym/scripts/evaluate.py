"""Measure how well a policy follows commands.

    python legged_gym/scripts/evaluate.py --task=a1_flat                                 the newest run
    python legged_gym/scripts/evaluate.py --task=a1_flat --load_run=20260131_120000 --checkpoint=300 --json=result.json
    python legged_gym/scripts/evaluate.py --task=a1_flat --policy=resources/policies/a1_flat
    python legged_gym/scripts/evaluate.py --compare a1_vision a1_vision_blind logs/<experiment>/<run> --json=result.json

Robots are randomised, pushed and given noisy observations as in training; commands are drawn from the whole of their
ranges and curricula are off. On rough terrain every level of every type is visited equally often. What is measured
is the task's table of metrics: docs/configuration.md and legged_gym/envs/terms/metrics.py. The seed is another one
than that of training, so robots, commands and ground are new to the policy.

Then every robot has one command for 10 s: forward, back, sideways or turn, slow, middle or fast, on a plane; or it is
told to stand. A tenth of --num_episodes is the number of robots of each command. See
legged_gym/evaluation/grid.py; --no_grid leaves this out.

--compare takes paths, names of runs, shipped policies and tasks (their newest run). Each policy acts in the environment
of its own task, with the same seed, the same number of episodes and the same settings from the command line.

For robots that walk straight on over rough ground, fix the command:

    --env.commands.ranges.lin_vel_x=[0.75,0.75] --env.commands.ranges.lin_vel_y=[0,0] --env.commands.resampling_time=99
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.envs import registry
from legged_gym.envs.variants import for_evaluation
from legged_gym.evaluation.text import format_comparison, format_result
from legged_gym.policies.policy_io import add_policy_flag, find_policy
from legged_gym.programs import run_script
from legged_gym.utils import reports
from legged_gym.utils.cli import ArgumentParser, make_parser, positive
from legged_gym.utils.options import CommandLine

DEFAULT_EPISODES = 1000
DEFAULT_ENVS = 500
# far from the seeds that people train with
DEFAULT_SEED = 1000


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Evaluate as the command line says.

    Raises:
        UserError: for a mistake in it.
    """
    parser = add_evaluation_flags(make_parser(__doc__ or ""))
    add_policy_flag(parser)
    parser.add_argument("--compare", nargs="+", metavar="POLICY", help="evaluate several policies side by side")
    parser.add_argument("--no_grid", action="store_true", help="leave out pure commands and standing")
    args = parser.parse(argv)
    if args.task or not (args.policy or args.compare):
        registry.find(args.task)
    args.num_envs = num_robots(args.num_envs, args.num_episodes)
    # Imported here: torch takes seconds to import, and mistakes found above are answered at once.
    from legged_gym.evaluation.runs import compare, evaluate_source, find_policies

    reports.check_writable(args.json)
    command, grid = CommandLine.read(args), not args.no_grid
    if args.compare:
        results = compare(find_policies(command, args.compare), args.num_episodes, grid)
        seed = results[0]["seed"]
        result: Dict[str, Any] = {
            "kind": "comparison", "seed": seed, "num_episodes": args.num_episodes, "policies": results
        }  # fmt: skip
        text = format_comparison(results)
    else:
        result = evaluate_source(find_policy(command, for_evaluation), args.num_episodes, grid)
        text = format_result(result)
    result.update(reports.origin(__file__, argv))
    print(text)
    if args.json:
        reports.write_json(args.json, result)
        print(f"\nwritten to {args.json}")


def add_evaluation_flags(parser: ArgumentParser) -> ArgumentParser:
    """Add the flags that are about evaluation alone."""
    parser.add_argument(
        "--num_episodes", type=positive, default=DEFAULT_EPISODES, help=f"at least ({DEFAULT_EPISODES})"
    )
    parser.add_argument("--json", metavar="FILE", help="write the result here too")
    parser.set_defaults(seed=DEFAULT_SEED)
    return parser


def num_robots(asked: Optional[int], num_episodes: int) -> int:
    """Robots of an evaluation, no more than episodes."""
    return min(asked or DEFAULT_ENVS, num_episodes)


if __name__ == "__main__":
    run_script(main)
