"""Encoders that tell observations, such as a camera that tells which way to go, learn it from what is observed."""

from __future__ import annotations

from typing import Dict, Mapping, Tuple, Union

import torch

from rsl_rl.extensions.extension import Batch, Context, Extension, Losses
from rsl_rl.models import Outputs
from rsl_rl.utils.errors import RslRlError, check_choice


class Predictions(Extension):
    """The mean length of what is between observed and predicted columns, for each entry of `predicts` of the actor.

    An entry with `within` is watched too: "<name>_ok_percent" is how often what is observed is within.

    Args:
        context: the actor must have an encoder that predicts.
        coef: weight of each of the losses, or of some by name; others weigh 1.

    Raises:
        RslRlError: nothing is predicted.
    """

    def __init__(self, context: Context, coef: Union[float, Mapping[str, float]] = 1.0) -> None:
        self._predictions = context.policy.actor.predictions()
        if not self._predictions:
            raise RslRlError("algorithm.extensions.predictions: no encoder of the actor predicts; give one `predicts`")
        names = [each.name for each in self._predictions.values()]
        self._coef = {**dict.fromkeys(names, 1.0), **coef} if isinstance(coef, Mapping) else dict.fromkeys(names, coef)
        for name in self._coef:
            check_choice("algorithm.extensions.predictions.coef", name, names)
        self.groups = list(dict.fromkeys(each.group for each in self._predictions.values()))

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        """See `Extension.losses`."""
        terms: Dict[str, Tuple[float, torch.Tensor]] = {}
        for latent, each in self._predictions.items():
            observed = batch.observations[each.group]
            error = torch.linalg.vector_norm(outputs.latents[latent] - each.of(observed), dim=-1)
            terms[each.name] = (self._coef[each.name], error.mean())
            if each.within is not None:
                terms[f"{each.name}_ok_percent"] = (0.0, 100.0 * each.holds(observed).float().mean())
        return terms
