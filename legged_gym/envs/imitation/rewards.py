"""What robots that imitate are paid for; distances and angles are between the robot and the clip's present frame."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.g1.g1 import G1
from legged_gym.envs.imitation.g1_deepmimic_config import G1DeepmimicCfg
from legged_gym.envs.imitation.motion_commands import ImitationState, MotionCommands
from legged_gym.rotations import quat_conjugate, quat_mul, wrap_to_pi, yaw_from_quat

# m that feet should have been off the ground when they touch down
_LIFT = 0.2
# policy steps of an episode after which contacts should be smooth
_SETTLED = 10


def angle_between(a: Tensor, b: Tensor) -> Tensor:
    """Angle (...,) rad of the rotation from quaternions b (..., 4) to a."""
    turn = quat_mul(a, quat_conjugate(b))
    return 2.0 * torch.asin(turn[..., :3].norm(dim=-1).clamp(max=1.0))


class ImitationRewards(G1, ImitationState):
    """Reward terms; `links` (N, K + 1, 13) are the tracked bodies and, last, the torso, like `root_states`."""

    cfg: G1DeepmimicCfg
    motion: MotionCommands
    _ankles: Tensor  # joints
    contacts_before: Tensor
    reference_contacts_before: Tensor
    feet_lift: Tensor

    def _kernel(self, name: str, error: Tensor) -> Tensor:
        return torch.exp(error * -getattr(self.cfg.rewards, f"{name}_tracking_k"))

    # ---------------------------------------------------------------- tracking

    def _reward_joint_pos_tracking(self) -> Tensor:
        """exp(-k sum of the joints' squared errors)."""
        return self._kernel("joint_pos", (self.dof_pos - self.motion.now.joints).square().sum(1))

    def _reward_joint_vel_tracking(self) -> Tensor:
        """exp(-k sum of the joints' squared errors of velocity)."""
        return self._kernel("joint_vel", (self.dof_vel - self.motion.now.joint_vel).square().sum(1))

    def _reward_link_pos_tracking(self) -> Tensor:
        """exp(-k sum of the tracked bodies' squared distances)."""
        return self._kernel("link_pos", self.link_errors().square().sum((1, 2)))

    def _reward_link_vel_tracking(self) -> Tensor:
        """exp(-k sum of the tracked bodies' squared errors of velocity)."""
        error = self.links[:, :-1, 7:10] - self.motion.now.link_vel[:, :-1]
        return self._kernel("link_vel", error.square().sum((1, 2)))

    def _reward_torso_pos_tracking(self) -> Tensor:
        """exp(-k squared distance of the torso)."""
        error = self.links[:, -1, :3] - self.motion.now.link_pos[:, -1]
        return self._kernel("torso_pos", error.square().sum(1))

    def _reward_torso_orientation_tracking(self) -> Tensor:
        """exp(-k angle of the torso)."""
        return self._kernel("torso_orientation", self.torso_angle())

    def _reward_root_pos_tracking(self) -> Tensor:
        """exp(-k squared distance of the root)."""
        return self._kernel("root_pos", (self.root_states[:, :3] - self.motion.now.root_pos).square().sum(1))

    def _reward_root_orientation_tracking(self) -> Tensor:
        """exp(-k angle of the root)."""
        return self._kernel("root_orientation", angle_between(self.root_states[:, 3:7], self.motion.now.root_quat))

    def _reward_root_vel_tracking(self) -> Tensor:
        """exp(-k error of the root's velocity)."""
        return self._kernel("root_vel", (self.root_states[:, 7:10] - self.motion.now.root_lin_vel).norm(dim=1))

    def _reward_root_ang_vel_tracking(self) -> Tensor:
        """exp(-k error of the root's angular velocity)."""
        return self._kernel("root_ang_vel", (self.root_states[:, 10:13] - self.motion.now.root_ang_vel).norm(dim=1))

    def link_errors(self) -> Tensor:
        """(N, K, 3) m, where the tracked bodies are less where they should be."""
        return self.links[:, :-1, :3] - self.motion.now.link_pos[:, :-1]

    def torso_angle(self) -> Tensor:
        """(N,) rad between the torso and the clip's."""
        return angle_between(self.links[:, -1, 3:7], self.motion.now.link_quat[:, -1])

    # ---------------------------------------------------------------- feet

    def _reward_feet_contact_matching(self) -> Tensor:
        """Number of feet that touch the ground, or do not, as in the clip."""
        return (self.feet_contact == self.motion.now.contacts).sum(1)

    def _reward_feet_air_time(self) -> Tensor:
        """Seconds beyond the target that feet were in the air, paid at touch-down."""
        return ((self.feet_air_time - self.cfg.rewards.feet_air_time_target) * self.first_contact).sum(1)

    def _reward_contact_no_vel(self) -> Tensor:
        """Speeds of feet that touch something, m/s."""
        return (self._feet_states()[..., 7:10].norm(dim=-1) * self._feet_touch()).sum(1)

    def _reward_contact_smoothness(self) -> Tensor:
        """Number of feet that began or ceased to touch when the clip's did not, and are wrong now."""
        now, wanted = self.feet_contact, self.motion.now.contacts
        wrong = (now != self.contacts_before) & (wanted == self.reference_contacts_before) & (now != wanted)
        return wrong.sum(1) * (self.episode_length_buf > _SETTLED)

    def _reward_no_fly(self) -> Tensor:
        """1 where just one foot touches the ground with more than 0.1 N."""
        return ((self.feet_forces[..., 2] > 0.1).sum(1) == 1).float()

    def _reward_feet_max_height_for_this_air(self) -> Tensor:
        """How much lower than 0.2 m feet stayed in the air, m, paid at touch-down."""
        return ((_LIFT - self.feet_lift).clamp_min(0.0) * self.first_contact).sum(1)

    def _reward_feet_orientation(self) -> Tensor:
        """exp(-k sum of the angles between the headings of the feet and the root's)."""
        turned = yaw_from_quat(self._feet_states()[..., 3:7]) - yaw_from_quat(self.root_states[:, 3:7])[:, None]
        return torch.exp(wrap_to_pi(turned).abs().sum(1) * -self.cfg.rewards.feet_orientation_k)

    # ---------------------------------------------------------------- effort

    def _reward_ankle_action(self) -> Tensor:
        """Actions of the ankles squared."""
        return self.actions.index_select(1, self._ankles).square().sum(1)

    def _reward_action_accel(self) -> Tensor:
        """Change of the change of action squared."""
        return (self.actions - 2.0 * self.last_actions + self.earlier_actions).square().sum(1)

    def _reward_energy(self) -> Tensor:
        """Power of the joints squared, W^2."""
        return (self.torques * self.dof_vel).square().sum(1)
