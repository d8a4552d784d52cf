"""MIT Mini Cheetah on flat ground, and the same with a reference gait; docs/mini_cheetah.md has the choices."""

from __future__ import annotations

from typing import Optional

from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.recipes import FewCoresCfgPPO, LevelGround
from legged_gym.settings import by_name, number, text

LEGS = ("rf", "lf", "rh", "lh")
DOF_NAMES = [f"{leg}_{joint}" for leg in LEGS for joint in ("haa", "hfe", "kfe")]
BODY_NAMES = ["base", *(f"{leg}_{part}" for leg in LEGS for part in ("hip", "thigh", "shank", "foot"))]


class MiniCheetahCfg(LeggedRobotCfg):
    """Mini Cheetah on flat ground, 73 observations."""

    class env(LeggedRobotCfg.env):
        num_envs = 512
        episode_length_s = 10.0

    terrain = LevelGround

    class commands(LeggedRobotCfg.commands):
        heading_command = False
        resampling_time = 3.0
        standing_fraction = 0.1
        pure_fraction = 0.25
        ramps = {"pure_fraction": [2_400, 3_600]}

        class ranges(LeggedRobotCfg.commands.ranges):
            lin_vel_x = [-1.0, 1.0]
            lin_vel_y = [-1.0, 1.0]
            ang_vel_yaw = [-1.0, 1.0]

    class init_state(LeggedRobotCfg.init_state):
        pos = [0.0, 0.0, 0.33]
        dof_pos_factor = [0.8, 1.2]
        default_joint_angles = {
            name: {"haa": 0.0, "hfe": -0.785398, "kfe": 1.596976}[name.split("_")[1]] for name in DOF_NAMES
        }

    class control(LeggedRobotCfg.control):
        stiffness = {"haa": 20.0, "hfe": 20.0, "kfe": 20.0}
        damping = {"haa": 0.5, "hfe": 0.5, "kfe": 0.5}
        action_scale = 0.3
        decimation = 5  # 100 Hz
        action_delay = [0, 1]

    class asset(LeggedRobotCfg.asset):
        file = "{LEGGED_GYM_ROOT_DIR}/resources/robots/mini_cheetah/urdf/mini_cheetah.urdf"
        name = "mini_cheetah"
        foot_name = "foot"
        penalize_contacts_on = ["shank"]
        terminate_after_contacts_on = ["base", "thigh"]
        dof_names = DOF_NAMES
        body_names = BODY_NAMES
        self_collisions = 1
        # rotors of 63e-6 kg m^2 behind gears of 6, 6 and 9.33
        armature = {"haa": 0.002268, "hfe": 0.002268, "kfe": 0.005484}
        left_right = [["lf_", "rf_"], ["lh_", "rh_"]]
        mirror_negates = ["haa"]

    class domain_rand(LeggedRobotCfg.domain_rand):
        randomize_base_mass = True
        push_interval_s = 2.0
        max_push_vel_xy = 0.3
        push_adds = True

    class scaling:
        """What rewards divide errors by before they square them; observations have their own scales, 1 over these."""

        base_height = number(0.3, "m", above=0)
        base_lin_vel = number(0.3, "m/s", above=0)
        base_ang_vel = number(0.3, "rad/s", above=0)
        dof_pos = by_name({"haa": 0.2, "hfe": 0.3, "kfe": 0.3}, "rad", above=0)
        dof_vel = by_name({"haa": 2.0, "hfe": 2.0, "kfe": 4.0}, "rad/s", above=0)

    class observations:
        class critic:
            base_height = ObsTerm(scale=1 / 0.3)
            base_lin_vel = ObsTerm(scale=1 / 0.3)
            base_ang_vel = ObsTerm(scale=1 / 0.3)
            projected_gravity = ObsTerm()
            commands = ObsTerm(scale=[1 / 3, 1.0, 1 / 3])
            dof_pos = ObsTerm(scale=[1 / 0.2, 1 / 0.3, 1 / 0.3] * 4)
            dof_vel = ObsTerm(scale=[0.5, 0.5, 0.25] * 4)
            dof_pos_history = ObsTerm(scale=[1 / 0.2, 1 / 0.3, 1 / 0.3] * 12)

        class policy(critic):
            base_lin_vel = ObsTerm(scale=1 / 0.3, noise=0.05)
            base_ang_vel = ObsTerm(scale=1 / 0.3, noise=0.05)
            projected_gravity = ObsTerm(noise=0.02)
            dof_pos = ObsTerm(scale=[1 / 0.2, 1 / 0.3, 1 / 0.3] * 4, noise=0.005)
            dof_vel = ObsTerm(scale=[0.5, 0.5, 0.25] * 4, noise=0.5)

    class rewards(LeggedRobotCfg.rewards):
        only_positive_rewards = False
        base_height_target = 0.3
        soft_dof_pos_limit = 0.9
        soft_dof_vel_limit = 0.9
        soft_torque_limit = 0.9
        max_contact_force = 600.0
        ramps = {"stand_motion": [3_600, 6_000], "stand_feet": [3_600, 6_000]}  # first walk

        class scales:
            tracking_lin_vel = 4.0
            tracking_lin_vel_abs = 4.0
            tracking_ang_vel = 2.0
            orientation = 1.0
            min_base_height = 1.5
            ang_vel_xy = 0.01
            torques = -5.0e-7
            action_rate = -1.0e-3
            action_rate2 = -1.0e-4
            stand_motion = -0.2
            stand_feet = -1.5
            termination = -15.0

    class normalization(LeggedRobotCfg.normalization):
        clip_actions = 10.0  # targets within 3 rad of the default pose

    class sim(LeggedRobotCfg.sim):
        dt = 0.002


class MiniCheetahCfgPPO(FewCoresCfgPPO):
    """Training of `mini_cheetah`."""

    class algorithm(FewCoresCfgPPO.algorithm):
        gamma = 0.99  # 1 - dt / horizon: 1 s
        lam = 0.95  # 0.2 s

    class runner(FewCoresCfgPPO.runner):
        experiment_name = "mini_cheetah"
        max_iterations = 400


class MiniCheetahRefCfg(MiniCheetahCfg):
    """Mini Cheetah that follows commands at the rhythm of a reference trot, 75 observations."""

    class env(MiniCheetahCfg.env):
        episode_length_s = 15.0

    class commands(MiniCheetahCfg.commands):
        class ranges(MiniCheetahCfg.commands.ranges):
            lin_vel_x = [-1.0, 2.0]
            lin_vel_y = [-0.5, 0.5]

    class control(MiniCheetahCfg.control):
        gait_freq = number(3.0, "Hz", above=0, high=100)
        gait_file: Optional[str] = text(None)  # CSV of one leg, see envs/mini_cheetah/gait.py; None: generated

    class observations(MiniCheetahCfg.observations):
        class critic(MiniCheetahCfg.observations.critic):
            phase = ObsTerm()

        class policy(MiniCheetahCfg.observations.policy):
            phase = ObsTerm()

        # of trainings that clone: what `mini_cheetah` reads, and which of two teachers is asked
        class untimed(MiniCheetahCfg.observations.policy):
            """The policy's without the phase."""

        class told_to_stand:
            told_to_stand = ObsTerm()

    class rewards(MiniCheetahCfg.rewards):
        class scales(MiniCheetahCfg.rewards.scales):
            reference_traj = 1.5
            swing_grf = -1.5
            stance_grf = 1.5
            stand_still = 1.0


class MiniCheetahRefCfgPPO(MiniCheetahCfgPPO):
    """Training of `mini_cheetah_ref`."""

    class runner(MiniCheetahCfgPPO.runner):
        experiment_name = "mini_cheetah_ref"
