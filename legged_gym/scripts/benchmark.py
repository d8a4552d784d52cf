"""Measure how fast a task runs: the engine alone, the environment, with a policy, and training.

    python legged_gym/scripts/benchmark.py --task=a1_flat --num_envs=512 --json=result.json
    python legged_gym/scripts/benchmark.py --task=a1_flat --num_envs=4096 --sim=mujoco_warp

raw_engine_steps_per_s    the engine with nothing on it, repeating the physics of the line below
env_steps_per_s           env.step with random actions: observations, rewards, terminations and resets included
policy_env_steps_per_s    the same with the actor of the task's training config choosing the actions
train_samples_per_s       whole training iterations with that config, in float32 and, but for DAgger, in bfloat16

Steps are policy steps of single environments. How ratios are made robust against a busy machine is told in
legged_gym/utils/benchmarking.py.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import os
import sys
from typing import Any, Callable, Dict, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.errors import UserError
from legged_gym.utils.cli import apply_args, make_parser
from legged_gym.utils.script import run_script
from legged_gym.utils.task_registry import check_sizes, task_registry

PRECISIONS = ("float32", "bfloat16")


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says.

    Raises:
        UserError: for a mistake in it.
    """
    parser = make_parser(__doc__ or "")
    parser.add_argument("--blocks", type=int, default=12, help="blocks of every kind that are counted (12)")
    parser.add_argument("--no_train", action="store_true", help="leave training out")
    parser.add_argument("--json", metavar="FILE", help="write the result here too")
    args = parser.parse(argv)
    if args.blocks < 1:
        raise UserError(f"--blocks={args.blocks}: at least 1 is needed")
    env_cfg, train_cfg = task_registry.get_cfgs(args.task)
    apply_args(args, env_cfg, train_cfg)
    check_sizes(env_cfg, train_cfg)
    # Imported here: torch takes seconds to import, and mistakes found above are answered at once.
    from legged_gym.utils import reports

    reports.check_writable(args.json)
    origin = reports.origin(__file__, argv)
    env, env_cfg = task_registry.make_env(args.task, args, env_cfg)
    try:
        result = {**run(env, train_cfg, args), **origin}
    finally:
        env.close()
    print(format_result(result))
    if args.json:
        reports.write_json(args.json, result)
        print(f"\nwritten to {args.json}")


def run(env: Any, train_cfg: Any, args: argparse.Namespace) -> Dict[str, Any]:
    """Return the measured speeds and what they were measured on."""
    import torch

    from legged_gym.utils import benchmarking

    num_steps = train_cfg.runner.num_steps_per_env
    benchmarking.mix_ages(env)
    # DAgger has no choice of precision
    precisions = PRECISIONS if hasattr(train_cfg.algorithm, "precision") else PRECISIONS[:1]
    runners = {precision: make_runner(env, train_cfg, args, precision) for precision in precisions}
    works: Dict[str, Callable[[], None]] = {
        "env_steps_per_s": benchmarking.env_work(env, num_steps),
        "policy_env_steps_per_s": benchmarking.policy_work(env, runners["float32"].get_inference_policy(), num_steps),
    }
    if not args.no_train:
        for precision, runner in runners.items():
            ending = "" if precision == PRECISIONS[0] else f"_{precision}"
            works[f"train_samples_per_s{ending}"] = benchmarking.train_work(runner)
    print(f"task       {args.task}, {env.num_envs} robots, physics {args.sim} on {args.sim_device}")
    print(f"blocks     {args.blocks} of {num_steps} steps for each of {len(works)} kinds", flush=True)
    blocks = benchmarking.measure_blocks(env, benchmarking.REPLAYS[args.sim](env), works, args.blocks)
    return {
        "kind": "benchmark",
        "task": args.task,
        "num_envs": env.num_envs,
        "sim": args.sim,
        "sim_device": args.sim_device,
        "rl_device": args.rl_device,
        "decimation": env.cfg.control.decimation,
        "blocks": args.blocks,
        "steps_per_block": num_steps,
        "train": {part: train_cfg.to_dict()[part] for part in ("policy", "algorithm")},
        "torch_threads": torch.get_num_threads(),
        **benchmarking.summarize(blocks, env.num_envs * num_steps),
    }


def make_runner(env: Any, train_cfg: Any, args: argparse.Namespace, precision: str) -> Any:
    """Return a learner of one precision, without a run folder and with nobody who reads what it prints."""
    args = copy.copy(args)
    if hasattr(train_cfg.algorithm, "precision"):
        # the last setting of a path wins
        args.train_settings = [*args.train_settings, ("algorithm.precision", precision)]
    cfg = copy.deepcopy(train_cfg)
    cfg.runner.resume, cfg.runner.logger, cfg.runner.max_wall_time_s = False, "none", None
    with contextlib.redirect_stdout(io.StringIO()):
        return task_registry.make_alg_runner(env, args=args, train_cfg=cfg, log_root=None)[0]


def format_result(result: Dict[str, Any]) -> str:
    """Lay out speeds with their quartiles and ratios."""
    lines = [f"\n{'':<30}{'median':>10}   quartiles"]
    names = [name for name in result["quartiles"] if name in result]
    for name in names:
        low, high = result["quartiles"][name]
        lines.append(f"{name:<30}{result[name]:>10,.0f}   {low:,.0f} to {high:,.0f}")
    for name, ratio in result["ratios"].items():
        low, high = result["quartiles"][name]
        lines.append(f"{name:<30}{ratio:>10.3f}   {low:.3f} to {high:.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    run_script(main)
