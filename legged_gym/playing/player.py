"""Letting a policy drive robots, one step at a time, and keeping account of what they earn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

import torch

from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.envs.variants import RANGES
from legged_gym.playing.driving import Command
from legged_gym.playing.plots import StateLog
from legged_gym.policies.policy_io import Policy
from legged_gym.terrain import has_lanes
from legged_gym.terrain.lanes import FLAT_TYPES

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

Driver = Callable[[float], Command]


class Player:
    """A policy at work.

    Attributes:
        env: the environment.
        policy: what drives the robots.
        robot: index of the robot to watch.
        observations: the present ones by group, on which the policy acts next.
        command: the one that the last step followed; None where the environment gives the commands.
        log: the states of that robot.
        steps: policy steps done.
        falls: episodes that ended other than by time-out.
        episodes: episodes that ended.
    """

    def __init__(self, env: LeggedRobot, policy: Policy, driver: Optional[Driver] = None, robot: int = 0) -> None:
        """Start the episodes.

        Args:
            env: the environment.
            policy: what drives the robots.
            driver: gives the commands; None leaves that to the environment.
            robot: index of the robot to watch.
        """
        self.env, self.policy, self._driver, self.robot = env, policy, driver, robot
        self.log = StateLog(env, robot)
        self.steps = self.episodes = self.falls = 0
        self._earned: Dict[str, float] = {}
        self.command: Optional[Command] = None
        if driver is not None:
            self._given = env.use_part("commands", GivenCommands(env.velocity_commands))
        self._drive()
        self.observations: Dict[str, torch.Tensor] = env.reset()

    @property
    def time(self) -> float:
        """Seconds since the start."""
        return float(self.steps * self.env.dt)

    def step(self) -> None:
        """Advance all robots by one policy step."""
        self._drive()
        with torch.no_grad():
            actions = self.policy(self.observations)
        self.observations, _, dones, extras = self.env.step(actions)
        self.policy.reset(dones)
        self.log.record(actions)
        self.steps += 1
        ended = int(dones.sum())
        if ended:
            self.episodes += ended
            self.falls += int((dones & ~extras["time_outs"]).sum())
            self._collect(extras["log"], ended)

    def reset(self) -> None:
        """Start all episodes anew."""
        self._drive()
        self.observations = self.env.reset()
        self.policy.reset()
        self._collect(self.env.extras["log"], self.env.num_envs)

    def mean_rewards(self) -> Dict[str, float]:
        """Every reward term, weighted, in its mean over all robots and the time so far, per second."""
        sums = self.env.reward_sum
        running = dict(zip(sums.names, sums.episode_sums.sum(1).tolist()))
        seconds = max(self.time, self.env.dt) * self.env.num_envs
        return {name: (self._earned.get(name, 0.0) + running[name]) / seconds for name in sums.names}

    def _drive(self) -> None:
        if self._driver is not None:
            self.command = self._driver(self.time)
            self._given.give(dict(zip(RANGES, self.command[:3])))

    def _collect(self, log: Dict[str, Any], episodes: int) -> None:
        """Keep what episodes earned before they ended: the log has their mean per second of a full episode."""
        seconds = self.env.cfg.env.episode_length_s
        for name in self.env.reward_sum.names:
            earned = float(log[self.env.reward_tag.format(name)]) * episodes * seconds
            self._earned[name] = self._earned.get(name, 0.0) + earned


def robot_to_watch(env: LeggedRobot) -> int:
    """Index of the first robot that stands on a lane with obstacles; without lanes, 0."""
    terrain = env.terrain
    if terrain is None or not has_lanes(terrain):
        return 0
    names = terrain.tile_types
    tiles = zip(env.terrain_levels.tolist(), env.terrain_types.tolist())
    return next((robot for robot, (row, col) in enumerate(tiles) if names[row][col] not in FLAT_TYPES), 0)
