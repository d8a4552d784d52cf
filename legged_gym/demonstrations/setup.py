"""From a policy to a collector of demonstrations, and what is written down about both."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any, Dict

import numpy as np

from legged_gym.demonstrations.collection import Collection
from legged_gym.demonstrations.commands import SCHEDULES
from legged_gym.demonstrations.dataset import FORMAT_VERSION
from legged_gym.demonstrations.episodes import BLOCK, Collector
from legged_gym.envs import variants
from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.errors import UserError
from legged_gym.policies.metadata import numbers
from legged_gym.policies.policy_io import PolicySource, load_policy
from legged_gym.utils import reports
from legged_gym.utils.files import sha256_of
from legged_gym.utils.training import make_env

_SHARD_BYTES = 128e6
_UNITS = "m, rad, s, kg, N, N m; quaternions w, x, y, z"
_ARRAYS = {
    "states": "qpos and qvel of MuJoCo, verbatim, before the action of the step",
    "warm_starts": "qacc_warmstart of MuJoCo, before the action: where the solver of the contacts starts from",
    "conditionings": "gravity direction, linear and angular velocity in the base frame, joint angles and velocities in "
    "policy order, commanded velocities; before the action",
    "actions": "of the policy, before scaling, policy order",
    "targets": "joint angles that the actuators were given, after delays and limits, policy order",
    "controls": "what the actuators were given in each sub-step, where that is more than the targets",
    "torques": "at the joints in the last sub-step of the step, policy order",
    "commands": "that the policy saw, in the order of `commands`",
    "contacts": "1 for a foot with more than 1 N of vertical force, last sub-step",
    "foot_forces": "on the feet, world frame, last sub-step",
    "rewards": "of the task, for the step",
    "episode_lengths": "valid steps; the rest is zero",
    "terminated": "the episode ended in a fall",
    "episode_ids": "number of the attempt",
}


def make_collector(source: PolicySource, wish: Collection) -> Collector:
    """Make environment, policy, schedule and collector.

    Args:
        source: the policy, settled; the number of environments becomes a multiple of `BLOCK`.
        wish: what to collect.

    Raises:
        UserError: they do not go together.
    """
    schedule = SCHEDULES[wish.schedule]
    interval = float(source.env_cfg.commands.resampling_time)

    def change(cfg: LeggedRobotCfg) -> None:
        variants.for_demonstrations(cfg, wish.max_steps, wish.randomize)
        schedule.prepare_cfg(cfg)
        blocks = min(-(-cfg.env.num_envs // BLOCK), -(-wish.num_episodes // BLOCK))
        cfg.env.num_envs = blocks * BLOCK

    if table(source.env_cfg.obstacles):
        raise UserError("demonstrations cannot hold obstacles: leave each out with --env.obstacles.<name>=None")
    if source.env_cfg.control.torque_speed:
        raise UserError(
            "demonstrations cannot hold torque-speed curves: leave them out with --env.control.torque_speed={}"
        )
    source = source.changed(change)
    env, seed = make_env(source), source.env_cfg.seed
    if wish.relative and (env.terrain is not None or env.cfg.asset.fix_base_link):
        raise UserError("--relative is for robots that move freely on a plane: on other ground it matters where one is")
    return Collector(env, load_policy(source, env), schedule(env, seed, interval), wish.max_steps, seed)


def describe(collector: Collector, source: PolicySource, wish: Collection) -> Dict[str, Any]:
    """What metadata.json says; its part `collection` is all that decides what the episodes are."""
    env, control = collector.env, collector.env.cfg.control
    robot = collector.robot
    in_model = [env.dof_names[i] for i in np.argsort(robot.qpos_ids)]
    settings = env.cfg.to_dict()
    del settings["seed"], settings["env"]["num_envs"], settings["sim"]["num_threads"]
    collection: Dict[str, Any] = {"sim": source.options.sim, "seed": source.env_cfg.seed, **asdict(wish)}
    collection["task"] = source.task
    collection["policy"] = reports.short_path(source.path)
    collection["policy_sha256"] = sha256_of(source.path)
    collection["model_sha256"] = hashlib.sha256(model_bytes(robot.model)).hexdigest()
    collection["settings_sha256"] = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return {
        "kind": "demonstrations",
        "format_version": FORMAT_VERSION,
        "collection": collection,
        "dt": env.dt,
        "physics_dt": env.sim.sim_dt,
        "decimation": control.decimation,
        "gravity": robot.model.opt.gravity.tolist(),
        "units": _UNITS,
        "arrays": _ARRAYS,
        "commands": list(env.command_columns()),
        "command_interval_s": collector.schedule.interval,
        "joint_order_policy": env.dof_names,
        "joint_order_model": in_model,
        "joint_position_columns": robot.qpos_ids.tolist(),
        "joint_velocity_columns": (robot.model.nq + robot.qvel_ids).tolist(),
        "foot_order": [env.body_names[i] for i in env.feet_indices.tolist()],
        "default_pose": numbers(env.default_dof_pos[0]),
        "action_scale": control.action_scale,
        "action_delay_steps": list(control.action_delay),
        "control_type": control.control_type,
        "kp": numbers(env.p_gains),
        "kd": numbers(env.d_gains),
        "torque_limits": numbers(env.torque_limits),
        "settings": settings,
    }


def model_bytes(model: Any) -> bytes:
    """An `MjModel` as the content of an .mjb file."""
    import mujoco

    buffer = np.empty(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


def episode_bytes(collector: Collector) -> int:
    """Size of one episode before compression, which saves little."""
    env = collector.env
    model, joints, feet = collector.robot.model, env.num_actions, len(env.feet_indices)
    singles = (9 + 2 * joints + 3) + 3 * joints + len(env.command_columns()) + 3 * feet + 1
    if env.cfg.control.control_type != "P":
        singles += env.cfg.control.decimation * joints
    return collector.max_steps * (8 * (model.nq + 2 * model.nv) + 4 * singles + feet)


def shard_size(num_bytes: int) -> int:
    """Attempts a shard: a power of two that makes files of about 100 MB, at most 1024.

    Args:
        num_bytes: of an episode.
    """
    size = 1024
    while size > BLOCK and size * num_bytes > _SHARD_BYTES:
        size //= 2
    return size
