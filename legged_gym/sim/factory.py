"""Chooses a physics backend and imports it, and no other."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from typing import Any, Optional, Union

import torch

from legged_gym.errors import UserError
from legged_gym.sim.simulator import Simulator
from rsl_rl.utils.errors import near_matches

BACKENDS = ("mujoco", "mujoco_warp")


def make_simulator(
    cfg: Any,
    num_envs: int,
    sim: str = "auto",
    device: Union[str, torch.device, None] = None,
    ground: Optional[Any] = None,
    num_obstacles: int = 0,
    deterministic: bool = False,
) -> Simulator:
    """Make the simulator of an environment config.

    Args:
        cfg: an environment config.
        num_envs: N.
        sim: 'mujoco' (CPU), 'mujoco_warp' (NVIDIA GPU; on a CPU for tests) or 'auto': mujoco_warp where a GPU and the
            package are there and no other device is asked for, else mujoco.
        device: where the tensors live; None for the backend's own choice.
        ground: height field or None for a plane, see `model.build_model`.
        num_obstacles: boxes that every environment can place.
        deterministic: same bits in every run, where the backend would not give them anyway.

    Raises:
        UserError: the backend is unknown, not installed or cannot use the device.
    """
    place = None if device is None else torch.device(device)
    if place is not None and place.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"device {place} was asked for, but PyTorch finds no CUDA GPU here; use device cpu")
    backend = _choose(sim, place)
    _check_mujoco()
    if backend == "mujoco":
        if place is not None and place.type != "cpu":
            raise UserError(f"sim mujoco runs on the CPU, not on {place}; use sim mujoco_warp, or device cpu")
        from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator

        return MujocoCpuSimulator(cfg, num_envs, ground, num_obstacles)
    if importlib.util.find_spec("mujoco_warp") is None:
        raise UserError("sim mujoco_warp needs the package mujoco_warp: pip install -e '.[gpu]' in the repository")
    from legged_gym.sim.mujoco_warp import MujocoWarpSimulator

    name = str(place or ("cuda" if torch.cuda.is_available() else "cpu"))
    return MujocoWarpSimulator(cfg, num_envs, name, ground, num_obstacles, deterministic)


def _choose(sim: str, device: Optional[torch.device]) -> str:
    if sim == "auto":
        if device is not None and device.type == "cuda":
            return "mujoco_warp"
        gpu = device is None and torch.cuda.is_available()
        return "mujoco_warp" if gpu and importlib.util.find_spec("mujoco_warp") is not None else "mujoco"
    if sim not in BACKENDS:
        raise UserError(f"unknown simulator '{sim}'; {near_matches(sim, ('auto', *BACKENDS))}")
    return sim


def _check_mujoco() -> None:
    try:
        version = metadata.version("mujoco")
    except metadata.PackageNotFoundError:
        raise UserError("MuJoCo is not installed: pip install 'mujoco>=4.0' (Python 3.11 or newer)") from None
    if int(version.split(".")[0]) < 4:
        raise UserError(f"MuJoCo {version} is too old, 4.0 is needed: pip install 'mujoco>=4.0' (Python 3.11 or newer)")
