"""Domain randomisation: what differs from robot to robot, drawn once, and pushes."""

from __future__ import annotations

import math

import torch

from legged_gym.envs.base.commands import CommandTerms


class DomainRandomization(CommandTerms):
    """Draws through the seam; what was drawn is kept for privileged observations."""

    def _randomize_robots(self) -> None:
        """Give every environment its own robot. Drawn at construction, as in legged_gym."""
        cfg, count = self.cfg.domain_rand, self.num_envs
        joints = self.num_actions
        every = torch.arange(count, device=self.device)
        self.friction_coeffs = torch.ones(count, device=self.device)
        self.added_masses = torch.zeros(count, device=self.device)
        self.com_displacements = torch.zeros(count, 3, device=self.device)
        self.motor_strengths = torch.ones(count, joints, device=self.device)
        self.env_p_gains = self.p_gains.repeat(count, 1)
        self.env_d_gains = self.d_gains.repeat(count, 1)
        steps = math.ceil(cfg.push_interval_s / self.dt)
        self.push_phases = torch.randint(0, steps, (count,), generator=self.generator, device=self.device)
        root = self.body_names[0]
        if cfg.randomize_friction:
            self.friction_coeffs = self._uniform(cfg.friction_range, count)
            self.sim.set_friction(every, self.friction_coeffs)
        if cfg.randomize_base_mass:
            self.added_masses = self._uniform(cfg.added_mass_range, count)
            self.sim.set_masses(every, root, self.added_masses)
        if cfg.randomize_com:
            self.com_displacements = self._uniform(cfg.com_displacement_range, count, 3)
            self.sim.set_coms(every, root, self.com_displacements)
        if cfg.randomize_gains:
            self.env_p_gains = self.p_gains * self._uniform(cfg.stiffness_factor_range, count, joints)
            self.env_d_gains = self.d_gains * self._uniform(cfg.damping_factor_range, count, joints)
            self.sim.set_gains(every, self.env_p_gains, self.env_d_gains)
        if cfg.randomize_motor_strength:
            self.motor_strengths = self._uniform(cfg.motor_strength_range, count, joints)
            self.sim.set_motor_strength(every, self.motor_strengths)

    def _push_robots(self) -> None:
        """Every `push_interval_s`, set a robot's horizontal velocity at random.

        Each has its own phase: were all pushed in the same step, a learner would see pushes in one rollout of many.
        """
        cfg = self.cfg.domain_rand
        if not cfg.push_robots:
            return
        interval = math.ceil(cfg.push_interval_s / self.dt)
        due = torch.nonzero((self.push_phases + self.common_step_counter) % interval == 0).flatten()
        if len(due):
            states = self.root_states[due]
            states[:, 7:9] = self._uniform([-cfg.max_push_vel_xy, cfg.max_push_vel_xy], len(due), 2)
            self.sim.set_root_states(due, states)
