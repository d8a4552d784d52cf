"""A robot on a course of hurdles: what it observes, when its episode ends, how well it did."""

from __future__ import annotations

from typing import Any, Dict

import torch
from torch import Tensor

from legged_gym.envs.parkour.guidance import Guidance
from legged_gym.envs.parkour.hurdles import CourseCommands, Hurdles
from legged_gym.envs.parkour.rewards import ParkourRewards
from legged_gym.host import indices
from legged_gym.rotations import wrap_to_pi, yaw_from_quat

# policy steps between two height scans
SCAN_PERIOD = 5
# m: at this height of the base flat ground reads 0
_SCAN_BASE_HEIGHT = 0.3
# N: a foot touches the ground whose force is larger, now or in the last step
_TOUCH = 2.0
# m: a hurdle of this height reads 1
_HEIGHT_SCALE = 0.6


class ParkourRobot(ParkourRewards):
    """Jumps over low bars and crawls under high ones.

    Attributes besides those of `LeggedRobot`:
        scan: (N, P) m above the ground, the last height scan, hurdles included.
        past_proprioception: (N, 53), what was observed one step ago, directions to goals left out.
    """

    command_part = CourseCommands
    hurdles: Hurdles
    scan: Tensor
    past_proprioception: Tensor
    feet_touched: Tensor

    def _make_parts(self) -> None:
        super()._make_parts()
        self.hurdles = Hurdles(self, self.cfg.hurdles, self.velocity_commands)
        self.velocity_commands.hurdles = self.hurdles
        self.use_part("obstacles", self.hurdles)
        goals = self.cfg.goals
        self.velocity_commands.dwell, self.velocity_commands.gate = goals.dwell, goals.gate
        self.buffer("scan", self.height_scan.num_points, at_reset=None)
        self.buffer("past_proprioception", 53)
        self.buffer("last_torques", self.num_actions)
        self.buffer("feet_touched", len(self.feet_indices), dtype=torch.bool)
        self._hips = [i for i, name in enumerate(self.dof_names) if "hip" in name]

        self._see_hurdles()

    def _see_hurdles(self) -> None:
        self.guidance = Guidance(self, self.hurdles, self.cfg.guidance, self._feet_states()[..., 2])

    def _update_base(self) -> None:
        super()._update_base()
        self._touching_now = self.feet_forces.norm(dim=-1) > _TOUCH

    def _compute_reward(self) -> None:
        self._see_hurdles()
        super()._compute_reward()
        self.last_torques = self.torques.clone()

    def _remember(self) -> None:
        super()._remember()
        self.past_proprioception = self._proprioception()
        self.feet_touched = self._touching_now

    # ---------------------------------------------------------------- proprioception

    def _obs_roll_pitch(self) -> Tensor:
        """Angles of the base, of yaw, then pitch, then roll, rad."""
        x, y, z = self.projected_gravity.unbind(1)
        return torch.stack((torch.atan2(-y, -z), torch.asin(x.clamp(-1.0, 1.0))), dim=1)

    def _obs_yaw_errors(self) -> Tensor:
        """0, and the turns to the directions of the next goal and of the one after it, rad."""
        yaw, goals = yaw_from_quat(self.root_states[:, 3:7]), self.velocity_commands
        errors = [wrap_to_pi(goals.target_yaw(ahead) - yaw) for ahead in (0, 1)]
        return torch.stack((torch.zeros_like(yaw), *errors), dim=1)

    def _obs_forward_command(self) -> Tensor:
        """0, 0, and the commanded speed, m/s."""
        return torch.nn.functional.pad(self.commands[:, :1], (2, 0))

    def _obs_ground_class(self) -> Tensor:
        """0, 1: flat ground."""
        return torch.tensor([[0.0, 1.0]], device=self.device).repeat(self.num_envs, 1)

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
        begins = (self.episode_length_buf == 0)[:, None]
        return torch.where(begins, self._proprioception(), self.past_proprioception)

    # ---------------------------------------------------------------- the rest

    def _obs_scan(self) -> Tensor:
        """Height of the base above each point of the height scan, hurdles included, less 0.3 m."""
        due = indices(self.ages.of(self.episode_length_buf) % SCAN_PERIOD == 0, self.device)
        state = self.root_states[due]
        if len(due):
            self.scan[due] = state[:, 2:3] - _SCAN_BASE_HEIGHT - self.height_scan(state[:, :3], state[:, 3:7], due)
        return self.scan

    def _describe_scan(self, base_height: float = _SCAN_BASE_HEIGHT) -> Dict[str, Any]:
        return super()._describe_scan(base_height)

    def _obs_hurdles(self) -> Tensor:
        """Of each hurdle its height over 0.6 m, -1 for none, then of each -1 for none, 0 to jump, 1 to crawl."""
        there, heights = self.hurdles.there(), (self.hurdles.heights / _HEIGHT_SCALE).clamp(max=1.0)
        none = torch.full_like(heights, -1.0)
        return torch.cat((heights.where(there, none), self.hurdles.crawls().float().where(there, none)), dim=1)

    def _obs_explicit(self) -> Tensor:
        """Velocity of the base in its own frame, m/s, and six zeros."""
        return torch.nn.functional.pad(self.base_lin_vel, (0, 6))

    def _obs_latent(self) -> Tensor:
        """Mass added to the base, kg, shift of its centre of mass, m, friction, factors less 1 on gains."""
        strength = self.motor_strengths
        pairs = ((self.env_p_gains, self.p_gains), (self.env_d_gains, self.d_gains))
        gains = [strength * own / nominal - 1.0 for own, nominal in pairs]
        return torch.cat((self.added_masses[:, None], self.com_displacements, self.friction_coeffs[:, None], *gains), 1)

    # ---------------------------------------------------------------- ends and metrics

    def _termination_goals_reached(self) -> Tensor:
        """All goals have been reached."""
        return self.velocity_commands.finished()

    def _termination_low(self) -> Tensor:
        """The base is below `threshold` m in the world."""
        return self.root_states[:, 2] < self._threshold("low")

    def _metric_success(self) -> Tensor:
        """Whether all goals were reached, with each hurdle passed between its posts."""
        return self.hurdles.success().float()

    def _metric_goals_reached(self) -> Tensor:
        """How many goals the robot has reached."""
        return self.velocity_commands.goals_reached

    def _metric_hurdles_passed(self) -> Tensor:
        """How many hurdles the robot has passed between their posts."""
        return self.hurdles.passed.sum(1).float()

    def _metric_hurdles_bypassed(self) -> Tensor:
        """How many hurdles the robot has gone round."""
        return self.hurdles.bypassed.sum(1).float()
