"""Left-right symmetry of robots (Mittal et al. 2024, arXiv:2403.04359)."""

from __future__ import annotations

from typing import Dict, Iterable, Mapping, Optional, Tuple

import torch

from rsl_rl.storage import MiniBatch
from rsl_rl.utils.errors import RslRlError

MirrorMaps = Mapping[str, Tuple[torch.Tensor, torch.Tensor]]

ACTIONS = "actions"


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

    def augment(self, batch: MiniBatch) -> MiniBatch:
        """Append the images of what a mini-batch of B samples has besides observations and memories.

        The image of an action is taken to have been as likely, and the image of a state to be as good, as the
        originals were.
        """
        return batch._replace(
            actions=torch.cat([batch.actions, self.image(ACTIONS, batch.actions)]),
            action_means=torch.cat([batch.action_means, self.image(ACTIONS, batch.action_means)]),
            log_probs=batch.log_probs.repeat(2),
            values=batch.values.repeat(2),
            returns=batch.returns.repeat(2),
            advantages=batch.advantages.repeat(2),
        )

    def loss(self, means: torch.Tensor) -> torch.Tensor:
        """Mean square (0-d) of what is between the actions in mirrored states and the mirrored actions.

        Args:
            means: (2 B, A), mean actions in B states and in their images. Only the latter are pulled, towards the
                images of the former.
        """
        originals, images = means.chunk(2)
        return (images - self.image(ACTIONS, originals).detach()).square().mean()
