"""From the content of a checkpoint to its policy: the one way for teachers, starts of new runs, and all who play."""

from __future__ import annotations

import copy
import dataclasses
import re
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

import torch

from rsl_rl.models import POLICIES, Policy
from rsl_rl.models.encoder import Dims, Encoder
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


def deployed(path: str, content: Mapping[str, Any]) -> Dict[str, Any]:
    """The content of a checkpoint with the encoders by which the actor acts in the places of those it learned with.

    States of extensions that have "stands_in", the actor's encoder and the settings of theirs, hold the "network".

    Raises:
        RslRlError: the actor has no such encoder.
    """
    policy, weights = copy.deepcopy(content["meta"]["policy"]), dict(content["model_state_dict"])
    for name, state in content.get("algorithm_state", {}).get("extensions", {}).items():
        if isinstance(state, Mapping) and "stands_in" in state:
            known = {"stands_in": {"encoder": "", "settings": {}}, "network": {}}
            check_content(path, state, known, f"algorithm_state.extensions.{name}")
            encoder, encoders = state["stands_in"]["encoder"], _actors_encoders(policy)
            check_choice(f"extensions.{name}.stands_in.encoder of checkpoint '{path}'", encoder, encoders)
            encoders[encoder], prefix = state["stands_in"]["settings"], f"actor.encoders.{encoder}."
            weights = {key: x for key, x in weights.items() if not key.startswith(prefix)}
            weights.update({f"{prefix}{key}": x for key, x in state["network"].items()})
    return {**content, "meta": {**content["meta"], "policy": policy}, "model_state_dict": weights}


def _actors_encoders(policy: Dict[str, Any]) -> Dict[str, Any]:
    """The table of the actor's encoders in the settings of a policy, to be changed."""
    actor = policy.get("actor") or {}
    groups = actor.get("groups", policy.get("actor_obs_groups", ["policy"]))
    section = actor if actor.get("encoders") else policy
    section["encoders"] = section.get("encoders") or {group: {} for group in groups}
    encoders: Dict[str, Any] = section["encoders"]
    return encoders


def like_that_of(path: str, encoders: Optional[Mapping[str, Any]]) -> Tuple[str, Dict[str, Any]]:
    """The class name and the settings of a policy like the deployed one of a checkpoint, with other encoders.

    Args:
        path: of the checkpoint.
        encoders: of the actor, by name: those that the policy has otherwise; None drops one.

    Raises:
        RslRlError: the file is missing or damaged, or holds no policy.
    """
    meta = deployed(path, read_checkpoint(path))["meta"]
    _actors_encoders(meta["policy"]).update(encoders or {})
    return meta["policy_class_name"], meta["policy"]


def build_policy(
    path: str, observation_dims: Optional[Dims] = None, num_actions: Optional[int] = None
) -> Tuple[Policy, Dict[str, Any]]:
    """Build the policy of a checkpoint of any runner, as it acts.

    Args:
        path: the file; a small one for inference will do.
        observation_dims: of the environment that it must fit, group -> shape of one entry; None for any.
        num_actions: of that environment; None for any.

    Returns:
        The policy on the CPU, in evaluation mode; its critic is untrained if the file has none. And the content.

    Raises:
        RslRlError: the file is missing or damaged, or holds no policy that can be built, or one that does not fit.
    """
    content = deployed(path, read_checkpoint(path))
    meta, state = content["meta"], content["model_state_dict"]
    check_choice(f"policy_class_name of checkpoint '{path}'", meta["policy_class_name"], POLICIES)
    try:
        dims = {group: tuple(shape) for group, shape in meta["observation_dims"].items()}
        policy = POLICIES[meta["policy_class_name"]](dims, meta["num_actions"], **meta["policy"])
    except (ArithmeticError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise RslRlError(f"checkpoint '{path}' describes no policy that can be built: {error}") from error
    check_networks(path, state, policy)
    policy.load_state_dict(state, strict=False)
    given = dims if observation_dims is None else observation_dims
    for group in policy.actor.groups:
        if tuple(given.get(group, ())) != dims[group]:
            here = list(given[group]) if group in given else f"none; {near_matches(group, given)}"
            what = f"reads observations {group!r} of shape {list(dims[group])}"
            raise RslRlError(f"checkpoint '{path}' {what}, the environment gives {here}")
    if num_actions not in (None, meta["num_actions"]):
        raise RslRlError(f"checkpoint '{path}' has {meta['num_actions']} actions, the environment {num_actions}")
    return policy.eval().deployed(), content


def check_settings(path: str, saved: Mapping[str, Any], current: Mapping[str, Any], grafts: bool = False) -> None:
    """Refuse the policy of other networks than this run's; an option that a checkpoint lacks has its default of today.

    Args:
        path: of the checkpoint.
        saved: its `meta`.
        current: that of this run.
        grafts: whether the checkpoint may lack gated encoders, which have no say before they have learned.

    Raises:
        RslRlError: naming the setting and both sides.
    """
    for key in ("num_actions", "policy_class_name"):
        check_same(path, key, saved[key], current[key])
    defaults = option_defaults(current["policy_class_name"])
    # The noise at the start is overwritten by what was learned.
    policies = [
        {**defaults, **meta["policy"], "init_noise_std": None, "re_init_std": None} for meta in (saved, current)
    ]
    check_same(path, "policy", policies[0], _without_grafts(policies[1], policies[0]) if grafts else policies[1])


def _without_grafts(current: Mapping[str, Any], saved: Any) -> Dict[str, Any]:
    """Settings without the gated encoders that `saved` does not have."""
    kept: Dict[str, Any] = {}
    for key, value in current.items():
        there = saved[key] if isinstance(saved, Mapping) and key in saved else None
        if there is not None or not (isinstance(value, Mapping) and value.get("fusion") == "gated"):
            kept[key] = _without_grafts(value, there) if isinstance(value, Mapping) else value
    return kept


def check_networks(path: str, saved: Mapping[str, Any], policy: Policy, grafts: bool = False) -> None:
    """Refuse weights that do not fit or are not finite; those of the critic may be missing altogether.

    Raises:
        RslRlError: naming the tensor.
    """
    own = policy.state_dict()
    if grafts:
        modules = policy.named_modules()
        gated = [f"{name}." for name, module in modules if isinstance(module, Encoder) and module.is_gated]
        lacking = tuple(name for name in gated if not any(key.startswith(name) for key in saved))
        own = {name: x for name, x in own.items() if not name.startswith(lacking)}
    has_critic = any(name.startswith("critic.") for name in saved)
    check_shapes(path, "network", saved, own if has_critic else without_critic(own))
    check_finite(path, "network", saved)


def take_what_fits(path: str, saved: Mapping[str, Any], policy: Policy) -> str:
    """Give a policy those of its modules that a checkpoint has with the same shapes; returns what was done, in words.

    Raises:
        RslRlError: none fits, or a number is not finite.
    """
    own = policy.state_dict()
    fits = {name: name in saved and saved[name].shape == tensor.shape for name, tensor in own.items()}
    # half of a module is worth nothing without the other
    begun = dict.fromkeys(name.rpartition(".")[0] for name in own if not fits[name])
    taken = {name: x for name, x in saved.items() if name in own and name.rpartition(".")[0] not in begun}
    if not any(name.startswith("actor.") for name in taken):
        raise RslRlError(f"checkpoint '{path}' has no part of this run's actor")
    check_finite(path, "network", taken)
    policy.load_state_dict(taken, strict=False)
    left = dict.fromkeys(name.rpartition(".")[0] for name in saved if name not in taken)
    return f"left out {', '.join(left) or 'nothing'}; begun anew {', '.join(begun) or 'nothing'}"


def has_finite_weights(policy: Policy, more: Iterable[torch.Tensor] = ()) -> bool:
    """Whether no number in a policy and `more` is NaN or infinite; one transfer to the host, whatever their size."""
    tensors = [tensor for tensor in (*policy.state_dict().values(), *more) if tensor.is_floating_point()]
    return bool(torch.stack([torch.isfinite(tensor).all() for tensor in tensors]).all())


def option_defaults(policy_class_name: str) -> Dict[str, Any]:
    """Map the settings of a policy class to their defaults."""
    return dataclasses.asdict(POLICIES[policy_class_name].Settings())


def without_critic(state: Mapping[str, Any]) -> Dict[str, Any]:
    """The weights of a policy that it takes to act."""
    return {name: tensor for name, tensor in state.items() if not name.startswith("critic.")}
