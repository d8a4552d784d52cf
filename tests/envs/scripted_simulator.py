"""A simulator without physics: robots that tumble at random, touch and let go, and take resets and pushes as told."""

from __future__ import annotations

import abc
import math
from typing import Any, List

import numpy as np
import torch
from torch import Tensor

from legged_gym.sim.simulator import Simulator

LEGS, PARTS = ("FL", "FR", "RL", "RR"), ("hip", "thigh", "calf", "foot")


def _bodies(cfg: Any) -> List[str]:
    return cfg.asset.body_names or ["base", *(f"{leg}_{part}" for leg in LEGS for part in PARTS)]


class ScriptedSimulator(Simulator):
    """States that no engine would give in a thousand steps: forces about every threshold, joints beyond every limit.

    Velocities remember the last step, so that pushes are felt; all other numbers are new in every step.

    Attributes:
        told: what was set of single robots: friction, mass, com, kp, kd (NaN until they are set), strength,
            joint_friction.
        area: ((x, x), (y, y)) m, where robots appear.
        tilt: rad, the usual lean of a base; one in a hundred leans much more.
    """

    def __init__(self, cfg: Any, num_envs: int, area: Any = ((-2.0, 2.0), (-2.0, 2.0)), tilt: float = 0.1) -> None:
        self.device, self.num_envs, self.sim_dt = torch.device("cpu"), num_envs, cfg.sim.dt
        self.dof_names = list(cfg.asset.dof_names or cfg.init_state.default_joint_angles)
        self.body_names = _bodies(cfg)
        self.area, self.tilt, self.rng = area, tilt, np.random.default_rng(5)
        joints, bodies = len(self.dof_names), len(self.body_names)
        self._default = np.array([cfg.init_state.default_joint_angles[name] for name in self.dof_names])
        reach = self.rng.uniform(0.3, 1.2, (2, joints))
        self.dof_pos_limits = _tensor(np.stack((self._default - reach[0], self._default + reach[1]), 1))
        self.dof_vel_limits = _tensor(self.rng.uniform(8.0, 12.0, joints))
        self.torque_limits = _tensor(self.rng.uniform(20.0, 30.0, joints))
        self.root_states, self.dof_pos = torch.zeros(num_envs, 13), torch.zeros(num_envs, joints)
        self.root_states[:, 6] = 1.0
        self.dof_vel, self.torques = torch.zeros(num_envs, joints), torch.zeros(num_envs, joints)
        self.contact_forces = torch.zeros(num_envs, bodies, 3)
        self._bodies = torch.zeros(num_envs, bodies, 13)
        self.failed = torch.zeros(num_envs, dtype=torch.bool)
        self._touching = np.zeros((num_envs, bodies), dtype=bool)
        feet = np.array([cfg.asset.foot_name in name for name in self.body_names])
        self._touches = np.where(feet, 0.25, 0.05)  # of the bodies in the air, the share that touches next
        self._touches[0] = 0.015
        unset = torch.full((num_envs, joints), math.nan)
        self.told = {"friction": torch.ones(num_envs), "mass": torch.zeros(num_envs), "com": torch.zeros(num_envs, 3),
                     "kp": unset.clone(), "kd": unset.clone(), "strength": torch.ones(num_envs, joints),
                     "joint_friction": torch.zeros(num_envs, joints)}  # fmt: skip

    def step(self, targets: Tensor, decimation: int) -> None:
        rng, count, joints = self.rng, self.num_envs, len(self.dof_names)
        lean = self.tilt * np.where(rng.random((count, 1)) < 0.01, 8.0, 1.0) * rng.normal(size=(count, 2))
        yaw = rng.uniform(-math.pi, math.pi, count)
        quats = np.stack((*(0.5 * lean).T, np.sin(yaw / 2), np.cos(yaw / 2)), 1)
        low, high = np.array(self.area).T
        roots = np.concatenate(
            (
                rng.uniform(low, high, (count, 2)),
                rng.uniform(0.1, 0.6, (count, 1)),
                quats / np.linalg.norm(quats, axis=1, keepdims=True),
                0.7 * self.root_states[:, 7:].numpy() + 0.4 * rng.normal(size=(count, 6)),
            ),
            axis=1,
        )
        self.root_states.copy_(_tensor(roots))
        self.dof_pos.copy_(_tensor(self._default + 0.4 * rng.normal(size=(count, joints))))
        self.dof_vel.copy_(_tensor(5.0 * rng.normal(size=(count, joints))))
        self.torques.copy_(_tensor(12.0 * rng.normal(size=(count, joints))))
        self._touch()
        self._place_bodies()

    def _touch(self) -> None:
        """Forces of 0.01 to 300 N, some of them nearly horizontal."""
        shape, rng = self._touching.shape, self.rng
        self._touching = rng.random(shape) < np.where(self._touching, 0.6, self._touches)
        up = 10.0 ** rng.uniform(-2.0, 2.5, shape)
        aside = up * 10.0 ** rng.uniform(-2.0, 1.0, shape)
        angle = rng.uniform(-math.pi, math.pi, shape)
        forces = np.stack((aside * np.cos(angle), aside * np.sin(angle), up), axis=-1)
        self.contact_forces.copy_(_tensor(forces * self._touching[..., None]))

    def _place_bodies(self) -> None:
        shape, rng = self._touching.shape, self.rng
        states = rng.normal(size=(*shape, 13))
        states[..., :2] = self.root_states[:, None, :2].numpy() + rng.uniform(-0.3, 0.3, (*shape, 2))
        states[..., 2] = rng.uniform(-0.1, 0.4, shape)
        states[..., 3:7] /= np.linalg.norm(states[..., 3:7], axis=-1, keepdims=True)
        self._bodies.copy_(_tensor(states))

    # ---------------------------------------------------------------- what an environment asks for

    failure = None

    def states_of(self, bodies: Tensor) -> Tensor:
        return self._bodies[:, bodies]

    def reset(self, env_ids: Tensor) -> None:
        self.contact_forces[env_ids] = 0.0
        self._touching[env_ids.numpy()] = False

    def set_root_states(self, env_ids: Tensor, states: Tensor) -> None:
        self.root_states[env_ids] = states

    def set_dof_states(self, env_ids: Tensor, positions: Tensor, velocities: Tensor) -> None:
        self.dof_pos[env_ids], self.dof_vel[env_ids] = positions, velocities

    def cast_rays(self, origins, directions, env_ids=None, robot=False, max_distance=math.inf) -> Tensor:
        """Distances to the plane z = 0."""
        fall = -directions[..., 2]
        distance = origins[..., 2] / fall
        return torch.where((fall > 0) & (distance <= max_distance), distance, math.inf)

    def set_friction(self, env_ids: Tensor, friction: Tensor) -> None:
        self.told["friction"][env_ids] = friction

    def set_masses(self, env_ids: Tensor, body: str, added_mass: Tensor) -> None:
        self.told["mass"][env_ids] = added_mass

    def set_coms(self, env_ids: Tensor, body: str, displacement: Tensor) -> None:
        self.told["com"][env_ids] = displacement

    def set_joint_friction(self, env_ids: Tensor, added_friction: Tensor) -> None:
        self.told["joint_friction"][env_ids] = added_friction

    def set_gains(self, env_ids: Tensor, kp: Tensor, kd: Tensor) -> None:
        self.told["kp"][env_ids], self.told["kd"][env_ids] = kp, kd

    def set_motor_strength(self, env_ids: Tensor, strength: Tensor) -> None:
        self.told["strength"][env_ids] = strength

    def close(self) -> None:
        pass


def _not_scripted(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("no term needs this")


for _member in ScriptedSimulator.__abstractmethods__:
    setattr(ScriptedSimulator, _member, _not_scripted)
abc.update_abstractmethods(ScriptedSimulator)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)
