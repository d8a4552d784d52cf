"""Columns of observations that an encoder tells in the place of what is observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import torch

from rsl_rl.utils.errors import RslRlError, near_matches, reject_unknown

Dims = Mapping[str, Tuple[int, ...]]


@dataclass(frozen=True)
class Prediction:
    """One entry of `predicts` of an encoder.

    Attributes:
        group: the observation group.
        name: of the losses.
        first: column of the group.
        end: the column behind the last.
        size: of the group.
        scale: what the outputs are multiplied by.
        within: while a policy is trained, it sees what is observed where the first of the columns is not below this,
            up or down; None: always what is predicted.
    """

    group: str
    name: str
    first: int
    end: int
    size: int
    scale: float
    within: Optional[float]

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.end - self.first

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the group has to be observed."""
        return self.width == self.size

    def of(self, observed: torch.Tensor) -> torch.Tensor:
        """These columns (B, width) of the group (B, size)."""
        return observed[:, self.first : self.end]

    def holds(self, observed: torch.Tensor) -> torch.Tensor:
        """(B, 1) bool: within bounds, if there are any."""
        known = self.of(observed)[:, :1]
        return known.abs() < self.within if self.within is not None else torch.ones_like(known, dtype=torch.bool)

    def put(self, observed: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """The group (B, size) with `told` (B, width) in its place."""
        return torch.cat((observed[:, : self.first], told, observed[:, self.end :]), dim=1)


def read_predictions(section: str, table: Mapping[str, Optional[Mapping[str, Any]]], dims: Dims) -> List[Prediction]:
    """Read `predicts` of an encoder: group -> settings; None drops one of a base configuration.

    Raises:
        RslRlError: an unknown key or group, an image, or columns that the group does not have.
    """
    predictions = []
    for group, settings in table.items():
        if settings is not None:
            predictions.append(_read(f"{section}.{group}", group, dims, **settings))
    return predictions


def _read(
    section: str,
    group: str,
    dims: Dims,
    name: Optional[str] = None,
    columns: Optional[Sequence[int]] = None,
    scale: float = 1.0,
    within: Optional[float] = None,
    **unknown: Any,
) -> Prediction:
    reject_unknown(section, unknown, _read)
    if group not in dims or len(dims[group]) != 1:
        raise RslRlError(f"{section}: there is no flat observation group {group!r}; {near_matches(group, dims)}")
    (size,) = dims[group]
    first, end = (0, size) if columns is None else columns
    if not 0 <= first < end <= size:
        raise RslRlError(f"{section}.columns is [{first}, {end}]; the group has columns 0 to {size}")
    return Prediction(group, name or group, first, end, size, scale, within)
