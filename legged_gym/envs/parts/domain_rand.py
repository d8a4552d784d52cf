"""Domain randomisation: what differs from robot to robot, and pushes."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Sequence

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part
from legged_gym.host import HostCopy, indices


class DomainRandomization(Part):
    """Draws through the seam; what was drawn is kept for privileged observations."""

    asked_as = ("robots", "randomization")

    def __init__(self, env: RobotState) -> None:
        """All robots are those of the config until the first draw."""
        super().__init__(env)
        self.cfg, joints = env.cfg.domain_rand, env.num_actions
        env.buffer("friction_coeffs", at_reset=None).fill_(1.0)
        env.buffer("added_masses", at_reset=None)
        env.buffer("com_displacements", 3, at_reset=None)
        env.buffer("motor_strengths", joints, at_reset=None).fill_(1.0)
        env.buffer("env_p_gains", joints, at_reset=None).copy_(env.p_gains)
        env.buffer("env_d_gains", joints, at_reset=None).copy_(env.d_gains)
        env.buffer("push_phases", dtype=torch.long, at_reset=None)
        self._phases = HostCopy()

    def begin(self) -> None:
        """Give every environment its own robot, drawn once, as in legged_gym, unless each episode draws anew."""
        env, interval = self.env, self._push_interval()
        phases = torch.randint(0, interval, (self.num_envs,), generator=env.generator, device=self.device)
        env.push_phases.copy_(phases)
        env._randomize_robots(torch.arange(self.num_envs, device=self.device))

    def prepare(self, env_ids: Tensor) -> None:
        """See `Part`."""
        if self.cfg.every_episode and self.env.ever_reset:
            self.env._randomize_robots(env_ids)

    def draw(self, env_ids: Tensor) -> None:
        """Draw the robots of some environments."""
        env, cfg, count, joints = self.env, self.cfg, len(env_ids), self.env.num_actions
        sim, root = env.sim, env.body_names[0]
        if cfg.randomize_friction:
            self.set_friction(env_ids, env._uniform(self._widened(cfg.friction_range, 1.0), count))
        if cfg.randomize_base_mass:
            self.set_added_mass(env_ids, env._uniform(self._widened(cfg.added_mass_range, 0.0), count))
        if cfg.randomize_com:
            env.com_displacements[env_ids] = env._uniform(self._widened(cfg.com_displacement_range, 0.0), count, 3)
            sim.set_coms(env_ids, root, env.com_displacements[env_ids])
        if cfg.randomize_gains:
            stiffness, damping = (
                env._uniform(self._widened(bounds, 1.0), count, joints)
                for bounds in (cfg.stiffness_factor_range, cfg.damping_factor_range)
            )
            env.env_p_gains[env_ids], env.env_d_gains[env_ids] = env.p_gains * stiffness, env.d_gains * damping
            sim.set_gains(env_ids, env.env_p_gains[env_ids], env.env_d_gains[env_ids])
        if cfg.randomize_dof_friction:
            added = env._uniform(self._widened([0.0, cfg.max_dof_friction], 0.0), count, 1)
            sim.set_joint_friction(env_ids, added.expand(-1, joints))
        if cfg.randomize_motor_strength:
            strengths = env._uniform(self._widened(cfg.motor_strength_range, 1.0), count, joints)
            self.set_motor_strength(env_ids, strengths)

    def set_friction(self, env_ids: Tensor, friction: Tensor) -> None:
        """Give environments (n,) robots with coefficients (n,)."""
        self.env.friction_coeffs[env_ids] = friction
        self.env.sim.set_friction(env_ids, friction)

    def set_added_mass(self, env_ids: Tensor, mass: Tensor) -> None:
        """Load the trunks of the robots of environments (n,) with (n,) kg."""
        self.env.added_masses[env_ids] = mass
        self.env.sim.set_masses(env_ids, self.env.body_names[0], mass)

    def set_motor_strength(self, env_ids: Tensor, strength: Tensor) -> None:
        """Give environments (n,) robots with factors (n, D)."""
        self.env.motor_strengths[env_ids] = strength
        self.env.sim.set_motor_strength(env_ids, strength)

    def _widened(self, bounds: Sequence[float], nominal: float) -> List[float]:
        """The part of a range that is in use now; it grows from the nominal value (or the nearest bound) to all."""
        low, high = bounds
        share, centre = self.env.randomization_share(), min(max(nominal, low), high)
        return [centre + share * (low - centre), centre + share * (high - centre)]

    def _push_interval(self) -> int:
        """Policy steps between two pushes of a robot; where there are none, any number."""
        seconds = self.cfg.push_interval_s
        return max(math.ceil(seconds / self.env.dt), 1) if math.isfinite(seconds) else 1

    def push(self) -> None:
        """Every `push_interval_s`, set a robot's horizontal velocity at random, or change it (`push_adds`).

        Each has its own phase: were all pushed in the same step, a learner would see pushes in one rollout of many.
        """
        env, cfg = self.env, self.cfg
        if not cfg.push_robots or math.isinf(cfg.push_interval_s):
            return
        now = (self._phases.of(env.push_phases) + env.common_step_counter) % self._push_interval() == 0
        due = indices(now, self.device)
        if len(due):
            states = env.root_states[due]
            limit = cfg.max_push_vel_xy * env.randomization_share()
            pushed = env._uniform([-limit, limit], len(due), 2)
            states[:, 7:9] = states[:, 7:9] + pushed if cfg.push_adds else pushed
            env.sim.set_root_states(due, states)

    def log(self) -> Dict[str, Any]:
        """How much of the ranges is in use, where they widen."""
        return {} if self.cfg.widen_over is None else {"randomization_share": self.env.randomization_share()}
