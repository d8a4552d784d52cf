"""From the device to the CPU, in one way, so that waits for the device can be counted."""

from __future__ import annotations

import math
from typing import Optional, Union

import numpy as np
import torch
from torch import Tensor


def on_host(*tensors: Tensor) -> np.ndarray:
    """Copies (k, N) of k tensors (N,) of one type for the CPU to read; the device finishes its work first."""
    return torch.stack(tensors).cpu().numpy()


def indices(mask: np.ndarray, device: Union[str, torch.device]) -> Tensor:
    """Where a mask (N,) on the CPU is true, (n,) int64 on the device, without waiting for it."""
    return torch.from_numpy(np.flatnonzero(mask)).to(device, non_blocking=True)


class HostCopy:
    """Values of a tensor (N,) for the CPU to read, which waits for the device only where they have changed."""

    def __init__(self) -> None:
        self._tensor: Optional[Tensor] = None

    def of(self, tensor: Tensor) -> np.ndarray:
        """The values."""
        if tensor is not self._tensor or _version(tensor) != self._version:
            self.know(tensor, on_host(tensor)[0])
        return self._values

    def know(self, tensor: Tensor, values: np.ndarray) -> None:
        """Values that were copied before."""
        self._tensor, self._version, self._values = tensor, _version(tensor), values


def _version(tensor: Tensor) -> float:
    """How often a tensor was written to; NaN, which is unlike itself, for one that does not count."""
    return math.nan if tensor.is_inference() else tensor._version
