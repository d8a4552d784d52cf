"""Reward terms: `_reward_<name>() -> (N,)`, unweighted; formulas of legged_gym (Rudin et al. 2021, table II)."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState


class RewardTerms(RobotState):
    """The reward terms every robot has; a scale in `rewards.scales` switches one on."""

    def _reward_termination(self) -> Tensor:
        """1 where an episode ended other than by time-out."""
        return (self.reset_buf & ~self.time_out_buf).float()

    def _reward_tracking_lin_vel(self) -> Tensor:
        """exp(-error^2 / sigma) of the horizontal velocity."""
        error = (self.commands[:, :2] - self.base_lin_vel[:, :2]).square().sum(1)
        return torch.exp(error * (-1.0 / self.cfg.rewards.tracking_sigma))

    def _reward_tracking_ang_vel(self) -> Tensor:
        """exp(-error^2 / sigma) of the yaw rate."""
        error = (self.commands[:, 2] - self.base_ang_vel[:, 2]).square()
        return torch.exp(error * (-1.0 / self.cfg.rewards.tracking_sigma))

    def _reward_progress(self) -> Tensor:
        """Velocity along the commanded one as a fraction of it, -1 to 1; 0 where less than 0.1 m/s is asked for.

        Unlike kernels of an error it pulls from afar.
        """
        wanted = self.commands[:, :2]
        squared = wanted.square().sum(1)
        along = (wanted * self.base_lin_vel[:, :2]).sum(1) / squared.clamp(min=0.01)
        return along.clamp(-1.0, 1.0) * (squared >= 0.01)

    def _reward_turning(self) -> Tensor:
        """Yaw rate as a fraction of the commanded one, -1 to 1; commands of less than 0.3 rad/s count in proportion.

        In full, a robot's sway at every step would be most of what they pay.
        """
        wanted = self.commands[:, 2]
        share = self.base_ang_vel[:, 2] / torch.where(wanted == 0.0, 1.0, wanted)
        return share.clamp(-1.0, 1.0) * (wanted.abs() / 0.3).clamp(max=1.0)

    def _reward_lin_vel_z(self) -> Tensor:
        """Vertical velocity squared."""
        return self.base_lin_vel[:, 2].square()

    def _reward_ang_vel_xy(self) -> Tensor:
        """Roll and pitch rates squared."""
        return self.base_ang_vel[:, :2].square().sum(1)

    def _reward_orientation(self) -> Tensor:
        """Squared horizontal part of gravity in the base frame: sin^2 of the tilt."""
        return self.projected_gravity[:, :2].square().sum(1)

    def _reward_base_height(self) -> Tensor:
        """Squared error of the mean height above the measured ground."""
        height = self.root_states[:, 2] - self.measured_heights.mean(1)
        return (height - self.cfg.rewards.base_height_target).square()

    def _reward_torques(self) -> Tensor:
        """Torques squared."""
        return self.torques.square().sum(1)

    def _reward_dof_vel(self) -> Tensor:
        """Joint velocities squared."""
        return self.dof_vel.square().sum(1)

    def _reward_dof_acc(self) -> Tensor:
        """Joint accelerations squared, by differences of policy steps."""
        return (self.last_dof_vel - self.dof_vel).square().sum(1) * (1.0 / self.dt**2)

    def _reward_action_rate(self) -> Tensor:
        """Change of action squared."""
        return (self.last_actions - self.actions).square().sum(1)

    def _reward_collision(self) -> Tensor:
        """Number of penalised bodies that touch something with more than 0.1 N."""
        return self._touching(self.penalised_contact_indices, 0.1).sum(1).float()

    def _reward_dof_pos_limits(self) -> Tensor:
        """Total angle beyond the soft limits, rad."""
        within = self.dof_pos.clamp(self.dof_pos_limits[:, 0], self.dof_pos_limits[:, 1])
        return (self.dof_pos - within).abs_().sum(1)

    def _reward_dof_vel_limits(self) -> Tensor:
        """Total speed beyond the soft limits, at most 1 rad/s a joint."""
        limit = self.dof_vel_limits * self.cfg.rewards.soft_dof_vel_limit
        return (self.dof_vel.abs() - limit).clamp_(0.0, 1.0).sum(1)

    def _reward_torque_limits(self) -> Tensor:
        """Total torque beyond the soft limits, N m."""
        limit = self.torque_limits * self.cfg.rewards.soft_torque_limit
        return (self.torques.abs() - limit).clamp_(min=0.0).sum(1)

    def _reward_feet_air_time(self) -> Tensor:
        """Seconds beyond the target that feet were in the air, paid at touch-down, and only when commanded to move."""
        reward = ((self.feet_air_time - self.cfg.rewards.feet_air_time_target) * self.first_contact).sum(1)
        return reward * (self.commands[:, :2].norm(dim=1) > 0.1)

    def _reward_feet_stumble(self) -> Tensor:
        """1 if any foot hits a wall: horizontal force above five times the vertical."""
        force = self.feet_forces
        return (force[..., :2].norm(dim=-1) > 5.0 * force[..., 2].abs()).any(1).float()

    _reward_stumble = _reward_feet_stumble

    def _reward_stand_still(self) -> Tensor:
        """Distance of the joints from the default pose when commanded to stand, rad."""
        still = self.commands[:, :2].norm(dim=1) < 0.1
        return (self.dof_pos - self.default_dof_pos).abs().sum(1) * still

    def _reward_feet_stance(self) -> Tensor:
        """Feet on the ground beyond half of them when commanded to move: what a fine makes robots lift.

        Half of the feet are free, or robots that are told to go slowly would balance on fewer, and fall.
        """
        return (self.feet_down.sum(1) - self.feet_down.shape[1] // 2).clamp(min=0) * ~self._told_to_stand()

    def _reward_stand_motion(self) -> Tensor:
        """Sum of the joints' speeds when commanded to stand, rad/s."""
        return self.dof_vel.abs().sum(1) * self._told_to_stand()

    def _reward_stand_feet(self) -> Tensor:
        """Number of feet in the air when commanded to stand."""
        return (~self.feet_down).sum(1, dtype=torch.float32) * self._told_to_stand()

    def _told_to_stand(self) -> Tensor:
        """(N,) bool: neither a velocity nor a turn worth mentioning is commanded."""
        return self.commands[:, :3].norm(dim=1) < 0.1

    def _reward_similar_to_default(self) -> Tensor:
        """Distance of the joints from the default pose, rad."""
        return (self.dof_pos - self.default_dof_pos).abs().sum(1)

    def _reward_feet_contact_forces(self) -> Tensor:
        """Total force of feet beyond `max_contact_force`, N."""
        return (self.feet_forces.norm(dim=-1) - self.cfg.rewards.max_contact_force).clamp_(min=0.0).sum(1)

    def _reward_feet_clearance(self) -> Tensor:
        """How much lower than the target feet swing, squared, m^2, times their horizontal speed, m/s.

        Above the highest ground under them and where their velocity takes them in `feet_clearance_ahead` s.
        """
        feet, ahead = self._feet_states(), self.cfg.rewards.feet_clearance_ahead
        ground = self.height_scan.sample(feet[..., :2])
        for seconds in (0.5 * ahead, ahead) if ahead > 0.0 else ():
            ground = torch.maximum(ground, self.height_scan.sample(feet[..., :2] + seconds * feet[..., 7:9]))
        height = feet[..., 2] - ground
        target = self.cfg.rewards.feet_clearance_target
        missing = (target - height).clamp_(0.0, target)
        return (missing.square() * feet[..., 7:9].norm(dim=-1) * ~self.feet_contact).sum(1)

    def _feet_states(self) -> Tensor:
        """(N, F, 13) like `root_states`, of the feet."""
        return self.sim.states_of(self.feet_indices)

    def _touching(self, bodies: Tensor, threshold: float) -> Tensor:
        """(N, n) whether each body feels more than `threshold` N."""
        return self.contact_forces.index_select(1, bodies).square().sum(-1) > threshold**2
