"""Images in little memory: few bits a pixel, and each picture once, also where a batch of samples shows it often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import torch

from rsl_rl.utils.errors import RslRlError, check_choice

IMAGE_DTYPES = {"uint8": torch.uint8, "float16": torch.float16, "float32": torch.float32}
_LEVELS = 255  # of a uint8, above zero


class ImageFormat:
    """How images are kept.

    Attributes:
        dtype: of the stored pixels. Those of uint8 are 255 equal steps from the low to the high end of the range.
    """

    def __init__(self, storage: str, image_range: Sequence[float]) -> None:
        """Choose a format.

        Args:
            storage: key of `IMAGE_DTYPES`.
            image_range: (low, high), the values that images may have; for uint8 alone.

        Raises:
            RslRlError: unknown format, or an empty range.
        """
        check_choice("algorithm.image_storage", storage, IMAGE_DTYPES)
        if len(image_range) != 2 or not image_range[0] < image_range[1]:
            raise RslRlError(f"algorithm.image_range is {list(image_range)}, expected [low, high]")
        self.dtype = IMAGE_DTYPES[storage]
        self._low, self._high = (float(bound) for bound in image_range)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """Copy float32 images into their stored form, of the same shape.

        Raises:
            RslRlError: a pixel is outside of the range.
        """
        if self.dtype != torch.uint8:
            return images.to(self.dtype, copy=True)
        levels = ((images - self._low) * (_LEVELS / (self._high - self._low))).round_()
        lowest, highest = (bound.item() for bound in levels.aminmax())
        if not (lowest >= 0 and highest <= _LEVELS):  # also where a pixel is no number
            found = [round(level / _LEVELS * (self._high - self._low) + self._low, 3) for level in (lowest, highest)]
            raise RslRlError(
                f"images have values from {found[0]} to {found[1]}, outside of algorithm.image_range "
                f"[{self._low:g}, {self._high:g}]; correct it, or set algorithm.image_storage=float16"
            )
        return levels.to(torch.uint8)

    def decode(self, stored: torch.Tensor) -> torch.Tensor:
        """Turn what is stored back into float32 images."""
        images = stored.float()
        if self.dtype == torch.uint8:
            images.mul_((self._high - self._low) / _LEVELS).add_(self._low)
        return images


class FrameList:
    """The different images of a block under way, in the order of time."""

    def __init__(self, num_envs: int) -> None:
        self._counts = torch.zeros(num_envs, dtype=torch.int32)
        self._current: Optional[torch.Tensor] = None
        self._frames: List[torch.Tensor] = []
        self._owners: List[torch.Tensor] = []

    def add(self, images: torch.Tensor) -> torch.Tensor:
        """Take in the stored form of images (N, C, H, W); returns for each, (N,), which of its environment's it is."""
        if self._current is None:
            changed = torch.ones(len(images), dtype=torch.bool)
        else:
            changed = (images != self._current).flatten(1).any(1)
        self._current = images
        owners = changed.nonzero().squeeze(1)
        if len(owners):
            self._frames.append(images.index_select(0, owners))
            self._owners.append(owners)
            self._counts += changed
        return self._counts - 1

    def finish(self) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return the frames (F, C, H, W), environment after environment, and where those of each, (N,), begin."""
        order = torch.cat(self._owners).argsort(stable=True)
        frames = torch.cat(self._frames).index_select(0, order)
        return frames, (self._counts.cumsum(0) - self._counts).to(torch.int32)


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
