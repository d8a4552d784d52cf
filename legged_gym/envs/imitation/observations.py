"""What robots that imitate see, block by block, in the names, orders and sizes of VideoMimic."""

from __future__ import annotations

import math
from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.imitation.control import ImitationControl
from legged_gym.envs.imitation.height_map import NoisyHeightMap, around, below, grid
from legged_gym.envs.imitation.randomization import ImitationRandomization
from legged_gym.envs.imitation.rewards import ImitationRewards
from legged_gym.envs.terms.mirror import mirrored
from legged_gym.rotations import in_heading, quat_conjugate, quat_mul, wrap_to_pi, yaw_from_quat


def euler_angles(quat: Tensor) -> Tensor:
    """Roll, pitch and yaw (N, 3) rad of quaternions (N, 4): Rz(yaw) Ry(pitch) Rx(roll)."""
    x, y, z, w = quat.unbind(-1)
    roll = torch.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    pitch = torch.asin((2.0 * (w * y - z * x)).clamp(-1.0, 1.0))
    return torch.stack((roll, pitch, yaw_from_quat(quat)), dim=1)


class ImitationObservations(ImitationRewards):
    """Observation terms; `now` and `next` of the clip are the frame of the present state and the one after it."""

    control: ImitationControl
    height_map: NoisyHeightMap
    randomization: ImitationRandomization
    _upper_body: Tensor  # joints
    _errors: Tensor
    _errors_at: int = -1

    def _obs_torso_real(self) -> Tensor:
        """Angular velocity and gravity in the base frame, joint angles less the default, velocities, last action."""
        return self._sensed(self.actions)

    def _obs_teacher_torso_real(self) -> Tensor:
        """The same with the last action as the cloned teacher would have given it."""
        return self._sensed(self.control.teacher_actions)

    def _obs_teacher_centre(self) -> Tensor:
        """The action that asks for what the cloned teacher's action of 0 would ask for."""
        return self.control.teacher_centre().expand(self.num_envs, -1)

    def _sensed(self, actions: Tensor) -> Tensor:
        rand = self.randomization
        gravity, joints = self.projected_gravity + rand.gravity_offsets, self._obs_dof_pos() + rand.dof_pos_offsets
        return torch.cat((self.base_ang_vel, gravity, joints, self.dof_vel, actions), dim=1)

    def _obs_torso(self) -> Tensor:
        """Height above the ground, velocity in the base frame, then as torso_real, without offsets."""
        own = (self.base_lin_vel, self.base_ang_vel, self.projected_gravity, self._obs_dof_pos())
        return torch.cat((self._obs_root_height(), *own, self.dof_vel, self.actions), dim=1)

    def _obs_torso_xy_rel(self) -> Tensor:
        """Where the clip's torso is, forward and to the left of the robot's, m; with noise."""
        return self._root_errors()[:, :2]

    def _obs_torso_yaw_rel(self) -> Tensor:
        """The turn from the robot's torso to the clip's, rad; with noise."""
        return self._root_errors()[:, 2:]

    def _root_errors(self) -> Tensor:
        """(N, 3) m, m, rad; drawn once a step."""
        if self._errors_at != self.common_step_counter or not self.common_step_counter:
            self._errors_at, self._errors = self.common_step_counter, self._noisy_errors()
        return self._errors

    def _noisy_errors(self) -> Tensor:
        cfg, yaw = self.cfg.deepmimic, yaw_from_quat(self.links[:, -1, 3:7])
        away = in_heading(yaw, self.motion.now.link_pos[:, -1] - self.links[:, -1, :3])[:, :2]
        turn = wrap_to_pi(yaw_from_quat(self.motion.now.link_quat[:, -1]) - yaw)[:, None]
        noise = self._normal(self.num_envs, 3) * cfg.root_error_noise
        told = torch.cat((away * (not cfg.zero_torso_xy), turn * (not cfg.zero_torso_yaw)), dim=1)
        given = self.motion.given_errors
        return torch.where(given.isnan(), told, given) + noise

    def _obs_torso_xy(self) -> Tensor:
        """Where the torso is, from the clip's origin, m."""
        return self.links[:, -1, :2] - self.env_origins[:, :2]

    def _obs_torso_yaw(self) -> Tensor:
        """Heading of the torso, rad."""
        return yaw_from_quat(self.links[:, -1, 3:7])[:, None]

    @mirrored("joints")
    def _obs_target_joints(self) -> Tensor:
        """The clip's joint angles less the default, rad."""
        return self.motion.now.joints - self.default_dof_pos

    def _obs_upper_body_joint_targets(self) -> Tensor:
        """The same of waist and arms."""
        return self._obs_target_joints()[:, self._upper_body]

    @mirrored([-1.0])
    def _obs_target_root_roll(self) -> Tensor:
        """Roll of the clip's root, rad."""
        return euler_angles(self.motion.now.root_quat)[:, :1]

    @mirrored("same")
    def _obs_target_root_pitch(self) -> Tensor:
        """Pitch of the clip's root, rad."""
        return euler_angles(self.motion.now.root_quat)[:, 1:2]

    @mirrored([-1.0])
    def _obs_target_root_yaw(self) -> Tensor:
        """Yaw of the clip's root, rad."""
        return euler_angles(self.motion.now.root_quat)[:, 2:]

    def _obs_deepmimic(self) -> Tensor:
        """Heights of the tracked bodies, how root, joints and bodies are off the clip's next frame, speeds, contacts.

        In the frame of the root's heading, apart from the turn to the next root, a quaternion in the world frame. The
        last four numbers are the feet's contacts once more, and 0.
        """
        after, root, bodies = self.motion.next, self.root_states, self.links[:, :-1]
        yaw = yaw_from_quat(root[:, 3:7])
        contacts = self.feet_contact.float()
        blocks = (
            below(self, bodies[..., :3]),
            quat_mul(after.root_quat, quat_conjugate(root[:, 3:7])),
            in_heading(yaw, after.root_pos - root[:, :3]),
            after.joints - self.dof_pos,
            in_heading(yaw, after.link_pos[:, :-1] - bodies[..., :3]).flatten(1),
            in_heading(yaw, bodies[..., 7:10]).flatten(1),
            contacts,
            after.contacts.float(),
            contacts,
            torch.zeros_like(contacts),
        )
        return torch.cat(blocks, dim=1)

    def _obs_deepmimic_lin_ang_vel(self) -> Tensor:
        """Velocity and angular velocity of the clip's next root, in the frame of the robot's heading."""
        yaw, after = yaw_from_quat(self.root_states[:, 3:7]), self.motion.next
        return torch.cat((in_heading(yaw, after.root_lin_vel), in_heading(yaw, after.root_ang_vel)), dim=1)

    @mirrored("same")
    def _obs_root_height(self) -> Tensor:
        """Height of the root above the ground, m."""
        return below(self, self.root_states[:, None, :3])

    def _obs_terrain_height(self) -> Tensor:
        """How far the ground is below a grid around the torso that turns with its heading, m.

        11 x 11 points, 0.1 m apart; y from right to left is the outer loop, x from rear to front the inner one.
        """
        torso = self.links[:, -1]
        return below(self, around(grid(self.device), torso[:, :3], yaw_from_quat(torso[:, 3:7])))

    def _obs_terrain_height_noisy(self) -> Tensor:
        """The same, late and with noise."""
        return self.height_map.heights

    @mirrored("same")
    def _obs_teacher_checkpoint_index(self) -> Tensor:
        """Which teacher knows the clip best, counted from 0; -1 for none."""
        return self.motion.teacher()[:, None].float()

    @mirrored("same")
    def _obs_phase(self) -> Tensor:
        """Sine and cosine of 2 pi times the fraction of the clip that is over."""
        angle = 2.0 * math.pi * self.motion.frame / self.motion.library.lengths[self.motion.clip]
        return torch.stack((angle.sin(), angle.cos()), dim=1)

    def _describe_phase(self) -> Dict[str, Any]:
        return {"rule": "sin and cos of 2 pi frame / frames of the clip; frames count on when the clip is over"}
