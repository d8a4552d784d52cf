"""Unitree Go2 on rough terrain: what a new robot costs."""

from __future__ import annotations

from typing import Optional

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg, LeggedRobotCfgPPO


class Go2RoughCfg(LeggedRobotCfg):
    """Go2 on rough terrain, 235 observations; rewards and commands as of the A1, whose docstring gives the reasons."""

    class commands(LeggedRobotCfg.commands):
        standing_fraction = 0.1
        pure_fraction = 0.35
        ramps = {"standing_fraction": [2_400, 3_600], "pure_fraction": [2_400, 3_600]}

    class init_state(LeggedRobotCfg.init_state):
        pos = [0.0, 0.0, 0.42]
        default_joint_angles = {
            "FL_hip_joint": 0.0,
            "RL_hip_joint": 0.0,
            "FR_hip_joint": 0.0,
            "RR_hip_joint": 0.0,
            "FL_thigh_joint": 0.8,
            "RL_thigh_joint": 1.0,
            "FR_thigh_joint": 0.8,
            "RR_thigh_joint": 1.0,
            "FL_calf_joint": -1.5,
            "RL_calf_joint": -1.5,
            "FR_calf_joint": -1.5,
            "RR_calf_joint": -1.5,
        }

    class control(LeggedRobotCfg.control):
        stiffness = {"joint": 20.0}
        damping = {"joint": 0.5}
        action_scale = 0.25

    class asset(LeggedRobotCfg.asset):
        file = "{LEGGED_GYM_ROOT_DIR}/resources/robots/go2/urdf/go2.urdf"
        name = "go2"
        foot_name = "foot"
        penalize_contacts_on = ["thigh", "calf"]
        terminate_after_contacts_on = ["base"]
        self_collisions = 1
        armature = 0.01

    class rewards(LeggedRobotCfg.rewards):
        only_positive_rewards = False
        soft_dof_pos_limit = 0.9
        base_height_target = 0.3
        feet_air_time_target = 0.2
        ramps = {"stand_motion": [2_400, 5_600], "stand_feet": [2_400, 5_600]}

        class scales(LeggedRobotCfg.rewards.scales):
            tracking_lin_vel = 3.0
            tracking_ang_vel = 2.0
            orientation = -1.0
            base_height = -20.0
            torques = -0.00002
            dof_pos_limits = -1.0
            feet_stance = -1.0
            stand_motion = -0.1
            stand_feet = -1.2


class Go2RoughCfgPPO(LeggedRobotCfgPPO):
    """Training of `go2_rough`: small networks, which few cores train fastest, and every sample also in the mirror."""

    class policy(LeggedRobotCfgPPO.policy):
        actor_hidden_dims = [256, 128, 64]
        critic_hidden_dims = [256, 128, 64]
        normalize_observations = True

    class algorithm(LeggedRobotCfgPPO.algorithm):
        entropy_coef = 0.005
        entropy_schedule = "linear"
        final_noise_std: Optional[float] = 0.25
        schedule = "cosine"
        symmetry = "augment"
        symmetry_until = 0.6

    class runner(LeggedRobotCfgPPO.runner):
        experiment_name = "rough_go2"
        max_iterations = 1000
