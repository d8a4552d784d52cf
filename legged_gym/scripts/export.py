"""Export a policy for robots and other programs: ONNX, TorchScript, and a description of what goes in and out.

    python legged_gym/scripts/export.py --task=a1_flat                        the newest run, into <run>/exported/
    python legged_gym/scripts/export.py --policy=<checkpoint> --output=<folder>
    python legged_gym/scripts/export.py --task=a1_flat --latency              and time it on one core
    python legged_gym/scripts/export.py --task=a1_flat --ship --evaluation=<file.json>

The last line makes a shipped policy, resources/policies/<task>/: a small checkpoint, ONNX, the settings and a card.
Exported networks are compared with the original first, and are not written if they differ. Beside them golden.npz has
200 steps of inputs and outputs, to check other programs with, and statistics.npz what check_log.py takes. --latency
prints how long one control step of one robot takes with onnxruntime in one thread on one core.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from typing import TYPE_CHECKING, List, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.envs.variants import for_export
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import PolicySource, add_policy_flag, find_policy
from legged_gym.programs import run_script
from legged_gym.utils import run_folder
from legged_gym.utils.cli import make_parser
from legged_gym.utils.files import check_writable
from legged_gym.utils.options import CommandLine
from legged_gym.utils.reports import machine, short_path
from legged_gym.utils.training import make_env

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Export as the command line says.

    Raises:
        UserError: for a mistake in it, or when an exported network differs from the original.
    """
    args = _parse(argv)
    source = find_policy(CommandLine.read(args), for_export)
    if source.kind != "checkpoint":
        raise UserError(f"{source.path} is exported already; give a checkpoint (model_<iteration>.pt) or its run")
    if args.ship and source.run_dir is None:
        raise UserError(f"--ship needs the config.yaml of the run that made {source.path}, beside it")
    if args.output is not None:
        check_writable(os.path.join(args.output, "policy.onnx"), "--output")
    # Imported here and below: mistakes in the command line are answered without waiting for torch.
    from legged_gym.policies.export import export_checkpoint

    with contextlib.closing(make_env(source.settled())) as env:
        if args.ship:
            paths = ship(
                source, env, args.output or os.path.join(run_folder.POLICIES_DIR, source.task), args.evaluation
            )
        else:
            paths = export_checkpoint(source, env, args.output, golden=True)

    for path in paths:
        print(f"{short_path(path)}  {os.path.getsize(path) / 1e6:.2f} MB")
    if args.latency:
        print(describe_latency(next(path for path in paths if path.endswith(".onnx"))))


def ship(source: PolicySource, env: LeggedRobot, folder: str, evaluation: Optional[str]) -> List[str]:
    """Write a shipped policy, with the results of evaluate.py if given; returns the paths."""
    from legged_gym.evaluation.text import format_result
    from legged_gym.policies.shipping import read_metrics, ship_policy

    if not evaluation:
        return ship_policy(source, env, folder)
    metrics = read_metrics(evaluation, source.task)
    try:
        text = format_result(metrics)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else f"cannot be laid out: {error}"
        raise UserError(f"{evaluation} {reason}; write it anew with evaluate.py --json") from None
    return ship_policy(source, env, folder, metrics, text)


def describe_latency(path: str) -> str:
    """Time an ONNX file, and say in one line how long a step takes and where."""
    from legged_gym.policies.latency import measure_latency

    found = measure_latency(path)
    return (
        f"one step  {found.median_ms:.3f} ms median, {found.p95_ms:.3f} ms 95th percentile of {found.num_steps} steps "
        f"(onnxruntime, 1 thread, {machine()['cpu']})"
    )


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
    args.num_envs = None  # one robot will do
    return args


if __name__ == "__main__":
    run_script(main)
