"""Times one learning iteration of PPO here and in the PyPI package rsl-rl-lib, on equal terms.

    python benchmarks/ppo_update.py [--rounds 7] [--json result.json]

Every contender collects the same synthetic rollout (1024 environments x 24 steps, 48 observations, 12 actions; no
physics) and learns from it with the same networks (512-256-128, elu) for 5 epochs of 4 mini-batches. The package is
called rsl_rl too, so each contender lives in a process of its own. They take turns, one at a time, so that a change in
the clock of the CPU or in the load of the machine meets all of them; what counts is the median over the rounds.

rsl-rl-lib must be installed (`pip install rsl-rl-lib`); it is needed for nothing else but this comparison and a test.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

import torch

NUM_ENVS, NUM_STEPS, NUM_OBS, NUM_ACTIONS = 1024, 24, 48, 12
HIDDEN_DIMS = [512, 256, 128]
CONTENDERS = ("ours_float32", "ours_bfloat16", "reference_float32", "reference_bfloat16")
PHASES = ("act", "returns", "update")
REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

Rollout = Dict[str, torch.Tensor]
Learner = Tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any], Callable[[], Any]]


def make_rollout() -> Rollout:
    """Random observations, rewards and ends of episodes, the same in every process."""
    generator = torch.Generator().manual_seed(0)
    dones = torch.rand(NUM_STEPS, NUM_ENVS, generator=generator) < 0.02
    return {
        "obs": torch.randn(NUM_STEPS + 1, NUM_ENVS, NUM_OBS, generator=generator),
        "rewards": torch.randn(NUM_STEPS, NUM_ENVS, generator=generator),
        "dones": dones,
        "time_outs": dones & (torch.rand(NUM_STEPS, NUM_ENVS, generator=generator) < 0.5),
    }


def make_ours(precision: str) -> Learner:
    """Return act, process, returns and update of the PPO of this repository."""
    sys.path.insert(0, REPOSITORY)
    from rsl_rl.algorithms import PPO
    from rsl_rl.models import ActorCritic

    dims = {"policy": (NUM_OBS,)}
    algorithm = PPO(ActorCritic(dims, NUM_ACTIONS), precision=precision)
    algorithm.init_storage(NUM_ENVS, NUM_STEPS, dims, NUM_ACTIONS)

    def act(obs: torch.Tensor) -> torch.Tensor:
        return algorithm.act({"policy": obs})

    def process(next_obs: torch.Tensor, rewards: torch.Tensor, dones: torch.Tensor, time_outs: torch.Tensor) -> None:
        algorithm.process_env_step(rewards, dones, {"time_outs": time_outs})

    def returns(last_obs: torch.Tensor) -> None:
        algorithm.compute_returns({"policy": last_obs})

    return act, process, returns, algorithm.update


def make_reference(precision: str) -> Learner:
    """Return act, process, returns and update of rsl-rl-lib, wherever it stands on the search path."""
    folder = str(importlib.metadata.distribution("rsl-rl-lib").locate_file("rsl_rl"))
    spec = importlib.util.spec_from_file_location("rsl_rl", os.path.join(folder, "__init__.py"))
    assert spec is not None and spec.loader is not None
    sys.modules["rsl_rl"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["rsl_rl"])
    from tensordict import TensorDict

    from rsl_rl.algorithms import PPO
    from rsl_rl.models import MLPModel
    from rsl_rl.modules.distribution import GaussianDistribution
    from rsl_rl.storage import RolloutStorage

    def wrap(obs: torch.Tensor) -> Any:
        return TensorDict({"policy": obs}, batch_size=[NUM_ENVS])

    example = wrap(torch.zeros(NUM_ENVS, NUM_OBS))
    groups = {"actor": ["policy"], "critic": ["policy"]}
    distribution = {"class_name": GaussianDistribution, "std_type": "log"}
    actor = MLPModel(example, groups, "actor", NUM_ACTIONS, HIDDEN_DIMS, distribution_cfg=distribution)
    critic = MLPModel(example, groups, "critic", 1, HIDDEN_DIMS)
    storage = RolloutStorage("rl", NUM_ENVS, NUM_STEPS, example, [NUM_ACTIONS])
    algorithm = PPO(actor, critic, storage, use_mixed_precision=precision == "bfloat16")

    @torch.inference_mode()
    def act(obs: torch.Tensor) -> torch.Tensor:
        return algorithm.act(wrap(obs))

    @torch.inference_mode()
    def process(next_obs: torch.Tensor, rewards: torch.Tensor, dones: torch.Tensor, time_outs: torch.Tensor) -> None:
        algorithm.process_env_step(wrap(next_obs), rewards, dones, {"time_outs": time_outs})

    @torch.inference_mode()
    def returns(last_obs: torch.Tensor) -> None:
        algorithm.compute_returns(wrap(last_obs))

    return act, process, returns, algorithm.update


def iterate(learner: Learner, rollout: Rollout) -> Dict[str, float]:
    """Run one learning iteration and return the seconds of its phases."""
    act, process, returns, update = learner
    times = [time.perf_counter()]
    for step in range(NUM_STEPS):
        act(rollout["obs"][step])
        outcome = (rollout[name][step] for name in ("rewards", "dones", "time_outs"))
        process(rollout["obs"][step + 1], *outcome)
    times.append(time.perf_counter())
    returns(rollout["obs"][-1])
    times.append(time.perf_counter())
    update()
    times.append(time.perf_counter())
    return {phase: end - start for phase, start, end in zip(PHASES, times, times[1:])}


def serve(contender: str) -> None:
    """Run an iteration for every line on standard input, and answer with its times."""
    name, precision = contender.split("_")
    torch.manual_seed(1)
    learner = make_ours(precision) if name == "ours" else make_reference(precision)
    rollout = make_rollout()
    iterate(learner, rollout)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(iterate(learner, rollout)), flush=True)


def ask(worker: subprocess.Popen[str]) -> Dict[str, float]:
    """Let a worker run one iteration."""
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())


def measure(rounds: int) -> Dict[str, List[Dict[str, float]]]:
    """Return the times of every contender in every round."""
    workers = {}
    for contender in CONTENDERS:
        command = [sys.executable, os.path.abspath(__file__), "--worker", contender]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        if worker.stdout.readline().strip() != "ready":
            sys.exit(f"error: {contender} did not start, see above")
        workers[contender] = worker
    results: Dict[str, List[Dict[str, float]]] = {contender: [] for contender in CONTENDERS}
    for _ in range(rounds):
        for contender, worker in workers.items():
            results[contender].append(ask(worker))
    for worker in workers.values():
        worker.communicate()
    return results


def summarize(results: Dict[str, List[Dict[str, float]]]) -> Dict[str, Any]:
    """Turn times into medians, and into ratios to the reference in float32 (above 1: faster than it)."""
    seconds = {
        contender: {
            **{phase: statistics.median(run[phase] for run in runs) for phase in PHASES},
            "total": statistics.median(sum(run.values()) for run in runs),
        }
        for contender, runs in results.items()
    }
    reference = seconds["reference_float32"]
    ratios = {
        contender: {key: round(reference[key] / own[key], 2) for key in ("update", "total")}
        for contender, own in seconds.items()
    }
    return {
        "torch": torch.__version__,
        "rsl_rl_lib": importlib.metadata.version("rsl-rl-lib"),
        "threads": torch.get_num_threads(),
        "rounds": len(results[CONTENDERS[0]]),
        "seconds": {c: {key: round(value, 4) for key, value in own.items()} for c, own in seconds.items()},
        "speed_relative_to_reference_float32": ratios,
    }


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="iterations of every contender (7)")
    parser.add_argument("--json", metavar="FILE", help="also write the result to FILE")
    parser.add_argument("--worker", choices=CONTENDERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        serve(args.worker)
        return
    result = json.dumps(summarize(measure(args.rounds)), indent=2)
    print(result)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            file.write(result + "\n")


if __name__ == "__main__":
    main()
