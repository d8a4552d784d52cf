"""Defaults of every environment and of its training: legged_gym's tree, with three tables for the MDP.

The tables `observations`, `rewards.scales` and `terminations` name methods of the environment: `_obs_<name>`,
`_reward_<name>`, `_termination_<name>`. Units: m, s, rad, N, kg unless said otherwise.
"""

from __future__ import annotations

from typing import Any, List, Optional

from legged_gym.envs.base.base_config import BaseConfig, ObsTerm, Termination


class LeggedRobotCfg(BaseConfig):
    """What an environment is made of; rough terrain and 235 observations, as legged_gym's default."""

    seed = 1

    class env:
        num_envs = 4096
        episode_length_s = 20.0  # an episode ends as a time-out after this

    class terrain:
        # None, 'none', 'plane', 'heightfield' or 'trimesh' (a height field with steep edges)
        mesh_type: Optional[str] = "trimesh"
        edge_refinement = 1  # trimesh only: walls are horizontal_scale / edge_refinement thick; memory grows squared
        horizontal_scale = 0.1  # m a cell
        vertical_scale = 0.005  # m a unit of height
        border_size = 25.0  # m of flat ground around the grid
        curriculum = True  # rows are levels of rising difficulty, robots move up and down
        static_friction = 1.0  # averaged with the robot's
        measure_heights = True
        # m in the base frame, turned by yaw alone: 17 forward (outer loop) x 11 to the left (inner)
        measured_points_x = [round(-0.8 + 0.1 * i, 1) for i in range(17)]
        measured_points_y = [round(-0.5 + 0.1 * i, 1) for i in range(11)]
        selected = False  # every tile is what terrain_kwargs says
        terrain_kwargs: Any = None  # {'type': name, ...}
        max_init_terrain_level = 5  # robots start at levels 0 to this
        terrain_length = 8.0  # m
        terrain_width = 8.0  # m
        num_rows = 10  # levels
        num_cols = 20  # types
        # smooth slope, rough slope, stairs up, stairs down, discrete obstacles[, stepping stones[, gap]]; the rest: pit
        terrain_proportions = [0.1, 0.1, 0.35, 0.25, 0.2]
        slope_treshold = 0.75  # trimesh only: steeper edges become walls
        tile_types: Optional[Any] = None  # names of recipes, one column each in turn, instead of the proportions
        difficulty_range: Optional[Any] = None  # of the first and the last level; None: level / num_rows
        roughness: Optional[Any] = None  # m at difficulty 0 and 1, amplitude of fractal roughness on every tile

    class commands:
        curriculum = False  # widens lin_vel_x when tracking is good
        max_curriculum = 1.0  # m/s
        resampling_time = 10.0  # s
        heading_command = True  # yaw rate follows from a heading error
        min_norm = 0.2  # m/s, shorter xy commands become zero: stand
        standing_fraction = 0.0  # of commands that are all zero, in heading mode too
        pure_fraction = 0.0  # of commands that go along x, along y or turn, and nothing else; a third each
        ramps: Any = {}  # standing_fraction or pure_fraction -> [first, last] policy step between which it grows from 0

        class ranges:
            lin_vel_x = [-1.0, 1.0]  # m/s
            lin_vel_y = [-1.0, 1.0]  # m/s
            ang_vel_yaw = [-1.0, 1.0]  # rad/s
            heading = [-3.14, 3.14]  # rad

    class init_state:
        pos = [0.0, 0.0, 1.0]
        rot = [0.0, 0.0, 0.0, 1.0]  # x, y, z, w
        lin_vel = [0.0, 0.0, 0.0]
        ang_vel = [0.0, 0.0, 0.0]
        max_random_pos = [1.0, 1.0]  # m along x and y, on a height map: robots start within this of their origin
        max_random_vel = 0.5  # m/s and rad/s, added to each root velocity at reset
        dof_pos_factor = [0.5, 1.5]  # joints start at default angle times this
        default_joint_angles = {"joint_a": 0.0}  # rad, target of a zero action; every joint of the robot

    class control:
        control_type = "P"  # P: joint positions, V: joint velocities, T: torques, actuator_net: positions by a network
        actuator_net_file = ""  # actuator_net only; {LEGGED_GYM_ROOT_DIR} is replaced
        target_filter: Optional[float] = None  # a: every sub-step, joint target = a * new + (1 - a) * last; None: off
        stiffness = {"joint_a": 10.0}  # N m/rad by part of a joint's name, the last match wins
        damping = {"joint_a": 1.0}  # N m s/rad
        action_scale = 0.5  # P: target = action_scale * action + default angle
        decimation = 4  # sub-steps an action
        action_delay = [0, 0]  # policy steps, drawn per environment at reset

    class asset:
        file = ""  # URDF or MJCF; {LEGGED_GYM_ROOT_DIR} is replaced
        name = "legged_robot"
        foot_name = "None"  # feet are bodies whose name contains this; kept when fixed joints collapse
        penalize_contacts_on: List[str] = []  # parts of body names
        terminate_after_contacts_on: List[str] = []
        dof_names: Optional[Any] = None  # order of joints; None: depth first, children by name, as Isaac Gym
        body_names: Optional[Any] = None  # order of bodies, root first; None: likewise
        disable_gravity = False
        collapse_fixed_joints = True
        fix_base_link = False
        self_collisions = 0  # 1 to disable, 0 to enable, as in legged_gym
        armature: Any = 0.0  # kg m^2, rotor inertia of joints that have less; a number, or by part of a joint's name
        left_right = [["L_", "R_"], ["left", "right"]]  # parts of joint names that a mirror swaps
        mirror_negates = ["hip_joint"]  # parts of the names of joints whose angle changes sign in a mirror

    class domain_rand:
        every_episode = False  # draw a new robot at each reset; legged_gym draws once
        widen_over: Optional[Any] = None  # [first, last] policy steps; ranges and the camera's jitters grow to full
        randomize_friction = True
        friction_range = [0.5, 1.25]
        randomize_base_mass = False
        added_mass_range = [-1.0, 1.0]  # kg
        randomize_com = False
        com_displacement_range = [-0.05, 0.05]  # m, each axis
        randomize_gains = False
        stiffness_factor_range = [0.9, 1.1]  # each joint
        damping_factor_range = [0.9, 1.1]
        randomize_motor_strength = False
        motor_strength_range = [0.9, 1.1]  # each joint
        push_robots = True
        push_interval_s = 15.0
        max_push_vel_xy = 1.0  # m/s, the horizontal velocity a push sets
        push_adds = False  # a push adds to the velocity instead

    class observations:
        class policy:
            base_lin_vel = ObsTerm(scale=2.0, noise=0.1)
            base_ang_vel = ObsTerm(scale=0.25, noise=0.2)
            projected_gravity = ObsTerm(noise=0.05)
            commands = ObsTerm(scale=[2.0, 2.0, 0.25])
            dof_pos = ObsTerm(noise=0.01)
            dof_vel = ObsTerm(scale=0.05, noise=1.5)
            actions = ObsTerm()
            heights: Optional[ObsTerm] = ObsTerm(scale=5.0, noise=0.1, clip=1.0)

    class depth_camera:
        """Made where an observation group has the term `depth`. The numbers are those of an Intel RealSense."""

        width = 106  # pixels of the picture, before cropping
        height = 60
        horizontal_fov = 87.0  # degrees
        crop = [0, 2, 4, 4]  # pixels off the top, bottom, left and right
        image_shape = [58, 87]  # rows and columns of what a policy sees; one ray each
        position = [0.1, 0.0, 0.15]  # m in the base frame
        position_jitter = 0.01  # m, each axis, redrawn each episode
        pitch = 0.0  # degrees, positive looks down
        pitch_jitter = 5.0  # degrees
        near = 0.0  # m, reads -0.5
        far = 2.0  # m, reads 0.5
        period = 0.1  # s between frames
        period_jitter = 0.02  # s
        latency = 0.04  # s from a frame to the policy
        latency_jitter = 0.02  # s
        sees_robot = False

        class noise:
            enabled = True
            gaussian_noise = 0.005  # 1/m, standard deviation is this times depth squared
            edge_noise = 0.3  # share of pixels that read a neighbour
            hole_pixels = 0.002  # share of pixels
            hole_patches = 2  # rectangles in a frame, each half of the time
            hole_patch_size = 0.2  # of the image's height and width, at most
            hole_depth = 2.0  # m that holes read

    class terminations:
        base_contact = Termination(threshold=1.0)
        time_out = Termination(time_out=True)

    class rewards:
        class scales:
            termination = 0.0
            tracking_lin_vel = 1.0
            tracking_ang_vel = 0.5
            lin_vel_z = -2.0
            ang_vel_xy = -0.05
            orientation = 0.0
            torques = -0.00001
            dof_vel = 0.0
            dof_acc = -2.5e-7
            base_height = 0.0
            feet_air_time = 1.0
            feet_stance = 0.0
            collision = -1.0
            feet_stumble = 0.0
            feet_contact_forces = 0.0
            action_rate = -0.01
            stand_still = 0.0
            stand_motion = 0.0
            stand_feet = 0.0
            dof_pos_limits = 0.0
            dof_vel_limits = 0.0
            torque_limits = 0.0

        ramps: Any = {}  # term -> [first, last] policy step between which its weight grows from 0 to full
        only_positive_rewards = True  # negative totals become zero, which keeps early training from seeking its end
        tracking_sigma = 0.25  # tracking reward = exp(-error^2 / sigma)
        soft_dof_pos_limit = 1.0  # share of the URDF range without penalty
        soft_dof_vel_limit = 1.0
        soft_torque_limit = 1.0
        base_height_target = 1.0
        max_contact_force = 100.0
        feet_air_time_target = 0.5  # s, longer swings are rewarded, shorter ones punished

    class normalization:
        clip_observations = 100.0
        clip_actions = 100.0

    class noise:
        add_noise = True
        noise_level = 1.0  # factor on every noise of the observation tables

    class viewer:
        distance = 1.8  # m
        azimuth = 120.0  # degrees
        elevation = -18.0

    class sim:
        dt = 0.005
        gravity = [0.0, 0.0, -9.81]
        num_threads = 0  # CPU backend: 0 takes every CPU this process may use

        class mujoco:
            integrator = "euler"
            cone = "pyramidal"
            impratio = 1.0
            iterations = 100
            ls_iterations = 50
            tolerance = 1e-8

        class mujoco_warp:
            contact_margin = 2.0  # memory for contacts and constraints, as a factor on what tumbling robots needed


# settings of legged_gym that configs are ported with, and what has become of them
RETIRED_SETTINGS = {
    "env.num_observations": "the width follows from the table observations.policy",
    "env.num_privileged_obs": "add a table observations.critic",
    "env.num_actions": "it is the number of joints",
    "env.send_timeouts": "time-outs are always sent",
    "env.env_spacing": "robots on a plane do not share a world",
    "normalization.obs_scales": "scales stand in the observation tables",
    "noise.noise_scales": "noise stands in the observation tables",
    "asset.replace_cylinder_with_capsule": "MuJoCo has cylinders",
    "sim.physx": "solver settings are in sim.mujoco",
}


class LeggedRobotCfgPPO(BaseConfig):
    """What a training run is made of; rsl_rl's PPO with the numbers legged_gym uses."""

    seed = 1
    runner_class_name = "OnPolicyRunner"

    class policy:
        init_noise_std = 1.0
        actor_hidden_dims = [512, 256, 128]
        critic_hidden_dims = [512, 256, 128]
        activation = "elu"
        rnn_type = "lstm"  # lstm or gru; ActorCriticRecurrent only, like the next two
        rnn_hidden_size: Optional[int] = 256  # SharedActorCritic: None for no memory behind the encoders
        rnn_num_layers = 1
        actor_obs_groups = ["policy"]
        critic_obs_groups = ["critic"]  # the policy group if the environment has no critic group
        normalize_observations = False

    class algorithm:
        value_loss_coef = 1.0
        use_clipped_value_loss = True
        clip_param = 0.2
        entropy_coef = 0.01
        entropy_schedule = "constant"  # or linear: down to 0 at max_iterations
        num_learning_epochs = 5
        num_mini_batches = 4  # mini-batch size = num_envs * num_steps_per_env / num_mini_batches
        learning_rate = 1.0e-3
        schedule = "adaptive"  # adaptive (to desired_kl), cosine or fixed
        min_learning_rate = 1.0e-5
        max_learning_rate = 1.0e-2
        gamma = 0.99
        lam = 0.95
        desired_kl = 0.01
        max_grad_norm = 1.0
        precision = "float32"  # bfloat16: networks run in bfloat16 while learning, weights and losses stay float32
        symmetry = "none"  # augment: mirrored copies of every sample; loss: penalty on asymmetric actions
        symmetry_loss_coef = 0.0
        weight_decay = 0.0
        sequence_length: Optional[int] = None  # steps of backpropagation through time; None: num_steps_per_env

    class runner:
        policy_class_name = "ActorCritic"
        algorithm_class_name = "PPO"
        num_steps_per_env = 24  # steps an environment takes between two updates
        max_iterations = 1500  # policy updates
        max_wall_time_s: Optional[float] = None  # stops training cleanly after this much wall clock
        save_interval = 50
        log_interval = 1
        logger = "tensorboard"  # tensorboard, wandb or none
        wandb_project: Optional[str] = None  # experiment_name if None
        wandb_entity: Optional[str] = None
        wandb_mode: Optional[str] = None  # online, offline or disabled; None: WANDB_MODE, else online if both are named
        experiment_name = "test"
        run_name = ""
        start_from: Optional[str] = None  # run, checkpoint or shipped policy whose networks a new run begins with
        resume = False
        load_run: Any = -1  # -1: the last run
        checkpoint = -1  # -1: the last saved model
        resume_path: Optional[str] = None  # written when a run resumes
