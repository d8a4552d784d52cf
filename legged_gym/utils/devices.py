"""Which engine and which devices a run uses, and its random numbers."""

from __future__ import annotations

import os
import random
import re
from dataclasses import replace
from typing import Optional

import torch

from legged_gym.errors import UserError
from legged_gym.sim.factory import choose, has_warp
from legged_gym.utils.options import Options
from rsl_rl.utils.checkpoint import seed_everything
from rsl_rl.utils.distributed import Distributed

_LARGEST_DRAWN_SEED = 9999


def resolve_devices(options: Options) -> Options:
    """Settle engine and devices, and join the group of processes that torchrun has started, if any.

    The networks go to the GPU if there is one. The physics goes there too, with MuJoCo Warp, unless the options say
    otherwise. In a group every process takes the GPU of its own number.

    Raises:
        UserError: for a device that is unknown or not there, an engine that does not run on it, or ``--multi_gpu``
            without a group.
    """
    if options.distributed is not None:
        return options
    if options.multi_gpu and os.environ.get("WORLD_SIZE", "1") in ("", "0", "1"):
        raise UserError("--multi_gpu needs several processes: torchrun --nproc_per_node=<GPUs> <this script> <flags>")
    wish = _wished(options.device)
    best = "cuda:0" if torch.cuda.is_available() else "cpu"
    rl_device = _checked("--rl_device", options.rl_device or wish or best)
    asked = options.sim_device
    if asked is None and (wish == "cpu" or (options.sim != "mujoco" and has_warp())):
        asked = wish
    sim, place = choose(options.sim, asked and _checked("--sim_device", asked))
    sim_device = _checked("--sim_device", place)
    distributed = Distributed.from_environment(rl_device)
    if sim_device != "cpu" and distributed.world_size > 1:
        sim_device = f"cuda:{distributed.local_rank}"
    rl_device = str(distributed.device)
    return replace(options, sim=sim, sim_device=sim_device, rl_device=rl_device, device=None, distributed=distributed)


def _wished(device: Optional[str]) -> Optional[str]:
    """``--device``, which unlike the other two stands for "if there is one": else all is on the CPU, with a warning."""
    if device is not None and device.startswith("cuda") and not torch.cuda.is_available():
        print(f"warning: --device={device}: PyTorch sees no GPU, so this runs on the CPU; --num_envs=512 suits it")
        return "cpu"
    return device


def draw_seed(distributed: Distributed) -> int:
    """Draw a seed in 0..9999, the same on all processes of the group, and print it."""
    seed: int = distributed.broadcast_object(random.SystemRandom().randint(0, _LARGEST_DRAWN_SEED))
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
