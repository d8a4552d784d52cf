"""Metrics: `_metric_<name>() -> (N,)`, what an evaluation tells of a policy, with the true state of the robots.

Terms are called at every state in which the policy acts, so that an episode of L steps has L samples: its first state
counts, the one it ended in does not. Those with `reduce="last"` are called when an episode has ended, before the robot
is put back: `reset_buf` and `time_out_buf` tell how. Trainings call none of them.
"""

from __future__ import annotations

import math
from typing import Callable, Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import Metric, table
from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.progress import TileProgress
from legged_gym.envs.terms.tables import find_term
from legged_gym.terrain import has_lanes


class MetricTerms(RobotState):
    """The metrics every robot has; an entry in `metrics` switches one on."""

    metrics: Dict[str, Tuple[Metric, Callable[[], Tensor]]]  # those of the table that the ground allows
    _progress: Optional[TileProgress] = None

    def _prepare_metrics(self) -> None:
        entries = table(self.cfg.metrics)
        there = {None: True, "tiles": self.terrain is not None, "lanes": has_lanes(self.terrain)}
        terms = {name: find_term(self, "_metric_", name, "metrics") for name in entries}
        for name, entry in entries.items():
            if entry.per is not None:
                find_term(self, "_metric_", entry.per, f"metrics.{name}.per")
        self.metrics = {name: (entry, terms[name]) for name, entry in entries.items() if there[entry.ground]}

    def update_metrics(self) -> None:
        """What metrics remember from state to state; who measures calls it before them, in every state."""
        if self.terrain is not None:
            self.progress.update()

    def reset_metrics(self, env_ids: Tensor) -> None:
        """Environments (n,) begin an episode."""
        if self.terrain is not None:
            self.progress.reset(env_ids)

    def situations(self) -> Optional[Tuple[Sequence[str], Tensor]]:
        """Names of what a task tells apart, and (N,) int64, which each robot is in; None where there is nothing."""
        return None

    def episode_kinds(self) -> Optional[Tuple[Sequence[str], Tensor]]:
        """Likewise of whole episodes, which an evaluation tells of kind by kind."""
        return None

    @property
    def progress(self) -> TileProgress:
        """Of the robots over their tiles; made when it is first asked for."""
        if self._progress is None:
            assert self.terrain is not None  # or the metrics of tiles are left out
            self._progress = TileProgress(self, self.terrain)
        return self._progress

    def _metric_lin_vel_xy_error(self) -> Tensor:
        """|commanded - true| horizontal velocity in the base frame, m/s; start-up, pushes, changes are included."""
        return (self.commands[:, :2] - self.base_lin_vel[:, :2]).norm(dim=1)

    def _metric_ang_vel_error(self) -> Tensor:
        """|commanded - true| yaw rate in the base frame, rad/s."""
        return (self.commands[:, 2] - self.base_ang_vel[:, 2]).abs()

    def _metric_mean_speed(self) -> Tensor:
        """Horizontal speed, m/s."""
        return self.root_states[:, 7:9].norm(dim=1)

    def _metric_cost_of_transport(self) -> Tensor:
        """Energy of the step, J: the power of all joints, |torque * velocity|; nothing is won back by braking."""
        return (self.torques * self.dof_vel).abs().sum(1) * self.dt

    def _metric_weight_path(self) -> Tensor:
        """Weight of the robot, with the mass that was added to it, times its horizontal path of the step, J."""
        weight = (self.sim.mass + self.added_masses) * math.sqrt(sum(g * g for g in self.cfg.sim.gravity))
        return weight * (self._metric_mean_speed() * self.dt)

    def _metric_mean_episode_length_s(self) -> Tensor:
        """Length of the step, s; episodes are truncated at the time-out."""
        return torch.full((self.num_envs,), self.dt, device=self.device)

    def _metric_fall_rate(self) -> Tensor:
        """Whether the episode ended other than by time-out: a fall, or physics that broke down."""
        return self.reset_buf & ~self.time_out_buf

    def _metric_success_rate(self) -> Tensor:
        """Whether the robot came over its tile.

        Across the finish line of the tile, without having left its sides before (who walks around obstacles has not
        crossed them) and without a fall within `SETTLING_TIME` after it: a later one belongs to the next tile, whose
        obstacles are harder. On a tile without a line: no fall, and further from the start than half a tile.
        """
        return self.progress.success(self._metric_fall_rate())

    def _metric_x_displacement(self) -> Tensor:
        """How far the robot came along +x, m; it does not end at the finish line."""
        return self.progress.step_x

    _metric_mean_time_to_fall = _metric_mean_episode_length_s

    def _metric_foot_edge_violations(self) -> Tensor:
        """Number of feet that touch the ground with their middle on an edge; see `EDGE_MARGIN` and `EDGE_DROP`."""
        return self.progress.on_edge().sum(1)

    def _metric_foot_contacts(self) -> Tensor:
        """Number of feet that touch the ground."""
        return self.feet_contact.sum(1)
