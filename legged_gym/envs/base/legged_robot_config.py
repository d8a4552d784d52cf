"""Defaults of every environment and of its training: legged_gym's tree, with four tables of terms.

The tables `observations`, `rewards.scales`, `terminations` and `metrics` name methods of the environment:
`_obs_<name>`, `_reward_<name>`, `_termination_<name>`, `_metric_<name>`. Comments are the text of
docs/configuration.md.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional

from legged_gym.envs.base.base_config import BaseConfig, Metric, Obstacle, ObsTerm, Termination, table
from legged_gym.envs.base.table_entries import Entry
from legged_gym.sensors.depth_camera_config import DepthCameraCfg
from legged_gym.setting_types import LARGEST_SEED, Anything, ByName, Items, Number, OneOf, Text
from legged_gym.settings import by_name, flag, names, number, numbers, setting, span, text
from legged_gym.terrain.terrain_config import TerrainCfg
from rsl_rl.settings import PolicySettings, PPOSettings, RunnerSettings, TrainSettings

RAMPS = ByName(of=Items(of=Number(whole=True, low=0, unit="policy steps"), least=2, most=2, order="<"))
PANELS = ("Velocities", "Gait", "RewardTerms", "Joints", "Actions", "Observations", "Episodes")
_INERTIA = Number(False, "kg m^2", 0, high=100)
_MOST_CELLS = 2e9  # of a map, 4 GB


class LeggedRobotCfg(BaseConfig):
    """What an environment is made of; rough terrain and 235 observations, as legged_gym's default."""

    _prefix = "env."
    _needs_all = True

    seed = number(1, low=-1, high=LARGEST_SEED)

    class env:
        num_envs = number(4096, low=1, high=2**20)  # robots
        episode_length_s = number(20.0, "s", above=0, high=1e6)  # until the time-out

    class terrain(TerrainCfg):
        """Ground, and what is measured of it."""

    class obstacles:
        _each = setting(Obstacle(), Entry(True, Obstacle()))

    class commands:
        curriculum = flag(False)  # widen `lin_vel_x` when tracking is good
        max_curriculum = number(1.0, "m/s", low=0, high=100)  # up to this
        resampling_time = number(10.0, "s", above=0, inf=True)  # between new commands; inf: one an episode
        heading_command = flag(True)  # the yaw rate follows from a heading error
        min_norm = number(0.2, "m/s", low=0, high=100)  # shorter xy commands become zero
        standing_fraction = number(0.0, low=0, high=1)  # fraction of commands that are all zero, in heading mode too
        # fraction of commands that go one way alone, and slower: along x, along y or a turn; a third each
        pure_fraction = number(0.0, low=0, high=1)
        # `standing_fraction` or `pure_fraction` -> policy steps between which it grows from 0 to full
        ramps: Dict[str, List[int]] = setting({}, RAMPS)

        class ranges:
            lin_vel_x = span([-1.0, 1.0], "m/s", low=-100, high=100)
            lin_vel_y = span([-1.0, 1.0], "m/s", low=-100, high=100)
            ang_vel_yaw = span([-1.0, 1.0], "rad/s", low=-100, high=100)  # without `heading_command`
            heading = span([-3.14, 3.14], "rad", low=-10, high=10)

    class init_state:
        pos = numbers([0.0, 0.0, 1.0], "m", length=3, low=-1000, high=1000)
        rot = setting([0.0, 0.0, 0.0, 1.0], Items(least=4, most=4, unit_norm=True))  # x, y, z, w
        lin_vel = numbers([0.0, 0.0, 0.0], "m/s", length=3, low=-100, high=100)
        ang_vel = numbers([0.0, 0.0, 0.0], "rad/s", length=3, low=-100, high=100)
        # along x and y on a height map: robots start within this of their origin
        max_random_pos = numbers([1.0, 1.0], "m", length=2, low=0, high=1000)
        # added to each velocity of the root at reset, within +- this
        max_random_vel = number(0.5, "m/s, rad/s", low=0, high=100)
        dof_pos_factor = span([0.5, 1.5], low=-10, high=10)  # joints start at the default angle times one of these
        # every joint, within its range; the target of a zero action
        default_joint_angles: Dict[str, float] = by_name({"joint_a": 0.0}, "rad", low=-100, high=100)

    class control:
        # `P`: joint positions, `V`: joint velocities, `T`: torques, `actuator_net`: positions by a network
        control_type = text("P", ("P", "V", "T", "actuator_net"))
        # `actuator_net`: the [network](actuator_networks.md); `{LEGGED_GYM_ROOT_DIR}` is the checkout
        actuator_net_file = text("")
        # `P`, `actuator_net`: fraction of the way that the joint target moves to the new one every sub-step; None: off
        target_filter: Optional[float] = number(None, whole=False, above=0, high=1)
        # by part of a joint's name; the last match wins
        stiffness: Dict[str, float] = by_name({"joint_a": 10.0}, "N m/rad", low=0, high=1e6)
        damping: Dict[str, float] = by_name({"joint_a": 1.0}, "N m s/rad", low=0, high=1e6)  # likewise
        # by part of a joint's name: torque of its motor at rest (N m), and the speed at which it gives none (rad/s); in
        # between and beyond a straight line, braking at most as at rest; {}: the limits of the robot file at all speeds
        torque_speed: Dict[str, List[float]] = setting({}, ByName(of=Items(of=Number(above=0), least=2, most=2)))
        action_scale = number(0.5, low=0, high=1e4)  # rad (`P`, `actuator_net`), rad/s (`V`), N m (`T`) an action of 1
        decimation = number(4, low=1, high=1000)  # physics steps an action
        action_delay = span([0, 0], "policy steps", low=0, high=1000)  # drawn for each robot at reset

    class asset:
        file = text("")  # URDF or MJCF; `{LEGGED_GYM_ROOT_DIR}` is the checkout
        alt_files: List[str] = names([])  # the same robot with other shapes
        use_alt_files = flag(False)  # of several processes, each takes another one of `file` and `alt_files`, in turn
        name = text("legged_robot")  # for exported policies
        # feet are the bodies whose name contains this, or [geoms of an MJCF file](adding_a_robot.md)
        foot_name = text("None")
        penalize_contacts_on: List[str] = names([])  # parts of body names
        terminate_after_contacts_on: List[str] = names([])  # parts of body names
        # order of joints; None: depth first, children by the names of their joints, as Isaac Gym
        dof_names: Optional[List[str]] = names(None, least=1)
        sdk = text("")  # what the robot's own programs drive its motors with, for exported policies
        # joints in the order of that SDK's motors, also those that the robot does not have
        sdk_joints: Optional[List[str]] = names(None, least=1)
        body_names: Optional[List[str]] = names(None, least=1)  # order of bodies, root first; None: likewise
        disable_gravity = flag(False)
        # links on fixed joints belong to their parents, but feet and those that `body_names` has
        collapse_fixed_joints = flag(True)
        # the base stays where `init_state` has it, on a height map above its tile's origin
        fix_base_link = flag(False)
        self_collisions = number(0, low=0, high=1)  # 0: on, 1: off
        # rotor inertia of joints that have less; one for all, or by part of a joint's name
        armature: Any = setting(0.0, OneOf(types=(_INERTIA, ByName(of=_INERTIA))))
        # parts of names that a mirror swaps
        left_right = setting([["L_", "R_"], ["left", "right"]], Items(of=Items(of=Text(), least=2, most=2)))
        mirror_negates = names(["hip_joint"])  # parts of names of joints whose angle changes sign in a mirror

    class domain_rand:
        # draw a new robot at each reset; otherwise once, when the environment is made
        every_episode = flag(False)
        # ranges, pushes and the camera's jitters grow from nominal to full between these
        widen_over: Optional[List[int]] = span(None, "policy steps", order="<", whole=True, low=0)
        randomize_friction = flag(True)
        friction_range = span([0.5, 1.25], low=0, high=100)  # of the robot; averaged with the ground's
        randomize_base_mass = flag(False)
        added_mass_range = span([-1.0, 1.0], "kg", low=-1e4, high=1e4)  # added to the root body
        randomize_com = flag(False)
        com_displacement_range = span([-0.05, 0.05], "m", low=-10, high=10)  # each axis of the root body
        randomize_dof_friction = flag(False)
        max_dof_friction = number(0.05, "N m", low=0, high=1e4)  # up to this more than in the file, all joints alike
        randomize_gains = flag(False)  # control types P and V
        stiffness_factor_range = span([0.9, 1.1], low=0, high=100)  # each joint
        damping_factor_range = span([0.9, 1.1], low=0, high=100)  # each joint
        randomize_motor_strength = flag(False)
        motor_strength_range = span([0.9, 1.1], low=0, high=100)  # each joint, before the torque limit
        push_robots = flag(True)
        push_interval_s = number(15.0, "s", low=0, inf=True)  # each robot at its own time; inf: never
        max_push_vel_xy = number(1.0, "m/s", low=0, high=100)  # a push sets the horizontal velocity
        push_adds = flag(False)  # a push adds to the velocity instead

    class observations:
        class _each:
            _each = setting(ObsTerm(), Entry(True, ObsTerm()))

        class policy:
            base_lin_vel = ObsTerm(scale=2.0, noise=0.1)
            base_ang_vel = ObsTerm(scale=0.25, noise=0.2)
            projected_gravity = ObsTerm(noise=0.05)
            commands = ObsTerm(scale=[2.0, 2.0, 0.25])
            dof_pos = ObsTerm(noise=0.01)
            dof_vel = ObsTerm(scale=0.05, noise=1.5)
            actions = ObsTerm()
            heights: Optional[ObsTerm] = ObsTerm(scale=5.0, noise=0.1, clip=1.0)

    class depth_camera(DepthCameraCfg):
        """Made where an observation group has the term `depth`."""

    class terminations:
        _each = setting(Termination(), Entry(True, Termination()))
        base_contact = Termination(threshold=1.0)
        time_out = Termination(time_out=True)

    class metrics:
        _each = setting(Metric(), Entry(True, Metric()))
        lin_vel_xy_error = Metric()  # m/s, of the horizontal velocity, in the base frame
        ang_vel_error = Metric()  # rad/s, of the yaw rate
        fall_rate = Metric("last", period_s=20.0)  # episodes that end other than by time-out
        mean_episode_length_s = Metric("sum")  # s
        cost_of_transport = Metric("sum", per="weight_path")  # energy / (weight * horizontal path)
        mean_speed = Metric()  # m/s, horizontal
        # over the finish line of a lane and no fall for 1 s; elsewhere half a tile away without a fall
        success_rate = Metric("last", ground="tiles")
        x_displacement = Metric("sum", ground="lanes")  # m, forward
        mean_time_to_fall = Metric("sum", ground="lanes")  # s, a time-out counts with its length
        foot_edge_violations = Metric("sum", per="foot_contacts", ground="lanes")  # contacts on edges / all

    class rewards:
        class scales:
            _each = number(0.0, "1/s")
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
            feet_clearance = 0.0
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

        # term -> policy steps between which its weight grows from 0 to full
        ramps: Dict[str, List[int]] = setting({}, RAMPS)
        only_positive_rewards = flag(True)  # negative totals become zero
        tracking_sigma = number(0.25, "(m/s)^2, (rad/s)^2", above=0, high=1e6)
        soft_dof_pos_limit = number(1.0, above=0, high=10)  # fraction of the limit that is free
        soft_dof_vel_limit = number(1.0, above=0, high=10)  # likewise
        soft_torque_limit = number(1.0, above=0, high=10)  # likewise
        base_height_target = number(1.0, "m", low=0, high=100)
        max_contact_force = number(100.0, "N", low=0, high=1e6)
        feet_air_time_target = number(0.5, "s", low=0, high=100)
        feet_clearance_target = number(0.1, "m", low=0, high=10)  # above the ground, of the middle of swinging feet
        feet_clearance_ahead = number(0.0, "s", low=0, high=1)  # above what they come to in this time, too

    class normalization:
        clip_observations = number(100.0, above=0)
        clip_actions = number(100.0, above=0)

    class noise:
        add_noise = flag(True)
        noise_level = number(1.0, low=0, high=1000)  # factor on every noise of the tables

    class viewer:
        distance = number(1.8, "m", above=0, high=1000)
        azimuth = number(120.0, "degrees", low=-360, high=360)
        elevation = number(-18.0, "degrees", low=-90, high=90)
        # what `--viewer=web` shows of a robot, each as "module:Class"
        panels = names([f"legged_gym.viewing.robot_panels:{name}" for name in PANELS])

    class sim:
        dt = number(0.005, "s", low=1e-5, high=0.1)  # one physics step
        gravity = numbers([0.0, 0.0, -9.81], "m/s^2", length=3, low=-100, high=100)
        num_threads = number(0, low=0, high=4096)  # CPU backend; 0 takes every CPU that the process may use

        class mujoco:
            integrator = text("euler")  # also `rk4`, `implicit`, `implicitfast`
            cone = text("pyramidal")  # or `elliptic`
            impratio = number(1.0, above=0, high=1e6)
            iterations = number(100, low=1, high=10_000)  # of the constraint solver
            ls_iterations = number(50, low=1, high=10_000)  # of its line search
            tolerance = number(1e-8, low=0, high=1)  # at which it stops

        class mujoco_warp:
            # memory for contacts and constraints, as a factor on what tumbling robots needed
            contact_margin = number(2.0, above=0, high=1000)

    def in_play(self) -> None:
        """Hook: what this task changes for play, besides `variants.for_play`."""

    def in_evaluation(self) -> None:
        """Hook: likewise for evaluation."""

    def in_pure_commands(self, nominal: bool) -> None:
        """Hook: likewise for pure commands and standing; `nominal`: nothing is left to chance."""

    def _misfits(self) -> Iterator[str]:
        rand, ground = self.domain_rand, self.terrain
        for name, obstacle in table(self.obstacles).items():
            if len(obstacle.size) != (3 if obstacle.shape == "box" else 2):
                kind = "its edges along x, y and z" if obstacle.shape == "box" else "its radius and length"
                yield f"env.obstacles.{name}.size is {list(obstacle.size)}: give of a {obstacle.shape} {kind}, in m"
        if rand.push_robots and rand.push_interval_s == 0.0:
            yield "env.domain_rand.push_interval_s is 0: set push_robots to False for no pushes, or give s between them"
        if rand.widen_over is not None and not rand.every_episode:
            yield "env.domain_rand.widen_over needs domain_rand.every_episode"
        if ground.mesh_type == "mesh" and ground.mesh_files is None:
            yield "env.terrain.mesh_type is mesh: give env.terrain.mesh_files, such as [stairs.obj]"
        if ground.mesh_type in ("heightfield", "trimesh"):
            cell = ground.horizontal_scale / (ground.edge_refinement if ground.mesh_type == "trimesh" else 1)
            border = 2.0 * ground.border_size
            along, across = ground.num_rows * ground.terrain_length, ground.num_cols * ground.terrain_width
            cells = (along + border) * (across + border) / cell**2
            if cells > _MOST_CELLS:
                yield (
                    f"env.terrain: the map would have {cells:.3g} cells, {_MOST_CELLS:.3g} at most: make it smaller"
                    " (num_rows, num_cols, terrain_length, terrain_width, border_size), or horizontal_scale larger"
                )


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

    _prefix = "train."

    seed = number(TrainSettings.seed, low=-1, high=LARGEST_SEED)
    runner_class_name = text(TrainSettings.runner_class_name)

    class policy:
        # standard deviation of actions at the start
        init_noise_std = number(PolicySettings.init_noise_std, low=0.001, high=100)
        # a run that begins with the networks of another one begins with that all the same
        re_init_std = flag(PolicySettings.re_init_std)
        actor_hidden_dims = numbers(PolicySettings.actor_hidden_dims, low=1, high=2**16)
        critic_hidden_dims = numbers(PolicySettings.critic_hidden_dims, low=1, high=2**16)
        activation = text(PolicySettings.activation)  # also `relu`, `lrelu`, `selu`, `tanh`, `sigmoid`, `silu`
        output_activation: Optional[str] = text(PolicySettings.output_activation)  # of the actions; `tanh` bounds them
        rnn_type = text(PolicySettings.rnn_type, ("lstm", "gru"))  # policies with memory, like the next two
        # `SharedActorCritic`: None for no memory in front of the heads
        rnn_hidden_size: Optional[int] = number(PolicySettings.rnn_hidden_size, low=1, high=2**16, none=True)
        rnn_num_layers = number(PolicySettings.rnn_num_layers, low=1, high=100)
        actor_obs_groups = names(PolicySettings.actor_obs_groups, least=1)
        # without a group `critic`, `policy` stands in
        critic_obs_groups = names(PolicySettings.critic_obs_groups, least=1)
        normalize_observations = flag(PolicySettings.normalize_observations)  # by running mean and standard deviation
        # of the actor, see below
        encoders: Any = setting(PolicySettings.encoders, ByName(True, ByName(True, Anything(True))))
        actor: Any = setting(PolicySettings().actor, ByName(of=Anything(True)))  # settings of its network, see below
        # likewise; `shared`: it reads the actor's features; None for what the class means
        critic: Any = setting(
            PolicySettings.critic, OneOf(True, (Text(choices=("shared",)), ByName(of=Anything(True))))
        )

    class algorithm:
        value_loss_coef = number(PPOSettings.value_loss_coef, low=0, high=1e6)
        critic_warm_up = number(PPOSettings.critic_warm_up, "iterations", low=0)  # in which the critic alone learns
        use_clipped_value_loss = flag(PPOSettings.use_clipped_value_loss)
        clip_param = number(PPOSettings.clip_param, above=0, high=100)
        entropy_coef = number(PPOSettings.entropy_coef, low=0, high=1e6)
        # linear: down to 0 at `max_iterations`
        entropy_schedule = text(PPOSettings.entropy_schedule, PPOSettings.CHOICES["entropy_schedule"])
        # of the actions: a bound for the standard deviations, which goes down to this from 1, or from `init_noise_std`
        # if that is more, until `final_noise_from`
        final_noise_std: Optional[float] = number(PPOSettings.final_noise_std, none=True, low=0.001, high=1)
        final_noise_from = number(PPOSettings.final_noise_from, above=0, high=1)  # part of the training
        # passes over the samples of an iteration
        num_learning_epochs = number(PPOSettings.num_learning_epochs, low=1, high=100_000)
        # num_envs * num_steps_per_env must be a multiple
        num_mini_batches = number(PPOSettings.num_mini_batches, low=1, high=10**9)
        learning_rate = number(PPOSettings.learning_rate, above=0, high=10)  # at the start
        schedule = text(PPOSettings.schedule, PPOSettings.CHOICES["schedule"])  # see below
        min_learning_rate = number(PPOSettings.min_learning_rate, above=0, high=10)
        max_learning_rate = number(PPOSettings.max_learning_rate, above=0, high=10)
        gamma = number(PPOSettings.gamma, low=0, high=1)
        lam = number(PPOSettings.lam, low=0, high=1)
        desired_kl = number(PPOSettings.desired_kl, "nats", above=0, high=1e6)
        max_grad_norm = number(PPOSettings.max_grad_norm, above=0)  # actor and critic each, or what they share
        # `bfloat16`: networks compute in it while learning, on CPUs with units for it; weights and losses stay float32
        precision = text(PPOSettings.precision, PPOSettings.CHOICES["precision"])
        # `augment`: mirror images of all samples; `loss`: penalty on asymmetric actions
        symmetry = text(PPOSettings.symmetry, PPOSettings.CHOICES["symmetry"])
        symmetry_loss_coef = number(PPOSettings.symmetry_loss_coef, low=0, high=1e6)
        # fraction of the training after which it is left out, so that the robot may choose which foot to lift first
        symmetry_until = number(PPOSettings.symmetry_until, low=0, high=1)
        weight_decay = number(PPOSettings.weight_decay, low=0, high=1000)  # of weight matrices
        # steps of backpropagation through time, a divisor of `num_steps_per_env`; None: all
        sequence_length: Optional[int] = number(PPOSettings.sequence_length, whole=True, low=1)
        # name -> `class_name` and settings, see [the learner](learner.md)
        extensions: Any = setting(PPOSettings().extensions, ByName(of=ByName(True, Anything(True))))

    class runner:
        policy_class_name = text(RunnerSettings.policy_class_name)  # or `ActorCriticRecurrent`, `SharedActorCritic`
        algorithm_class_name = text(RunnerSettings.algorithm_class_name)
        num_steps_per_env = number(RunnerSettings.num_steps_per_env, low=1, high=10**6)  # steps between two updates
        max_iterations = number(RunnerSettings.max_iterations, low=1, high=10**9)  # in total
        # stops with a checkpoint
        max_wall_time_s: Optional[float] = number(RunnerSettings.max_wall_time_s, "s", whole=False, above=0)
        save_interval = number(RunnerSettings.save_interval, "iterations", low=1, high=10**9)
        log_interval = number(RunnerSettings.log_interval, "iterations", low=1, high=10**9)
        logger = text(RunnerSettings.logger, ("tensorboard", "wandb", "none"))
        # more names of logged numbers: new name -> their own, as `Loss/value_function`
        tags: Any = setting(RunnerSettings().tags, ByName(of=Text()))
        wandb_project: Optional[str] = text(RunnerSettings.wandb_project)  # `experiment_name` if None; see Logging
        wandb_entity: Optional[str] = text(RunnerSettings.wandb_entity)
        wandb_note: Optional[str] = text(RunnerSettings.wandb_note)  # what its page says of the run
        # `online`, `offline` or `disabled`; None: WANDB_MODE, else online if both are named
        wandb_mode: Optional[str] = text(RunnerSettings.wandb_mode)
        experiment_name = text(RunnerSettings.experiment_name)  # folder below `logs/`
        run_name = text(RunnerSettings.run_name)  # end of the name of the run folder
        # run, checkpoint or shipped policy whose networks a new run begins with
        start_from: Optional[str] = text(RunnerSettings.start_from)
        # False: it takes of them what fits, and says what it left out
        load_model_strict = flag(RunnerSettings.load_model_strict)
        resume = flag(RunnerSettings.resume)  # go on with a run
        # -1: the newest
        load_run: Any = setting(RunnerSettings.load_run, OneOf(types=(Number(whole=True, low=-1, high=-1), Text())))
        checkpoint = number(RunnerSettings.checkpoint, low=-1)  # -1: the last
        resume_path: Optional[str] = text(RunnerSettings.resume_path)  # written when a run resumes

    def _misfits(self) -> Iterator[str]:
        rates = self.algorithm
        if rates.min_learning_rate > rates.max_learning_rate:
            yield "train.algorithm.min_learning_rate is above max_learning_rate"
