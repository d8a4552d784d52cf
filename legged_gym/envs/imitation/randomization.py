"""Domain randomisation of robots that imitate: what lasts for an episode, loads on the torso, and pushes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from legged_gym.envs.imitation.motion_commands import ImitationState
from legged_gym.envs.parts.domain_rand import DomainRandomization


class ImitationRandomization(DomainRandomization):
    """Offsets of what a robot senses and does, and gains, are drawn at each reset.

    Attributes:
        gravity_offsets: (N, 3).
        dof_pos_offsets: (N, D) rad.
        action_offsets: (N, D).
    """

    gravity_offsets: Tensor
    dof_pos_offsets: Tensor
    action_offsets: Tensor

    def __init__(self, env: ImitationState) -> None:
        """See `DomainRandomization`."""
        super().__init__(env)
        self.rand = env.cfg.domain_rand
        self.offsets, self.torso = env.cfg.noise.offset_scales, env.cfg.deepmimic.torso
        for name, size in (("gravity", 3), ("dof_pos", env.num_actions), ("action", env.num_actions)):
            self.buffer(f"{name}_offsets", size, at_reset=None)

    def draw(self, env_ids: Tensor) -> None:
        """Draw the robots of some environments; mass and centre of mass are the torso's."""
        super().draw(env_ids)
        if self.rand.randomize_base_com:
            env = self.env
            env.com_displacements[env_ids] = env._uniform(
                self._widened(self.rand.added_com_range, 0.0), len(env_ids), 3
            )
            env.sim.set_coms(env_ids, self.torso, env.com_displacements[env_ids])

    def set_added_mass(self, env_ids: Tensor, mass: Tensor) -> None:
        """Load the torsos of the robots of environments (n,) with (n,) kg."""
        self.env.added_masses[env_ids] = mass
        self.env.sim.set_masses(env_ids, self.torso, mass)

    def reset(self, env_ids: Tensor) -> None:
        """Draw what lasts for an episode."""
        env, cfg, count = self.env, self.rand, len(env_ids)
        for name in ("gravity", "dof_pos", "action"):
            scale, offsets = getattr(self.offsets, name), getattr(self, f"{name}_offsets")
            if scale > 0.0:
                offsets[env_ids] = env._normal(count, offsets.shape[1]) * scale
        if cfg.p_gain_rand or cfg.d_gain_rand:
            for on, scale, own, nominal in (
                (cfg.p_gain_rand, cfg.p_gain_rand_scale, env.env_p_gains, env.p_gains),
                (cfg.d_gain_rand, cfg.d_gain_rand_scale, env.env_d_gains, env.d_gains),
            ):
                if on:
                    own[env_ids] = nominal * (1.0 + scale * env._normal(count, env.num_actions))
            env.sim.set_gains(env_ids, env.env_p_gains[env_ids], env.env_d_gains[env_ids])

    def push(self) -> None:
        """Every `push_interval_s` of an episode, add to a robot's velocity at random."""
        env, cfg = self.env, self.rand
        if not cfg.push_robots or math.isinf(cfg.push_interval_s):
            return
        ages = env.ages.of(env.episode_length_buf)
        due = torch.from_numpy(((ages % self._push_interval() == 0) & (ages > 0)).nonzero()[0]).to(self.device)
        if len(due):
            states = env.root_states[due]
            reach = torch.tensor([cfg.max_push_vel_xy] * 2 + [cfg.max_push_vel_z], device=self.device)
            states[:, 7:10] += env._uniform([-1.0, 1.0], len(due), 3) * reach
            env.sim.set_root_states(due, states)
