"""Export a policy for robots and other programs: ONNX, TorchScript, and a description of what goes in and out.

    python legged_gym/scripts/export.py --task=a1_flat                        the newest run, into <run>/exported/
    python legged_gym/scripts/export.py --policy=<checkpoint> --output=<folder>
    python legged_gym/scripts/export.py --task=a1_flat --latency              and time it on one core
    python legged_gym/scripts/export.py --task=a1_flat --ship --evaluation=<file.json>

The last line makes a shipped policy, resources/policies/<task>/: a small checkpoint, ONNX, the settings and a card.
Exported networks are compared with the original first, and are not written if they differ. --latency prints how long
one control step of one robot takes with onnxruntime in one thread on one core.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, List, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.errors import UserError
from legged_gym.policies.policy_io import POLICIES_DIR, PolicySource, add_policy_flag, find_policy
from legged_gym.utils.cli import make_parser
from legged_gym.utils.files import check_writable
from legged_gym.utils.script import run_script
from legged_gym.utils.task_registry import task_registry


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Export as the command line says.

    Raises:
        UserError: for a mistake in it, or when an exported network differs from the original.
    """
    args = _parse(argv)
    source = find_policy(args)
    if source.kind != "checkpoint":
        raise UserError(f"{source.path} is exported already; give a checkpoint (model_<iteration>.pt) or its run")
    if args.ship and source.run_dir is None:
        raise UserError(f"--ship needs the config.yaml of the run that made {source.path}, beside it")
    if args.output is not None:
        check_writable(os.path.join(args.output, "policy.onnx"), "--output")
    env = make_small_env(source, args)
    try:
        paths = ship(source, env, args) if args.ship else export(source, env, args)
    finally:
        env.close()
    from legged_gym.utils.reports import short_path

    for path in paths:
        print(f"{short_path(path)}  {os.path.getsize(path) / 1e6:.2f} MB")
    if args.latency:
        print(describe_latency(next(path for path in paths if path.endswith(".onnx"))))


def export(source: PolicySource, env: Any, args: argparse.Namespace) -> List[str]:
    """Write ONNX, TorchScript and the description; returns the paths."""
    # Imported here and below: mistakes in the command line are answered without waiting for torch.
    from legged_gym.policies.export import export_checkpoint

    return export_checkpoint(source, env, args.output)


def ship(source: PolicySource, env: Any, args: argparse.Namespace) -> List[str]:
    """Write a shipped policy; returns the paths."""
    from legged_gym.evaluation.text import format_result
    from legged_gym.policies.shipping import read_metrics, ship_policy

    folder = args.output or os.path.join(POLICIES_DIR, source.task)
    if not args.evaluation:
        return ship_policy(source, env, folder)
    metrics = read_metrics(args.evaluation, source.task)
    try:
        text = format_result(metrics)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else f"cannot be laid out: {error}"
        raise UserError(f"{args.evaluation} {reason}; write it anew with evaluate.py --json") from None
    return ship_policy(source, env, folder, metrics, text)


def describe_latency(path: str) -> str:
    """Time an ONNX file, and say in one line how long a step takes and where."""
    from legged_gym.policies.latency import measure_latency
    from legged_gym.utils.reports import machine

    found = measure_latency(path)
    return (
        f"one step  {found.median_ms:.3f} ms median, {found.p95_ms:.3f} ms 95th percentile of {found.num_steps} steps "
        f"(onnxruntime, 1 thread, {machine()['cpu']})"
    )


def make_small_env(source: PolicySource, args: argparse.Namespace) -> Any:
    """Make the environment of a policy, as small as it gets: one robot, one tile."""
    source.env_cfg.env.num_envs = args.num_envs = 1
    source.env_cfg.terrain.num_rows = source.env_cfg.terrain.num_cols = 1
    env, _ = task_registry.make_env(source.task, args, source.env_cfg)
    return env


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = make_parser(__doc__ or "")
    add_policy_flag(parser)
    parser.add_argument("--output", metavar="FOLDER", help="where to write; by default exported/ beside the checkpoint")
    parser.add_argument("--ship", action="store_true", help="write resources/policies/<task>/ (or --output) instead")
    parser.add_argument("--evaluation", metavar="FILE", help="with --ship: results of evaluate.py, or a comparison")
    parser.add_argument("--latency", action="store_true", help="print how long one step takes on one CPU core")
    args = parser.parse(argv)
    if args.evaluation and not args.ship:
        raise UserError("--evaluation goes with --ship")
    return args


if __name__ == "__main__":
    run_script(main)
