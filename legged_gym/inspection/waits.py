"""How often a program waits for its device, which on a GPU costs more than most of the work between two waits."""

from __future__ import annotations

import functools
import os
import sys
from collections import Counter
from types import FrameType
from typing import Any, Callable, Dict, Optional, Tuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from legged_gym import LEGGED_GYM_ROOT_DIR

# what reads a number on the device, or has a size that depends on one
_OPERATIONS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero"}
# operations that take indices; a mask among them becomes indices first
_INDEXING = {"index", "index_put_", "index_put", "_index_put_impl_"}
# what copies between device and host; where both are the CPU, torch does nothing that could be seen below these
_COPIES: Tuple[Tuple[Any, str], ...] = (
    (torch.Tensor, "cpu"),
    (torch.Tensor, "tolist"),
    (torch, "tensor"),
    (torch, "as_tensor"),
)


class Waits(TorchDispatchMode):
    """While entered, counts what would wait for a GPU; on a CPU too, which stands for one.

    Attributes:
        seen: name of an operation -> how often.
        places: "file:line" of this repository that asked for it -> how often.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: Dict[str, int] = Counter()
        self.places: Dict[str, int] = Counter()
        self._originals: Dict[Tuple[Any, str], Callable[..., Any]] = {}
        self._within = False

    def __enter__(self) -> Waits:
        """Begin to count."""
        for owner, name in _COPIES:
            self._originals[owner, name] = original = getattr(owner, name)
            setattr(owner, name, self._counted(name, original))
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        """End."""
        super().__exit__(*error)
        for (owner, name), original in self._originals.items():
            setattr(owner, name, original)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.seen.values())

    def _counted(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def count(*args: Any, **kwargs: Any) -> Any:
            self._note(name)
            self._within = True
            try:
                return original(*args, **kwargs)
            finally:
                self._within = False

        return count

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count an operation, and do it."""
        name = func.overloadpacket.__name__
        masks = name in _INDEXING and any(index is not None and index.dtype == torch.bool for index in args[1])
        if (name in _OPERATIONS or masks) and not self._within:
            self._note(name)
        return func(*args, **(kwargs or {}))

    def _note(self, name: str) -> None:
        self.seen[name] += 1
        self.places[_caller()] += 1


def _caller() -> str:
    """The innermost line of this repository, but for those that copy on behalf of others."""
    frame: Optional[FrameType] = sys._getframe(2)
    while frame is not None:
        file = os.path.relpath(frame.f_code.co_filename, LEGGED_GYM_ROOT_DIR)
        if file.startswith(("legged_gym", "rsl_rl")) and file not in _OWN_FILES:
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return "elsewhere"


_OWN_FILES = {os.path.join("legged_gym", "inspection", "waits.py"), os.path.join("legged_gym", "host.py")}
