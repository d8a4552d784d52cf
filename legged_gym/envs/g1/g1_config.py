"""Unitree G1 that walks on command, 12 joints; docs/g1.md has the choices."""

from __future__ import annotations

from typing import Optional

from legged_gym.envs.base.base_config import ObsTerm, Termination
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.recipes import FewCoresCfgPPO, LevelGround
from legged_gym.settings import number

SIDES = ("left", "right")
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
DOF_NAMES = [f"{side}_{joint}_joint" for side in SIDES for joint in LEG]
_ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow", "wrist_roll", "wrist_pitch", "wrist_yaw")
# of the 29 motors; a robot with fewer has gaps in the same count
SDK_JOINTS = [
    *DOF_NAMES,
    *(f"waist_{axis}_joint" for axis in ("yaw", "roll", "pitch")),
    *(f"{side}_{joint}_joint" for side in SIDES for joint in _ARM),
]
BODY_NAMES = ["pelvis", *(f"{side}_{joint}_link" for side in SIDES for joint in LEG)]


class G1Cfg(LeggedRobotCfg):
    """G1 on flat ground, 47 observations; 0.8 s a stride, by a clock that it sees."""

    class env(LeggedRobotCfg.env):
        num_envs = 256  # 512 took a quarter more samples to the same reward

    terrain = LevelGround

    class commands(LeggedRobotCfg.commands):
        heading_command = False
        resampling_time = 5.0
        standing_fraction = 0.1
        pure_fraction = 0.35
        ramps = {"standing_fraction": [9_600, 14_400], "pure_fraction": [9_600, 14_400]}

        class ranges(LeggedRobotCfg.commands.ranges):
            lin_vel_x = [-0.8, 0.8]
            lin_vel_y = [-0.8, 0.8]

    class init_state(LeggedRobotCfg.init_state):
        pos = [0.0, 0.0, 0.8]
        max_random_vel = 0.2
        dof_pos_factor = [0.8, 1.2]
        default_joint_angles = {
            name: {"hip_pitch": -0.1, "knee": 0.3, "ankle_pitch": -0.2}.get(name.split("_", 1)[1][:-6], 0.0)
            for name in DOF_NAMES
        }

    class control(LeggedRobotCfg.control):
        stiffness = {"hip": 100.0, "knee": 150.0, "ankle": 40.0}
        damping = {"hip": 2.0, "knee": 4.0, "ankle": 2.0}
        action_scale = 0.25

    class asset(LeggedRobotCfg.asset):
        file = "{LEGGED_GYM_ROOT_DIR}/resources/robots/g1/urdf/g1_12dof.urdf"
        alt_files = ["{LEGGED_GYM_ROOT_DIR}/resources/robots/g1/urdf/g1_12dof_box.urdf"]
        name = "g1"
        foot_name = "ankle_roll"
        penalize_contacts_on = ["hip", "knee"]
        terminate_after_contacts_on = ["pelvis"]
        dof_names = DOF_NAMES
        sdk, sdk_joints = "unitree_sdk2 (unitree_hg)", SDK_JOINTS
        body_names = BODY_NAMES
        self_collisions = 0  # on: legs must not pass through each other, and it costs nothing that can be measured
        armature = {"hip": 0.010178, "hip_roll": 0.025102, "knee": 0.025102, "ankle": 0.007219}
        left_right = [["left_", "right_"]]
        mirror_negates = ["roll", "yaw"]

    class domain_rand(LeggedRobotCfg.domain_rand):
        every_episode = True
        widen_over = [2_400, 24_000]
        friction_range = [0.1, 1.25]
        randomize_base_mass = True
        added_mass_range = [-1.0, 3.0]
        push_interval_s = 5.0
        max_push_vel_xy = 0.6

    class observations:
        class policy:
            base_ang_vel = ObsTerm(scale=0.25, noise=0.2)
            projected_gravity = ObsTerm(noise=0.05)
            commands = ObsTerm(scale=[2.0, 2.0, 0.25])
            dof_pos = ObsTerm(noise=0.01)
            dof_vel = ObsTerm(scale=0.05, noise=1.5)
            actions = ObsTerm()
            phase = ObsTerm()

        class critic:
            base_lin_vel = ObsTerm(scale=2.0)
            base_ang_vel = ObsTerm(scale=0.25)
            projected_gravity = ObsTerm()
            commands = ObsTerm(scale=[2.0, 2.0, 0.25])
            dof_pos = ObsTerm()
            dof_vel = ObsTerm(scale=0.05)
            actions = ObsTerm()
            phase = ObsTerm()

    class terminations:
        base_contact = Termination(threshold=1.0)
        roll = Termination(threshold=45.8)  # degrees, 0.8 rad
        pitch = Termination(threshold=57.3)  # degrees, 1 rad
        time_out = Termination(time_out=True)

    class rewards(LeggedRobotCfg.rewards):
        only_positive_rewards = False
        soft_dof_pos_limit = 0.9
        base_height_target = 0.78
        stride_s = number(0.8, "s", above=0, high=100)  # of the clock: one step of either foot
        stance_fraction = number(0.55, low=0, high=1)  # of a stride that a foot is on the ground
        swing_height = number(0.08, "m", low=0, high=10)  # of the origins of swinging feet above the ground
        ramps = {"stand_motion": [14_400, 24_000], "stand_feet": [14_400, 24_000]}  # first walk

        class scales:
            progress = 1.5  # told 0.2 m/s it stood without
            tracking_lin_vel = 4.0
            tracking_ang_vel = 2.0
            lin_vel_z = -2.0
            ang_vel_xy = -0.05
            orientation = -1.0
            base_height = -10.0
            dof_acc = -2.5e-7
            dof_vel = -1e-3
            torques = -1e-5
            action_rate = -0.01
            dof_pos_limits = -5.0
            alive = 0.15
            hip_pos = -1.0
            contact_no_vel = -0.2
            feet_swing_height = -20.0
            contact = 1.0
            stand_motion = -0.16
            stand_feet = -0.8

    class viewer(LeggedRobotCfg.viewer):
        distance = 2.6


class G1CfgPPO(FewCoresCfgPPO):
    """Training of `g1`: a memory of 64, and every sample also in the mirror."""

    class policy(FewCoresCfgPPO.policy):
        init_noise_std = 0.8
        actor_hidden_dims = [32]
        critic_hidden_dims = [32]
        rnn_hidden_size: Optional[int] = 64

    class runner(FewCoresCfgPPO.runner):
        policy_class_name = "ActorCriticRecurrent"
        experiment_name = "g1"
        max_iterations = 2400


class G1RoughCfg(G1Cfg):
    """G1 on rough tiles, which it does not see."""

    class terrain(LeggedRobotCfg.terrain):
        """Measured for the height of the pelvis above it alone."""


class G1RoughCfgPPO(G1CfgPPO):
    """Training of `g1_rough`."""

    class runner(G1CfgPPO.runner):
        experiment_name = "g1_rough"
