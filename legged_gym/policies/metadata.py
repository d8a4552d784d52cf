"""The description that travels with an exported policy: all that another program needs to run it on the robot.

It is a nested dict that JSON can hold; docs/exported_policies.md has its layout. Nothing in it is written by hand:
names, sizes, scales and meanings come from the tables and terms of the environment that the policy was trained in, the
physics from the model. The entries called ``rule`` say in words what numbers alone do not. Units are SI, angles rad.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, Dict, List, Mapping

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.table_entries import ObsTerm
from legged_gym.errors import UserError
from legged_gym.policies.golden import GOLDEN_FILE, GOLDEN_STEPS, TOLERANCE
from legged_gym.policies.onnx_file import FORMAT_VERSION
from legged_gym.reading import path_of, portable
from legged_gym.sim.robot.gains import torque_speed_of
from legged_gym.utils.files import sha256_of
from rsl_rl.models import Network

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

ACTIONS = "actions"

_OBSERVATION_RULE = "each term: within its clip, if any, times its scale; all in this order, within +-clip"
_IMAGE_RULE = (
    "the last `frames` pictures of the camera that have arrived, oldest first (in the beginning the first one in all"
    " places), times the scale of their term, within +-clip"
)
_TIME_RULE = (
    "a frame is the term within its clip, times its scale (of one frame), within +-clip of the group; frames are taken"
    " at the first control step of an episode, which fills the whole history, and then at control steps t, counted from"
    " 0, with t mod hold = offset; the term shows the last `history` frames one after the other, the newest last or"
    " (newest_first) first, and keeps them between"
)
_CONVENTIONS = {
    "units": "SI, angles rad",
    "world": "z up, gravity along -z",
    "base": "frame of the robot file's root link: x forward, y to the left, z up; turns by the right hand",
    "quaternions": "x, y, z, w, turn vectors of the base into the world",
    "gravity": "unit vector of falling, in the base: (0, 0, -1) level, x > 0 nose down, y > 0 left side down",
    "joints": "zeros and signs of the robot file",
    "timing": "all is read at the control step and acts at once, but for delay_steps of actions, latency of a camera",
}
# where a robot has a term from: all that `estimator` and `map` say has to be computed by a program beside the policy
SOURCES = {
    **dict.fromkeys(("base_ang_vel", "projected_gravity", "roll_pitch"), "imu"),
    **dict.fromkeys(("dof_pos", "dof_vel"), "encoders"),
    **dict.fromkeys(("actions", "dof_pos_history"), "policy"),
    **dict.fromkeys(("commands", "forward_command", "height_command", "jump_command"), "command"),
    **dict.fromkeys(("phase", "jump_counter"), "clock"),
    **dict.fromkeys(("feet_contact", "feet_touch"), "feet"),
    **dict.fromkeys(("base_lin_vel", "base_height"), "estimator"),
    **dict.fromkeys(("heights", "scandots", "scan"), "map"),
    "depth": "camera",
}
# settings of a depth camera that decide what an image shows; times, jitters and noise do not
_CAMERA_KEYS = ("position", "pitch", "width", "height", "horizontal_fov", "crop", "near", "far")
# of a term: what must agree, and what is the environment's business or is compared by itself; other keys must agree too
_TIMES = {name: getattr(ObsTerm(), name) for name in ObsTerm.TIMES}
_TERM_KEYS, _FREE_KEYS = (
    ("name", "size", "scale", "clip"),
    ("start", "noise", "gaussian", "meaning", "camera", "source"),
)
_ACTION_RULES = {
    "P": "torque = stiffness * (default_pos + scale * a - pos) - damping * vel",
    "V": "torque = stiffness * (scale * a - vel) - damping * acceleration",
    "T": "torque = scale * a",
    "actuator_net": "torque = network of actuator_net(default_pos + scale * a - pos, vel, and their past)",
}
_ACTION_RULE_ENDING = (
    "; a = action within +-clip, delay_steps (of which one number is drawn for an episode) control steps ago, 0 before"
    " the first; torque within +-torque_limit, computed anew at every physics step"
)
_FILTER_ENDING = ", for which scale * a first goes through y = target_filter * scale * a + (1 - target_filter) * y"
_CURVE_ENDING = (
    "; of a joint with stall_torque, torque before that also within -stall_torque * (1 + vel / no_load_speed) and"
    " stall_torque * (1 - vel / no_load_speed)"
)
_PREDICTED_RULE = "from the first to before the second number, these columns may be anything: the policy predicts them"
_START_RULE = "position and orientation (x, y, z, w) of the base above flat ground, joints at default_pos, all at rest"
_TERMINATIONS_RULE = (
    "an episode of the training ends when any of these is true; with time_out it is an end of time or of the course,"
    " else a fall. contact_bodies are those of base_contact"
)
_PHYSICS_RULE = (
    "the robot file with a free base (unless fixed_base) on a plane; armature and passive_* of joints, torques as in"
    " actions (control type P: MuJoCo's position actuators); contact has the numbers of the pair of robot and ground;"
    " links of the robot meet each other with self_collisions alone; mass is the robot's, to check that it is the same"
)


def describe_policy(env: LeggedRobot, actor: Network, task: str, origin: Mapping[str, Any]) -> Dict[str, Any]:
    """Describe an actor and the robot it drives.

    Args:
        env: the environment, made from the settings that the policy was trained with.
        actor: the network.
        task: name of the task.
        origin: where the policy comes from: run, iteration, git commit, versions.

    Returns:
        The description.
    """
    control, init, physics = env.cfg.control, env.cfg.init_state, env.sim.describe_physics()
    return {
        "format": FORMAT_VERSION,
        "task": task,
        "robot": env.cfg.asset.name,
        "robot_file": named_file(env.cfg.asset.file),
        "conventions": _CONVENTIONS,
        "sdk": env.cfg.asset.sdk or None,
        **describe_network(actor, {group: env.observation_dims[group] for group in actor.groups}, env.num_actions),
        **_describe_predictions(actor),
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
        "actuator_net": None,
        "joints": _describe_joints(env, physics.pop("joints")),
        "feet": [env.body_names[index] for index in env.feet_indices.tolist()],
        "control_dt": env.dt,
        "physics_dt": float(env.cfg.sim.dt),
        "decimation": int(control.decimation),
        "physics": {**physics, "rule": _PHYSICS_RULE},
        "start": {"position": list(init.pos), "orientation": list(init.rot), "rule": _START_RULE},
        "commands": env.trained_commands(),
        "terminations": _describe_terminations(env),
        "origin": dict(origin),
    }


def describe_golden(content: bytes) -> Dict[str, Any]:
    """The golden vectors beside a policy."""
    digest = hashlib.sha256(content).hexdigest()
    return {"file": GOLDEN_FILE, "sha256": digest, "steps": GOLDEN_STEPS, "tolerance": TOLERANCE}


def _action_rule(control: Any) -> str:
    ending = "" if control.target_filter is None else _FILTER_ENDING
    curve = _CURVE_ENDING if control.torque_speed else ""
    return _ACTION_RULES[control.control_type] + _ACTION_RULE_ENDING + ending + curve


def describe_network(actor: Network, observation_dims: Mapping[str, Any], num_actions: int) -> Dict[str, Any]:
    """Inputs and outputs of an exported actor."""
    inputs = {group: list(observation_dims[group]) for group in actor.groups}
    return describe_step(inputs, {ACTIONS: [num_actions]}, actor.initial_hidden(1))


def _describe_predictions(actor: Network) -> Dict[str, Any]:
    """Columns of inputs that the actor tells itself; nothing where there are none."""
    columns = [
        {"observation": each.group, "columns": [each.first, each.end], "name": each.name}
        for each in actor.predictions().values()
        if not each.is_whole
    ]
    return {"predicted": {"columns": columns, "rule": _PREDICTED_RULE}} if columns else {}


def describe_step(
    inputs: Mapping[str, List[int]], outputs: Mapping[str, List[int]], memory: Mapping[str, Tensor]
) -> Dict[str, Any]:
    """Describe inputs and outputs of an exported network, in order; "batch" stands for the number of robots.

    What an output of `memory` says goes into its input at the next step. It is zero at the start of an episode.

    Args:
        inputs: name -> shape for one robot.
        outputs: likewise.
        memory: name -> state (layers, N, ...).
    """
    kept = [
        {"name": name, "input": f"{name}_in", "output": f"{name}_out", "shape": [len(state), "batch", *state.shape[2:]]}
        for name, state in memory.items()
    ]
    content: Dict[str, Any] = {}
    for end, own in (("input", inputs), ("output", outputs)):
        named = [{"name": name, "shape": ["batch", *shape]} for name, shape in own.items()]
        content[f"{end}s"] = [*named, *({"name": entry[end], "shape": entry["shape"]} for entry in kept)]
    return {**content, "memory": kept}


def check_fits(description: Mapping[str, Any], env: LeggedRobot, path: str) -> None:
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
        here = _describe_group(env, group)
        if _layout(saved) != _layout(here):
            raise UserError(
                f"{path} does not fit: its observation {group!r} is {_summary(saved)}, "
                f"the environment's is {_summary(here)}"
            )
        _check_details(saved, here, path)


def _describe_group(env: LeggedRobot, group: str) -> Dict[str, Any]:
    """Layout of one observation; only those that come from a table have terms, images have one."""
    description: Dict[str, Any] = {"shape": list(env.observation_dims[group])}
    table = getattr(env, "observation_groups", {}).get(group)
    if table is None:
        return description
    description["rule"] = _IMAGE_RULE if len(description["shape"]) > 1 else _OBSERVATION_RULE
    description["clip"] = float(env.cfg.normalization.clip_observations)
    description["terms"] = terms = []
    start = 0
    for row in table.layout():
        name, bound = row.pop("name"), row["clip"]
        row["clip"] = [-bound, bound] if isinstance(bound, (int, float)) else bound
        rule = {"time_rule": _TIME_RULE} if "history" in row else {}
        terms.append({"name": name, "start": start, **row, **rule, **_describe_term(env, name)})
        start += row["size"]
    return description


def _describe_term(env: LeggedRobot, name: str) -> Dict[str, Any]:
    """First line of the docstring of a term, and what the term says of itself by `_describe_<name>`, if it does.

    Raises:
        UserError: it says what JSON cannot hold, or uses a key of the layout.
    """
    own: Dict[str, Any] = getattr(env, f"_describe_{name}", dict)()
    taken = {*_TERM_KEYS, *_FREE_KEYS, *_TIMES, "time_rule"}.difference(["camera", "source"]).intersection(own)
    if taken:
        raise UserError(f"_describe_{name}: the keys {', '.join(sorted(taken))} are those of every term; name others")
    try:
        told = {"meaning": _meaning(env, f"_obs_{name}"), "source": SOURCES.get(name)}
        return {**told, **json.loads(json.dumps(own, allow_nan=False))}
    except (TypeError, ValueError) as error:
        raise UserError(f"_describe_{name} has to return what JSON can hold: {error}") from None


def _meaning(env: LeggedRobot, method: str) -> str:
    return ((getattr(env, method).__doc__ or "").strip().splitlines() or [""])[0]


def named_file(path: str) -> Dict[str, str]:
    """A file as configs write it, and its SHA-256."""
    return {"file": portable(path), "sha256": sha256_of(path_of(path))}


def _describe_joints(env: LeggedRobot, passive: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    motors = {name: index for index, name in enumerate(env.cfg.asset.sdk_joints or ())}
    columns = {
        "default_pos": numbers(env.default_dof_pos[0]),
        "stiffness": numbers(env.p_gains),
        "damping": numbers(env.d_gains),
        "torque_limit": numbers(env.torque_limits),
        "vel_limit": numbers(env.dof_vel_limits),
        "pos_limits": [numbers(pair) for pair in env.sim.dof_pos_limits],
        "sdk_index": [motors.get(name) for name in env.dof_names],
    }
    if env.cfg.control.torque_speed:
        curves = torch.as_tensor(torque_speed_of(env.dof_names, env.cfg.control.torque_speed))
        columns.update(zip(("stall_torque", "no_load_speed"), map(numbers, curves)))
    return [
        {"name": name, **{key: column[index] for key, column in columns.items()}, **passive[index]}
        for index, name in enumerate(env.dof_names)
    ]


def _describe_terminations(env: LeggedRobot) -> Dict[str, Any]:
    return {
        "episode_length_s": float(env.cfg.env.episode_length_s),
        "contact_bodies": [env.body_names[index] for index in env.termination_contact_indices.tolist()],
        "terms": [
            {"name": name, **entry.to_dict(), "meaning": _meaning(env, f"_termination_{name}")}
            for name, entry in table(env.cfg.terminations).items()
        ],
        "rule": _TERMINATIONS_RULE,
    }


def numbers(values: Tensor) -> List[Any]:
    """The numbers of a float32 tensor (n,) in the fewest digits that give the same float32; None for infinity."""
    singles = values.detach().cpu().numpy().astype(np.float32)
    return [float(str(single)) if math.isfinite(single) else None for single in singles]


def _layout(group: Mapping[str, Any]) -> Any:
    """What must agree; noise is the business of the environment alone."""
    terms = [
        [*(term[key] for key in _TERM_KEYS), *(term.get(key, plain) for key, plain in _TIMES.items())]
        for term in group.get("terms", [])
    ]
    return group["shape"], group.get("clip"), terms, _camera_layout(group)


def _camera_layout(group: Mapping[str, Any]) -> Dict[str, Any]:
    """What must agree of the camera of an image; empty for other groups."""
    cameras = [part["camera"] for part in (group, *group.get("terms", [])) if "camera" in part]
    return {key: cameras[0].get(key) for key in _CAMERA_KEYS} if cameras else {}


def _summary(group: Mapping[str, Any]) -> str:
    parts = [
        f"{term['name']} {term['size']} x {term['scale']}"
        + "".join(f" {key} {term[key]}" for key, plain in _TIMES.items() if term.get(key, plain) != plain)
        for term in group.get("terms", [])
    ]
    parts += [f"{key} {value}" for key, value in _camera_layout(group).items()]
    return f"{group['shape']} ({', '.join(parts)})" if parts else str(group["shape"])


def _check_details(saved: Mapping[str, Any], current: Mapping[str, Any], path: str) -> None:
    """Compare what terms of one layout say of themselves, but for words and for the camera, of which not all counts.

    Raises:
        UserError: a number differs.
    """
    for old, new in zip(saved.get("terms", []), current.get("terms", [])):
        for key, value in old.items():
            if key not in (*_TERM_KEYS, *_FREE_KEYS, *_TIMES) and not key.endswith("rule") and value != new.get(key):
                name = old["name"]
                raise UserError(
                    f"{path} does not fit: {key} of its observation {name} is {value}, the environment's {new.get(key)}"
                )
