"""Joint targets of robots that imitate: about the clip's joints or the default ones, late, with torques on top."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.imitation.motion_commands import ImitationState, MotionCommands
from legged_gym.envs.parts.control import JointControl
from legged_gym.envs.parts.failures import Failures
from legged_gym.rotations import in_heading, quat_conjugate, quat_mul, rotation_vector, yaw_from_quat


class ImitationControl(JointControl):
    """Position targets that can be late by physics steps.

    Attributes:
        past_targets: (K, N, D) rad, those of the present policy step first.
    """

    env: ImitationState
    past_targets: Tensor
    control_delays: Tensor
    rfi_torques: Tensor
    translated: Tensor

    def __init__(self, env: ImitationState, failures: Failures, motion: MotionCommands) -> None:
        """Begin with robots at rest."""
        super().__init__(env, failures)
        self.rand, self._motion = env.cfg.domain_rand, motion
        self._about = env.cfg.control.actions_about
        self._teacher_about = env.cfg.control.teacher_actions_about or self._about
        longest = -(-self.rand.control_delay_max // self.cfg.decimation) if self.rand.control_delays else 0
        self._gains = torch.tensor(env.cfg.control.root_feedback, device=self.device)[:, None]
        self.past_targets = env.default_dof_pos.repeat(longest + 1, self.num_envs, 1)
        self.keep("past_targets")
        self.buffer("control_delays", dtype=torch.long, at_reset=None)
        self.buffer("rfi_torques", env.num_actions, at_reset=None)
        self._translates = self._teacher_about != self._about
        if self._translates:
            self.buffer("translated", env.num_actions, at_reset=None)

    def centre(self) -> Tensor:
        """Joint angles (N, D) rad, or (1, D), that an action of 0 asks for in the step to come."""
        return self._centre(self._about)

    def teacher_centre(self) -> Tensor:
        """The action (N, D), or (1, D), that asks for what the cloned teacher's action of 0 would ask for."""
        if not self._translates:
            return torch.zeros_like(self.env.default_dof_pos)
        return (self._centre(self._teacher_about) - self.centre()) / self.cfg.action_scale

    @property
    def teacher_actions(self) -> Tensor:
        """(N, D), by which the cloned teacher would have asked for what the last actions asked for."""
        return self.translated if self._translates else self.env.actions

    def _centre(self, about: str) -> Tensor:
        if about == "default":
            return self.env.default_dof_pos
        if about == "reference":
            return self._motion.next.joints
        shifts, targets = self._motion.next.shifts, self._motion.next.targets
        return targets if shifts is None else targets + torch.einsum("nji,ni->nj", shifts, self._push())

    def _push(self) -> Tensor:
        """What is to bring the root to where the clip has it, (N, 4) N forward and left, N m of roll and pitch."""
        now, root = self._motion.now, self.env.root_states
        turn = rotation_vector(quat_mul(now.root_quat, quat_conjugate(root[:, 3:7])))
        errors = (now.root_pos - root[:, :3], now.root_lin_vel - root[:, 7:10], turn, now.root_ang_vel - root[:, 10:13])
        level = in_heading(yaw_from_quat(root[:, 3:7]), torch.stack(errors, dim=1))[..., :2]
        return (self._gains * level).unflatten(1, (2, 2)).sum(2).flatten(1)

    def _targets(self, actions: Tensor) -> Tensor:
        targets = actions * self.cfg.action_scale + self.centre()
        if self.rand.torque_rfi_rand:
            # the engine's stiffness makes that torque of it, before its limits
            targets = targets + self.rfi_torques / self.env.env_p_gains
        return targets

    def simulate(self, actions: Tensor) -> None:
        """See `JointControl`."""
        if self._translates:
            self.translated = actions - self.teacher_centre()
        if not self.rand.control_delays:
            return super().simulate(actions)
        self.failures.begin()
        self.past_targets = torch.cat((self._targets(actions)[None], self.past_targets[:-1]))
        everyone, steps = torch.arange(self.num_envs, device=self.device), self.cfg.decimation
        for substep in range(steps):
            age = torch.div(self.control_delays - substep + steps - 1, steps, rounding_mode="floor").clamp_min(0)
            inputs = self.past_targets[age, everyone]
            self.sim.step(inputs, 1)
            for listener in self.listeners:
                listener(inputs, 1)

    def reset(self, env_ids: Tensor) -> None:
        """Actions before the first are how far joints are from the clip or the default; draw delays and torques."""
        super().reset(env_ids)
        env, rand = self.env, self.rand
        self.past_targets[:, env_ids] = env.dof_pos[env_ids]
        env.last_dof_vel[env_ids] = env.dof_vel[env_ids]
        for name in ("actions", "last_actions", "earlier_actions"):
            getattr(env, name)[env_ids] = self._first_actions(env_ids, self._about)
        if self._translates:
            self.translated[env_ids] = self._first_actions(env_ids, self._teacher_about)
        if rand.control_delays:
            bounds = rand.control_delay_min, rand.control_delay_max + 1
            self.control_delays[env_ids] = torch.randint(
                *bounds, (len(env_ids),), generator=env.generator, device=self.device
            )
        if rand.torque_rfi_rand:
            drawn = env._normal(len(env_ids), env.num_actions)
            self.rfi_torques[env_ids] = drawn * rand.torque_rfi_rand_scale * env.torque_limits

    def _first_actions(self, env_ids: Tensor, about: str) -> Tensor:
        held = self.env.default_dof_pos if about == "default" else self._motion.now.joints[env_ids]
        return (self.env.dof_pos[env_ids] - held) / self.cfg.action_scale
