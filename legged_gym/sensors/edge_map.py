"""Which places on a map are edges, where a foot would slip off."""

from __future__ import annotations

from typing import Optional, Union

import torch

from legged_gym.terrain import HeightMap


class EdgeMap:
    """Answers whether points of the ground are close to a drop; see `HeightMap.edge_mask`."""

    def __init__(
        self, height_map: Optional[HeightMap], margin: float, drop: float, device: Union[str, torch.device] = "cpu"
    ) -> None:
        """Find the edges of a map.

        Args:
            height_map: the ground; None for a plane, which has none.
            margin: m from a drop, within which a point counts.
            drop: m, drops that are higher make edges.
            device: where queries come from.
        """
        self._mask: Optional[torch.Tensor] = None
        if height_map is not None:
            self._mask = torch.as_tensor(height_map.edge_mask(margin, drop), device=device)
            self._origin = torch.tensor(height_map.origin, dtype=torch.float32, device=device)
            self._cell = height_map.horizontal_scale

    def __call__(self, xy: torch.Tensor) -> torch.Tensor:
        """Look points (..., 2) up, m in the frame of the map; returns (...) bool, by the nearest vertex."""
        if self._mask is None:
            return torch.zeros(xy.shape[:-1], dtype=torch.bool, device=xy.device)
        cells = ((xy - self._origin) / self._cell).round().long()
        rows, cols = (cells[..., axis].clamp(0, size - 1) for axis, size in enumerate(self._mask.shape))
        return self._mask[rows, cols]
