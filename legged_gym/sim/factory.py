"""The physics backends: their names, which of them runs where, and how one is made. No other is imported then."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Optional, Tuple, Union

from legged_gym.errors import UserError
from rsl_rl.utils.errors import near_matches

if TYPE_CHECKING:  # command lines read the names alone
    import torch

    from legged_gym.sim.simulator import Simulator
    from legged_gym.sim.spec import SimSpec

BACKENDS = {
    "mujoco": "legged_gym.sim.mujoco_cpu:MujocoCpuSimulator",
    "mujoco_warp": "legged_gym.sim.mujoco_warp:MujocoWarpSimulator",
    "isaacgym": "legged_gym.sim.isaacgym:IsaacGymSimulator",
}
"""Where a backend's class is; it takes a `SimSpec`, the number of environments, a device and `deterministic`."""

SIMULATORS = ("auto", *BACKENDS)
"""What can be asked for."""


def make_simulator(
    spec: SimSpec,
    num_envs: int,
    sim: str = "auto",
    device: Union[str, torch.device, None] = None,
    deterministic: bool = False,
) -> Simulator:
    """Make N environments of a world.

    Args:
        spec: the world.
        num_envs: N.
        sim: see `choose`.
        device: where the tensors live; None for the backend's own choice.
        deterministic: same bits in every run, where the backend would not give them anyway.

    Raises:
        UserError: the backend is unknown, not installed or cannot use the device.
    """
    name, place = choose(sim, None if device is None else str(device))
    if name != "isaacgym":
        _check_mujoco()
    module, _, kind = BACKENDS[name].partition(":")
    simulator: Simulator = getattr(importlib.import_module(module), kind)(spec, num_envs, place, deterministic)
    return simulator


def chosen_early(sim: str) -> str:
    """The name of a backend, where a command line is read: NVIDIA's package wants to be imported before torch."""
    if sim == "isaacgym":
        with contextlib.suppress(ImportError):  # `choose` says so
            importlib.import_module("isaacgym")
    return sim


def has_warp() -> bool:
    """Whether MuJoCo Warp is installed."""
    return importlib.util.find_spec("mujoco_warp") is not None


def choose(sim: str, device: Optional[str] = None) -> Tuple[str, str]:
    """A backend and a torch device for it.

    Args:
        sim: 'mujoco' (CPU), 'mujoco_warp' (NVIDIA GPU; on a CPU for tests), 'isaacgym' (NVIDIA's package) or 'auto':
            mujoco_warp where a GPU and the package are there and no other device is asked for, else mujoco.
        device: what is asked for.

    Raises:
        UserError: the backend is unknown, not installed or cannot use the device.
    """
    import torch

    if sim not in SIMULATORS:
        raise UserError(f"unknown simulator '{sim}'; {near_matches(sim, SIMULATORS)}")
    gpu, asks_for_gpu = torch.cuda.is_available(), device is not None and device.startswith("cuda")
    if asks_for_gpu and not gpu:
        raise UserError(f"device {device} was asked for, but PyTorch finds no CUDA GPU here; use device cpu")
    if sim == "auto":
        sim = "mujoco_warp" if asks_for_gpu or (device is None and gpu and has_warp()) else "mujoco"
    if sim == "isaacgym" and "isaacgym" not in sys.modules and importlib.util.find_spec("isaacgym") is None:
        raise UserError(
            "--sim=isaacgym: there is no package isaacgym here; install NVIDIA's Isaac Gym Preview 4 (Python 3.8), or"
            " use --sim=mujoco"
        )
    if sim == "mujoco" and device not in (None, "cpu"):
        raise UserError(f"--sim=mujoco computes on the CPU, not on {device}; use --sim=mujoco_warp or --sim_device=cpu")
    if sim == "mujoco_warp" and not has_warp():
        raise UserError(
            "--sim=mujoco_warp: it is not installed; pip install -e '.[gpu]' in the repository, or use --sim=mujoco"
        )
    return sim, device or ("cuda" if gpu and sim != "mujoco" else "cpu")


def _check_mujoco() -> None:
    try:
        version = metadata.version("mujoco")
    except metadata.PackageNotFoundError:
        raise UserError("MuJoCo is not installed: pip install 'mujoco>=4.0' (Python 3.11 or newer)") from None
    if int(version.split(".")[0]) < 4:
        raise UserError(f"MuJoCo {version} is too old, 4.0 is needed: pip install 'mujoco>=4.0' (Python 3.11 or newer)")
