"""Which places on a map are edges, where a foot would slip off."""

from __future__ import annotations

from typing import Optional, Union

import torch

from legged_gym.terrain import Terrain


class EdgeMap:
    """Answers whether points of the ground are close to a drop; see `Terrain.edge_mask`."""

    def __init__(
        self, terrain: Optional[Terrain], margin: float, drop: float, device: Union[str, torch.device] = "cpu"
    ) -> None:
        """Find the edges of a map.

        Args:
            terrain: the map; None for a plane, which has none.
            margin: m from a drop, within which a point counts.
            drop: m, drops that are higher make edges.
            device: where queries come from.
        """
        self._mask: Optional[torch.Tensor] = None
        if terrain is not None:
            self._mask = torch.as_tensor(terrain.edge_mask(margin, drop), device=device)
            self._border, self._cell = terrain.border_size, terrain.horizontal_scale

    def __call__(self, xy: torch.Tensor) -> torch.Tensor:
        """Look points (..., 2) up, m in the frame of the map; returns (...) bool, by the nearest vertex."""
        if self._mask is None:
            return torch.zeros(xy.shape[:-1], dtype=torch.bool, device=xy.device)
        cells = ((xy + self._border) / self._cell).round().long()
        rows, cols = (cells[..., axis].clamp(0, size - 1) for axis, size in enumerate(self._mask.shape))
        return self._mask[rows, cols]
