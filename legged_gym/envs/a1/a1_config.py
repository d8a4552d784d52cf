"""Unitree A1: rough terrain as in legged_gym, and flat ground for training in minutes."""

from __future__ import annotations

from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.recipes import (
    UNITREE_QUADRUPED_JOINTS,
    LevelGround,
    QuadrupedCfg,
    QuadrupedCfgPPO,
    RoughQuadrupedCfgPPO,
)


class A1RoughCfg(QuadrupedCfg):
    """A1 on rough terrain, 235 observations."""

    class init_state(QuadrupedCfg.init_state):
        pos = [0.0, 0.0, 0.42]
        default_joint_angles = {
            "FL_hip_joint": 0.1,
            "RL_hip_joint": 0.1,
            "FR_hip_joint": -0.1,
            "RR_hip_joint": -0.1,
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
        file = "{LEGGED_GYM_ROOT_DIR}/resources/robots/a1/urdf/a1.urdf"
        name = "a1"
        foot_name = "foot"
        penalize_contacts_on = ["thigh", "calf"]
        terminate_after_contacts_on = ["base"]
        self_collisions = 1
        armature = 0.01  # of the motors, as in MuJoCo Menagerie's A1
        sdk, sdk_joints = "unitree_legged_sdk", UNITREE_QUADRUPED_JOINTS

    class rewards(QuadrupedCfg.rewards):
        base_height_target = 0.27


class A1RoughCfgPPO(RoughQuadrupedCfgPPO):
    """Training of `a1`."""

    class runner(RoughQuadrupedCfgPPO.runner):
        experiment_name = "rough_a1"


class A1FlatCfg(A1RoughCfg):
    """A1 on flat ground, 48 observations."""

    class env(A1RoughCfg.env):
        num_envs = 256  # walks better after 2.5 million samples than 512 did after 4.9: iterations count more

    class init_state(A1RoughCfg.init_state):
        pos = [0.0, 0.0, 0.35]
        dof_pos_factor = [0.8, 1.2]

    terrain = LevelGround

    class commands(A1RoughCfg.commands):
        heading_command = False
        resampling_time = 5.0  # most falls follow a change of command, so it is practised often

    class domain_rand(A1RoughCfg.domain_rand):
        randomize_base_mass = True
        push_interval_s = 10.0
        max_push_vel_xy = 0.6

    class observations(A1RoughCfg.observations):
        class policy(A1RoughCfg.observations.policy):
            commands = ObsTerm(scale=[2.0, 2.0, 1.0])  # with 0.25 slow turns look like standing
            heights = None

    class rewards(A1RoughCfg.rewards):
        tracking_sigma = 0.15  # with 0.25 it went a twentieth too fast: 0.107 instead of 0.096 m/s


class A1FlatCfgPPO(QuadrupedCfgPPO):
    """Training of `a1_flat`."""

    class runner(QuadrupedCfgPPO.runner):
        experiment_name = "flat_a1"
        max_iterations = 400


class A1FlatActuatorNetCfg(A1FlatCfg):
    """A1 on flat ground, its drives a network: late, weaker at speed and with friction (docs/actuator_networks.md)."""

    class env(A1FlatCfg.env):
        num_envs = 512

    class control(A1FlatCfg.control):
        control_type = "actuator_net"
        actuator_net_file = "{LEGGED_GYM_ROOT_DIR}/resources/actuator_nets/a1.pt"


class A1FlatActuatorNetCfgPPO(A1FlatCfgPPO):
    """Training of `a1_flat_actuator_net`."""

    class runner(A1FlatCfgPPO.runner):
        experiment_name = "flat_a1_actuator_net"
        max_iterations = 430
