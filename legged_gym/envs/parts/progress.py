"""How far robots come over their tiles: measured in evaluations alone, so trainings pay nothing for it."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.sensors.edge_map import EdgeMap
from legged_gym.terrain import Terrain

EDGE_MARGIN = 0.05
"""m from a drop, within which a foot stands on an edge."""
EDGE_DROP = 0.1
"""m, drops that are higher than this make edges."""
SETTLING_TIME = 1.0
"""s behind the finish line in which a fall still undoes the crossing."""

_ROUNDING = 1e-6


class TileProgress:
    """Follows robots from the first state of an episode on.

    Attributes:
        step_x: (N,) m along +x since the last state.
        distance: (N,) m, furthest from where the robot began, horizontally.
        crossed: (N,) bool, across the finish line of its tile, without having left its sides before.
    """

    def __init__(self, env: RobotState, terrain: Terrain) -> None:
        """Begin at the present states."""
        self._env, self._terrain, count, device = env, terrain, env.num_envs, env.device
        self._finish = torch.as_tensor(terrain.finish_x, dtype=torch.float32, device=device)
        self._edges: Optional[EdgeMap] = None  # made when it is asked for: that takes a second
        self._begins = torch.ones(count, dtype=torch.bool, device=device)
        self._start, self._last_x = torch.zeros(count, 2, device=device), torch.zeros(count, device=device)
        self.step_x, self.distance = torch.zeros(count, device=device), torch.zeros(count, device=device)
        self._seconds_behind = torch.zeros(count, dtype=torch.float64, device=device)
        self.crossed = torch.zeros(count, dtype=torch.bool, device=device)
        self._strayed = torch.zeros_like(self.crossed)

    def update(self) -> None:
        """Take in the present states."""
        env, begins = self._env, self._begins
        position = env.root_states[:, :2].clone()
        x, y = position.unbind(1)
        self._start = torch.where(begins[:, None], position, self._start)
        distance = (position - self._start).norm(dim=1)
        self.distance = torch.where(begins, distance, torch.maximum(self.distance, distance))
        self.step_x = torch.where(begins, torch.zeros_like(x), x - self._last_x)
        first_y = env.terrain_types * self._terrain.tile_width
        outside = (y < first_y) | (y > first_y + self._terrain.tile_width)
        crossed = self.crossed & ~begins
        self._strayed = (self._strayed & ~begins) | (outside & ~crossed)
        self.crossed = crossed | ((x > self._finish_lines()) & ~self._strayed)  # never where there is no line: NaN
        behind = torch.where(begins, torch.zeros_like(self._seconds_behind), self._seconds_behind)
        self._seconds_behind = behind + (crossed * env.dt).double()
        self._last_x, self._begins = x, torch.zeros_like(begins)

    def reset(self, env_ids: Tensor) -> None:
        """The next states of environments (n,) are the first of an episode."""
        self._begins[env_ids] = True

    def success(self, fell: Tensor) -> Tensor:
        """(N,) bool, whether an episode that ends now, with a fall or without, has come over its tile."""
        far = ~fell & (self.distance > self._terrain.tile_length / 2)
        settled = ~fell | (self._seconds_behind >= SETTLING_TIME - _ROUNDING)
        return torch.where(self._finish_lines().isnan(), far, settled & self.crossed)

    def on_edge(self) -> Tensor:
        """(N, F) bool, whether the middle of a foot is on an edge and the foot touches the ground."""
        if self._edges is None:
            self._edges = EdgeMap(self._terrain.height_map, EDGE_MARGIN, EDGE_DROP, self._env.device)
        feet = self._env.sim.states_of(self._env.feet_indices)[..., :2]
        return self._env.feet_contact & self._edges(feet)

    def _finish_lines(self) -> Tensor:
        """(N,) m, NaN where there is none."""
        return self._finish[self._env.terrain_levels, self._env.terrain_types]
