"""A trained actor as a function from observations to actions."""

from __future__ import annotations

import copy
from typing import Callable, Dict, Optional, Union

import torch

from rsl_rl.models import Observations, Policy, reset_hidden
from rsl_rl.modules.mixture import Mixture


class InferencePolicy:
    """Mean actions of an actor; the memory of a recurrent one is carried from call to call.

        policy = runner.get_inference_policy()
        actions = policy(obs)
        obs, rewards, dones, extras = env.step(actions)
        policy.reset(dones)

    Without the last line a new episode would begin with the memories of the one before.

    Args:
        policy: used as it is, or as a copy when it lives on another device than asked for.
        device: where to compute; None for where the policy is.
        acting_view: what the policy sees of the observations, see `Extension`; None for all as it is.

    Attributes:
        groups: the observation groups that the actor reads.
    """

    def __init__(
        self,
        policy: Policy,
        device: Optional[Union[str, torch.device]] = None,
        acting_view: Optional[Callable[[Observations], Observations]] = None,
    ) -> None:
        home = next(policy.parameters()).device
        self._home, self._acting_view = home, acting_view
        self.device = home if device is None else torch.device(device)
        self.groups = list(policy.actor.groups)
        self._policy = policy if self.device == home else copy.deepcopy(policy).to(self.device)
        self._hidden: Optional[Dict[str, torch.Tensor]] = None

    def __call__(self, obs: Observations) -> torch.Tensor:
        """Map a dict of observation groups, each (N, ...), to actions (N, num_actions)."""
        with torch.no_grad():
            actions, self._hidden = self._policy.act_inference(self._seen(obs), self._hidden)
        return actions

    def _seen(self, obs: Observations) -> Observations:
        if self._acting_view is not None:
            obs = self._acting_view({name: group.to(self._home) for name, group in obs.items()})
        return {name: group.to(self.device) for name, group in obs.items()}

    def expert_weights(self, obs: Observations) -> Dict[str, torch.Tensor]:
        """Expert -> (N,) its weight in these states, for who has come there; empty without experts."""
        actor = self._policy.actor
        if not isinstance(actor.head, Mixture):
            return {}
        with torch.no_grad():
            weights = actor.features(self._seen(obs), self._hidden).latents["gate"]
        return dict(zip(actor.head.experts, weights.unbind(1)))

    def prediction_errors(self, obs: Observations) -> Dict[str, torch.Tensor]:
        """What is between observed and predicted columns, (N,) each; empty without predictions.

        "<name>_1" and so on of up to three columns, "<name>", their mean, of more.
        """
        predictions = self._policy.actor.predictions()
        if not predictions:
            return {}
        seen = self._seen(obs)
        with torch.no_grad():
            told = self._policy.actor.features(seen, self._hidden).latents
        errors: Dict[str, torch.Tensor] = {}
        for name, each in predictions.items():
            columns = (told[name] - each.of(seen[each.group])).abs()
            if each.width > 3:
                errors[each.name] = columns.mean(-1)
            else:
                errors.update({f"{each.name}_{k}": column for k, column in enumerate(columns.unbind(-1), 1)})
        return errors

    def reset(self, dones: Optional[torch.Tensor] = None) -> None:
        """Forget the past of the environments where `dones` (N,) is set; of all without it."""
        if dones is None:
            self._hidden = None
        elif self._hidden:
            self._hidden = reset_hidden(self._hidden, dones.to(self.device))
