"""Commands of demonstrations: what episode k is told depends on the seed and on k, not on who runs besides it.

=============  =================================================================================================
``random``     the task's own sampler, its uniform numbers replaced by a Sobol sequence over the episodes, so that
               the ranges are filled evenly from the first episode on; new commands when the task is due for them
``grid``       constant commands: five values of each, all combinations; from the second round on, shifted at random
               within their cell
``waypoint``   towards one random point after the other, slowing down and turning as a person would steer
=============  =================================================================================================
"""

from __future__ import annotations

import itertools
from typing import Dict, Iterator, Type

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.envs.variants import NEVER, RANGES, has_velocity_commands, with_given_commands
from legged_gym.errors import UserError
from legged_gym.rotations import wrap_to_pi, yaw_from_quat

# columns of the sequence: uniform numbers that a task may need for one command
_DRAWS = 32
_GRID_VALUES = 5
# waypoints: m to each side of the start; how near counts as there, m; m/s; m/s; 1/s; rad/s; fraction of the new command
_REACH, _ARRIVED, _SPEED, _LATERAL, _YAW_GAIN, _YAW_RATE, _SMOOTHING = 10.0, 0.15, 1.5, 0.2, 1.5, 0.4, 0.3
_NUM_WAYPOINTS = 64


def episode_seed(seed: int, *numbers: int) -> int:
    """A seed for torch from that of the collection and, for one, the number of an episode."""
    return int(np.random.SeedSequence([seed, *numbers]).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Schedule(GivenCommands):
    """Gives commands to the environments' episodes, which run in step with each other.

    A command is decided on from the present state and counts from the reward of the step that comes.
    """

    env: LeggedRobot

    def __init__(self, env: LeggedRobot, seed: int, interval: float) -> None:
        """Take over an environment whose config went through `prepare_cfg`.

        Args:
            env: the environment.
            seed: of the collection.
            interval: s between two commands of the task.
        """
        super().__init__(env.velocity_commands)
        env.use_part("commands", self)
        self.seed, self.interval = seed, interval
        self._first = self._steps = 0

    @staticmethod
    def prepare_cfg(env_cfg: LeggedRobotCfg) -> None:
        """Change settings, before the environment is made, so that it leaves its commands alone.

        Raises:
            UserError: the robots see no velocity commands.
        """
        if not has_velocity_commands(env_cfg):
            raise UserError("the policy sees no velocity commands to give to it: use --schedule=random")
        with_given_commands(env_cfg)

    def start(self, first: int) -> None:
        """Begin: environment i runs episode `first` + i."""
        self._first, self._steps = first, 0
        with self.env.drawing_from(self._columns()):
            self._begin()

    def update(self) -> None:
        """Called in every step, once the physics is done."""
        self._steps += 1
        with self.env.drawing_from(self._columns()):
            if self._steps % max(int(self.interval / self.env.dt), 1) == 0:
                self._renew()
            super().update()  # none are due; what a task does in every step, such as turning to a heading
        self._steer()

    def _begin(self) -> None:
        """Give the first commands."""

    def _renew(self) -> None:
        """Give new ones when the task is due for them."""

    def _steer(self) -> None:
        """Change them with the state of the robots."""

    def _columns(self) -> Iterator[Tensor]:
        """Columns (N,) of the sequence for this step: evenly spread over the episodes."""
        scramble = episode_seed(self.seed, self._steps) % 2**31
        sequence = torch.quasirandom.SobolEngine(_DRAWS, scramble=True, seed=scramble)
        points = sequence.fast_forward(self._first).draw(self.env.num_envs)
        yield from points.to(self.env.device).unbind(1)


class RandomSchedule(Schedule):
    """See the module."""

    @staticmethod
    def prepare_cfg(env_cfg: LeggedRobotCfg) -> None:
        """See `Schedule.prepare_cfg`."""
        env_cfg.commands.curriculum = False
        env_cfg.commands.resampling_time = NEVER

    def _begin(self) -> None:
        self.env._resample_commands(torch.arange(self.env.num_envs, device=self.env.device))

    _renew = _begin


class GridSchedule(Schedule):
    """See the module."""

    def __init__(self, env: LeggedRobot, seed: int, interval: float) -> None:
        """See `Schedule`."""
        super().__init__(env, seed, interval)
        self._names = [name for name in env.command_columns() if name != "jump"]
        ranges = np.array([getattr(env.command_ranges, name) for name in self._names])
        axes = [np.linspace(low, high, _GRID_VALUES) for low, high in ranges]
        self._low, self._high = ranges.T
        points = np.array(list(itertools.product(*axes)))
        self._points = points[np.random.default_rng(seed).permutation(len(points))]

    def _begin(self) -> None:
        rows = [self._command(self._first + i) for i in range(self.env.num_envs)]
        self.give(dict(zip(self._names, torch.tensor(np.array(rows), dtype=torch.float32).unbind(1))))

    def _command(self, episode: int) -> np.ndarray:
        turn, point = divmod(episode, len(self._points))
        if turn == 0:
            return self._points[point]
        cell = (self._high - self._low) / (_GRID_VALUES - 1)
        shift = np.random.default_rng([self.seed, episode]).uniform(-0.5, 0.5, len(cell)) * cell
        return np.clip(self._points[point] + shift, self._low, self._high)


class WaypointSchedule(Schedule):
    """See the module."""

    def _begin(self) -> None:
        env, count = self.env, self.env.num_envs
        points = [np.random.default_rng([self.seed, self._first + i]).uniform(-_REACH, _REACH, (_NUM_WAYPOINTS, 2))
                  for i in range(count)]  # fmt: skip
        self._points = torch.tensor(np.array(points), dtype=torch.float32, device=env.device)
        self._points += env.root_states[:, None, :2]
        self._at = torch.zeros(count, dtype=torch.long, device=env.device)
        self._bounds = torch.tensor([getattr(env.command_ranges, name) for name in RANGES], device=env.device)
        self._command = torch.zeros(count, 3, device=env.device)
        self._steer()

    def _steer(self) -> None:
        env, rows = self.env, torch.arange(self.env.num_envs, device=self.env.device)
        away = self._points[rows, self._at] - env.root_states[:, :2]
        self._at = (self._at + (away.norm(dim=1) < _ARRIVED).long()) % _NUM_WAYPOINTS
        away = self._points[rows, self._at] - env.root_states[:, :2]
        turn = wrap_to_pi(torch.atan2(away[:, 1], away[:, 0]) - yaw_from_quat(env.root_states[:, 3:7]))
        distance = away.norm(dim=1)
        forward = distance.clamp(0.0, _SPEED)
        sideways = (distance * turn.sin()).clamp(-_LATERAL, _LATERAL)
        wanted = torch.stack((forward, sideways, (_YAW_GAIN * turn).clamp(-_YAW_RATE, _YAW_RATE)), dim=1)
        wanted = torch.minimum(torch.maximum(wanted, self._bounds[:, 0]), self._bounds[:, 1])
        self._command = _SMOOTHING * wanted + (1.0 - _SMOOTHING) * self._command
        self.give(dict(zip(RANGES, self._command.unbind(1))))


SCHEDULES: Dict[str, Type[Schedule]] = {"random": RandomSchedule, "grid": GridSchedule, "waypoint": WaypointSchedule}
"""Classes of schedules by name."""
