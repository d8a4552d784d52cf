"""What configs of several robots have in common: level ground, quadrupeds that walk on command, training on few cores.

The weights are against legged_gym's (`configs/a1_legged_gym_rewards.yaml`); docs/adding_a_robot.md tells how they came
about.
"""

from __future__ import annotations

from typing import Optional

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg, LeggedRobotCfgPPO

UNITREE_QUADRUPED_JOINTS = [
    f"{leg}_{part}_joint" for leg in ("FR", "FL", "RR", "RL") for part in ("hip", "thigh", "calf")
]
"""Motors of A1 and Go2 as their SDKs count them."""


class LevelGround(LeggedRobotCfg.terrain):
    """A plane, of which nothing is measured."""

    mesh_type = "plane"
    measure_heights = False
    curriculum = False


class QuadrupedCfg(LeggedRobotCfg):
    """Commands and rewards of A1 and Go2 on rough terrain.

    Against legged_gym's rewards: negative totals are not clipped and tracking counts five times, turning six, so that
    the first clumsy steps already pay; more than two feet on the ground cost while it is told to move, which is what
    makes it lift them; swings longer than 0.2 s are rewarded; the trunk is asked to stay up, as some whose nose hung
    fell over it when they went ahead, and learned to go back and sideways alone; and joints that move and feet that
    lift cost while it is told to stand, lest it trots on the spot.
    """

    class env(LeggedRobotCfg.env):
        num_envs = 512  # more robots learn more slowly in samples

    class commands(LeggedRobotCfg.commands):
        standing_fraction = 0.1
        pure_fraction = 0.35
        # from the start they would hold learning up: who is told to stand is paid before it can walk
        ramps = {"standing_fraction": [2_400, 3_600], "pure_fraction": [2_400, 3_600]}

    class rewards(LeggedRobotCfg.rewards):
        only_positive_rewards = False
        soft_dof_pos_limit = 0.9
        feet_air_time_target = 0.2
        ramps = {"stand_motion": [2_400, 5_600], "stand_feet": [2_400, 5_600]}  # first walk, then stand

        class scales(LeggedRobotCfg.rewards.scales):
            tracking_lin_vel = 5.0
            tracking_ang_vel = 3.0
            orientation = -2.5
            base_height = -20.0
            torques = -0.00002
            dof_pos_limits = -1.0
            feet_stance = -1.0
            stand_motion = -0.15
            stand_feet = -1.2


class FewCoresCfgPPO(LeggedRobotCfgPPO):
    """Training in minutes: small networks, which few cores train fastest, and every sample also in the mirror."""

    class policy(LeggedRobotCfgPPO.policy):
        actor_hidden_dims = [256, 128, 64]
        critic_hidden_dims = [256, 128, 64]
        normalize_observations = True  # walks after two thirds of the samples, and tracks better in the end

    class algorithm(LeggedRobotCfgPPO.algorithm):
        entropy_coef = 0.005
        entropy_schedule = "linear"
        # 0.5 was left without: the mean action, which is what is played, had never been tried, and fell when slow
        final_noise_std: Optional[float] = 0.25
        schedule = "cosine"  # an ending without large steps: adaptive rates left three times as many falls
        symmetry = "augment"


class QuadrupedCfgPPO(FewCoresCfgPPO):
    """Training of quadrupeds from rest, where no foot is the one to lift first."""

    class algorithm(FewCoresCfgPPO.algorithm):
        symmetry_until = 0.6  # symmetric to the end, some stood when told to go straight on from rest


class RoughQuadrupedCfgPPO(QuadrupedCfgPPO):
    """Training of quadrupeds on rough terrain: first to walk, as on flat ground, then with little noise up the levels.

    Beginners with much noise for long stumbled on steps of 5 cm and passed no level. Who walks goes on with much of it
    again (`configs/rough_refine.yaml`, docs/rough_terrain.md).
    """

    class algorithm(QuadrupedCfgPPO.algorithm):
        final_noise_from = 0.15
        schedule = "adaptive_cosine"  # with little noise the rate of `cosine` moved the policy by 0.15 nats at a time
        desired_kl = 0.02
        symmetry_until = 0.3

    class runner(QuadrupedCfgPPO.runner):
        max_iterations = 2000
