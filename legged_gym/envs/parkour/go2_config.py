"""Go2 over the courses of Extreme Parkour: the robot with privileged sight, and its training."""

from __future__ import annotations

from legged_gym.envs.base.base_config import Metric
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.go2.go2_config import Go2RoughCfg
from legged_gym.envs.parkour.galileo_config import ADAPTATION, ESTIMATOR, GalileoParkourCfg
from legged_gym.envs.recipes import FewCoresCfgPPO
from legged_gym.settings import number

_LEGS = ("FL", "FR", "RL", "RR")


class Go2ParkourCfg(LeggedRobotCfg):
    """Tiles of stones, hurdles, steps, gaps and flat ground; 753 observations: 53 + 132 + 9 + 29 + 10 x 53."""

    class env(LeggedRobotCfg.env):
        num_envs = 256
        episode_length_s = 25.0  # in 20 s, robots that are told to go slowly cannot come to the end

    class terrain(LeggedRobotCfg.terrain):
        mesh_type = "heightfield"
        horizontal_scale = 0.05
        border_size = 5.0
        terrain_length = 18.0
        terrain_width = 4.0
        tile_types = [f"parkour_{kind}" for kind in ("stones", "hurdle", "flat", "step", "gap")]
        difficulty_range = [0.0, 1.0]
        easy_rows = 3
        roughness = [0.02, 0.04]
        max_init_terrain_level = 0
        measure_heights = False  # the scan is taken when it is due
        measured_points_x = GalileoParkourCfg.terrain.measured_points_x
        measured_points_y = GalileoParkourCfg.terrain.measured_points_y

    class goals(GalileoParkourCfg.goals):
        gate = 0.3  # who misses a goal by more than its reach need not turn round on an obstacle

    class commands(LeggedRobotCfg.commands):
        heading_command = True
        resampling_time = 6.0
        min_norm = 0.2

        class ranges(LeggedRobotCfg.commands.ranges):
            lin_vel_x = [0.4, 1.0]
            lin_vel_y = [0.0, 0.0]

    class init_state(Go2RoughCfg.init_state):
        pos = [0.0, 0.0, 0.40]
        max_random_pos = [0.0, 0.0]
        max_random_vel = 0.0
        dof_pos_factor = [0.95, 1.05]
        default_joint_angles = {
            **Go2RoughCfg.init_state.default_joint_angles,
            **{f"{leg}_hip_joint": 0.1 if leg[1] == "L" else -0.1 for leg in _LEGS},
        }

    class control(LeggedRobotCfg.control):
        stiffness = {"joint": 40.0}
        damping = {"joint": 1.0}
        action_scale = 0.25
        action_delay = [1, 1]

    class asset(Go2RoughCfg.asset):
        penalize_contacts_on = ["base", "thigh", "calf"]
        dof_names = [f"{leg}_{part}_joint" for leg in _LEGS for part in ("hip", "thigh", "calf")]

    class domain_rand(GalileoParkourCfg.domain_rand):
        push_interval_s = 8.0

    class observations:
        proprioception = GalileoParkourCfg.observations.proprioception
        scan = GalileoParkourCfg.observations.scan
        explicit = GalileoParkourCfg.observations.explicit
        latent = GalileoParkourCfg.observations.latent
        history = GalileoParkourCfg.observations.history

    class terminations(GalileoParkourCfg.terminations):
        pass

    class metrics(LeggedRobotCfg.metrics):
        success = Metric("last")
        goals_reached = Metric("last")
        goals_share = Metric("last")
        edge_violations = Metric()

    class rewards(LeggedRobotCfg.rewards):
        only_positive_rewards = False  # of the first steps hardly any has a positive sum
        feet_air_time_target = 0.2
        feet_clearance_target = 0.12
        ramps = {"feet_clearance": [12_000, 18_000]}  # first walk, then lift the feet
        edge_margin = number(0.05, "m", low=0, high=10)  # a foot closer than this to a drop stands on an edge
        edge_drop = number(0.075, "m", above=0, high=100)
        edges_from_level = number(3, low=0)  # robots on lower levels, easy rows included, may step on edges

        class scales:
            tracking_goal_vel = 5.0
            tracking_yaw = 1.0
            feet_stance = -1.0
            feet_air_time = 1.0
            feet_clearance = -120.0
            lin_vel_z = -1.0
            ang_vel_xy = -0.05
            orientation = -2.5
            dof_acc = -2.5e-7
            collision = -2.0
            action_rate = -0.1
            delta_torques = -1.0e-7
            torques = -1.0e-5
            hip_pos = -0.5
            dof_error = -0.04
            feet_stumble = -1.0
            feet_edge = -1.0

    normalization = GalileoParkourCfg.normalization

    class viewer(LeggedRobotCfg.viewer):
        distance = 2.6
        azimuth = 35.0  # from behind, where goals and obstacles are seen
        elevation = -25.0

    def in_play(self) -> None:
        """Hard tiles of all kinds, and time for them."""
        self.terrain.tile_types = [f"parkour_{kind}" for kind in ("stones", "hurdle", "step", "gap", "demo")]
        self.terrain.difficulty_range, self.terrain.roughness = [0.7, 1.0], [0.02, 0.02]
        self.env.episode_length_s = 60.0


class Go2ParkourCfgPPO(FewCoresCfgPPO):
    """Training of `go2_parkour`, of a size for few cores: the actor acts on estimates of what it cannot feel."""

    class policy(FewCoresCfgPPO.policy):
        init_noise_std = 0.5  # 40 N m/rad: as much torque as 1 with the 20 of those that walk on command
        encoders = {
            "proprioception": {},
            "scan": {"hidden_dims": [128, 64], "output_dim": 32, "output_activation": "tanh"},
            "explicit": {},
            "latent": {"hidden_dims": [64, 20]},
        }
        critic_obs_groups = ["proprioception", "scan", "explicit", "latent"]

    class algorithm(FewCoresCfgPPO.algorithm):
        final_noise_std = 0.25
        final_noise_from = 0.2
        schedule = "adaptive_cosine"  # with little noise `cosine` moved it by up to 4 nats at a time
        desired_kl = 0.02
        entropy_coef = 0.001
        symmetry_until = 0.6
        extensions = {
            "estimator": {**ESTIMATOR, "num_learning_epochs": 2, "is_consistent": True},
            "adaptation": {**ADAPTATION, "coef": [0.0, 0.1, 300, 500]},
        }

    class runner(FewCoresCfgPPO.runner):
        experiment_name = "rsl_rl/unitree_go2_parkour"
        tags = {"Train/action_noise_std": "Policy/mean_noise_std"}
        max_iterations = 2200
