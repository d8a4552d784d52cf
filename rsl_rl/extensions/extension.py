"""What an addition to an algorithm can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Optional, Protocol, Sequence, Tuple, Union

import torch
from torch import nn

from rsl_rl.env.vec_env import MirrorMaps
from rsl_rl.models import Hidden, Observations, Outputs, Policy
from rsl_rl.models.encoder import Encoder
from rsl_rl.storage import MiniBatch, RolloutStorage, SequenceStorage
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.checkpoint import check_shapes, shapes_of
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.gradients import Group, OwnOptimizer
from rsl_rl.utils.saved_content import check_moments, entry

View = Callable[[Observations], Observations]
MirrorSource = Union[MirrorMaps, Callable[[], Optional[MirrorMaps]], None]

# Name -> what it weighs in the loss, and its value (0-d).
Losses = Mapping[str, Tuple[float, torch.Tensor]]


@dataclass(frozen=True)
class Context:
    """What an extension is made for.

    Attributes:
        policy: what is trained, on `device`.
        device: where to compute.
        distributed: the processes that train together, where there are several.
        mirror_maps: symmetry of the environment, or its `VecEnv.mirror_maps`, as it may refuse to give them.
        unused: methods of an extension that the algorithm never calls.
    """

    policy: Policy
    device: torch.device
    distributed: Optional[Group] = None
    mirror_maps: MirrorSource = None
    unused: Sequence[str] = ()

    def optimizer(
        self, name: str, parameters: Iterable[nn.Parameter], learning_rate: float, **more: Any
    ) -> OwnOptimizer:
        """An optimiser apart from the policy's, see `OwnOptimizer`."""
        return OwnOptimizer(name, parameters, learning_rate, self.device, distributed=self.distributed, **more)


class Batch(Protocol):
    """What mini-batches of all algorithms have: B samples."""

    @property
    def observations(self) -> Mapping[str, Any]:
        """Group -> (B, *shape)."""

    @property
    def labels(self) -> Mapping[str, torch.Tensor]:
        """Name -> (B, *shape), see `Extension.labels`."""

    @property
    def trajectories(self) -> Optional[Trajectories]:
        """How the samples follow on one another; None where they are drawn singly."""


class Extension:
    """Adds to an algorithm; every method may be left as it is. The settings are the constructor's keyword arguments.

    Attributes that are modules or optimisers are saved in checkpoints, and processes that train together begin with
    those of the first. Random numbers drawn at construction and in `after_update` leave the training's alone.

    Attributes:
        groups: observation groups that batches must have, besides those that the policy reads.
        policy_loss_coef: weighs what the algorithm itself minimises by the actor: of PPO, surrogate and entropy.
        learns_from_images: whether PPO learns from the samples of `images` as from those of the batch.
    """

    groups: Sequence[str] = ()
    policy_loss_coef: float = 1.0
    learns_from_images: bool = False

    def __init__(self, context: Context) -> None:
        """Make networks here, on `context.device`."""

    def parameters(self) -> Iterable[nn.Parameter]:
        """Parameters that the policy's optimiser trains along `losses`; their gradient is clipped on its own."""
        return ()

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """Tell how far the training is, before a rollout; schedules ask."""

    def acting_view(self, obs: Observations) -> Observations:
        """What the actor sees of `obs`, group -> (N, *shape), when it acts; kept and learned from is `obs` itself."""
        return obs

    def acting_encoders(self, deployed: bool) -> Mapping[str, Encoder]:
        """Encoders by the names of those of the actor whose places they take when it acts, in PPO.

        Args:
            deployed: outside of rollouts of the training.
        """
        return {}

    def learning_encoders(self) -> Mapping[str, Encoder]:
        """Encoders by the names of those of the actor whose places they take while PPO learns, without gradients."""
        return {}

    def acting_actions(self, obs: Observations, actions: torch.Tensor) -> torch.Tensor:
        """What is done in `obs` in the place of `actions` (N, A) that were drawn, in PPO."""
        return actions

    def labels(self, obs: Observations) -> Mapping[str, torch.Tensor]:
        """Numbers to keep with each step, name -> (N, *shape), float32; batches have them.

        Asked for once before the first step, to learn the shapes, for observations that are zero.
        """
        return {}

    def initial_hidden(self, num_envs: int) -> Mapping[str, Hidden]:
        """Hidden states of its own that rollouts of PPO keep: unique name -> as those of a network."""
        return {}

    def remember(self, obs: Observations, hidden: Dict[str, Hidden]) -> Mapping[str, Hidden]:
        """These hidden states after a step in `obs`; `hidden` has all, those of "actor" and "critic" of after it."""
        return {}

    def images(self, batch: MiniBatch) -> Optional[MiniBatch]:
        """More samples, in PPO, to compute the networks on; in sequences that end where those of the batch do."""
        return None

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        """Terms to add to the loss; those that weigh 0 are only watched.

        Args:
            batch: B samples.
            outputs: of the policy, float32; behind those of the batch come those of the own `images`. Values carry no
                gradient.
        """
        return {}

    def after_update(self, storage: Union[RolloutStorage, SequenceStorage]) -> Mapping[str, float]:
        """Learn on its own from what the algorithm has just learned from; returns what to watch."""
        return {}

    def state_dict(self) -> Dict[str, Any]:
        """What a checkpoint keeps, as plain data."""
        return {name: part.state_dict() for name, part in self._parts()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that `state_dict` returned; what it lacks stays as it is."""
        for name, part in self._parts():
            if name in state:
                part.load_state_dict(state[name])

    def start_from(self, state: Mapping[str, Any]) -> Optional[bool]:
        """Begin with the networks of a state of another training if all fit; whether they do, None without any."""
        own = {name: part for name, part in self._parts() if isinstance(part, nn.Module)}
        fits = all(shapes_of(state.get(name, {})) == shapes_of(part.state_dict()) for name, part in own.items())
        for name, part in own.items():
            if fits:
                part.load_state_dict(state[name])
        return fits if own else None

    def check_state(self, path: str, name: str, state: Mapping[str, Any]) -> None:
        """Refuse what `load_state_dict` cannot take, of the checkpoint at `path`; this extension is called `name`.

        Raises:
            RslRlError: a network or the moments of an optimiser are of another shape.
        """
        for key, part in self._parts():
            if key in state and isinstance(part, nn.Module):
                check_shapes(path, f"{name}.{key}", state[key], part.state_dict())
            elif key in state and isinstance(part, OwnOptimizer):
                check_moments(path, entry(path, state[key], "state"), part.optimizer, f"{name}.{key}.state")

    def tensors(self) -> Iterator[torch.Tensor]:
        """What must be the same in all processes at the start."""
        for _, part in self._parts():
            if isinstance(part, nn.Module):
                yield from [*part.parameters(), *part.buffers()]

    def check_parameters(self, place: str, of_policy: Iterable[nn.Parameter]) -> None:
        """Refuse parameters that checkpoints would lose, or that the policy's optimiser would have twice.

        Raises:
            RslRlError: what learns is in no attribute that is a module, or `parameters` has what is the policy's;
                `place` is of the extension in the configuration.
        """
        own = {tensor for _, part in self._parts() if isinstance(part, nn.Module) for tensor in part.parameters()}
        learning, of_policy = list(self.parameters()), set(of_policy)
        apart = [p for _, part in self._parts() if isinstance(part, OwnOptimizer) for p in part.parameters]
        if not own.union(of_policy).issuperset([*learning, *apart]):
            raise RslRlError(f"{place}: what learns must be in attributes that are modules, or it would not be saved")
        if len(set(learning).difference(of_policy)) < len(learning):
            raise RslRlError(f"{place}: parameters() has one twice, or one of the policy, which the optimiser has too")

    def _parts(self) -> Iterator[Tuple[str, Any]]:
        for name, value in vars(self).items():
            if isinstance(value, (OwnOptimizer, nn.Module, torch.optim.Optimizer)) and not isinstance(value, Policy):
                yield name, value
