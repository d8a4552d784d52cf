"""Choosing a backend."""

from __future__ import annotations

from typing import Any, Optional

from legged_gym.sim.simulator import Simulator


def make_simulator(cfg: Any, num_envs: int, sim: str = "auto", device: Optional[str] = None, ground: Optional[Any] = None, num_obstacles: int = 0, deterministic: bool = False) -> Simulator:
    """Make a simulator."""
    from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator

    return MujocoCpuSimulator(cfg, num_envs, ground, num_obstacles)
