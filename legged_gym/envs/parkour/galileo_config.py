"""Galileo over hurdles: the robot with privileged sight, and its training with plain networks."""

from __future__ import annotations

from typing import Optional

from legged_gym.envs.base.base_config import Metric, ObsTerm, Termination
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.parkour.hurdles_config import GuidanceCfg, HurdlesCfg, hurdle_obstacles
from legged_gym.envs.recipes import FewCoresCfgPPO, LevelGround
from legged_gym.settings import number

LEGS, PARTS = ("FL", "FR", "RL", "RR"), ("hip", "thigh", "calf")
DOF_NAMES = [f"{leg}_{part}_joint" for leg in LEGS for part in PARTS]
BODY_NAMES = ["base_link", *(f"{leg}_{part}" for leg in LEGS for part in (*PARTS, "foot"))]


class GalileoParkourCfg(LeggedRobotCfg):
    """Four hurdles in a row on a plane, 761 observations: 53 + 132 + 8 + 9 + 29 + 10 x 53, a group each."""

    class env(LeggedRobotCfg.env):
        num_envs = 512
        episode_length_s = 20.0

    class terrain(LevelGround):  # the scan is taken when it is due
        measured_points_x = [round(-0.45 + 0.15 * k, 2) for k in range(12)]
        measured_points_y = [round(-0.75 + 0.15 * k, 2) for k in range(11)]

    class obstacles(LeggedRobotCfg.obstacles):
        pass  # of the hurdles, below

    class hurdles(HurdlesCfg):
        window = 4
        early_crawl = 0.25
        ease = 0.07

    class guidance(GuidanceCfg):
        pass

    class goals:
        dwell = number(5, "policy steps", low=0, high=1000)  # that a robot has to be at a goal before it goes on
        # a goal also counts as reached by who comes past it within this to either side; None: not so
        gate: Optional[float] = number(0.45, "m", none=True, whole=False, above=0, high=10)

    class commands(LeggedRobotCfg.commands):
        heading_command = True
        resampling_time = 4.0
        min_norm = 0.2

        class ranges(LeggedRobotCfg.commands.ranges):
            lin_vel_x = [0.8, 1.2]  # at 0.6 m/s the time is over before the course
            lin_vel_y = [0.0, 0.0]

    class init_state(LeggedRobotCfg.init_state):
        pos = [0.0, 0.0, 0.45]
        max_random_vel = 0.0
        dof_pos_factor = [0.95, 1.05]
        default_joint_angles = {
            name: {"hip": 0.0, "thigh": 0.8, "calf": -1.5}[name.split("_")[1]] for name in DOF_NAMES
        }

    class control(LeggedRobotCfg.control):
        # to weight times leg as Go2's 40 and 1; at the published 80 and 2 the default pose sinks to 0.27 m
        stiffness = {"joint": 150.0}
        damping = {"joint": 4.0}
        torque_speed = {"joint": [150.0, 22.0]}
        action_scale = 0.25
        action_delay = [1, 1]

    class asset(LeggedRobotCfg.asset):
        file = "{LEGGED_GYM_ROOT_DIR}/resources/robots/galileo/urdf/galileo.urdf"
        name = "galileo"
        foot_name = "foot"
        penalize_contacts_on = ["base_link", "thigh", "calf"]
        dof_names = DOF_NAMES
        body_names = BODY_NAMES
        self_collisions = 1
        armature = 0.02  # not published; steadies the calves, whose own inertia is 0.014 kg m^2

    class domain_rand(LeggedRobotCfg.domain_rand):
        friction_range = [0.6, 2.0]
        randomize_base_mass = True
        added_mass_range = [-1.0, 3.0]
        randomize_com = True
        com_displacement_range = [-0.02, 0.02]
        push_interval_s = 6.0
        max_push_vel_xy = 0.5

    class observations:
        class proprioception:
            base_ang_vel = ObsTerm(scale=0.25)
            roll_pitch = ObsTerm()
            yaw_errors = ObsTerm(hold=5)
            forward_command = ObsTerm()
            ground_class = ObsTerm()
            dof_pos = ObsTerm()
            dof_vel = ObsTerm(scale=0.05)
            actions = ObsTerm()
            feet_touch = ObsTerm()

        class scan:
            scan = ObsTerm(clip=1.0, hold=5)

        class hurdles:
            hurdles = ObsTerm()

        class explicit:
            explicit = ObsTerm(scale=2.0)

        class latent:
            latent = ObsTerm()

        class history:
            past_proprioception = ObsTerm(history=10)

        class nearest:
            nearest = ObsTerm()

    class terminations:
        goals_reached = Termination(time_out=True)
        time_out = Termination(time_out=True)
        roll = Termination(86.0)
        pitch = Termination(86.0)
        low = Termination(-0.25)

    class metrics(LeggedRobotCfg.metrics):
        success = Metric("last")
        goals_reached = Metric("last")
        waypoints = Metric("last")
        mean_time_to_fall = Metric("sum")  # s, other ends count with the length
        hurdles_passed = Metric("last")
        hurdles_bypassed = Metric("last")

    class rewards(LeggedRobotCfg.rewards):
        only_positive_rewards = False

        class scales:
            alive = 0.5
            collision = -3.0
            height_guidance = 1.0
            jump_clearance = 2.0
            crawl_clearance = 2.0
            foot_symmetry = 0.3
            feet_air_time = 1.0
            lateral_deviation_penalty = -3.0
            successful_traversal = 4.0
            torques = -1.0e-6
            dof_error = -0.01
            hip_pos = -0.5
            ang_vel_xy = -0.1
            action_rate = -0.02
            dof_acc = -2.0e-7
            lin_vel_z = -0.1
            orientation = -1.0
            feet_stumble = -0.5
            tracking_goal_vel = 4.0
            tracking_yaw = 1.0
            delta_torques = -1.0e-6
            mode_mismatch = -1.0

    class normalization(LeggedRobotCfg.normalization):
        clip_actions = 4.8  # targets within 1.2 rad of the default pose
        clip_observations = 100.0

    def in_play(self) -> None:
        """The whole course, and time for it."""
        self.hurdles.layout = "competition"
        self.env.episode_length_s = 60.0

    def in_evaluation(self) -> None:
        """The whole course."""
        self.hurdles.layout = "competition"


for _name, _obstacle in hurdle_obstacles(4).items():
    setattr(GalileoParkourCfg.obstacles, _name, _obstacle)
for _k in range(1, 5):  # of the robots that came to it, who crossed it; and with how much room, m
    setattr(GalileoParkourCfg.metrics, f"hurdle_{_k}_crossed", Metric("sum", per=f"hurdle_{_k}_came"))
    setattr(GalileoParkourCfg.metrics, f"hurdle_{_k}_clearance", Metric("sum", per=f"hurdle_{_k}_crossed"))


# of the groups that a robot cannot feel, from what it can
ESTIMATOR = {
    "encoder": "explicit",
    "network": {"groups": ["proprioception"], "hidden_dims": [128, 64], "output_dim": 9},
    "learning_rate": 1.0e-3,
    "num_learning_epochs": 1,
}
ADAPTATION = {
    "encoder": "latent",
    "network": {"groups": ["history"], "history_conv": {"frames": 10}, "hidden_dims": [20]},
    "coef": [0.0, 0.1, 200, 300],
    "learning_rate": 1.0e-3,
    "every": 10,
    "num_learning_epochs": 2,
}


class GalileoParkourCfgPPO(FewCoresCfgPPO):
    """Training of `galileo_parkour`, of a size and with schedules for few cores; `configs/galileo_parkour_gpu.yaml`."""

    class policy(FewCoresCfgPPO.policy):
        encoders = {
            "proprioception": {},
            "scan": {"hidden_dims": [64], "output_dim": 32, "output_activation": "tanh"},
            "hurdles": {},
            "nearest": {},
            "explicit": {},
            "latent": {"hidden_dims": [64, 20]},
        }
        actor_hidden_dims = [128, 64]
        critic_hidden_dims = [192, 96]
        actor = {"experts": {"names": ["flat", "jump", "crawl"], "gate": {"groups": ["nearest"], "hidden_dims": [32]}}}
        critic = {"groups": ["proprioception", "scan", "hurdles", "nearest", "explicit", "latent"]}

    class algorithm(FewCoresCfgPPO.algorithm):
        final_noise_std = 0.3
        symmetry_until = 0.6  # from rest in mid-lane, a symmetric policy cannot choose which foot goes first
        extensions = {
            "estimator": ESTIMATOR,
            "adaptation": ADAPTATION,
            "experts": {
                "temperature": [2.0, 0.6, 0, 600],
                "entropy_bonus": [0.02, 0.0, 0, 200],
                "modes": "nearest",
                "mode_coef": [0.0, 0.2, 150, 150],  # first all of them learn to walk
            },
        }

    class runner(FewCoresCfgPPO.runner):
        experiment_name = "rsl_rl/unitree_go2_parkour"  # of both robots, as in the work that this follows
        tags = {"Train/action_noise_std": "Policy/mean_noise_std"}
        max_iterations = 1500
