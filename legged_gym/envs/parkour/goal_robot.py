"""Robots that walk along goals with privileged sight: what they observe, are paid for on any ground, and their ends."""

from __future__ import annotations

from typing import Any, Dict, Optional

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.envs.terms.mirror import Mirror, join_mirrors, mirror_of_term, mirrored
from legged_gym.host import indices
from legged_gym.rotations import wrap_to_pi, yaw_from_quat

# policy steps between two height scans
SCAN_PERIOD = 5
# m: at this height of the base flat ground reads 0
_SCAN_BASE_HEIGHT = 0.3
_GOALS_RULE = (
    "on to the next goal, once a control step, after more than dwell steps in a row within reach m of this one, or with"
    " a gate when past it along x, within gate m to either side; the last goal stays"
)
# N: a foot touches the ground whose force is larger, now or in the last step
_TOUCH = 2.0


class GoalRobot(LeggedRobot):
    """Goals one after the other; 53 numbers of proprioception, a height scan, what only a simulation knows, history.

    Attributes besides those of `LeggedRobot`:
        yaw: (N,) rad, of the base.
        scan: (N, P) m above the ground, the last height scan, obstacles included.
        past_proprioception: (N, 53), what was observed one step ago, directions to goals left out.
        last_torques: (N, D) N m, of the last policy step.
        feet_touched: (N, F) bool, who touched something in the last policy step.
        velocity_errors: (N, 2) m/s and rad/s times the share of a command's time, summed over the episode.
    """

    cfg: Any  # with the section `goals`
    command_part = GoalCommands
    reward_tag = "Episode_Reward/reward_{}"
    velocity_commands: GoalCommands
    yaw: Tensor
    scan: Tensor
    past_proprioception: Tensor
    last_torques: Tensor
    feet_touched: Tensor
    velocity_errors: Tensor
    _hips: Tensor

    def _make_parts(self) -> None:
        super()._make_parts()
        goals = self.cfg.goals
        self.velocity_commands.dwell, self.velocity_commands.gate = goals.dwell, goals.gate
        self.buffer("scan", self.height_scan.num_points, at_reset=None)
        self.buffer("past_proprioception", 53)
        self._frame = self.past_proprioception  # of the present state, see `_assemble`
        self._all_flat = torch.tensor([[0.0, 1.0]], device=self.device).repeat(self.num_envs, 1)
        self.buffer("last_torques", self.num_actions)
        self.buffer("velocity_errors", 2)
        self.buffer("feet_touched", len(self.feet_indices), dtype=torch.bool)
        hips = [i for i, name in enumerate(self.dof_names) if "hip" in name]
        self._hips = torch.tensor(hips, device=self.device)

    def _update_base(self, moved: Optional[Tensor] = None) -> None:
        super()._update_base(moved)
        self.yaw = yaw_from_quat(self.root_states[:, 3:7])
        self._touching_now = self.feet_forces.norm(dim=-1) > _TOUCH

    def _compute_reward(self) -> None:
        super()._compute_reward()
        self.last_torques = self.torques.clone()
        errors = torch.stack((self._metric_lin_vel_xy_error(), self._metric_ang_vel_error()), dim=1)
        self.velocity_errors += errors * (self.dt / self.cfg.commands.resampling_time)

    def _assemble(self) -> None:
        self._frame = self._proprioception()
        super()._assemble()

    def _remember(self) -> None:
        super()._remember()
        self.past_proprioception = self._frame
        self.feet_touched = self._touching_now

    def _log_episodes(self, env_ids: Tensor) -> None:
        super()._log_episodes(env_ids)
        goals, levels = self.velocity_commands, self._shown_levels().float()
        away = (goals.goals()[:, :2] - self.root_states[:, :2]).norm(dim=1) - goals.reach
        course = {
            "current_goal_idx": goals.goals_reached.float().mean(), "far_from_current_goal": away.mean(),
            "terrain_level_mean": levels.mean(), "terrain_level_max": levels.max(),
            "success": self._metric_success()[env_ids].float().mean(),
            "falls": (self.reset_buf & ~self.time_out_buf)[env_ids].float().mean(),
        }  # fmt: skip
        errors = dict(zip(("error_vel_xy", "error_vel_yaw"), self.velocity_errors[env_ids].mean(0)))
        for group, entries in (("base_parkour", course), ("base_velocity", errors)):
            self.extras["log"].update({f"Metrics/{group}/{name}": value for name, value in entries.items()})

    def _shown_levels(self) -> Tensor:
        """(N,) how hard each robot's course is, for the log."""
        return self.terrain_levels

    def _feet_positions(self) -> Tensor:
        """(N, F, 3) m, world."""
        return self._feet_states()[..., :3]

    # ---------------------------------------------------------------- proprioception

    @mirrored([-1.0, 1.0])
    def _obs_roll_pitch(self) -> Tensor:
        """Angles of the base, of yaw, then pitch, then roll, rad."""
        x, y, z = self.projected_gravity.unbind(1)
        return torch.stack((torch.atan2(-y, -z), torch.asin(x.clamp(-1.0, 1.0))), dim=1)

    @mirrored([1.0, -1.0, -1.0])
    def _obs_yaw_errors(self) -> Tensor:
        """0, and the turns to the directions of the next goal and of the one after it, rad."""
        directions = torch.stack([self.velocity_commands.target_yaw(ahead) for ahead in (0, 1)], dim=1)
        return torch.nn.functional.pad(wrap_to_pi(directions - self.yaw[:, None]), (1, 0))

    def _describe_yaw_errors(self) -> Dict[str, Any]:
        goals = self.velocity_commands
        return {"reach": goals.reach, "dwell": goals.dwell, "gate": goals.gate, "rule": _GOALS_RULE}

    @mirrored("same")
    def _obs_forward_command(self) -> Tensor:
        """0, 0, and the commanded speed, m/s."""
        return torch.nn.functional.pad(self.commands[:, :1], (2, 0))

    @mirrored("same")
    def _obs_ground_class(self) -> Tensor:
        """0, 1: flat ground."""
        return self._all_flat

    @mirrored("feet")
    def _obs_feet_touch(self) -> Tensor:
        """0.5 for each foot that touches something with more than 2 N, now or a step ago, else -0.5."""
        return (self._touching_now | self.feet_touched).float() - 0.5

    def _proprioception(self) -> Tensor:
        """(N, 53), the frame of the history: scaled, and directions to goals 0."""
        parts = [
            0.25 * self._obs_base_ang_vel(), self._obs_roll_pitch(), torch.zeros_like(self.root_states[:, :3]),
            self._obs_forward_command(), self._obs_ground_class(), self._obs_dof_pos(), 0.05 * self._obs_dof_vel(),
            self._obs_actions(), self._obs_feet_touch(),
        ]  # fmt: skip
        return torch.cat(parts, dim=1)

    def _obs_past_proprioception(self) -> Tensor:
        """What proprioception was a step ago, scaled and with directions to goals 0; at the start what it is."""
        return torch.where((self.episode_length_buf == 0)[:, None], self._frame, self.past_proprioception)

    def _mirror_past_proprioception(self) -> Mirror:
        joints, feet = self.num_actions, len(self.feet_indices)
        return self._joined_mirrors(
            base_ang_vel=3, roll_pitch=2, yaw_errors=3, forward_command=3, ground_class=2, dof_pos=joints,
            dof_vel=joints, actions=joints, feet_touch=feet,
        )  # fmt: skip

    def _joined_mirrors(self, **widths: int) -> Mirror:
        """The mirror of terms one after the other, by their names."""
        mirrors = [mirror_of_term(self, name, width) for name, width in widths.items()]
        index, sign = join_mirrors([mirror for mirror in mirrors if mirror is not None], self.device)
        return index.tolist(), sign.tolist()

    # ---------------------------------------------------------------- the rest

    @mirrored("scan")
    def _obs_scan(self) -> Tensor:
        """Height of the base above each point of the height scan, obstacles included, less 0.3 m."""
        due = indices(self.ages.of(self.episode_length_buf) % SCAN_PERIOD == 0, self.device)
        state = self.root_states[due]
        if len(due):
            self.scan[due] = state[:, 2:3] - _SCAN_BASE_HEIGHT - self.height_scan(state[:, :3], state[:, 3:7], due)
        return self.scan

    def _describe_scan(self, base_height: float = _SCAN_BASE_HEIGHT) -> Dict[str, Any]:
        return super()._describe_scan(base_height)

    @mirrored("vector")
    def _obs_explicit(self) -> Tensor:
        """Velocity of the base in its own frame, m/s, and six zeros."""
        return torch.nn.functional.pad(self.base_lin_vel, (0, 6))

    def _obs_latent(self) -> Tensor:
        """Mass added to the base, kg, shift of its centre of mass, m, friction, factors less 1 on gains."""
        strength = self.motor_strengths
        pairs = ((self.env_p_gains, self.p_gains), (self.env_d_gains, self.d_gains))
        gains = [strength * own / nominal - 1.0 for own, nominal in pairs]
        return torch.cat((self.added_masses[:, None], self.com_displacements, self.friction_coeffs[:, None], *gains), 1)

    def _mirror_latent(self) -> Mirror:
        mass, com, friction = ([0], [1.0]), ([0, 1, 2], [1.0, -1.0, 1.0]), ([0], [1.0])
        factors = (self.mirror_joints()[0], [1.0] * self.num_actions)
        index, sign = join_mirrors([mass, com, friction, factors, factors], self.device)
        return index.tolist(), sign.tolist()

    # ---------------------------------------------------------------- rewards

    def _reward_tracking_goal_vel(self) -> Tensor:
        """Speed towards the goal up to the commanded one, as a share of it."""
        away = self.velocity_commands.goals()[:, :2] - self.root_states[:, :2]
        speed = (torch.nn.functional.normalize(away, dim=1) * self.root_states[:, 7:9]).sum(1)
        return torch.minimum(speed, self.commands[:, 0]) / (self.commands[:, 0] + 1e-5)

    def _reward_tracking_yaw(self) -> Tensor:
        """exp(-error) of the heading to the goal, rad."""
        error = wrap_to_pi(self.velocity_commands.target_yaw() - self.yaw)
        return torch.exp(-error.abs())

    def _reward_delta_torques(self) -> Tensor:
        """Change of torques since the last step, squared."""
        return (self.torques - self.last_torques).square().sum(1)

    def _reward_action_rate(self) -> Tensor:
        """Norm of the change of action."""
        return (self.last_actions - self.actions).norm(dim=1)

    def _reward_dof_error(self) -> Tensor:
        """Joints' squared distance from the default pose, rad^2."""
        return (self.dof_pos - self.default_dof_pos).square().sum(1)

    def _reward_hip_pos(self) -> Tensor:
        """Likewise, of the hips."""
        return (self.dof_pos - self.default_dof_pos).index_select(1, self._hips).square().sum(1)

    def _reward_feet_stumble(self) -> Tensor:
        """1 if any foot hits a wall: horizontal force above four times the vertical."""
        force = self.feet_forces
        return (force[..., :2].norm(dim=-1) > 4.0 * force[..., 2].abs()).any(1).float()

    # ---------------------------------------------------------------- ends and metrics

    def _termination_goals_reached(self) -> Tensor:
        """All goals have been reached."""
        return self.velocity_commands.finished()

    def _termination_low(self) -> Tensor:
        """The base is below `threshold` m in the world."""
        return self.root_states[:, 2] < self._threshold("low")

    def _metric_success(self) -> Tensor:
        """Whether all goals were reached."""
        return self.velocity_commands.finished()

    def _metric_waypoints(self) -> Tensor:
        """The share of its goals that the robot has reached."""
        return self.velocity_commands.goals_reached / self.velocity_commands.num_goals().clamp(min=1)

    def _metric_goals_reached(self) -> Tensor:
        """How many goals the robot has reached."""
        return self.velocity_commands.goals_reached

    def _metric_goals_share(self) -> Tensor:
        """Fraction of the goals that the robot has reached."""
        return self.velocity_commands.goals_reached / self.velocity_commands.num_goals()
