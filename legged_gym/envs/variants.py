"""Variants of a task: what play, evaluation and others change in its config, in place, before an environment is made.

A task that needs more overrides the method of its config that is called last: `in_play`, `in_evaluation`,
`in_pure_commands`.
"""

from __future__ import annotations

from typing import List

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.terrain import uses_height_map

# As legged_gym's play: few robots, and ground that is quickly made.
MOST_ROBOTS, TILES = 50, 5
COMMAND_INTERVAL = 10.0
"""s between commands in an evaluation, the same for all policies so that they compare."""
NEVER = 1e9
"""s, longer than anyone plays."""
RANGES = ("lin_vel_x", "lin_vel_y", "ang_vel_yaw")
"""The ranges of `commands.ranges` that can be given from outside."""


def for_play(cfg: LeggedRobotCfg, most_robots: int = MOST_ROBOTS) -> None:
    """Little ground and few robots with mean friction, neither noise nor pushes."""
    cfg.env.num_envs = min(cfg.env.num_envs, most_robots)
    cfg.terrain.num_rows = cfg.terrain.num_cols = TILES
    cfg.terrain.n_rows = 1
    cfg.terrain.curriculum = False
    cfg.noise.add_noise = cfg.depth_camera.noise.enabled = False
    cfg.domain_rand.randomize_friction = False
    cfg.domain_rand.push_robots = False
    cfg.in_play()


def for_evaluation(cfg: LeggedRobotCfg) -> None:
    """Curricula are off, and all robots have commands from the whole of the ranges.

    Commands change every 10 s, as in legged_gym, however often they did in training; all directions at once, as pure
    commands and standing are measured by themselves; and robots stay on the tiles they are given. Noise, randomised
    robots and pushes stay as trained, from the whole of their ranges. On a height map tiles are laid out by type and
    difficulty even if the training mixed them, so that results can be told apart.
    """
    cfg.commands.curriculum = False
    cfg.commands.resampling_time = COMMAND_INTERVAL
    cfg.commands.standing_fraction = cfg.commands.pure_fraction = 0.0
    cfg.domain_rand.widen_over = None
    cfg.terrain.curriculum = True  # which the environment switches off on a plane
    cfg.terrain.easy_rows = 0
    cfg.in_evaluation()


def for_pure_commands(cfg: LeggedRobotCfg, nominal: bool, episode_length_s: float) -> None:
    """Commands from outside on a plane, after `for_evaluation`.

    Args:
        cfg: the config.
        nominal: all robots are as in file and config, and start level and at rest, within 1 % of the default pose; no
            noise, no pushes, delays in the middle of their range.
        episode_length_s: after which an episode is truncated.
    """
    with_given_commands(cfg)
    cfg.terrain.mesh_type, cfg.terrain.mesh_files = "plane", None
    cfg.env.episode_length_s = episode_length_s
    if nominal:
        from_nominal_start(cfg)
    cfg.in_pure_commands(nominal)


def from_nominal_start(cfg: LeggedRobotCfg) -> None:
    """Robots as in file and config, at rest within 1 % of the default pose; no noise, no pushes, the middle delay."""
    _as_in_the_file(cfg)
    cfg.init_state.dof_pos_factor = [0.99, 1.01]


def for_demonstrations(cfg: LeggedRobotCfg, max_steps: int, randomize: bool) -> None:
    """Nothing that is not in the state, and room for episodes of so many policy steps.

    Args:
        cfg: the config.
        max_steps: policy steps that no time-out may cut short.
        randomize: whether each episode has a robot of its own (friction, masses, gains), where training has them.
    """
    cfg.env.episode_length_s = (max_steps + 2) * cfg.control.decimation * cfg.sim.dt
    cfg.terrain.curriculum = uses_height_map(cfg.terrain.mesh_type)  # lays tiles out by type and difficulty
    cfg.terrain.easy_rows = 0
    without_noise(cfg)
    rand = cfg.domain_rand
    rand.widen_over, rand.every_episode = None, randomize
    if not randomize:
        with_equal_robots(cfg)


def for_export(cfg: LeggedRobotCfg) -> None:
    """As small as it gets: one robot, one tile."""
    cfg.env.num_envs = cfg.terrain.num_rows = cfg.terrain.num_cols = 1
    cfg.terrain.easy_rows = 0
    cfg.terrain.n_rows = cfg.terrain.mesh_oversample = 1


def for_golden_vectors(cfg: LeggedRobotCfg) -> None:
    """One robot as in its file, which begins as in play and is not disturbed, delays in the middle of their range.

    On the easiest ground of its training: where play is hard it may fall.
    """
    difficulties = cfg.terrain.difficulty_range
    cfg.in_play()
    cfg.terrain.difficulty_range = difficulties and [difficulties[0]] * 2
    for_export(cfg)
    _as_in_the_file(cfg)
    cfg.domain_rand.widen_over = None


def _as_in_the_file(cfg: LeggedRobotCfg) -> None:
    without_noise(cfg)
    with_equal_robots(cfg)
    cfg.init_state.max_random_vel = 0.0
    cfg.control.action_delay = [sum(cfg.control.action_delay) // 2] * 2


def with_given_commands(cfg: LeggedRobotCfg) -> None:
    """The environment leaves commands alone."""
    commands = cfg.commands
    commands.heading_command = commands.curriculum = False
    commands.resampling_time = NEVER
    commands.min_norm = commands.standing_fraction = commands.pure_fraction = 0.0


def without_noise(cfg: LeggedRobotCfg) -> None:
    """Exact observations, a camera that sits and sends as it should, and no pushes."""
    camera = cfg.depth_camera
    cfg.noise.add_noise = camera.noise.enabled = False
    camera.position_jitter = camera.pitch_jitter = camera.period_jitter = camera.latency_jitter = 0.0
    cfg.domain_rand.push_robots = False


def with_equal_robots(cfg: LeggedRobotCfg) -> None:
    """Friction, masses, gains and motors as in the robot's file and config, for all robots."""
    rand = cfg.domain_rand
    for name in vars(rand):
        if name.startswith("randomize_"):
            setattr(rand, name, False)


def has_velocity_commands(cfg: LeggedRobotCfg) -> bool:
    """Whether the robots of a config see velocity commands, which can then be given from outside."""
    seen = any("commands" in table(group) for group in table(cfg.observations).values())
    return seen and all(hasattr(cfg.commands.ranges, name) for name in RANGES)


def walks_lanes(cfg: LeggedRobotCfg) -> bool:
    """Whether the ground of a config has lanes of obstacles, on which robots are to keep their direction."""
    terrain = cfg.terrain
    types = [(terrain.terrain_kwargs or {}).get("type", "")] if terrain.selected else terrain.tile_types or []
    return uses_height_map(terrain.mesh_type) and any("lane_" in name for name in types)


def trained_ranges(cfg: LeggedRobotCfg) -> List[List[float]]:
    """Lowest and highest command of each of `RANGES` in training."""
    return [list(getattr(cfg.commands.ranges, name)) for name in RANGES]
