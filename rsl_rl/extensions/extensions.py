"""All extensions of an algorithm together."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from types import MappingProxyType
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Type, TypeVar, Union

import torch
from torch import nn

from rsl_rl.extensions.bounds import Bounds
from rsl_rl.extensions.cloning import Cloning
from rsl_rl.extensions.estimator import Adaptation, Estimator
from rsl_rl.extensions.experts import Experts
from rsl_rl.extensions.extension import Batch, Context, Extension, View
from rsl_rl.extensions.predictions import Predictions
from rsl_rl.extensions.symmetry import Symmetry
from rsl_rl.models import Hidden, Observations, Outputs, Policy
from rsl_rl.models.encoder import Encoder
from rsl_rl.storage import MiniBatch, RolloutStorage, SequenceStorage
from rsl_rl.utils.errors import RslRlError, near_matches

T = TypeVar("T")

# By the names that configurations call them.
EXTENSIONS: Dict[str, Type[Extension]] = {
    "symmetry": Symmetry,
    "estimator": Estimator,
    "adaptation": Adaptation,
    "experts": Experts,
    "predictions": Predictions,
    "bounds": Bounds,
    "cloning": Cloning,
}

# Gradients and hidden states of extensions go by their names, beside these.
_NETWORKS = ("actor", "critic", "policy")
# What algorithms themselves give to watch.
_WATCHED = (
    "value_function", "surrogate", "entropy", "kl", "imitation", "actions", "action_error", "grad_norm",
    "skipped_updates", "learning_rate",
)  # fmt: skip


class Views(NamedTuple):
    """What the networks are computed on, one after the other.

    Attributes:
        batches: the mini-batch, then what extensions have added to it.
        rows: name of an extension -> where its images are among the samples of all.
        num_taught: how many of the batches PPO learns from.
    """

    batches: List[MiniBatch]
    rows: Dict[str, slice]
    num_taught: int


class Extensions:
    """Extensions by name, in the order of the configuration."""

    def __init__(self, table: Mapping[str, Optional[Mapping[str, Any]]], context: Context) -> None:
        """Make them.

        Args:
            table: name -> settings of one; "class_name" among them is a key of `EXTENSIONS` or "module:Class", and the
                name itself where it is missing. None makes none.
            context: what they are made for.

        Raises:
            RslRlError: an unknown name, class or setting, or an extension of another kind of algorithm.
        """
        self._device = context.device
        self._all: Dict[str, Extension] = {}
        with self._own_random_numbers():
            for name, settings in table.items():
                if name in _NETWORKS:
                    raise RslRlError(f"algorithm.extensions: {name!r} is the name of a network; give it another one")
                if settings is not None:
                    self._all[name] = _make(name, dict(settings), context)
        self.groups = [group for extension in self._all.values() for group in extension.groups]

    def __getitem__(self, name: str) -> Extension:
        """The extension of that name."""
        return self._all[name]

    @contextlib.contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Put the random generators back on leaving, so that what an extension draws changes nothing else."""
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            yield

    def networks(self) -> Dict[str, List[nn.Parameter]]:
        """Name -> parameters for the policy's optimiser, of those that have any."""
        networks = {name: list(extension.parameters()) for name, extension in self._all.items()}
        return {name: parameters for name, parameters in networks.items() if parameters}

    def tensors(self) -> List[torch.Tensor]:
        """What must be the same in all processes at the start."""
        return [tensor for extension in self._all.values() for tensor in extension.tensors()]

    def kept_groups(self, read: List[str], observation_dims: Mapping[str, Tuple[int, ...]]) -> Dict[str, Any]:
        """The groups that a storage has to keep, with their shapes: those that are read, and those of extensions.

        Raises:
            RslRlError: the environment does not have one.
        """
        for name, extension in self._all.items():
            for group in extension.groups:
                if group not in observation_dims:
                    raise RslRlError(
                        f"algorithm.extensions.{name} needs the observation group {group!r}, which this environment "
                        f"does not have; {near_matches(group, observation_dims)}"
                    )
        return {group: observation_dims[group] for group in [*read, *self.groups]}

    @torch.no_grad()
    def label_dims(self, num_envs: int, observation_dims: Mapping[str, Tuple[int, ...]]) -> Dict[str, Tuple[int, ...]]:
        """Name -> shape of one environment's label."""
        blank = {
            group: torch.zeros(1, *shape, device=self._device).expand(num_envs, *shape)
            for group, shape in observation_dims.items()
        }
        with self._own_random_numbers():
            return {name: tuple(label.shape[1:]) for name, label in self.labels(blank).items()}

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """See `Extension.set_progress`."""
        for extension in self._all.values():
            extension.set_progress(iteration, max_iterations)

    def acting_view(self, obs: Observations) -> Observations:
        """See `Extension.acting_view`; each sees what those before it made."""
        for extension in self._all.values():
            obs = extension.acting_view(obs)
        return obs

    def acting_encoders(self, deployed: bool) -> Dict[str, Encoder]:
        """See `Extension.acting_encoders`."""
        return _joined((name, extension.acting_encoders(deployed)) for name, extension in self._all.items())

    def learning_encoders(self) -> Dict[str, Encoder]:
        """See `Extension.learning_encoders`."""
        return _joined((name, extension.learning_encoders()) for name, extension in self._all.items())

    def acting_actions(self, obs: Observations, actions: torch.Tensor) -> torch.Tensor:
        """See `Extension.acting_actions`; each changes what those before it made."""
        for extension in self._all.values():
            actions = extension.acting_actions(obs, actions)
        return actions

    def labels(self, obs: Observations) -> Dict[str, torch.Tensor]:
        """See `Extension.labels`."""
        return _joined((name, extension.labels(obs)) for name, extension in self._all.items())

    def initial_hidden(self, num_envs: int) -> Dict[str, Hidden]:
        """See `Extension.initial_hidden`."""
        return _joined(((name, each.initial_hidden(num_envs)) for name, each in self._all.items()), _NETWORKS)

    def remember(self, obs: Observations, hidden: Dict[str, Hidden]) -> Dict[str, Hidden]:
        """See `Extension.remember`."""
        return _joined((name, extension.remember(obs, hidden)) for name, extension in self._all.items())

    @property
    def policy_loss_coef(self) -> float:
        """Product of what all say."""
        product = 1.0
        for extension in self._all.values():
            product *= extension.policy_loss_coef
        return product

    def views(self, batch: MiniBatch) -> Views:
        """Add the images to a mini-batch; those that PPO learns from come first."""
        batches, rows, num_taught, end = [batch], {}, 1, len(batch.actions)
        for name, extension in sorted(self._all.items(), key=lambda item: not item[1].learns_from_images):
            images = extension.images(batch)
            if images is not None:
                batches.append(images)
                rows[name] = slice(end, end + len(images.actions))
                end = rows[name].stop
                num_taught += extension.learns_from_images
        return Views(batches, rows, num_taught)

    def losses(
        self, batch: Batch, outputs: Outputs, rows: Mapping[str, slice] = MappingProxyType({})
    ) -> Tuple[List[torch.Tensor], Dict[str, torch.Tensor]]:
        """Compute all losses; returns what to add to the loss, weighed, and all terms by name, to watch.

        Args:
            batch: B samples.
            outputs: for them and for all images.
            rows: see `Views`.
        """
        num_samples = min((own.start for own in rows.values()), default=len(outputs.mean))
        found = {
            name: extension.losses(batch, _rows(outputs, num_samples, rows.get(name)))
            for name, extension in self._all.items()
        }
        added = [weight * loss for losses in found.values() for weight, loss in losses.values() if weight != 0.0]
        return added, {key: loss for key, (_, loss) in _joined(found.items(), _WATCHED).items()}

    def after_update(self, storage: Union[RolloutStorage, SequenceStorage]) -> Dict[str, float]:
        """See `Extension.after_update`."""
        if not self._all:
            return {}
        with self._own_random_numbers():
            return _joined(((name, each.after_update(storage)) for name, each in self._all.items()), _WATCHED)

    def state_dict(self) -> Dict[str, Any]:
        """States by name, of those that have any."""
        states = {name: extension.state_dict() for name, extension in self._all.items()}
        return {name: state for name, state in states.items() if state}

    def start_from(self, state: Mapping[str, Any]) -> str:
        """See `Extension.start_from`; returns what was done, in words, of those that have networks."""
        done = {name: extension.start_from(state.get(name, {})) for name, extension in self._all.items()}
        taken, begun = ([name for name, fits in done.items() if fits is which] for which in (True, False))
        told = [f"with {', '.join(taken)}"] * bool(taken) + [f"{', '.join(begun)} begun anew"] * bool(begun)
        return "; ".join(told)

    def check_state(self, path: str, state: Mapping[str, Any]) -> None:
        """See `Extension.check_state`."""
        for name, extension in self._all.items():
            extension.check_state(path, f"extension {name}", state.get(name, {}))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that `state_dict` returned; extensions that it lacks stay as they are."""
        for name, extension in self._all.items():
            if name in state:
                extension.load_state_dict(state[name])


def with_views(table: Mapping[str, Optional[Mapping[str, Any]]]) -> Dict[str, Mapping[str, Any]]:
    """Those of a table of settings whose classes change what the actor sees.

    Raises:
        RslRlError: a class is not to be had.
    """
    made = {name: settings for name, settings in table.items() if settings is not None}
    plain = Extension.acting_view
    return {name: settings for name, settings in made.items() if _class_of(name, settings).acting_view is not plain}


def saved_view(
    path: str, content: Mapping[str, Any], table: Mapping[str, Optional[Mapping[str, Any]]], policy: Policy
) -> Optional[View]:
    """What the policy of a checkpoint saw in the place of its observations; None for these.

    Args:
        path: of the checkpoint, for errors.
        content: of it, with the state of extensions in "algorithm_state".
        table: the extensions of its training.
        policy: built from it, where it is going to compute.

    Raises:
        RslRlError: an extension cannot be made, or has other networks or none in the file.
    """
    changing = with_views(table)
    if not changing:
        return None
    extensions = Extensions(changing, Context(policy, next(policy.parameters()).device))
    saved = content.get("algorithm_state", {}).get("extensions", {})
    for name in extensions.state_dict():
        if name not in saved:
            raise RslRlError(f"checkpoint '{path}' does not fit: it lacks the extension {name}, by which the actor saw")
    extensions.check_state(path, saved)
    extensions.load_state_dict(saved)
    return extensions.acting_view


def _class_of(name: str, settings: Mapping[str, Any]) -> Type[Extension]:
    kind = settings.get("class_name", name)
    return EXTENSIONS.get(kind) or _imported(f"algorithm.extensions.{name}", kind) if isinstance(kind, str) else kind


def _make(name: str, settings: Dict[str, Any], context: Context) -> Extension:
    place, cls = f"algorithm.extensions.{name}", _class_of(name, settings)
    settings.pop("class_name", None)
    signature = inspect.signature(cls)
    known = list(signature.parameters)[1:]
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
    for key in settings:
        if key not in known and not takes_all:
            raise RslRlError(f"unknown key {place}.{key}: {near_matches(key, [*known, 'class_name'])}")
    try:
        signature.bind(context, **settings)
    except TypeError as error:
        raise RslRlError(f"{place}: {error}") from error
    for method in context.unused:
        if getattr(cls, method) is not getattr(Extension, method):
            raise RslRlError(f"{place}: {cls.__name__} needs an algorithm that calls its {method}(), as PPO does")
    extension = cls(context, **settings)
    extension.check_parameters(place, context.policy.parameters())
    return extension


def _imported(place: str, kind: str) -> Type[Extension]:
    module, _, name = kind.partition(":")
    if not name:
        raise RslRlError(f"{place}.class_name is {kind!r}; {near_matches(kind, EXTENSIONS)} Or write 'module:Class'")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise RslRlError(f"{place}.class_name: cannot import {kind!r} ({error})") from error
    if not (isinstance(cls, type) and issubclass(cls, Extension)):
        raise RslRlError(f"{place}.class_name: {kind!r} is no rsl_rl.extensions.Extension")
    return cls


def _rows(outputs: Outputs, num_samples: int, own: Optional[slice]) -> Outputs:
    """What is said of the batch and of the images of one extension."""

    def pick(x: torch.Tensor) -> torch.Tensor:
        if own is None or own.start == num_samples:
            return x[: num_samples if own is None else own.stop]
        return torch.cat([x[:num_samples], x[own]])

    latents = {name: pick(x) for name, x in outputs.latents.items()}
    return Outputs(pick(outputs.mean), pick(outputs.values), latents, outputs.hidden)


def _joined(tables: Iterable[Tuple[str, Mapping[str, T]]], taken: Tuple[str, ...] = ()) -> Dict[str, T]:
    """One table of the tables of all extensions.

    Raises:
        RslRlError: two extensions use the same key, or one uses a key that is `taken`.
    """
    joined: Dict[str, T] = {}
    for name, table in tables:
        for key, value in table.items():
            if key in joined or key in taken:
                raise RslRlError(f"algorithm.extensions.{name}: the name {key!r} is taken already; rename it")
            joined[key] = value
    return joined
