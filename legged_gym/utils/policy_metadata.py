"""The description that travels with an exported policy: all that another program needs to run it on the robot.

It is a nested dict that JSON can hold. Nothing in it is written by hand: names, sizes, scales and meanings come from
the tables and terms of the environment that the policy was trained in. The entries called ``rule`` say in words how an
observation is put together and how the joints are driven. Units are SI, angles rad.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping

import numpy as np
from torch import Tensor

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.actuators.files import file_hash
from legged_gym.envs.base.base_config import section_to_dict
from legged_gym.errors import UserError
from rsl_rl.models import Model

FORMAT_VERSION = 1
ACTIONS = "actions"

_OBSERVATION_RULE = "each term: within its clip, if any, times its scale; all in this order, within +-clip"
_IMAGE_RULE = "the newest image of the camera that has arrived, times the scale of its term, within +-clip"
_HEIGHT_SCAN_RULE = "a grid, x outer loop, y inner; it turns with the base, by 2 atan2(z, w) of its quaternion"
_SCANDOTS_RULE = "of each point: height of the base - scandot_height - height of the ground"
# settings of a depth camera that decide what an image shows; times, jitters and noise do not
_CAMERA_KEYS = ("position", "pitch", "width", "height", "horizontal_fov", "crop", "near", "far")
_ACTION_RULES = {
    "P": "torque = stiffness * (default_pos + scale * a - pos) - damping * vel",
    "V": "torque = stiffness * (scale * a - vel) - damping * acceleration",
    "T": "torque = scale * a",
    "actuator_net": "torque = network of actuator_net(default_pos + scale * a - pos, vel, and their past)",
}
_ACTION_RULE_ENDING = "; a = action within +-clip, torque within +-torque_limit, computed anew at every physics step"
_FILTER_ENDING = ", for which scale * a first goes through y = target_filter * scale * a + (1 - target_filter) * y"


def describe_policy(env: Any, actor: Model, task: str, origin: Mapping[str, Any]) -> Dict[str, Any]:
    """Describe an actor and the robot it drives.

    Args:
        env: the environment, made from the settings that the policy was trained with.
        actor: the network.
        task: name of the task.
        origin: where the policy comes from: run, iteration, git commit, versions.

    Returns:
        The description.
    """
    control = env.cfg.control
    return {
        "format": FORMAT_VERSION,
        "task": task,
        "robot": env.cfg.asset.name,
        **describe_network(actor, {group: env.observation_dims[group] for group in actor.groups}, env.num_actions),
        "observations": {group: _describe_group(env, group) for group in actor.groups},
        ACTIONS: {
            "size": env.num_actions,
            "clip": float(env.cfg.normalization.clip_actions),
            "scale": float(control.action_scale),
            "control_type": control.control_type,
            "rule": _action_rule(control),
            "delay_steps": list(control.action_delay),
            "target_filter": control.target_filter,
        },
        "actuator_net": _describe_actuators(control),
        "joints": _describe_joints(env),
        "feet": [env.body_names[index] for index in env.feet_indices.tolist()],
        "control_dt": env.dt,
        "physics_dt": float(env.cfg.sim.dt),
        "decimation": int(control.decimation),
        "commands": {
            "ranges": section_to_dict(env.command_ranges),
            "heading_command": bool(env.cfg.commands.heading_command),
        },
        "height_scan": _describe_height_scan(env.cfg.terrain),
        "origin": dict(origin),
    }


def _action_rule(control: Any) -> str:
    ending = "" if control.target_filter is None else _FILTER_ENDING
    return _ACTION_RULES[control.control_type] + _ACTION_RULE_ENDING + ending


def describe_network(actor: Model, observation_dims: Mapping[str, Any], num_actions: int) -> Dict[str, Any]:
    """Describe inputs and outputs of an exported actor, in order; "batch" stands for the number of robots.

    Returns:
        `inputs` and `outputs`, lists of {name, shape}; `memory`, which output goes into which input at the next step. A
        memory starts each episode at zero.
    """
    memory = [
        {"name": name, "input": f"{name}_in", "output": f"{name}_out", "shape": [len(state), "batch", state.shape[2]]}
        for name, state in actor.initial_hidden(1).items()
    ]
    groups = [{"name": group, "shape": ["batch", *observation_dims[group]]} for group in actor.groups]
    actions = {"name": ACTIONS, "shape": ["batch", num_actions]}
    return {
        "inputs": [*groups, *({"name": entry["input"], "shape": entry["shape"]} for entry in memory)],
        "outputs": [actions, *({"name": entry["output"], "shape": entry["shape"]} for entry in memory)],
        "memory": memory,
    }


def check_fits(description: Mapping[str, Any], env: Any, path: str) -> None:
    """Refuse an exported policy that would misread this environment or drive it wrongly.

    Raises:
        UserError: joints, the layout of an observation, or scale and rate of the actions differ.
    """
    for what, saved, current in (
        ("joints", [joint["name"] for joint in description["joints"]], list(env.dof_names)),
        ("action scale", description[ACTIONS]["scale"], float(env.cfg.control.action_scale)),
        ("control_dt", description["control_dt"], env.dt),
    ):
        if saved != current:
            raise UserError(f"{path} does not fit: its {what} is {saved}, the environment's is {current}")
    for group, saved in description["observations"].items():
        if group not in env.observation_dims:
            raise UserError(f"{path} reads observations {group!r}; this environment gives {list(env.observation_dims)}")
        current = _describe_group(env, group)
        if _layout(saved) != _layout(current):
            raise UserError(
                f"{path} does not fit: its observation {group!r} is {_summary(saved)}, "
                f"the environment's is {_summary(current)}"
            )


def _describe_group(env: Any, group: str) -> Dict[str, Any]:
    """Layout of one observation; only those that come from a table have terms, images have one and a camera."""
    description: Dict[str, Any] = {"shape": list(env.observation_dims[group])}
    table = getattr(env, "observation_groups", {}).get(group)
    if table is None:
        return description
    is_image = len(description["shape"]) > 1
    description["rule"] = _IMAGE_RULE if is_image else _OBSERVATION_RULE
    if is_image:
        description["camera"] = section_to_dict(env.cfg.depth_camera)
    description["clip"] = float(env.cfg.normalization.clip_observations)
    description["terms"] = terms = []
    start = 0
    for row in table.layout():
        name, bound = row.pop("name"), row["clip"]
        row["clip"] = [-bound, bound] if isinstance(bound, (int, float)) else bound
        terms.append({"name": name, "start": start, **row, "meaning": _meaning(getattr(env, f"_obs_{name}"))})
        start += row["size"]
    return description


def _meaning(term: Any) -> str:
    """First line of the docstring of a term."""
    return ((term.__doc__ or "").strip().splitlines() or [""])[0]


def _describe_actuators(control: Any) -> Any:
    """The file of the network that stood for the drives, as configs write it, and its SHA-256; None without one."""
    if control.control_type != "actuator_net":
        return None
    file = control.actuator_net_file
    return {"file": file.replace(LEGGED_GYM_ROOT_DIR, "{LEGGED_GYM_ROOT_DIR}"), "sha256": file_hash(file)}


def _describe_joints(env: Any) -> List[Dict[str, Any]]:
    columns = {
        "default_pos": numbers(env.default_dof_pos[0]),
        "stiffness": numbers(env.p_gains),
        "damping": numbers(env.d_gains),
        "torque_limit": numbers(env.torque_limits),
        "vel_limit": numbers(env.dof_vel_limits),
        "pos_limits": [numbers(pair) for pair in env.sim.dof_pos_limits],
    }
    return [
        {"name": name, **{key: column[index] for key, column in columns.items()}}
        for index, name in enumerate(env.dof_names)
    ]


def _describe_height_scan(terrain: Any) -> Any:
    """Points of the grid of heights, m forward and to the left of the base; None without one."""
    if not terrain.measure_heights:
        return None
    description = {
        "points_x": list(terrain.measured_points_x),
        "points_y": list(terrain.measured_points_y),
        "rule": _HEIGHT_SCAN_RULE,
    }
    if hasattr(terrain, "scandot_height"):
        description.update(scandot_height=terrain.scandot_height, scandots_rule=_SCANDOTS_RULE)
    return description


def numbers(values: Tensor) -> List[Any]:
    """The numbers of a float32 tensor (n,) in the fewest digits that give the same float32; None for infinity."""
    singles = values.detach().cpu().numpy().astype(np.float32)
    return [float(str(single)) if math.isfinite(single) else None for single in singles]


def _layout(group: Mapping[str, Any]) -> Any:
    """What must agree; noise is the business of the environment alone."""
    keys = ("name", "size", "scale", "clip")
    terms = [[term[key] for key in keys] for term in group.get("terms", [])]
    return group["shape"], group.get("clip"), terms, _camera_layout(group)


def _camera_layout(group: Mapping[str, Any]) -> Dict[str, Any]:
    """What must agree of the camera of an image; empty for other groups."""
    return {key: group["camera"].get(key) for key in _CAMERA_KEYS} if "camera" in group else {}


def _summary(group: Mapping[str, Any]) -> str:
    parts = [f"{term['name']} {term['size']} x {term['scale']}" for term in group.get("terms", [])]
    parts += [f"{key} {value}" for key, value in _camera_layout(group).items()]
    return f"{group['shape']} ({', '.join(parts)})" if parts else str(group["shape"])
