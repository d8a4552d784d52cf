"""A G1 that does what motion clips show."""

from __future__ import annotations

import io
from typing import Any, Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.imitation.clip_files import ClipSet
from legged_gym.envs.imitation.clip_terrain import ClipTerrain, saved_ground
from legged_gym.envs.imitation.control import ImitationControl
from legged_gym.envs.imitation.g1_deepmimic_config import UPPER_BODY
from legged_gym.envs.imitation.height_map import NoisyHeightMap
from legged_gym.envs.imitation.motion_commands import MotionCommands, label
from legged_gym.envs.imitation.observations import ImitationObservations
from legged_gym.envs.imitation.randomization import ImitationRandomization
from legged_gym.errors import UserError
from legged_gym.motions.clip import write_clip
from legged_gym.terrain import Terrain

_MOTION_RULE = (
    "frame t of a clip is what the robot should be doing after t control steps, the last one from then on; a = beta *"
    " action within +-clip + (1 - beta) * a before, the first of which is how far joints are from the clip's, or with"
    " actions_about 'default' from default_pos, over scale; with actions_about 'reference' the joints of frame t + 1"
    " stand for default_pos in the rule of the actions, with 'inverse_dynamics' its joint_targets, and joint_shifts"
    " (D, 4) times feedback, before the step: of place and velocity of the root, then of its turn (a rotation vector)"
    " and angular velocity, those of the clip less the robot's, in the frame of the robot's heading, x and y alone"
)


class G1Deepmimic(ImitationObservations):
    """Starts anywhere in a clip, in its pose and with its velocities, and ends where a body is too far off.

    Attributes:
        motion: what is imitated.
        links: (N, K + 1, 13) like `root_states`, of the tracked bodies and, last, of the torso.
    """

    command_part = MotionCommands

    clips: ClipSet
    velocity_commands: MotionCommands

    def _parse_config(self) -> None:
        super()._parse_config()
        names = [*self.cfg.deepmimic.tracked_bodies, self.cfg.deepmimic.torso]
        missing = [name for name in names if name not in self.body_names]
        if missing:
            raise UserError(f"env.asset.body_names has no {missing[0]}, which env.deepmimic wants tracked: add it")
        self._link_indices = torch.tensor([self.body_names.index(name) for name in names], device=self.device)
        self._ankles, self._upper_body = (
            torch.tensor([i for i, name in enumerate(self.dof_names) if wanted(name)], device=self.device)
            for wanted in (lambda name: "ankle" in name, lambda name: name[: -len("_joint")] in UPPER_BODY)
        )

    def _make_terrain(self) -> Optional[Terrain]:
        cfg = self.cfg.deepmimic
        self.clips = ClipSet(self.cfg)
        self.teacher_names = self.clips.teachers()
        level = not self.clips.meshes and cfg.amass_terrain_difficulty == 1
        return None if level else ClipTerrain(self.clips, cfg.amass_terrain_difficulty, self.seed)

    def _make_parts(self) -> None:
        super()._make_parts()
        self.motion = self.velocity_commands
        self.motion.begin()
        self.use_part("robots", ImitationRandomization(self))
        self.use_part("control", ImitationControl(self, self.failures, self.motion))
        if any("terrain_height_noisy" in table(section) for section in table(self.cfg.observations).values()):
            self.height_map = self.use_part("height_map", NoisyHeightMap(self))

    def _init_buffers(self) -> None:
        super()._init_buffers()
        feet = len(self.feet_indices)
        self.buffer("earlier_actions", self.num_actions)
        self.buffer("feet_lift", feet)
        self.contacts_before, self.reference_contacts_before = self.feet_contact, self.motion.now.contacts

    def beside_policy(self) -> Tuple[Dict[str, Any], Dict[str, bytes]]:
        """See `LeggedRobot.beside_policy`: the clips, and how they are followed."""
        clips, cfg, meshes = {}, self.cfg.deepmimic, list(self.clips.meshes)
        for k, clip in enumerate(file.clip for file in self.clips.files):
            content = io.BytesIO()
            write_clip(clip, content)
            clips[f"clip_{k}.npz"] = content.getvalue()
        grounds = {f"ground_{k}.npz": saved_ground(path, self.clips.meshes[path]) for k, path in enumerate(meshes)}
        files = {**clips, **grounds}
        motion = {
            "clips": list(clips),
            "grounds": [f"ground_{meshes.index(file.mesh)}.npz" if file.mesh else None for file in self.clips.files],
            "bodies": list(cfg.tracked_bodies),
            "torso": cfg.torso,
            "threshold": cfg.link_pos_error_threshold,
            "beta": self.cfg.control.beta,
            "actions_about": self.cfg.control.actions_about,
            "feedback": list(self.cfg.control.root_feedback),
            "rule": _MOTION_RULE,
        }
        return {"motion": motion}, files

    # ---------------------------------------------------------------- the life of a step

    def _act(self, actions: Tensor) -> None:
        before = self.actions
        super()._act(actions.to(self.device) + self.randomization.action_offsets)
        if self.cfg.control.beta < 1.0:
            self.actions = torch.lerp(before, self.actions, self.cfg.control.beta)

    def _update(self) -> None:
        self.contacts_before, self.reference_contacts_before = self.feet_contact, self.motion.now.contacts
        self.motion.advance()
        super()._update()
        feet = self._feet_states()
        self.feet_lift = torch.maximum(self.feet_lift, feet[..., 2] - self.height_scan.sample(feet[..., :2]))

    def _compute_reward(self) -> None:
        super()._compute_reward()
        self.feet_lift = self.feet_lift * ~self.feet_down

    def _update_base(self, moved: Optional[Tensor] = None) -> None:
        super()._update_base(moved)
        self.links = self.sim.states_of(self._link_indices)

    def _remember(self) -> None:
        self.earlier_actions = self.last_actions
        super()._remember()

    def mix_ages(self, generator: Optional[torch.Generator] = None) -> None:
        """Episodes start all over their clips, and so end at different times."""

    def _reset_robots(self, env_ids: Tensor) -> None:
        """In the pose of the clip and with its velocities, give or take some noise."""
        cfg, noise, count = self.cfg.deepmimic, self.cfg.noise.init_noise_scales, len(env_ids)
        now, moves = self.motion.now, float(cfg.init_velocities)

        def normal(scale: float, *shape: int) -> Tensor:
            if scale == 0.0:
                return torch.zeros(count, *shape, device=self.device)
            return self._normal(count, *shape) * scale

        joints = now.joints[env_ids]
        if cfg.init_default_frac > 0.0:
            default = self._uniform([0.0, 1.0], count, 1) < cfg.init_default_frac
            joints = torch.where(default, self.default_dof_pos, joints)
        joints = joints + normal(noise.dof_pos, self.num_actions)
        pos = now.root_pos[env_ids] + torch.cat((normal(noise.root_xy, 2), normal(noise.root_z, 1)), dim=1)
        pos[:, 2] += cfg.respawn_z_offset
        quat = torch.nn.functional.normalize(now.root_quat[env_ids] + normal(noise.root_quat, 4), dim=1)
        velocities = torch.cat((now.root_lin_vel[env_ids], now.root_ang_vel[env_ids]), dim=1) * moves
        speeds = now.joint_vel[env_ids] * moves + normal(noise.dof_vel, self.num_actions)
        self.sim.reset(env_ids)
        self.sim.set_dof_states(env_ids, joints, speeds)
        self.sim.set_root_states(env_ids, torch.cat((pos, quat, velocities), dim=1))

    # ---------------------------------------------------------------- terminations and metrics

    def _termination_link_pos_error(self) -> Tensor:
        """A tracked body is further off than `deepmimic.link_pos_error_threshold`, from the second step on."""
        far = self.link_errors().norm(dim=2).amax(1) > self.cfg.deepmimic.link_pos_error_threshold
        return far & (self.episode_length_buf >= 2)

    def _termination_large_feet_forces(self) -> Tensor:
        """A foot feels more than `asset.large_feet_contact_force_threshold` N, if that is to end an episode."""
        asset = self.cfg.asset
        large = (self.feet_forces.norm(dim=2) > asset.large_feet_contact_force_threshold).any(1)
        return large & asset.terminate_after_large_feet_contact_forces

    def _termination_time_out(self) -> Tensor:
        """The clip is over, or `deepmimic.truncate_rollout_length` policy steps are."""
        return self.episode_length_buf >= torch.as_tensor(self.max_episode_length)

    def episode_kinds(self) -> Tuple[Sequence[str], Tensor]:
        """See `MetricTerms.episode_kinds`: by clip; those of one file are one."""
        labels = [label(path) for path in self.motion.library.paths]
        names = list(dict.fromkeys(labels))
        return names, torch.tensor([names.index(each) for each in labels], device=self.device)[self.motion.clip]

    def _metric_clip_success_rate(self) -> Tensor:
        """Whether the episode lasted to the end of its clip."""
        return self.time_out_buf

    def _metric_body_pos_error(self) -> Tensor:
        """Mean distance of the tracked bodies from the clip's, m."""
        return self.link_errors().norm(dim=2).mean(1)

    def _metric_joint_error(self) -> Tensor:
        """Root mean square of the joints' errors, rad."""
        return (self.dof_pos - self.motion.now.joints).square().mean(1).sqrt()

    def _metric_torso_angle_error(self) -> Tensor:
        """Angle between the torso and the clip's, rad."""
        return self.torso_angle()
