"""Left-right symmetry of robots (Mittal et al. 2024, arXiv:2403.04359)."""

from __future__ import annotations

from typing import Dict, Iterable, Mapping, Optional, Tuple

import torch

from rsl_rl.env.vec_env import MirrorMaps
from rsl_rl.extensions.extension import Batch, Context, Extension, Losses
from rsl_rl.models import Hidden, Observations, Outputs
from rsl_rl.settings import PPOSettings
from rsl_rl.storage import MiniBatch
from rsl_rl.utils.errors import RslRlError, check_choice

ACTIONS = "actions"

# Before the name of a network: its hidden state in the mirror image of an episode.
_IMAGE = "image_"


class Mirror:
    """Mirror images of flat observations and of actions."""

    def __init__(self, maps: Optional[MirrorMaps], groups: Iterable[str], device: torch.device) -> None:
        """Check and keep the maps.

        Args:
            maps: observation group, or "actions" -> (index, sign), each as long as a vector of that kind; the image of
                x is `x[..., index] * sign`. None where the symmetry is unknown.
            groups: observation groups to mirror.
            device: where the tensors to mirror live.

        Raises:
            RslRlError: a map is missing, or its image of an image is not the original.
        """
        if maps is None:
            raise RslRlError("algorithm.symmetry is on, but this environment knows no mirror_maps; set it to none")
        self._maps: Dict[str, Tuple[torch.Tensor, torch.Tensor]] = {}
        for name in [*groups, ACTIONS]:
            if name not in maps:
                raise RslRlError(f"algorithm.symmetry is on, but mirror_maps of this environment lacks {name!r}")
            index, sign = (part.to(device) for part in maps[name])
            identity = torch.arange(len(index), device=device)
            if not (torch.equal(index[index], identity) and bool((sign * sign[index] == 1).all())):
                raise RslRlError(f"mirror_maps[{name!r}] is no mirror: applied twice it must change nothing")
            self._maps[name] = (index, sign)

    def image(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Mirror observations of the group `name`, or "actions": (..., D) -> (..., D)."""
        index, sign = self._maps[name]
        return x.index_select(-1, index) * sign

    def images(self, observations: Mapping[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Mirror all groups that there is a map for: group -> (..., D)."""
        return {name: self.image(name, x) for name, x in observations.items() if name in self._maps}


class Symmetry(Extension):
    """Mirror images of what a robot lives through.

    A recurrent policy also lives through the mirror image of every episode, with a hidden state of its own, so networks
    are computed twice while collecting too.

    Args:
        context: its environment must know its symmetry.
        mode: "augment" lets PPO learn from the image of every sample; "loss" adds a loss on asymmetric mean actions.
        loss_coef: weight of that loss.
        until: fraction of the training after which it is left out. A policy that is symmetric to the end cannot choose
            which foot to lift first where state and command are symmetric: the noise of the training chose.

    Raises:
        RslRlError: a mode or a symmetry that is not to be had.
    """

    def __init__(self, context: Context, mode: str = "augment", loss_coef: float = 0.0, until: float = 1.0) -> None:
        check_choice("algorithm.extensions.symmetry.mode", mode, PPOSettings.CHOICES["symmetry"][1:])
        maps = context.mirror_maps() if callable(context.mirror_maps) else context.mirror_maps
        self.mirror = Mirror(maps, context.policy.groups, context.device)
        self.learns_from_images = mode == "augment"
        self._loss_coef = loss_coef if mode == "loss" else 0.0
        self._until, self._over = until, False
        self._context = context

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """See `Extension.set_progress`."""
        self._over = self._until < 1.0 and iteration >= self._until * max_iterations

    def initial_hidden(self, num_envs: int) -> Dict[str, Hidden]:
        """See `Extension.initial_hidden`."""
        policy = self._context.policy
        hidden = policy.initial_hidden(num_envs) if policy.is_recurrent else {}
        return {_IMAGE + name: states for name, states in hidden.items()}

    def remember(self, obs: Observations, hidden: Dict[str, Hidden]) -> Dict[str, Hidden]:
        """See `Extension.remember`."""
        if self._over or not self._context.policy.is_recurrent:
            return {}
        after = self._context.policy.evaluate(self.mirror.images(obs), _of_images(hidden)).hidden
        return {_IMAGE + name: states for name, states in after.items()}

    def images(self, batch: MiniBatch) -> Optional[MiniBatch]:
        """See `Extension.images`.

        The image of an action is taken to have been as likely, and the image of a state to be as good, as the
        originals were.
        """
        if self._over:
            return None
        return batch._replace(
            observations=self.mirror.images(batch.observations),
            actions=self.mirror.image(ACTIONS, batch.actions),
            action_means=self.mirror.image(ACTIONS, batch.action_means),
            hidden=_of_images(batch.hidden) or batch.hidden,
        )

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        """Mean square of what is between the actions in mirrored states and the mirrored actions.

        Only the former are pulled, towards the latter.
        """
        if self._over:
            return {}
        originals, images = outputs.mean.chunk(2)
        loss = (images - self.mirror.image(ACTIONS, originals).detach()).square().mean()
        return {"symmetry": (self._loss_coef, loss)}


def _of_images(hidden: Mapping[str, Hidden]) -> Dict[str, Hidden]:
    """The hidden states of mirror images among `hidden`, by the names of the networks."""
    return {name[len(_IMAGE) :]: states for name, states in hidden.items() if name.startswith(_IMAGE)}
