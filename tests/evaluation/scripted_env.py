"""An environment without physics for tests of evaluation: robots move as a script says."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.terms.metrics import MetricTerms

MASS, GRAVITY, DT = 10.0, 9.81, 0.5


class ScriptedEnv(MetricTerms):
    """Robots that move as a script says; `ends(env, episode)` is the age at which it falls.

    In an episode of env n that is k steps old: command (1, 0, 0.5), forward velocity k, yaw rate 0, one joint with
    torque -2 and velocity n + 1, position (offset + sum of the velocities * DT, 0) in the world.
    """

    def __init__(self, ends, num_envs=2, max_episode_length=4, terrain=None):
        self.num_envs, self.num_actions, self.device = num_envs, 1, torch.device("cpu")
        self.dt, self.max_episode_length, self.terrain = DT, max_episode_length, terrain
        self.cfg = SimpleNamespace(
            env=SimpleNamespace(episode_length_s=max_episode_length * DT),
            sim=SimpleNamespace(gravity=[0.0, 0.0, -GRAVITY]),
            metrics=LeggedRobotCfg().metrics,
        )
        self.sim = SimpleNamespace(mass=MASS)
        self.added_masses = torch.arange(num_envs, dtype=torch.float32)
        self.terrain_levels = torch.zeros(num_envs, dtype=torch.long)
        self.terrain_types = torch.zeros(num_envs, dtype=torch.long)
        self.env_origins = torch.zeros(num_envs, 3)
        self.commands = torch.tensor([[1.0, 0.0, 0.5, 0.0]]).repeat(num_envs, 1)
        self.base_ang_vel = torch.zeros(num_envs, 3)
        self.torques = torch.full((num_envs, 1), -2.0)
        self.dof_vel = torch.arange(1.0, num_envs + 1)[:, None]
        self._ends, self._episode = ends, torch.zeros(num_envs, dtype=torch.long)
        self._age = torch.zeros(num_envs)
        self._offset = 100.0
        self.finished, self.parts = [], {}
        self.reset_buf = self.time_out_buf = torch.zeros(num_envs, dtype=torch.bool)
        self._prepare_metrics()

    @property
    def base_lin_vel(self):
        return torch.stack((self._age, torch.zeros_like(self._age), torch.zeros_like(self._age)), dim=1)

    @property
    def root_states(self):
        states = torch.zeros(self.num_envs, 13)
        states[:, 0] = self._offset + DT * self._age * (self._age + 1) / 2
        states[:, 7] = self._age
        return states

    def use_part(self, name, part, first=False):
        self.parts = {name: part, **self.parts} if first else {**self.parts, name: part}
        return part

    def drop_part(self, name):
        del self.parts[name]

    def reset(self):
        for part in self.parts.values():
            part.prepare(torch.arange(self.num_envs))
        self._age.zero_()
        self._episode.zero_()
        return {"policy": self._age[:, None]}

    def step(self, actions):
        self._age += 1
        ends = torch.tensor([self._ends(n, int(episode)) for n, episode in enumerate(self._episode)])
        time_outs = self._age >= self.max_episode_length
        dones = time_outs | (self._age >= ends)
        time_outs &= ends >= self.max_episode_length
        self.finished += torch.nonzero(dones).flatten().tolist()
        self._offset += 3.0
        self.reset_buf, self.time_out_buf = dones, self._time_outs(time_outs)
        if dones.any():
            for part in self.parts.values():
                part.prepare(torch.nonzero(dones).flatten())
        self._episode += dones.long()
        self._age[dones] = 0.0
        return {"policy": self._age[:, None]}, torch.zeros(self.num_envs), dones, {"time_outs": self.time_out_buf}

    def _time_outs(self, time_outs):
        return time_outs


class CountingPolicy:
    """Zero actions; notes which environments it was told to forget."""

    def __init__(self):
        self.resets = []

    def __call__(self, observations):
        return torch.zeros(len(observations["policy"]), 1)

    def reset(self, dones=None):
        self.resets.append(dones.clone())


def never(n, episode):
    """No robot ever falls."""
    return 10**6
