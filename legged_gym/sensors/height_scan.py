"""Heights around a robot: of the ground, read from the height map without rays, and of obstacles that stand on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence, Tuple, Union

import torch

if TYPE_CHECKING:
    from legged_gym.sim.simulator import Simulator
    from legged_gym.terrain import HeightMap

# m, rays that look for obstacles come from this high
_ABOVE = 50.0


class HeightScan:
    """A rectangular grid of points that goes along with each robot and turns with its yaw.

    A point reads the cell that it lies in: the lowest of the vertex at the cell's corner and of that vertex's +x and +y
    neighbours. Cells by truncation; points off the map read its edge. As those minima do not change, they are computed
    once, and a query is one gather.

    Attributes:
        num_points: P, len(points_x) * len(points_y).
        points: (P, 2) m, forward and to the left of the base.
    """

    def __init__(
        self,
        height_map: Optional[HeightMap],
        points_x: Sequence[float],
        points_y: Sequence[float],
        device: Union[str, torch.device] = "cpu",
        sim: Optional[Simulator] = None,
    ) -> None:
        """Lay out the grid and put the map on the device.

        Args:
            height_map: the ground; None for a plane at height 0.
            points_x: places forward of the base, m; the outer loop of the points' order.
            points_y: places to the left, m; the inner loop.
            device: where queries come from.
            sim: whose obstacles count as ground; None where there are none.
        """
        self._sim, self._down = sim, torch.tensor([0.0, 0.0, -1.0], device=device)
        x, y = (torch.tensor(points, dtype=torch.float32, device=device) for points in (points_x, points_y))
        self.points = torch.stack((x.repeat_interleave(len(y)), y.repeat(len(x))), dim=1)
        self.num_points = len(self.points)
        self._flat = height_map is None
        if height_map is None:
            return
        field = torch.as_tensor(height_map.units, device=device)
        lowest = torch.minimum(torch.minimum(field[:-1, :-1], field[1:, :-1]), field[:-1, 1:])
        self._rows, self._cols = lowest.shape
        self._lowest = lowest.flatten()
        self._vertical_scale = height_map.vertical_scale
        # from here on lengths are counted in cells, so that a query need not divide each point
        self._cells_per_metre = 1.0 / height_map.horizontal_scale
        corner = [-place * self._cells_per_metre for place in height_map.origin]
        self._corner = torch.tensor(corner, dtype=torch.float32, device=device)
        self._points_x, self._points_y = (self.points * self._cells_per_metre).t().contiguous()

    def __call__(
        self, positions: torch.Tensor, quats: torch.Tensor, env_ids: Optional[torch.Tensor] = None
    ) -> torch.Tensor:
        """Heights at the grid of every robot.

        Args:
            positions: (N, 2) or (N, 3) base positions in the frame of the map, m.
            quats: (N, 4) base orientations x, y, z, w. Yaw is the rotation about z that is left when x and y are
                dropped, so pitch and roll do not tilt or shrink the grid.
            env_ids: (N,) sorted environments whose obstacles count, None for all.

        Returns:
            (N, P) m above the plane z = 0.
        """
        heights = self._scan(positions, quats)
        return heights if self._sim is None else self._with_obstacles(heights, self.places(positions, quats), env_ids)

    def update(self, heights: torch.Tensor, states: torch.Tensor, moved: Optional[torch.Tensor]) -> torch.Tensor:
        """Heights at the grids of robots with `root_states` (N, 13); where only (n,) have moved, others keep theirs."""
        if moved is None:
            return self(states[:, :3], states[:, 3:7])
        pose = states.index_select(0, moved)
        return heights.index_copy_(0, moved, self(pose[:, :3], pose[:, 3:7], moved))

    def _scan(self, positions: torch.Tensor, quats: torch.Tensor) -> torch.Tensor:
        if self._flat:
            return positions.new_zeros((len(positions), self.num_points))
        cos, sin = _yaw(quats)
        base = positions[:, :2] * self._cells_per_metre + self._corner
        x = (cos * self._points_x).addcmul_(sin, self._points_y, value=-1.0).add_(base[:, 0:1])
        y = (sin * self._points_x).addcmul_(cos, self._points_y).add_(base[:, 1:2])
        return self._look_up(x, y)

    def places(self, positions: torch.Tensor, quats: torch.Tensor) -> torch.Tensor:
        """Where the points of every robot's grid are, (N, P, 2) m; arguments as above."""
        cos, sin = _yaw(quats)
        x, y = self.points.t()
        return positions[:, None, :2] + torch.stack((cos * x - sin * y, sin * x + cos * y), dim=-1)

    def sample(self, xy: torch.Tensor) -> torch.Tensor:
        """Heights at any points.

        Args:
            xy: (..., 2) in the frame of the map, m; (N, ..., 2) where there are obstacles.

        Returns:
            (...) m.
        """
        if self._flat:
            heights = xy.new_zeros(xy.shape[:-1])
        else:
            cells = xy * self._cells_per_metre + self._corner
            heights = self._look_up(cells[..., 0], cells[..., 1])
        return heights if self._sim is None else self._with_obstacles(heights, xy)

    def _with_obstacles(
        self, heights: torch.Tensor, xy: torch.Tensor, env_ids: Optional[torch.Tensor] = None
    ) -> torch.Tensor:
        """The higher of the ground (N, ...) and the tops of each environment's obstacles at points (N, ..., 2)."""
        assert self._sim is not None
        origins = torch.nn.functional.pad(xy.flatten(1, -2), (0, 1), value=_ABOVE)
        down = self._down.expand_as(origins).contiguous()
        tops = _ABOVE - self._sim.cast_rays(origins, down, env_ids, ground=False)
        return torch.maximum(heights, tops.view(heights.shape))

    def _look_up(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        # integers first, then the clamp: a robot whose state has become NaN reads some cell and not beyond the map;
        # int32 and index_select because they are more than twice as fast on a CPU as int64 and take
        column = y.to(torch.int32).clamp_(0, self._cols - 1)
        index = x.to(torch.int32).clamp_(0, self._rows - 1).mul_(self._cols).add_(column)
        return torch.index_select(self._lowest, 0, index.reshape(-1)).view(index.shape) * self._vertical_scale


def _yaw(quats: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine (N, 1) of the rotation about z that is left of quaternions (N, 4) without their x and y."""
    z, w = quats[:, 2:3], quats[:, 3:4]
    norm = (z * z + w * w).clamp_min(1e-12)
    return (w * w - z * z) / norm, 2.0 * z * w / norm
