"""Recordings of simulated drives: robots that walk under a policy, and robots that move their legs in the air.

What a network learns from should look like what it will see. Walking has the loads of stance and the targets of a
policy; in the air, steps, chirps and sums of sines reach speeds and errors that a good walk avoids.
"""

from __future__ import annotations

import math
from typing import Dict, List, Optional

import numpy as np
import torch
from torch import Tensor

from legged_gym.actuators.actuator import Actuator
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.policies.policy_io import Policy, PolicySource, load_policy
from legged_gym.sysid.recordings import QUANTITIES

# rad, largest offset of an excitation from the default pose
_REACH = 0.6
# Hz, of chirps and sines; s, a chirp
_SLOWEST, _FASTEST, _CHIRP = 0.2, 8.0, 4.0
# actions, what is added to those of the policy at most, so that robots leave the paths they were trained to take
_NOISE = 0.5


class Tap(Actuator):
    """Passes on what another actuator does, and writes it down."""

    def __init__(self, env: LeggedRobot) -> None:
        """Step in between an environment of control type actuator_net and its actuator."""
        assert env.control.actuator is not None
        self._env, self._drives = env, env.control.actuator
        self.memory = self._drives.memory
        self._rows: Dict[str, List[np.ndarray]] = {name: [] for name in QUANTITIES}
        env.control.use_actuator(self)

    def torques(self, errors: Tensor, velocities: Tensor) -> Tensor:
        """See `Actuator.torques`."""
        torques = self._drives.torques(errors, velocities)
        values = (errors + self._env.dof_pos, self._env.dof_pos, velocities, torques)
        for name, value in zip(QUANTITIES, values):
            self._rows[name].append(np.array(value.cpu().numpy()))
        return torques

    def recording(self, whole: np.ndarray) -> Dict[str, np.ndarray]:
        """Quantity -> (T, J) of the robots where `whole` (N,) is set."""
        return {name: np.stack(rows)[:, whole].reshape(len(rows), -1) for name, rows in self._rows.items()}


def record_drives(source: PolicySource, duration: float) -> Dict[str, np.ndarray]:
    """Record half of the robots walking and half in the air.

    Args:
        source: the policy, with a config of control type actuator_net. Its number of robots is that of each half; those
            whose episode ends meanwhile (they fell) are left out.
        duration: s.

    Returns:
        The arrays of a .npz recording, see `sysid.recordings`; T = duration / sim.dt.
    """
    seed, parts = source.env_cfg.seed, []
    for number in range(2):

        def change(cfg: LeggedRobotCfg, hangs: bool = number == 1) -> None:
            cfg.env.episode_length_s = duration + 1.0
            cfg.domain_rand.randomize_motor_strength = False
            if hangs:
                cfg.asset.fix_base_link = True
                cfg.init_state.pos = [0.0, 0.0, 1.0]
                cfg.domain_rand.push_robots = False

        env = LeggedRobot(source.changed(change).env_cfg, source.options.sim, seed=seed + number)
        policy = load_policy(source, env) if number == 0 else None
        parts.append(_record(env, policy, duration, seed + number))
        env.close()
    columns = {name: np.concatenate([part[name] for part in parts], axis=1) for name in QUANTITIES}
    return {"time": np.arange(len(columns["target"])) * float(source.env_cfg.sim.dt), **columns}


@torch.no_grad()
def _record(env: LeggedRobot, policy: Optional[Policy], duration: float, seed: int) -> Dict[str, np.ndarray]:
    steps = round(duration / env.dt)
    generator = torch.Generator().manual_seed(seed)
    if policy is None:
        extra = excitation(steps, env.num_envs, env.num_actions, env.dt, generator) / env.cfg.control.action_scale
    else:
        extra = _NOISE * _steps(steps, env.num_envs, env.num_actions, env.dt, generator)
    obs, tap = env.reset(), Tap(env)
    whole = torch.ones(env.num_envs, dtype=torch.bool)
    for offset in extra.to(env.device):
        obs, _, dones, _ = env.step(offset if policy is None else policy(obs) + offset)
        whole &= ~dones.cpu()
    return tap.recording(whole.numpy())


def excitation(steps: int, robots: int, joints: int, dt: float, generator: torch.Generator) -> Tensor:
    """Offsets (T, N, J) rad from the default pose: a third of the robots each gets steps, chirps and sums of sines."""
    kinds = (_steps, _chirps, _sines)
    shares = [len(range(kind, robots, len(kinds))) for kind in range(len(kinds))]
    waves = [make(steps, share, joints, dt, generator) for make, share in zip(kinds, shares)]
    amplitudes = _REACH * torch.rand(1, robots, joints, generator=generator)
    return torch.cat(waves, dim=1) * amplitudes


def _steps(steps: int, robots: int, joints: int, dt: float, generator: torch.Generator) -> Tensor:
    """Levels within +-1 that change after 0.1 s on average, each joint at its own times."""
    levels = 2.0 * torch.rand(steps, robots, joints, generator=generator) - 1.0
    changes = torch.rand(steps, robots, joints, generator=generator) < dt / 0.1
    changes[0] = True
    last = torch.where(changes, torch.arange(steps)[:, None, None], 0).cummax(0).values
    return levels.gather(0, last)


def _chirps(steps: int, robots: int, joints: int, dt: float, generator: torch.Generator) -> Tensor:
    """Sines whose frequency rises exponentially, again and again, with random phases."""
    time = dt * torch.arange(steps, dtype=torch.float64) % _CHIRP
    rate = math.log(_FASTEST / _SLOWEST) / _CHIRP
    phase = 2.0 * math.pi * _SLOWEST * (torch.exp(rate * time) - 1.0) / rate
    starts = 2.0 * math.pi * torch.rand(robots, joints, generator=generator)
    return torch.sin(phase[:, None, None] + starts).float()


def _sines(steps: int, robots: int, joints: int, dt: float, generator: torch.Generator, count: int = 5) -> Tensor:
    """Sums of sines of random frequencies and phases, within +-1."""
    time = dt * torch.arange(steps)[:, None, None, None]
    frequencies = torch.rand(robots, joints, count, generator=generator) * (_FASTEST - _SLOWEST) + _SLOWEST
    phases = 2.0 * math.pi * torch.rand(robots, joints, count, generator=generator)
    return torch.sin(2.0 * math.pi * frequencies * time + phases).mean(-1)
