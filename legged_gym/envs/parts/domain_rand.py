"""Domain randomisation: what differs from robot to robot, and pushes."""

from __future__ import annotations

import math
from typing import List, Sequence

import torch
from torch import Tensor

from legged_gym.envs.parts.commands import CommandTerms
from legged_gym.envs.terms.reward_sum import ramp


class DomainRandomization(CommandTerms):
    """Draws through the seam; what was drawn is kept for privileged observations."""

    def _init_randomization(self) -> None:
        """Give every environment its own robot, drawn once, as in legged_gym, unless each episode draws anew."""
        count, joints = self.num_envs, self.num_actions
        self.friction_coeffs = torch.ones(count, device=self.device)
        self.added_masses = torch.zeros(count, device=self.device)
        self.com_displacements = torch.zeros(count, 3, device=self.device)
        self.motor_strengths = torch.ones(count, joints, device=self.device)
        self.env_p_gains = self.p_gains.repeat(count, 1)
        self.env_d_gains = self.d_gains.repeat(count, 1)
        self.push_phases = torch.randint(
            0, self._push_interval(), (count,), generator=self.generator, device=self.device
        )
        self._randomize_robots(torch.arange(count, device=self.device))

    def _randomize_robots(self, env_ids: Tensor) -> None:
        """Draw the robots of some environments."""
        cfg, count, joints = self.cfg.domain_rand, len(env_ids), self.num_actions
        root = self.body_names[0]
        if cfg.randomize_friction:
            self.friction_coeffs[env_ids] = self._uniform(self._widened(cfg.friction_range, 1.0), count)
            self.sim.set_friction(env_ids, self.friction_coeffs[env_ids])
        if cfg.randomize_base_mass:
            self.added_masses[env_ids] = self._uniform(self._widened(cfg.added_mass_range, 0.0), count)
            self.sim.set_masses(env_ids, root, self.added_masses[env_ids])
        if cfg.randomize_com:
            self.com_displacements[env_ids] = self._uniform(self._widened(cfg.com_displacement_range, 0.0), count, 3)
            self.sim.set_coms(env_ids, root, self.com_displacements[env_ids])
        if cfg.randomize_gains:
            stiffness, damping = (
                self._uniform(self._widened(bounds, 1.0), count, joints)
                for bounds in (cfg.stiffness_factor_range, cfg.damping_factor_range)
            )
            self.env_p_gains[env_ids], self.env_d_gains[env_ids] = self.p_gains * stiffness, self.d_gains * damping
            self.sim.set_gains(env_ids, self.env_p_gains[env_ids], self.env_d_gains[env_ids])
        if cfg.randomize_motor_strength:
            strengths = self._uniform(self._widened(cfg.motor_strength_range, 1.0), count, joints)
            self.motor_strengths[env_ids] = strengths
            self.sim.set_motor_strength(env_ids, strengths)

    def _widened(self, bounds: Sequence[float], nominal: float) -> List[float]:
        """The part of a range that is in use now; it grows from the nominal value (or the nearest bound) to all."""
        low, high = bounds
        share, centre = self.randomization_share(), min(max(nominal, low), high)
        return [centre + share * (low - centre), centre + share * (high - centre)]

    def randomization_share(self) -> float:
        """How much of the ranges is in use, 0 to 1; see `domain_rand.widen_over`."""
        if self.cfg.domain_rand.widen_over is None:
            return 1.0
        return ramp(self.common_step_counter, self.cfg.domain_rand.widen_over)

    def _push_interval(self) -> int:
        """Policy steps between two pushes of a robot; where there are none, any number."""
        seconds = self.cfg.domain_rand.push_interval_s
        return max(math.ceil(seconds / self.dt), 1) if math.isfinite(seconds) else 1

    def _push_robots(self) -> None:
        """Every `push_interval_s`, set a robot's horizontal velocity at random, or change it (`push_adds`).

        Each has its own phase: were all pushed in the same step, a learner would see pushes in one rollout of many.
        """
        cfg = self.cfg.domain_rand
        if not cfg.push_robots or math.isinf(cfg.push_interval_s):
            return
        due = torch.nonzero((self.push_phases + self.common_step_counter) % self._push_interval() == 0).flatten()
        if len(due):
            states = self.root_states[due]
            limit = cfg.max_push_vel_xy * self.randomization_share()
            pushed = self._uniform([-limit, limit], len(due), 2)
            states[:, 7:9] = states[:, 7:9] + pushed if cfg.push_adds else pushed
            self.sim.set_root_states(due, states)
