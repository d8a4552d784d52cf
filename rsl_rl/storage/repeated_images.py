"""Images of a batch of samples, many of which show the same picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import torch


@dataclass(frozen=True, eq=False)
class RepeatedImages:
    """B images, of which F are different: a camera is slower than a policy, which sees each picture several times.

    A network computes what depends on a picture alone (its convolutions) F times instead of B times, and looks up the
    result with `index`.

    Attributes:
        frames: (F, C, H, W).
        index: (B,) int64, the frame that each sample sees.
    """

    frames: torch.Tensor
    index: torch.Tensor

    @property
    def shape(self) -> Tuple[int, ...]:
        """(B, C, H, W), as if each sample had an image of its own."""
        return (len(self.index), *self.frames.shape[1:])

    def expand(self) -> torch.Tensor:
        """Return the images (B, C, H, W) one by one."""
        return self.frames.index_select(0, self.index)
