"""A1 that walks by sight: scandot teachers (phase 1), and students that see depth images (phase 2).

Numbers are those of Agarwal et al. 2022 (CoRL, arXiv:2211.07638) unless docs/differences.md says otherwise.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional

from legged_gym.envs.a1.a1_config import A1RoughCfg
from legged_gym.envs.base.base_config import ObsTerm, Termination
from legged_gym.envs.base.dagger_config import LeggedRobotCfgDagger
from legged_gym.envs.recipes import QuadrupedCfgPPO
from legged_gym.settings import names, number, span

# of students; without pooling, as a square of 16 pixels does not say where in it an edge is
_CONV: Dict[str, Any] = {"channels": [16, 32, 32], "max_pool": 1, "average_pool": None}
# what no robot measures is told
_VELOCITY: Dict[str, Any] = {"proprioception": {"name": "velocity", "columns": [0, 3]}}


class A1VisionCfg(A1RoughCfg):
    """Phase 1: proprioception, commands and scandots of lanes of obstacles."""

    class env(A1RoughCfg.env):
        num_envs = 512

    class init_state(A1RoughCfg.init_state):
        pos = [0.0, 0.0, 0.35]
        max_random_pos = [0.3, 0.5]
        max_random_vel = 0.2
        dof_pos_factor = [0.8, 1.2]

    class terrain(A1RoughCfg.terrain):
        mesh_type = "heightfield"
        horizontal_scale = 0.025  # the easiest gaps are 5 cm wide
        terrain_width = 4.0
        border_size = 4.0
        num_cols = 12
        # of twelve columns four have stones, which are learned last; standing and turning are learned on the flat ones
        _kinds = "flat stairs stones curbs gaps stones flat stones curbs gaps stairs stones"
        tile_types = [f"lane_{kind}" for kind in _kinds.split()]
        difficulty_range = [0.0, 1.0]
        roughness = [0.02, 0.04]
        max_init_terrain_level = 1
        # under the feet and ahead, as close as the narrowest gap is wide
        measured_points_x = [round(-0.35 + 0.05 * i, 2) for i in range(23)]
        measured_points_y = [round(-0.25 + 0.05 * i, 2) for i in range(11)]
        scandot_height = number(0.3, "m", low=0, high=100)  # of the base, at which a scandot below reads 0

    class commands(A1RoughCfg.commands):
        walking_speed = span([0.3, 0.8], "m/s", low=-100, high=100)  # over obstacles
        flat_tiles = names(["lane_flat"], least=1)

        class ranges(A1RoughCfg.commands.ranges):
            lin_vel_x = [0.0, 0.75]
            lin_vel_y = [0.0, 0.0]
            heading = [-math.radians(10.0), math.radians(10.0)]  # over obstacles
            flat_speed = span([0.2, 0.75], "m/s", low=-100, high=100)  # in curves on flat ground
            curve_heading = span([-math.radians(60.0), math.radians(60.0)], "rad", low=-10, high=10)

    class control(A1RoughCfg.control):
        stiffness = {"joint": 40.0}
        damping = {"joint": 0.5}

    class domain_rand(A1RoughCfg.domain_rand):
        every_episode = True
        widen_over: Optional[List[int]] = [14_000, 30_000]
        friction_range = [0.3, 1.25]
        randomize_base_mass = True
        added_mass_range = [-1.0, 3.0]
        randomize_com = True
        com_displacement_range = [-0.05, 0.05]
        randomize_gains = True
        stiffness_factor_range = [0.875, 1.125]  # 35 to 45 N m/rad
        damping_factor_range = [0.8, 1.2]  # 0.4 to 0.6 N m s/rad
        randomize_motor_strength = True
        motor_strength_range = [0.9, 1.1]
        push_interval_s = 15.0
        max_push_vel_xy = 0.3

    class observations:
        class proprioception:
            base_lin_vel = ObsTerm(scale=2.0, noise=0.025, gaussian=True)
            base_ang_vel = ObsTerm(scale=0.25, noise=0.2, gaussian=True)
            projected_gravity = ObsTerm(noise=0.02, gaussian=True)
            commands = ObsTerm(scale=[2.0, 2.0, 0.25])
            dof_pos = ObsTerm(noise=0.01, gaussian=True)
            dof_vel = ObsTerm(scale=0.05, noise=1.0, gaussian=True)
            actions = ObsTerm()

        class commands:
            commands = ObsTerm()

        class scandots:
            scandots = ObsTerm(scale=3.0, noise=0.014, clip=0.4, gaussian=True)

        class on_flat:
            """Of trainings that clone: which of two teachers is asked."""

            on_flat = ObsTerm()

    class terminations(A1RoughCfg.terminations):
        tilt = Termination(threshold=1.05)  # rad; steeper, a robot stands on its head

    class rewards(A1RoughCfg.rewards):
        tracking_sigma = 0.1  # over obstacles the command is slow: 0.25 would give those who stand half of the reward
        feet_air_time_target = 0.2
        feet_clearance_target = 0.12
        # first walk, then lift the feet, then stand when told to
        ramps = {"feet_clearance": [3_000, 9_000], "stand_motion": [12_000, 18_000], "stand_feet": [12_000, 18_000]}
        edge_margin = number(0.05, "m", low=0, high=10)  # a foot closer than this to a drop stands on an edge
        edge_drop = number(0.1, "m", above=0, high=100)

        class scales(A1RoughCfg.rewards.scales):
            progress = 3.0
            tracking_lin_vel = 1.0
            tracking_ang_vel = 1.0
            tracking = 0.0  # the paper's, see docs/walking_by_sight.md
            orientation = -1.0
            survival = 1.0  # at 0.3 who was told to stand lost less by falling
            work = -1e-4
            foot_jerk = -1e-4
            feet_drag = -1e-4
            feet_air_time = 0.5
            feet_stance = -0.18
            stand_motion = -0.02
            stand_feet = -0.2
            feet_clearance = -120.0
            feet_edge = -1.0
            collision = -1.0
            torques = 0.0


class A1VisionCfgPPO(QuadrupedCfgPPO):
    """Training of `a1_vision`: one recurrent network for actions and values."""

    class policy(QuadrupedCfgPPO.policy):
        init_noise_std = 0.5
        normalize_observations = False
        encoders = {"proprioception": {}, "scandots": {"hidden_dims": [128, 64], "output_dim": 32}, "commands": {}}
        rnn_type = "gru"
        rnn_hidden_size: Optional[int] = 256
        actor_hidden_dims = [128, 64]
        critic_hidden_dims = [128]
        activation = "relu"

    class algorithm(QuadrupedCfgPPO.algorithm):
        learning_rate = 5.0e-4  # at 1e-3 the KL divergence of an update was four times what it should be
        entropy_coef = 0.01
        final_noise_std = None
        sequence_length = 24
        weight_decay = 0.01
        symmetry = "none"  # most mirror images fall outside the clip range of a recurrent policy, and cost a third

    class runner(QuadrupedCfgPPO.runner):
        policy_class_name = "SharedActorCritic"
        experiment_name = "a1_vision"
        max_iterations = 1800


class A1VisionRmaCfg(A1VisionCfg):
    """Phase 1 of RMA: the robot's own constants are observed too."""

    class observations(A1VisionCfg.observations):
        class privileged:
            added_mass = ObsTerm(scale=0.2)
            com_displacement = ObsTerm(scale=5.0)
            friction = ObsTerm()
            motor_strength = ObsTerm(scale=5.0)
            gain_factors = ObsTerm(scale=5.0)
            base_height = ObsTerm(scale=2.0)


class A1VisionRmaCfgPPO(A1VisionCfgPPO):
    """Training of `a1_vision_rma`: a memory of the terrain (gamma), a code of the robot (z), and a policy on both."""

    class policy(A1VisionCfgPPO.policy):
        encoders = {
            "proprioception": {},
            "commands": {},
            "gamma": {"groups": ["scandots"], "rnn_hidden_size": 128, "output_dim": 16},
            "z": {"groups": ["privileged"], "hidden_dims": [64, 32], "output_dim": 8},
        }
        rnn_hidden_size = None
        actor_hidden_dims = [256, 128]

    class runner(A1VisionCfgPPO.runner):
        experiment_name = "a1_vision_rma"


class A1VisionBlindCfg(A1VisionCfg):
    """The baseline of all that see: scandots read zero."""

    class observations(A1VisionCfg.observations):
        class scandots(A1VisionCfg.observations.scandots):
            scandots = ObsTerm(scale=0.0)


class A1VisionBlindCfgPPO(A1VisionCfgPPO):
    """Training of `a1_vision_blind`, the same as that of `a1_vision`."""

    class runner(A1VisionCfgPPO.runner):
        experiment_name = "a1_vision_blind"


class A1VisionStudentCfg(A1VisionCfg):
    """Phase 2: depth images, and all that a teacher sees."""

    class env(A1VisionCfg.env):
        num_envs = 64

    class domain_rand(A1VisionCfg.domain_rand):
        widen_over = None

    class terrain(A1VisionCfg.terrain):
        max_init_terrain_level = 9

    class observations(A1VisionCfg.observations):
        class student_proprioception(A1VisionCfg.observations.proprioception):
            """Without what no robot measures, for students that are told nothing of it."""

            base_lin_vel = ObsTerm(scale=0.0)

        class depth:
            depth = ObsTerm()

    class depth_camera(A1VisionCfg.depth_camera):
        pitch = 20.0  # a level camera at this height sees no ground nearer than 0.9 m


class A1VisionStudentCfgDagger(LeggedRobotCfgDagger):
    """Training of `a1_vision_student`: the teacher's networks, and images that tell them of ground and velocity."""

    class policy(A1VisionCfgPPO.policy):
        encoders = {
            "sight": {
                "groups": ["depth", "proprioception", "commands"],
                "conv": _CONV,
                "rnn_hidden_size": 256,
                "output_dim": 253 + 3,
                "predicts": {"scandots": {}, **_VELOCITY},
            }
        }

    class algorithm(LeggedRobotCfgDagger.algorithm):
        extensions = {"predictions": {"coef": 0.1}}
        bc_initial_samples = 200_000
        max_batches: Optional[int] = 50
        # the ground under the feet was seen up to 1.5 s ago; sequences of 24 steps are 0.5 s
        batch_size = 16
        sequence_length = 48
        learning_rate = 5.0e-4
        schedule = "cosine"

    class runner(LeggedRobotCfgDagger.runner):
        experiment_name = "a1_vision_student"
        teacher_task = "a1_vision"
        teachers_networks = True
        unseen = ["scandots"]
        num_steps_per_env = 96
        max_iterations = 520


class A1VisionRmaStudentCfg(A1VisionRmaCfg, A1VisionStudentCfg):
    """Phase 2 of RMA."""

    class observations(A1VisionRmaCfg.observations, A1VisionStudentCfg.observations):
        """What both need."""


class A1VisionRmaStudentCfgDagger(A1VisionStudentCfgDagger):
    """Training of `a1_vision_rma_student`: gamma and z are estimated, the teacher's policy acts on them."""

    class policy(A1VisionRmaCfgPPO.policy):
        encoders = {
            "gamma": {
                "groups": ["proprioception", "commands", "depth"],
                "conv": _CONV,
                "rnn_hidden_size": 128,
                "output_dim": 16 + 3,
                "predicts": _VELOCITY,
            },
            "z": {"groups": ["proprioception", "commands"], "rnn_hidden_size": 64, "output_dim": 8},
        }

    class algorithm(A1VisionStudentCfgDagger.algorithm):
        loss = "latent"
        latents = ["gamma", "z"]
        freeze = ["head", "critic"]

    class runner(A1VisionStudentCfgDagger.runner):
        experiment_name = "a1_vision_rma_student"
        teacher_task = "a1_vision_rma"
        unseen = ["scandots", "privileged"]
