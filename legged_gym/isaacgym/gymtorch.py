"""State tensors as the API hands them out (descriptors) and as torch has them; both on the same memory."""

from __future__ import annotations

from typing import Any, Optional, Sequence, Tuple, Union

import torch


class Tensor:
    """Describes a torch tensor, and keeps it alive."""

    own_data = False

    def __init__(self, tensor: torch.Tensor) -> None:
        self.torch = tensor

    shape = property(lambda self: tuple(self.torch.shape))
    ndim = property(lambda self: self.torch.ndim)
    dtype = property(lambda self: self.torch.dtype)
    device = property(lambda self: -1 if self.torch.device.type == "cpu" else self.torch.device.index or 0)
    data_ptr = data_address = property(lambda self: self.torch.data_ptr())


def wrap_tensor(
    gym_tensor: Union[Tensor, torch.Tensor],
    offsets: Optional[Sequence[int]] = None,
    counts: Optional[Tuple[int, ...]] = None,
) -> torch.Tensor:
    """The torch tensor of a descriptor: the whole, or `counts` of it from `offsets` on."""
    tensor = as_torch(gym_tensor)
    if counts is None and offsets is None:
        return tensor
    begins = list(offsets or [0] * tensor.ndim)
    if counts is not None and len(counts) != tensor.ndim:
        return tensor.view(*counts)
    ends = [begin + size for begin, size in zip(begins, counts)] if counts is not None else list(tensor.shape)
    return tensor[tuple(slice(begin, end) for begin, end in zip(begins, ends))]


def unwrap_tensor(torch_tensor: torch.Tensor) -> Tensor:
    """A descriptor of a torch tensor, of any strides."""
    return Tensor(torch_tensor)


def as_torch(tensor: Any) -> torch.Tensor:
    """The torch tensor of a descriptor, or the tensor itself."""
    return tensor.torch if isinstance(tensor, Tensor) else tensor
