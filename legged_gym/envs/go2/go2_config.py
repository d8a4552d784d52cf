"""Unitree Go2 on rough terrain: what a new robot costs."""

from __future__ import annotations

from legged_gym.envs.recipes import UNITREE_QUADRUPED_JOINTS, QuadrupedCfg, RoughQuadrupedCfgPPO


class Go2RoughCfg(QuadrupedCfg):
    """Go2 on rough terrain, 235 observations."""

    class init_state(QuadrupedCfg.init_state):
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

    class control(QuadrupedCfg.control):
        stiffness = {"joint": 20.0}
        damping = {"joint": 0.5}
        action_scale = 0.25

    class asset(QuadrupedCfg.asset):
        file = "{LEGGED_GYM_ROOT_DIR}/resources/robots/go2/urdf/go2.urdf"
        name = "go2"
        foot_name = "foot"
        penalize_contacts_on = ["thigh", "calf"]
        terminate_after_contacts_on = ["base"]
        self_collisions = 1
        armature = 0.01
        sdk, sdk_joints = "unitree_sdk2 (unitree_go)", UNITREE_QUADRUPED_JOINTS

    class rewards(QuadrupedCfg.rewards):
        base_height_target = 0.3

        class scales(QuadrupedCfg.rewards.scales):
            stand_motion = -0.1


class Go2RoughCfgPPO(RoughQuadrupedCfgPPO):
    """Training of `go2_rough`."""

    class runner(RoughQuadrupedCfgPPO.runner):
        experiment_name = "rough_go2"
