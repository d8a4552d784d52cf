"""Which engine and which devices a run uses, and its random numbers."""

from __future__ import annotations

import argparse
import os
import random
import re

import torch

from legged_gym.errors import UserError
from legged_gym.sim.factory import choose, has_warp
from rsl_rl.utils.checkpoint import seed_everything
from rsl_rl.utils.distributed import Distributed

_LARGEST_DRAWN_SEED = 9999


def resolve_devices(args: argparse.Namespace) -> Distributed:
    """Settle ``sim``, ``sim_device`` and ``rl_device`` of a command line, in place.

    The networks go to the GPU if there is one. The physics goes there too, with MuJoCo Warp, unless the command line
    says otherwise. In a group started by torchrun every process takes the GPU of its own number.

    Returns:
        The place of this process in its group, which it has joined.

    Raises:
        UserError: for a device that is unknown or not there, an engine that does not run on it, or ``--multi_gpu``
            without a group.
    """
    if getattr(args, "multi_gpu", False) and os.environ.get("WORLD_SIZE", "1") in ("", "0", "1"):
        raise UserError("--multi_gpu needs several processes: torchrun --nproc_per_node=<GPUs> <this script> <flags>")
    _split_device(args)
    best = "cuda:0" if torch.cuda.is_available() else "cpu"
    args.rl_device = _checked("--rl_device", args.rl_device or best)
    asked = args.sim_device and _checked("--sim_device", args.sim_device)
    args.sim, place = choose(args.sim, asked)
    args.sim_device = _checked("--sim_device", place)
    distributed = Distributed.from_environment(args.rl_device)
    args.rl_device = str(distributed.device)
    if args.sim_device != "cpu" and distributed.world_size > 1:
        args.sim_device = f"cuda:{distributed.local_rank}"
    return distributed


def _split_device(args: argparse.Namespace) -> None:
    """Put ``--device`` in the place of the two devices, in place; physics is on the GPU only where the engine can be.

    Unlike they, it stands for "if there is one": without a GPU everything is on the CPU, and a warning says so.
    """
    if args.device is None:
        return
    device, args.device = args.device, None
    if device.startswith("cuda") and not torch.cuda.is_available():
        print(f"warning: --device={device}: PyTorch sees no GPU, so this runs on the CPU; --num_envs=512 suits it")
        device = "cpu"
    args.rl_device = args.rl_device or device
    if device == "cpu" or (args.sim != "mujoco" and has_warp()):
        args.sim_device = args.sim_device or device


def draw_seed(distributed: Distributed) -> int:
    """Draw a seed in 0..9999, the same on all processes of the group, and print it."""
    seed = distributed.broadcast_object(random.SystemRandom().randint(0, _LARGEST_DRAWN_SEED))
    if distributed.is_main:
        print(f"seed       {seed} (drawn)")
    return seed


def set_seed(seed: int, deterministic: bool = False) -> None:
    """Seed python, numpy and torch.

    Args:
        seed: Not negative.
        deterministic: Also make torch choose algorithms that repeat bit for bit; it warns where it has none.
    """
    os.environ["PYTHONHASHSEED"] = str(seed)  # for child processes; this one has read it long ago
    seed_everything(seed)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)


def _checked(flag: str, device: str) -> str:
    """Return the device in full ("cuda" is "cuda:0") if it is there."""
    match = re.fullmatch(r"cpu|cuda(?::(\d+))?", device)
    if not match:
        raise UserError(f"{flag}={device}: expected cpu, cuda or cuda:<number>")
    if device == "cpu":
        return device
    index, count = int(match.group(1) or 0), torch.cuda.device_count()
    if index >= count:
        found = f"PyTorch sees {count} (cuda:0 .. cuda:{count - 1})" if count else "PyTorch sees no GPU; use cpu"
        raise UserError(f"{flag}={device}: there is no such GPU, {found}")
    return f"cuda:{index}"
