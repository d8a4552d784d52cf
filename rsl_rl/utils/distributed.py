"""Training with several processes, one per GPU (or several on a CPU), started by `torchrun`.

Every process owns its environments and a full copy of the networks. Gradients are averaged before each optimiser step,
so all copies stay equal; rank 0 logs. A program started without `torchrun` gets an object of world size 1 whose
collectives do nothing, so callers need no second code path:

    distributed = Distributed.from_environment("cuda:0")    # before the environments are made: it names the device
    env = make_env(device=distributed.device, seed=distributed.seed(1))
    ...
    distributed.close()

`torchrun` describes the group by the environment variables RANK, LOCAL_RANK and WORLD_SIZE, and the meeting point by
MASTER_ADDR and MASTER_PORT.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, TypeVar

import torch
import torch.distributed as dist

from rsl_rl.utils.errors import RslRlError

T = TypeVar("T")

# Seeds of neighbouring ranks are this far apart, because environments may add their own small index to a seed.
_SEED_STRIDE = 1_000_003


class LostProcessError(RslRlError):
    """Another process of the group has ended without a word."""


class Distributed:
    """One process of a group: who it is, which device it uses, and the collectives training needs.

    Construction only describes a process; `from_environment` also joins its group.

    Attributes:
        rank: number of this process in the whole group, 0 .. world_size - 1.
        local_rank: number of this process on its machine.
        world_size: processes in the group.
        device: where this process computes.
    """

    def __init__(self, device: str = "cpu", rank: int = 0, local_rank: int = 0, world_size: int = 1) -> None:
        self.rank = rank
        self.local_rank = local_rank
        self.world_size = world_size
        self.device = torch.device(device)

    @classmethod
    def from_environment(cls, device: str = "cpu") -> Distributed:
        """Join the group that `torchrun` describes, or stand alone when there is none.

        Args:
            device: the wish of the user. In a group any "cuda..." becomes "cuda:<local rank>".

        Raises:
            RslRlError: RANK is missing or bad, or this machine has fewer GPUs than processes.
        """
        world_size = _integer_variable("WORLD_SIZE", 1)
        if world_size <= 1:
            return cls(device)
        rank, local_rank = _integer_variable("RANK"), _integer_variable("LOCAL_RANK")
        on_gpu = device.startswith("cuda")
        if on_gpu:
            if local_rank >= torch.cuda.device_count():
                raise RslRlError(
                    f"process {local_rank} of this machine has no GPU: {torch.cuda.device_count()} found; "
                    "lower --nproc_per_node"
                )
            device = f"cuda:{local_rank}"
            torch.cuda.set_device(local_rank)
        if not dist.is_initialized():
            # Optimisers import this module. Imported while a group is there, it keeps the group as a default argument
            # for ever, so that `close` could not end the group's threads, and these abort an interpreter shutting down.
            importlib.import_module("torch.distributed.nn.functional")
            # NCCL is for Linux alone
            backend = "nccl" if on_gpu and dist.is_nccl_available() else "gloo"
            dist.init_process_group(backend, rank=rank, world_size=world_size)
        return cls(device, rank, local_rank, world_size)

    @property
    def is_main(self) -> bool:
        """Whether this process writes logs and the main checkpoint (rank 0)."""
        return self.rank == 0

    def seed(self, base: int) -> int:
        """Seed of this process: `base` itself on rank 0, far from all others elsewhere."""
        return (base + _SEED_STRIDE * self.rank) % 2**32

    def all_reduce_mean_(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace each tensor, in place, by its mean over all ranks.

        The tensors travel as one flat buffer: one collective costs far less than one per parameter. Every rank must
        pass the same shapes in the same order.
        """
        if self.world_size == 1 or not tensors:
            return
        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        with self._exchange():
            dist.all_reduce(flat)
        flat /= self.world_size
        offset = 0
        with torch.no_grad():
            for tensor in tensors:
                tensor.copy_(flat[offset : offset + tensor.numel()].view_as(tensor))
                offset += tensor.numel()

    def broadcast_(self, tensors: Iterable[torch.Tensor]) -> None:
        """Overwrite each tensor, in place, by that of rank 0; for parameters and buffers at the start of a run."""
        if self.world_size == 1:
            return
        with torch.no_grad():
            for tensor in tensors:
                contiguous = tensor.detach().contiguous()
                with self._exchange():
                    dist.broadcast(contiguous, src=0)
                tensor.copy_(contiguous)

    def broadcast_object(self, value: Any) -> Any:
        """Return rank 0's `value` on every rank, e.g. the name of the run folder, which holds the time of day."""
        return self.gather_objects(value)[0]

    def any_rank(self, flag: bool) -> bool:
        """Whether `flag` is set on at least one rank; all ranks get the same answer and so stop together."""
        if self.world_size == 1:
            return flag
        box = torch.tensor([int(flag)], device=self.device)
        with self._exchange():
            dist.all_reduce(box, op=dist.ReduceOp.MAX)
        return bool(box.item())

    def together(self, work: Callable[[], T]) -> T:
        """Do `work`, which may fail on a few ranks alone, and wait for the others.

        Raises:
            RslRlError: something was raised on another rank, so that none waits for one that has gone.
        """
        result: Any = None
        error: Optional[Exception] = None
        try:
            result = work()
        except Exception as raised:
            error = raised
        told = None if error is None else str(error) or type(error).__name__
        failed = [(rank, text) for rank, text in enumerate(self.gather_objects(told)) if text is not None]
        if error is not None:
            raise error
        if failed:
            raise RslRlError(f"process {failed[0][0]}: {failed[0][1]}")
        return result

    def gather_objects(self, value: Any) -> List[Any]:
        """Return the `value` of every rank, in their order; plain data."""
        values = [value] * self.world_size
        if self.world_size > 1:
            with self._exchange():
                dist.all_gather_object(values, value)
        return values

    @contextlib.contextmanager
    def _exchange(self) -> Iterator[None]:
        """Tell in a line that an exchange failed, which it does when the connection to another process is lost."""
        try:
            yield
        except RuntimeError as error:
            other = f"process {1 - self.rank}" if self.world_size == 2 else "another process"
            # "[file.cc:553] Connection closed by peer [127.0.0.1]:2953. This is typically caused by ..."
            reason = re.sub(r"^\[[^]]*\] ", "", str(error).strip()).split(". ")[0].splitlines()[0]
            raise LostProcessError(f"{other} of the training has ended ({reason})") from error

    def close(self) -> None:
        """Leave the group. Collectives of this object must not be used afterwards."""
        if self.world_size > 1 and dist.is_initialized():
            dist.destroy_process_group()


def _integer_variable(name: str, default: int = -1) -> int:
    """Read a non-negative integer that `torchrun` sets; `default` -1 means that it must be there."""
    text = os.environ.get(name)
    if text is None and default >= 0:
        return default
    if text is None or not text.isdigit():
        raise RslRlError(f"environment variable {name} is {text!r}, expected a number; start with torchrun")
    return int(text)
