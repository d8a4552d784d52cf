"""Measure how fast a task runs: the engine alone, the environment, with a policy, and training.

    python legged_gym/scripts/benchmark.py --task=a1_flat --num_envs=512 --json=result.json
    python legged_gym/scripts/benchmark.py --task=a1_flat --num_envs=4096 --sim=mujoco_warp

raw_engine_steps_per_s    the engine with nothing on it, repeating the physics of the line below
env_steps_per_s           env.step with random actions: observations, rewards, terminations and resets included
policy_env_steps_per_s    the same with the actor of the task's training config choosing the actions
train_samples_per_s       whole training iterations with that config, in float32 and, but for DAgger, in bfloat16

With --profile, instead of all this, where the time of a training iteration goes and how often it waits for the device:

    python legged_gym/scripts/benchmark.py --task=a1 --num_envs=4096 --sim=mujoco_warp --profile

Steps are policy steps of single environments. How ratios are made robust against a busy machine is told in
legged_gym/inspection/benchmarking.py.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.programs import run_script
from legged_gym.utils import reports, training
from legged_gym.utils.cli import make_parser, positive
from legged_gym.utils.options import CommandLine
from legged_gym.utils.start_points import resolve_policies
from legged_gym.utils.training import Plan, check_sizes, make_env, resolve

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from rsl_rl.runners.runner import Runner

PRECISIONS = ("float32", "bfloat16")


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says.

    Raises:
        UserError: for a mistake in it.
    """
    parser = make_parser(__doc__ or "")
    parser.add_argument("--blocks", type=positive, default=12, help="blocks of every kind that are counted (12)")
    parser.add_argument("--no_train", action="store_true", help="leave training out")
    parser.add_argument("--profile", action="store_true", help="where the time of a training iteration goes, instead")
    parser.add_argument("--json", metavar="FILE", help="write the result here too")
    args = parser.parse(argv)
    if args.profile and args.no_train:
        raise UserError("--profile is of training: leave out --no_train")
    command = CommandLine.read(args)
    plan = Plan(registry.find(args.task).name, *resolve(args.task, command), command.options)
    check_sizes(plan.env_cfg, plan.train_cfg)
    resolve_policies(plan.train_cfg)
    reports.check_writable(args.json)
    origin = reports.origin(__file__, argv)
    plan = plan.settled()
    with contextlib.closing(make_env(plan)) as env:
        measured = profile(plan, env, args.blocks) if args.profile else run(plan, env, args.blocks, not args.no_train)
        result = {**measured, **origin}
    print(format_profile(result) if args.profile else format_result(result))
    if args.json:
        reports.write_json(args.json, result)
        print(f"\nwritten to {args.json}")


def profile(plan: Plan, env: LeggedRobot, iterations: int) -> Dict[str, Any]:
    """Return where the time of so many training iterations went, and what they were of."""
    from legged_gym.inspection import benchmarking, profiling

    benchmarking.mix_ages(env)
    precision = plan.train_cfg.algorithm.precision
    return {
        "kind": "profile",
        **_measured_on(plan, env),
        "precision": precision,
        "iterations": iterations,
        **profiling.profile(env, make_runner(plan, env, precision), iterations),
    }


def run(plan: Plan, env: LeggedRobot, num_blocks: int, trains: bool) -> Dict[str, Any]:
    """Return the measured speeds and what they were measured on."""
    from legged_gym.inspection import benchmarking

    train_cfg, options = plan.train_cfg, plan.options
    num_steps = train_cfg.runner.num_steps_per_env
    benchmarking.mix_ages(env)
    runners = {precision: make_runner(plan, env, precision) for precision in PRECISIONS}
    works: Dict[str, Callable[[], None]] = {
        "env_steps_per_s": benchmarking.env_work(env, num_steps),
        "policy_env_steps_per_s": benchmarking.policy_work(env, runners["float32"].get_inference_policy(), num_steps),
    }
    if trains:
        for precision, runner in runners.items():
            ending = "" if precision == PRECISIONS[0] else f"_{precision}"
            works[f"train_samples_per_s{ending}"] = functools.partial(runner.learn, 1)
    print(f"task       {plan.task}, {env.num_envs} robots, physics {options.sim} on {options.sim_device}")
    print(f"blocks     {num_blocks} of {num_steps} steps for each of {len(works)} kinds", flush=True)
    blocks = benchmarking.measure_blocks(env, benchmarking.REPLAYS[options.sim](env), works, num_blocks)
    return {
        "kind": "benchmark",
        **_measured_on(plan, env),
        "blocks": num_blocks,
        "steps_per_block": num_steps,
        **benchmarking.summarize(blocks, env.num_envs * num_steps),
    }


def _measured_on(plan: Plan, env: LeggedRobot) -> Dict[str, Any]:
    import torch

    return {
        "task": plan.task,
        "num_envs": env.num_envs,
        "sim": plan.options.sim,
        "sim_device": plan.options.sim_device,
        "rl_device": plan.options.rl_device,
        "decimation": env.cfg.control.decimation,
        "train": {part: plan.train_cfg.to_dict()[part] for part in ("policy", "algorithm")},
        "torch_threads": torch.get_num_threads(),
    }


def make_runner(plan: Plan, env: LeggedRobot, precision: str) -> Runner:
    """Return a learner of one precision, without a run folder and with nobody who reads what it prints."""
    cfg = copy.deepcopy(plan.train_cfg)
    cfg.algorithm.precision = precision
    cfg.runner.resume, cfg.runner.logger, cfg.runner.max_wall_time_s = False, "none", None
    with contextlib.redirect_stdout(io.StringIO()):
        return training.make_runner(replace(plan, train_cfg=cfg), env, None)


def format_profile(result: Dict[str, Any]) -> str:
    """Lay out where the time goes."""
    from legged_gym.inspection import profiling

    return profiling.format_profile(result)


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
