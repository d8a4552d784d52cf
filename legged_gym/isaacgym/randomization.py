"""Random changes of properties while robots learn, as settings of tasks in the style of IsaacGymEnvs describe them.

Settings are dicts: `range`, `distribution` (uniform, loguniform or gaussian), `operation` (additive or scaling),
`schedule` (linear or constant) with `schedule_steps`, and `num_buckets`, a number of values that may occur.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi

_PROPERTIES = ("dof_properties", "rigid_body_properties", "rigid_shape_properties")


def get_property_setter_map(gym: gymapi.Gym) -> Dict[str, Callable[..., Any]]:
    """Kind of properties -> the call that sets them."""
    return {**{name: getattr(gym, f"set_actor_{name}") for name in _PROPERTIES}, "sim_params": gym.set_sim_params}


def get_property_getter_map(gym: gymapi.Gym) -> Dict[str, Callable[..., Any]]:
    """Kind of properties -> the call that gives them."""
    return {**{name: getattr(gym, f"get_actor_{name}") for name in _PROPERTIES}, "sim_params": gym.get_sim_params}


def get_default_setter_args(gym: gymapi.Gym) -> Dict[str, List[Any]]:
    """Kind of properties -> what the setter takes besides: inertias follow masses."""
    return {**{name: [] for name in (*_PROPERTIES, "sim_params")}, "rigid_body_properties": [True]}


def check_buckets(gym: gymapi.Gym, envs: Sequence[Any], dr_params: Mapping[str, Any]) -> None:
    """Do nothing: PhysX can hold few materials, MuJoCo as many as there are shapes."""


def generate_random_samples(
    attr_randomization_params: Mapping[str, Any],
    shape: Union[int, Tuple[int, ...]],
    curr_gym_step_count: int,
    extern_sample: Any = None,
) -> Any:
    """Random numbers as settings describe them, or given ones; scheduled ones begin without an effect.

    Raises:
        UserError: for a distribution that is not known.
    """
    settings = attr_randomization_params
    part = _progress(settings, curr_gym_step_count)
    neutral = 1.0 if settings["operation"] == "scaling" else 0.0
    low, high = settings["range"]
    kind = settings["distribution"]
    if extern_sample is not None:
        sample = extern_sample
    elif kind == "gaussian":
        return np.random.normal(part * low + (1.0 - part) * neutral, part * high, shape)
    elif kind == "uniform":
        sample = np.random.uniform(low, high, shape)
    elif kind == "loguniform":
        sample = np.exp(np.random.uniform(np.log(low), np.log(high), shape))
    else:
        raise UserError(f"distribution {kind!r} is not known; take uniform, loguniform or gaussian")
    return part * sample + (1.0 - part) * neutral


def _progress(settings: Mapping[str, Any], step: int) -> float:
    """How much of the randomisation is in effect, 0 to 1."""
    schedule, steps = settings.get("schedule"), settings.get("schedule_steps", 0)
    if schedule == "linear":
        return min(step, steps) / steps
    if schedule == "constant":
        return float(step >= steps)
    return 1.0


def apply_random_samples(
    prop: Any,
    og_prop: Mapping[str, Any],
    attr: str,
    attr_randomization_params: Mapping[str, Any],
    curr_gym_step_count: int,
    extern_sample: Any = None,
    bucketing_randomization_params: Optional[Mapping[str, Any]] = None,
) -> None:
    """Set an attribute of `prop` to its original value, changed at random.

    Args:
        prop: SimParams, properties of a body or shape, or an array of properties of DOFs.
        og_prop: attribute -> value before any change.
        attr: the attribute.
        attr_randomization_params: the settings.
        curr_gym_step_count: steps of the simulation so far, for the schedule.
        extern_sample: random numbers drawn before.
        bucketing_randomization_params: the settings that tell the buckets, where they are others.
    """
    settings, original = attr_randomization_params, og_prop[attr]
    is_vector = isinstance(original, gymapi.Vec3)
    values = np.array([original.x, original.y, original.z]) if is_vector else np.asarray(original)
    sample = generate_random_samples(settings, values.shape, curr_gym_step_count, extern_sample)
    changed = values * sample if settings["operation"] == "scaling" else values + sample
    changed = _in_buckets(changed, bucketing_randomization_params or settings)
    if isinstance(prop, np.ndarray):
        prop[attr] = changed
    else:
        setattr(prop, attr, gymapi.Vec3(*changed) if is_vector else float(changed))


def _in_buckets(values: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Values moved down to the next of so many in the range; a gaussian's range is two deviations wide."""
    count = settings.get("num_buckets") or 0
    if count <= 0:
        return values
    low, high = settings["range"]
    if settings["distribution"] == "gaussian":
        low, high = low - 2.0 * np.sqrt(high), low + 2.0 * np.sqrt(high)
    buckets = np.linspace(low, high, count)
    return buckets[np.clip(np.searchsorted(buckets, values, side="right") - 1, 0, count - 1)]
