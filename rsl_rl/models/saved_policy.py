"""From the content of a checkpoint to its policy: the one way for teachers, starts of new runs, and all who play."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Dict, Mapping, Tuple

import torch

from rsl_rl.models import POLICIES, Policy
from rsl_rl.models.encoder import Dims
from rsl_rl.utils.checkpoint import check_same, check_shapes, load_checkpoint
from rsl_rl.utils.errors import RslRlError, check_choice, near_matches
from rsl_rl.utils.saved_content import check_content, check_finite

# What `meta` of a checkpoint says about the policy, in the kinds that it has.
_DESCRIPTION: Dict[str, Any] = {"policy_class_name": "", "policy": {}, "num_actions": 0, "observation_dims": {}}
# Normalisers of networks without encoders were not inside of one.
_OLD_NAME = re.compile(r"^((?:actor|critic)\.encoders\.[^.]+)\.(mean|var|count)$")


def read_checkpoint(path: str) -> Dict[str, Any]:
    """Read a checkpoint of any runner; its weights have the names of today.

    Raises:
        RslRlError: the file is missing or damaged, or does not tell all that it takes to build its policy.
    """
    content = load_checkpoint(path)
    if not isinstance(content.get("meta"), dict) or not isinstance(content.get("model_state_dict"), dict):
        raise RslRlError(f"checkpoint '{path}' holds no policy: it was not written by a runner")
    check_content(path, content["meta"], _DESCRIPTION, "meta")
    state = content["model_state_dict"]
    return {**content, "model_state_dict": {_OLD_NAME.sub(r"\1.inputs.0.\2", name): x for name, x in state.items()}}


def build_policy(path: str) -> Tuple[Policy, Dict[str, Any]]:
    """Build the policy of a checkpoint of any runner.

    Args:
        path: the file; a small one for inference will do.

    Returns:
        The policy on the CPU, in evaluation mode; its critic is untrained if the file has none. And the content.

    Raises:
        RslRlError: the file is missing or damaged, or holds no policy that can be built.
    """
    content = read_checkpoint(path)
    meta, state = content["meta"], content["model_state_dict"]
    check_choice(f"policy_class_name of checkpoint '{path}'", meta["policy_class_name"], POLICIES)
    try:
        dims = {group: tuple(shape) for group, shape in meta["observation_dims"].items()}
        policy = POLICIES[meta["policy_class_name"]](dims, meta["num_actions"], **meta["policy"])
    except (ArithmeticError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise RslRlError(f"checkpoint '{path}' describes no policy that can be built: {error}") from error
    check_networks(path, state, policy)
    policy.load_state_dict(state, strict=False)
    return policy.eval(), content


def check_fits(
    path: str, policy: Policy, meta: Mapping[str, Any], observation_dims: Dims, num_actions: int, what: str
) -> None:
    """Refuse a policy that reads other observations than an environment gives, or has other actions.

    Args:
        path: of its checkpoint.
        policy: from `build_policy`.
        meta: of its checkpoint.
        observation_dims: of the environment, group -> shape of one entry.
        num_actions: of the environment.
        what: the policy, in the error.

    Raises:
        RslRlError: naming what differs, and both sides.
    """
    check_same(path, "num_actions", meta["num_actions"], num_actions)
    for group in policy.actor.groups:
        if group not in observation_dims:
            raise RslRlError(f"the {what} '{path}' reads {group!r}; {near_matches(group, observation_dims)}")
        check_same(path, f"observation {group!r}", meta["observation_dims"][group], observation_dims[group])


def check_settings(path: str, saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Refuse the policy of other networks than this run's; an option that a checkpoint lacks has its default of today.

    Args:
        path: of the checkpoint.
        saved: its `meta`.
        current: that of this run.

    Raises:
        RslRlError: naming the setting and both sides.
    """
    for key in ("num_actions", "policy_class_name"):
        check_same(path, key, saved[key], current[key])
    defaults = option_defaults(current["policy_class_name"])
    # The noise at the start is overwritten by what was learned.
    policies = [{**defaults, **meta["policy"], "init_noise_std": None} for meta in (saved, current)]
    check_same(path, "policy", *policies)


def check_networks(path: str, saved: Mapping[str, Any], policy: Policy) -> None:
    """Refuse weights that do not fit or are not finite; those of the critic may be missing altogether.

    Raises:
        RslRlError: naming the tensor.
    """
    own = policy.state_dict()
    has_critic = any(name.startswith("critic.") for name in saved)
    check_shapes(path, "network", saved, own if has_critic else without_critic(own))
    check_finite(path, "network", saved)


def has_finite_weights(policy: Policy) -> bool:
    """Whether no number in a policy is NaN or infinite; one transfer to the host, whatever its size."""
    tensors = [tensor for tensor in policy.state_dict().values() if tensor.is_floating_point()]
    return bool(torch.stack([torch.isfinite(tensor).all() for tensor in tensors]).all())


def option_defaults(policy_class_name: str) -> Dict[str, Any]:
    """Map the settings of a policy class to their defaults."""
    return dataclasses.asdict(POLICIES[policy_class_name].Settings())


def without_critic(state: Mapping[str, Any]) -> Dict[str, Any]:
    """The weights of a policy that it takes to act."""
    return {name: tensor for name, tensor in state.items() if not name.startswith("critic.")}
