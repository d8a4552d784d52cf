"""How an observation is put together from its terms: the layout of a group, which exported policies carry.

A frame of a term is its value as the policy sees it: within its clip, scaled, with noise. A term with a history shows
its last frames, so noise is drawn once for each; one that is held shows the frame of an earlier step.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Union

import torch
from torch import Tensor

from legged_gym.envs.base.table_entries import ObsTerm
from legged_gym.errors import UserError


def make_group(
    group: str, entries: Mapping[str, ObsTerm], shapes: Mapping[str, Sequence[int]], noise_level: float
) -> Union[ObservationGroup, ImageGroup]:
    """The layout of a group from the shapes of its terms: a vector, or one image by itself.

    Args:
        group: name of the group, for errors.
        entries: term name -> entry, in order.
        shapes: term name -> shape of one environment's value.
        noise_level: factor on every noise; 0 for none.

    Raises:
        UserError: the group is empty, an image is not alone in it, or an entry does not fit its term.
    """
    if not entries:
        raise UserError(f"observations.{group} has no terms: remove the group or give it one")
    images = [name for name in entries if len(shapes[name]) > 1]
    if not images:
        return ObservationGroup(group, entries, {name: shapes[name][0] for name in entries}, noise_level)
    if len(entries) > 1:
        raise UserError(f"observations.{group}.{images[0]} is an image: give it a group of its own")
    return ImageGroup(group, images[0], entries[images[0]], shapes[images[0]])


class ImageGroup:
    """A group that is one image; its noise is the sensor's business.

    Attributes:
        names: the one term.
        shape: (channels, rows, columns).
        table: term -> entry.
        frame_sizes: the number of pixels, of the one term.
    """

    def __init__(self, group: str, name: str, entry: ObsTerm, shape: Sequence[int]) -> None:
        """Take the term.

        Raises:
            UserError: the entry asks for more than a scale.
        """
        more = entry.noise != 0.0 or entry.clip is not None or entry.remembers
        if not isinstance(entry.scale, (int, float)) or more:
            raise UserError(f"observations.{group}.{name} is an image: it takes a scale, one number, and nothing else")
        self.names, self.shape = [name], tuple(int(size) for size in shape)
        self.frame_sizes = [int(torch.Size(self.shape).numel())]
        self.table, self._scale = {name: entry}, float(entry.scale)

    def to(self, device: torch.device) -> ImageGroup:
        """Nothing to move; returns self."""
        return self

    def assemble(self, raw: Dict[str, Tensor], limit: float, generator: torch.Generator) -> Tensor:
        """The image (N, channels, rows, columns), scaled and within +-`limit`; the arguments are those of vectors."""
        return raw[self.names[0]].mul(self._scale).clamp_(-limit, limit)

    def layout(self) -> List[Dict[str, Any]]:
        """As `ObservationGroup.layout`; the size is the number of pixels."""
        return [_row_of(self.names[0], self.frame_sizes[0], self.table[self.names[0]])]


class ObservationGroup:
    """The layout of one observation vector and how it is put together from raw terms.

    Attributes:
        names: terms in order.
        sizes: their widths, of all frames together.
        shape: (total width,).
        table: term -> entry.
        frame_sizes: widths of one frame of each term.
    """

    def __init__(self, group: str, table: Mapping[str, ObsTerm], sizes: Mapping[str, int], noise_level: float) -> None:
        """Lay out the vector.

        Args:
            group: name of the group, for errors.
            table: term name -> entry, in order.
            sizes: term name -> width of a frame.
            noise_level: factor on every noise; 0 for none.

        Raises:
            UserError: a list of scales or noises does not fit its term.
        """
        self.group = group
        self.table = dict(table)
        self.names: List[str] = list(table)
        self.frame_sizes: List[int] = [sizes[name] for name in self.names]
        self.sizes: List[int] = [sizes[name] * entry.history for name, entry in table.items()]
        self.shape = (sum(self.sizes),)
        scale = torch.cat([self._row(name, "scale", entry.scale, sizes[name]) for name, entry in table.items()])
        noise = torch.cat([self._row(name, "noise", entry.noise, sizes[name]) for name, entry in table.items()])
        self._scale = scale
        self._noise = noise_level * noise * scale.abs()
        self._noisy = bool((self._noise != 0).any())
        # without noise on the last terms no random numbers are drawn for them
        self._noisy_dim = int(torch.nonzero(self._noise).max()) + 1 if self._noisy else 0
        gaussian = [entry.gaussian for name, entry in table.items() for _ in range(sizes[name])]
        self._gaussian = torch.tensor(gaussian)[: self._noisy_dim]
        self._kinds = {bool(kind) for kind in self._gaussian[self._noise[: self._noisy_dim] != 0]}

    def _row(self, name: str, field: str, value: Any, size: int) -> Tensor:
        row = torch.as_tensor(value, dtype=torch.float32).flatten()
        if len(row) not in (1, size):
            raise UserError(f"observations.{self.group}.{name}.{field} has {len(row)} values, the term has {size}")
        return row.expand(size)

    def to(self, device: torch.device) -> ObservationGroup:
        """Move the scales to a device; returns self."""
        self._scale, self._noise = self._scale.to(device), self._noise.to(device)
        self._gaussian = self._gaussian.to(device)
        return self

    def assemble(self, raw: Dict[str, Tensor], limit: float, generator: torch.Generator) -> Tensor:
        """Put the newest frames together: clip, scale, add noise, clip to the overall limit.

        Args:
            raw: term name -> (N, k), unscaled.
            limit: bound of the result.
            generator: source of the noise.

        Returns:
            (N, sum of `frame_sizes`).
        """
        parts = []
        for name in self.names:
            clip = self.table[name].clip
            low, high = (-clip, clip) if isinstance(clip, (int, float)) else clip or (None, None)
            parts.append(raw[name] if clip is None else raw[name].clamp(low, high))
        out = torch.cat(parts, dim=1).mul_(self._scale)
        if self._noisy:
            noise = self._draw(len(out), generator)
            out[:, : self._noisy_dim].addcmul_(noise, self._noise[: self._noisy_dim])
        return out.clamp_(-limit, limit)

    def _draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise (N, noisy columns) of size 1: uniform in [-1, 1], or normal."""
        shape, device = (count, self._noisy_dim), self._scale.device
        normal = torch.randn(shape, generator=generator, device=device) if True in self._kinds else None
        if False not in self._kinds and normal is not None:
            return normal
        uniform = torch.empty(shape, device=device).uniform_(-1.0, 1.0, generator=generator)
        return uniform if normal is None else torch.where(self._gaussian, normal, uniform)

    def layout(self) -> List[Dict[str, Any]]:
        """One dict a term, in order: name, size and the fields of its table entry; goes with exported policies."""
        return [_row_of(name, size, self.table[name]) for name, size in zip(self.names, self.sizes)]


def _row_of(name: str, size: int, entry: ObsTerm) -> Dict[str, Any]:
    fields = {key: value for key, value in entry.to_dict().items() if key not in entry.TIMES}
    return dict(name=name, size=size, **fields, **entry.times())
