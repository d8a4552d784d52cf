"""How much of the engine's speed is left when demonstrations are collected.

    python benchmarks/collect.py --policy=a1_flat --num_envs=1024 --num_threads=1 --json=result.json

A block is all that collect.py does for one episode of every robot: start states, policy, observations, rewards,
recording, and writing the files to the end. In turns with it the engine alone repeats the same physics: the same
targets from the same states, as in benchmark.py. The ratio is the median over the blocks. On a machine that is busy
with other work, --cpu_time counts the seconds that this process computes instead of those that pass.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from typing import Any, Dict, Optional, Sequence

if not __package__:
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from legged_gym.demonstrations.collection import Collection
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import PolicySource, add_policy_flag, find_policy
from legged_gym.programs import run_script
from legged_gym.scripts.collect import SCHEDULES
from legged_gym.utils.cli import make_parser
from legged_gym.utils.options import CommandLine


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says."""
    parser = make_parser(__doc__ or "")
    add_policy_flag(parser)
    parser.add_argument("--max_steps", type=int, default=250, help="policy steps of an episode (250)")
    parser.add_argument("--schedule", choices=SCHEDULES, default="random", help="where commands come from (random)")
    parser.add_argument("--blocks", type=int, default=4, help="blocks that are counted, after one that is not (4)")
    parser.add_argument("--cpu_time", action="store_true", help="CPU time; for --sim=mujoco with --num_threads=1")
    parser.add_argument("--json", metavar="FILE", help="write the result here too")
    args = parser.parse(argv)
    args.num_envs = args.num_envs or 1024
    args.seed = 42 if args.seed is None else args.seed
    if args.cpu_time and (args.sim == "mujoco_warp" or args.num_threads != 1):
        raise UserError("--cpu_time adds up the time of all threads: give --num_threads=1, and no GPU")
    from legged_gym.utils import reports

    reports.check_writable(args.json)
    source = find_policy(CommandLine.read(args)).settled()
    measured = measure(source, args.schedule, args.max_steps, args.blocks, args.cpu_time)
    result = {**measured, **reports.origin(__file__, argv)}
    for name in ("collect_steps_per_s", "raw_engine_steps_per_s", "megabytes_per_block"):
        print(f"{name:<26}{result[name]:>12,.0f}")
    low, high = result["quartiles"]["collect_over_raw"]
    print(f"{'collect_over_raw':<26}{result['ratios']['collect_over_raw']:>12.3f}   {low:.3f} to {high:.3f}")
    if args.json:
        reports.write_json(args.json, result)


def measure(source: PolicySource, schedule: str, max_steps: int, num_blocks: int, cpu_time: bool) -> Dict[str, Any]:
    """Return speeds in policy steps of single environments per second, and their ratio."""
    import torch

    from legged_gym.demonstrations.setup import describe, episode_bytes, make_collector, model_bytes, shard_size
    from legged_gym.inspection import benchmarking

    options, num_envs = source.options, source.env_cfg.env.num_envs
    wish = Collection(schedule, num_envs, max_steps, keep_failures=True)
    collector = make_collector(source, wish)
    env = collector.env
    wish = replace(wish, num_episodes=env.num_envs, shard_episodes=shard_size(episode_bytes(collector)))
    metadata, model = describe(collector, source, wish), model_bytes(collector.robot.model)
    replay = benchmarking.REPLAYS[options.sim](env)
    replay.clock = time.process_time if cpu_time else time.perf_counter
    blocks, size = [], 0
    with benchmarking.watched(env, replay):
        for block in range(num_blocks + 1):
            with tempfile.TemporaryDirectory() as folder:
                seconds = _collect(collector, replay, folder, metadata, model)
                size = sum(entry.stat().st_size for entry in os.scandir(folder))
            measured = benchmarking.Block(seconds, replay.replay())
            print(f"block {block}: {seconds:.2f} s, engine {measured.engine_seconds:.2f} s", flush=True)
            blocks += [measured] if block else []
    env.close()
    steps = env.num_envs * max_steps
    return {
        "kind": "collection_benchmark",
        "task": source.task,
        "num_envs": env.num_envs,
        "max_steps": max_steps,
        "schedule": schedule,
        "sim": options.sim,
        "sim_device": options.sim_device,
        "clock": "CPU time" if cpu_time else "wall clock",
        "blocks": num_blocks,
        "torch_threads": torch.get_num_threads(),
        "megabytes_per_block": size / 1e6,
        **benchmarking.summarize({"collect_steps_per_s": blocks}, steps),
    }


def _collect(collector: Any, replay: Any, folder: str, metadata: Dict[str, Any], model: bytes) -> float:
    """Collect one episode of every robot into a folder; seconds, without those for keeping the states to replay."""
    from legged_gym.demonstrations.writer import DemonstrationWriter

    start, kept = collector.start, 0.0

    def start_and_keep(first: int) -> Any:
        nonlocal kept
        observations = start(first)
        began = replay.clock()
        replay.begin()
        kept = replay.clock() - began
        return observations

    collector.start = start_and_keep
    began = replay.clock()
    with DemonstrationWriter(folder, metadata, model) as writer:
        writer.add(collector.run(0))
    seconds = replay.clock() - began - kept
    collector.start = start
    return seconds


if __name__ == "__main__":
    run_script(main)
