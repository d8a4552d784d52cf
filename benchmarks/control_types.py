"""Times `env.step` of `a1_flat` with torques from the engine and from torch, in turns in one process.

    python benchmarks/control_types.py [--envs 512] [--rounds 8]

- P: the engine's own PD controller, one call for all sub-steps of a policy step;
- filter: the same with `target_filter`, a call for every sub-step;
- T: torques from the policy, all zero, a call for every sub-step;
- net: an actuator network, `resources/actuator_nets/a1.pt`.

Robots have episodes of all ages and random actions of standard deviation 0.5. Seconds are those of one thread of the
CPU, which other programs hardly disturb. A ratio is the median over the rounds of the seconds of P by those of another.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import Any, Dict, List

import torch

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.inspection.benchmarking import mix_ages
from legged_gym.utils.task_registry import task_registry

STEPS = 12
NETWORK = "{LEGGED_GYM_ROOT_DIR}/resources/actuator_nets/a1.pt"
KINDS: Dict[str, Dict[str, Any]] = {
    "P": {},
    "filter": {"target_filter": 0.5},
    "T": {"control_type": "T"},
    "net": {"control_type": "actuator_net", "actuator_net_file": NETWORK},
}


def make(kind: str, envs: int) -> Any:
    """An environment of `a1_flat` under a kind of control, with episodes of all ages."""
    cfg, _ = task_registry.get_cfgs("a1_flat")
    cfg.env.num_envs, cfg.sim.num_threads = envs, 1
    for name, value in KINDS[kind].items():
        setattr(cfg.control, name, value)
    env, _ = task_registry.make_env("a1_flat", env_cfg=cfg)
    mix_ages(env)
    return env


@torch.no_grad()
def measure(envs: int, rounds: int) -> Dict[str, List[float]]:
    """CPU seconds of a step of each kind, by rounds; a round before them is not counted."""
    worlds = {kind: make(kind, envs) for kind in KINDS}
    generator = torch.Generator().manual_seed(0)
    actions = 0.5 * torch.randn(STEPS, envs, 12, generator=generator)
    found: Dict[str, List[float]] = {kind: [] for kind in KINDS}
    for turn in range(rounds + 1):
        for kind, env in worlds.items():
            began = time.process_time()
            for action in actions:
                env.step(action if kind != "T" else torch.zeros_like(action))
            if turn > 0:
                found[kind].append((time.process_time() - began) / STEPS)
    return found


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=int, default=512, help="robots (512)")
    parser.add_argument("--rounds", type=int, default=8, help="(8)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(args.envs, args.rounds)
    for kind, seconds in found.items():
        low, middle, high = statistics.quantiles([p / own for p, own in zip(found["P"], seconds)], n=4)
        speed = args.envs / statistics.median(seconds)
        print(f"{kind:<8}{speed:>10,.0f} steps a second, {middle:.3f} of P ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
