"""Unitree G1 that follows motion clips; docs/imitation.md has the choices."""

from __future__ import annotations

from legged_gym.envs.base.base_config import Metric, ObsTerm, Termination
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.g1.g1_config import BODY_NAMES, SIDES, G1Cfg
from legged_gym.envs.g1.g1_config import DOF_NAMES as LEGS
from legged_gym.envs.imitation.deepmimic_config import (
    DeepmimicCfg,
    ImitationRandCfg,
    InitNoiseScales,
    OffsetScales,
    PlaybackNoiseScales,
)
from legged_gym.settings import flag, number, numbers, text

WAIST = ("waist_yaw", "waist_roll", "waist_pitch")
ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")
UPPER_BODY = [*WAIST, *(f"{side}_{joint}" for side in SIDES for joint in ARM)]
DOF_NAMES = [*LEGS, *(f"{joint}_joint" for joint in UPPER_BODY)]
_ARMS = [
    f"{side}_{body}"
    for side in SIDES
    for body in (*(f"{joint}_link" for joint in ARM), "wrist_yaw_link", "rubber_hand")
]
_JOINTS, _ACTIONS = len(DOF_NAMES), len(DOF_NAMES)
# what a robot senses of itself: angular velocity, gravity, joints, their velocities, its last action
_OWN = [0.25] * 3 + [1.0] * (3 + _JOINTS) + [0.05] * _JOINTS + [1.0] * _ACTIONS
_OWN_NOISE = [0.2] * 3 + [0.05] * 3 + [0.01] * _JOINTS + [1.5] * _JOINTS + [0.0] * _ACTIONS
HISTORY = 5


class G1DeepmimicCfg(G1Cfg):
    """G1 with welded wrists that follows motion clips; the policy sees 415 numbers, the critic 623."""

    _aliases = {
        "rewards.collision": ("rewards.scales.collision",),
        "rewards.feet_contact_matching": ("rewards.scales.feet_contact_matching",),
        "domain_rand.max_push_vel_interval": ("domain_rand.push_interval_s",),
        "deepmimic.amass_data_root": ("deepmimic.data_root",),
        "deepmimic.alt_data_root": ("deepmimic.data_root",),
    }
    _no_effect = {
        "deepmimic.is_csv_joint_only": "files tell themselves what is in them",
        "deepmimic.contact_names": "feet are the bodies of asset.foot_name",
        "deepmimic.num_next_obs": "the critic sees one frame ahead",
        "deepmimic.viz_replay": "the page of --viewer=web shows the clip",
        "deepmimic.viz_replay_sync_robot": "convert_motion.py shows clips without physics",
        "terrain.cast_mesh_to_heightfield": "physics always see a map of the highest surface, rays the mesh",
        "terrain.alternate_cast_to_heightfield": "physics always see a map of the highest surface, rays the mesh",
        "terrain.terrain_noise": "it was off",
        "domain_rand.randomize_odom_update_frequency": "errors of the root are seen in every step",
        "domain_rand.odom_update_steps_min": "errors of the root are seen in every step",
        "domain_rand.odom_update_steps_max": "errors of the root are seen in every step",
    }

    class env(G1Cfg.env):
        """20 s are what episodes are logged by; they last as long as their clip."""

        num_envs = 512

    class deepmimic(DeepmimicCfg):
        """What is imitated, and how."""

    class commands(G1Cfg.commands):
        """There are none."""

        ramps = {}

    class init_state(LeggedRobotCfg.init_state):
        pos = [0.0, 0.0, 0.78]
        default_joint_angles = {
            **{name: 0.0 for name in DOF_NAMES},
            **{name: angle for name, angle in G1Cfg.init_state.default_joint_angles.items()},
        }

    class control(LeggedRobotCfg.control):
        stiffness = {"joint": 75.0, "ankle": 20.0}
        damping = {"joint": 2.0, "ankle_pitch": 0.2, "ankle_roll": 0.1}
        action_scale = 0.25
        beta = number(1.0, above=0, high=1)  # of the way that actions move from the last one to the new one
        # what an action of 0 asks for: the default joint angles, those of the clip, or what brings joints there by the
        # clip's inverse dynamics
        actions_about = text("default", ("default", "reference", "inverse_dynamics"))
        # the same of the teacher that is cloned; None: what its run says
        teacher_actions_about = text(None, ("default", "reference", "inverse_dynamics"))
        # with `inverse_dynamics`, how the legs that carry the root push it to where the clip has it, N/m, N s/m, and
        # turn it, N m/rad, N m s/rad; 0s: not at all
        root_feedback = numbers([1000.0, 300.0, 50.0, 5.0], length=4, low=0, high=1e6)

    class asset(G1Cfg.asset):
        file = "{LEGGED_GYM_ROOT_DIR}/resources/robots/g1/urdf/g1_29dof_welded_wrists.urdf"
        alt_files = ["{LEGGED_GYM_ROOT_DIR}/resources/robots/g1/urdf/g1_29dof_welded_wrists_box.urdf"]
        penalize_contacts_on = ["rubber_hand"]
        terminate_after_contacts_on = []
        dof_names = DOF_NAMES
        body_names = [*BODY_NAMES, "waist_yaw_link", "waist_roll_link", "torso_link", *_ARMS]
        armature = {
            **{"hip": 0.010178, "hip_roll": 0.025102, "knee": 0.025102, "ankle": 0.007219},
            **{"waist": 0.007219, "waist_yaw": 0.010178, "shoulder": 0.003610, "elbow": 0.003610},
        }
        terminate_after_large_feet_contact_forces = flag(False)
        large_feet_contact_force_threshold = number(1000.0, "N", above=0, high=1e6)

    class domain_rand(ImitationRandCfg, LeggedRobotCfg.domain_rand):
        friction_range = [0.1, 1.25]
        added_mass_range = [-1.0, 3.0]
        push_robots = False
        push_interval_s = 10.0
        max_push_vel_xy = 0.25
        push_adds = True

    class depth_camera(LeggedRobotCfg.depth_camera):
        body = "torso_link"
        position = [0.0576, 0.0175, 0.4199]
        pitch = 47.6

    class observations:
        class history_torso_real:
            torso_real = ObsTerm(scale=_OWN, noise=_OWN_NOISE, history=HISTORY, newest_first=True)

        class history_torso_xy_rel:
            torso_xy_rel = ObsTerm(history=HISTORY, newest_first=True)

        class history_torso_yaw_rel:
            torso_yaw_rel = ObsTerm(history=HISTORY, newest_first=True)

        class target_joints:
            target_joints = ObsTerm()

        class target_root_roll:
            target_root_roll = ObsTerm()

        class target_root_pitch:
            target_root_pitch = ObsTerm()

        class torso:
            torso = ObsTerm(scale=[1.0] + [2.0] * 3 + _OWN)

        class deepmimic:
            deepmimic = ObsTerm()

    class terminations:
        link_pos_error = Termination()
        large_feet_forces = Termination()
        base_contact = Termination(threshold=1.0)
        time_out = Termination(time_out=True)

    class metrics:
        clip_success_rate = Metric("last")  # episodes that reach the end of the clip
        body_pos_error = Metric()  # m, mean distance of the tracked bodies from where they should be
        joint_error = Metric()  # rad, root mean square over the joints
        torso_angle_error = Metric()  # rad
        mean_episode_length_s = Metric("sum")  # s

    class rewards(G1Cfg.rewards):
        only_positive_rewards = False
        soft_dof_pos_limit = 0.98
        feet_air_time_target = 0.25
        ramps = {}
        joint_pos_tracking_k = number(2.0, "1/rad^2", low=0, high=1e6)
        joint_vel_tracking_k = number(0.01, "(s/rad)^2", low=0, high=1e6)
        link_pos_tracking_k = number(5.0, "1/m^2", low=0, high=1e6)
        link_vel_tracking_k = number(0.1, "(s/m)^2", low=0, high=1e6)
        torso_pos_tracking_k = number(50.0, "1/m^2", low=0, high=1e6)
        torso_orientation_tracking_k = number(3.0, "1/rad", low=0, high=1e6)
        root_pos_tracking_k = number(20.0, "1/m^2", low=0, high=1e6)
        root_orientation_tracking_k = number(3.0, "1/rad", low=0, high=1e6)
        root_vel_tracking_k = number(10.0, "s/m", low=0, high=1e6)
        root_ang_vel_tracking_k = number(0.01, "s/rad", low=0, high=1e6)
        feet_orientation_k = number(6.0, "1/rad", low=0, high=1e6)

        class scales:
            joint_pos_tracking = 120.0
            joint_vel_tracking = 24.0
            link_pos_tracking = 30.0
            link_vel_tracking = 5.0
            torso_pos_tracking = 15.0
            torso_orientation_tracking = 15.0
            root_orientation_tracking = 15.0
            feet_contact_matching = 1.0
            feet_air_time = 2000.0
            contact_no_vel = -100.0
            action_rate = -0.2
            collision = -15.0
            dof_pos_limits = -50.0
            termination = -500.0
            alive = 0.0
            ankle_action = 0.0
            action_accel = 0.0
            dof_acc = 0.0
            dof_vel = 0.0
            torques = 0.0
            energy = 0.0
            root_pos_tracking = 0.0
            root_vel_tracking = 0.0
            root_ang_vel_tracking = 0.0
            feet_orientation = 0.0
            contact_smoothness = 0.0
            no_fly = 0.0
            hip_pos = 0.0
            feet_swing_height = 0.0
            feet_max_height_for_this_air = 0.0
            lin_vel_z = 0.0
            ang_vel_xy = 0.0
            orientation = 0.0
            base_height = 0.0
            tracking_lin_vel = 0.0
            tracking_ang_vel = 0.0
            contact = 0.0

    class normalization(LeggedRobotCfg.normalization):
        clip_actions = 8.0

    class viewer(G1Cfg.viewer):
        panels = ["legged_gym.viewing.robot_panels:Tracking", *LeggedRobotCfg.viewer.panels[1:]]  # instead of commands

    class noise(LeggedRobotCfg.noise):
        class offset_scales(OffsetScales):
            """Of what the policy senses and does."""

        class init_noise_scales(InitNoiseScales):
            """Of the start."""

        class playback_noise_scales(PlaybackNoiseScales):
            """Of the clip's time."""

    def in_play(self) -> None:
        """From the first frame, whatever the errors are."""
        self.deepmimic.randomize_start_offset = False
        self.deepmimic.truncate_rollout_length = -1

    def in_evaluation(self) -> None:
        """Whole clips, each equally often."""
        self.deepmimic.randomize_start_offset = False
        self.deepmimic.truncate_rollout_length = -1


class G1DeepmimicMocapCfg(G1DeepmimicCfg):
    """The same on flat ground, for clips of 30 frames a second and without noise: dances."""

    class deepmimic(G1DeepmimicCfg.deepmimic):
        amass_terrain_difficulty = 1
        link_pos_error_threshold = 0.5
        default_data_fps = 30.0
        cut_off_import_length = 1000

    class noise(G1DeepmimicCfg.noise):
        add_noise = False

    class rewards(G1DeepmimicCfg.rewards):
        class scales(G1DeepmimicCfg.rewards.scales):
            contact_no_vel = -5.0
            feet_air_time = 0.0
            action_rate = -0.1
            dof_pos_limits = -5.0


class G1DeepmimicHeightsCfg(G1DeepmimicCfg):
    """The same, seeing the ground around its torso as it is, and as a real sensor shows it."""

    class observations(G1DeepmimicCfg.observations):
        class terrain_height:
            terrain_height = ObsTerm()

        class terrain_height_noisy:
            terrain_height_noisy = ObsTerm()

        class torso_xy_rel:
            torso_xy_rel = ObsTerm()

        class torso_yaw_rel:
            torso_yaw_rel = ObsTerm()

        class upper_body_joint_targets:
            upper_body_joint_targets = ObsTerm()

        class teacher_checkpoint_index:
            teacher_checkpoint_index = ObsTerm()


class G1DeepmimicStudentCfg(G1DeepmimicHeightsCfg):
    """The same for who clones a teacher, which senses without noise; its actions may be about something else."""

    class observations(G1DeepmimicHeightsCfg.observations):
        class history_teacher_torso_real:
            teacher_torso_real = ObsTerm(scale=_OWN, history=HISTORY, newest_first=True)

        class teacher_centre:
            teacher_centre = ObsTerm()
