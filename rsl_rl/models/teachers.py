"""Policies that tell what to do: of checkpoints, or TorchScript."""

from __future__ import annotations

import json
import warnings
from typing import Any, Dict, List, Optional, Protocol, Tuple, Union

import torch

from rsl_rl.models.encoder import Dims, Observations
from rsl_rl.models.saved_policy import build_policy
from rsl_rl.modules.memory import Hidden
from rsl_rl.utils.archive import first_line, is_script
from rsl_rl.utils.errors import RslRlError, near_matches

_DESCRIPTION = "metadata.json"


class Teacher(Protocol):
    """What tells actions.

    Attributes:
        std: (A,) standard deviations of its actions; None where it has none.
    """

    std: Optional[torch.Tensor]

    def initial_hidden(self, num_envs: int) -> Hidden:
        """Memories at the start of an episode, name -> (layers, N, H)."""

    def __call__(self, obs: Observations, hidden: Hidden) -> Tuple[torch.Tensor, Hidden]:
        """Mean actions (N, A) in the states `obs`, group -> (N, *shape), and the memories after them."""


class _SavedTeacher:
    """Of a checkpoint, as it acts."""

    def __init__(self, path: str, observation_dims: Dims, num_actions: int, device: torch.device) -> None:
        policy, _ = build_policy(path, observation_dims, num_actions)
        self._actor = policy.to(device).requires_grad_(False).actor
        self.std: Optional[torch.Tensor] = policy.distribution.std
        self.initial_hidden = self._actor.initial_hidden

    def __call__(self, obs: Observations, hidden: Hidden) -> Tuple[torch.Tensor, Hidden]:
        actions, after = self._actor(obs, hidden)
        return actions, after


class _ScriptedTeacher:
    """Of TorchScript: exported by this project, or a module that takes a dict of all observation groups."""

    std: Optional[torch.Tensor] = None

    def __init__(self, path: str, observation_dims: Dims, num_actions: int, device: torch.device) -> None:
        extra: Dict[str, Any] = {_DESCRIPTION: ""}
        self._device = device
        self._memory: List[Dict[str, Any]] = []
        self._groups: Optional[List[str]] = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # newer Pythons call TorchScript deprecated
                self._module: Any = torch.jit.load(path, map_location=device, _extra_files=extra).eval()
            if extra[_DESCRIPTION]:
                description = json.loads(extra[_DESCRIPTION])
                self._memory = description["memory"]
                shapes = {entry["name"]: tuple(entry["shape"][1:]) for entry in description["inputs"]}
                self._groups = list(shapes)[: len(shapes) - len(self._memory)]
            elif hasattr(self._module, "std"):
                self.std = self._module.std().detach().to(device)
        except Exception as error:  # whatever damage leads to
            raise RslRlError(f"'{path}' is no TorchScript policy: {first_line(error)}") from error
        for group in self._groups or ():
            if tuple(observation_dims.get(group, ())) != shapes[group]:
                here = list(observation_dims[group]) if group in observation_dims else "none"
                raise RslRlError(
                    f"'{path}' reads observations {group!r} of shape {list(shapes[group])}, the environment gives "
                    f"{here}; {near_matches(group, observation_dims)}"
                )
        self._try_out(path, observation_dims, num_actions)

    def _try_out(self, path: str, observation_dims: Dims, num_actions: int) -> None:
        blank = {group: torch.zeros(2, *shape, device=self._device) for group, shape in observation_dims.items()}
        try:
            with torch.no_grad():
                found = list(self(blank, self.initial_hidden(2))[0].shape)
        except Exception as error:  # of a network that expects something else, anything
            raise RslRlError(
                f"'{path}' cannot act on the observations {', '.join(observation_dims)}: {_last_line(error)}"
            ) from error
        if found != [2, num_actions]:
            raise RslRlError(f"'{path}' gives actions of shape {found[1:]}, the environment takes {[num_actions]}")

    def initial_hidden(self, num_envs: int) -> Hidden:
        shapes = {entry["name"]: [num_envs if n == "batch" else n for n in entry["shape"]] for entry in self._memory}
        return {name: torch.zeros(shape, device=self._device) for name, shape in shapes.items()}

    def __call__(self, obs: Observations, hidden: Hidden) -> Tuple[torch.Tensor, Hidden]:
        if self._groups is None:
            return self._module(dict(obs)), {}
        names = [entry["name"] for entry in self._memory]
        outputs = self._module(*(obs[group] for group in self._groups), *(hidden[name] for name in names))
        actions, *after = outputs if isinstance(outputs, tuple) else (outputs,)
        return actions, dict(zip(names, after))


def load_teacher(
    path: str,
    observation_dims: Dims,
    num_actions: int,
    device: Union[str, torch.device],
    scripted: Optional[bool] = None,
) -> Teacher:
    """Load a policy that tells actions.

    Args:
        path: a checkpoint of any runner, or TorchScript.
        observation_dims: of the environment, group -> shape of one entry.
        num_actions: A.
        device: where it is to compute.
        scripted: whether it is TorchScript; None to look.

    Raises:
        RslRlError: it is missing, damaged or of the other kind, or does not fit the environment.
    """
    found = is_script(path)
    if scripted not in (None, found):
        kinds = ("a checkpoint", "TorchScript")
        raise RslRlError(f"'{path}' is {kinds[found]}, not {kinds[not found]}")
    kind = _ScriptedTeacher if found else _SavedTeacher
    return kind(path, observation_dims, num_actions, torch.device(device))


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
