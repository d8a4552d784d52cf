"""What all policies have in common."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

import torch
from torch import nn

from rsl_rl.models.model import Hidden, Model, Observations, reset_hidden
from rsl_rl.modules.distribution import GaussianDistribution
from rsl_rl.modules.normalization import EmpiricalNormalization
from rsl_rl.utils.errors import RslRlError, near_matches
from rsl_rl.utils.trajectories import Trajectories


class CopyReport(NamedTuple):
    """What `Policy.copy_from` did; as text it is one line.

    Attributes:
        copied: names of the parts that were taken.
        left: name -> why it was not.
    """

    copied: List[str]
    left: Dict[str, str]

    def __str__(self) -> str:
        """Tell it in one line."""
        left = "; ".join(f"{name} ({reason})" for name, reason in self.left.items())
        return f"copied {', '.join(self.copied) or 'nothing'}" + (f"; left {left}" if left else "")


class Outputs(NamedTuple):
    """What a policy says about B states.

    Attributes:
        mean: (B, A), mean actions.
        values: (B,); empty where they were not asked for.
        latents: outputs (B, k) of the actor's encoders, by name, without those that pass observations through.
        hidden: memories after the (last) step, as `Policy.evaluate` takes them.
    """

    mean: torch.Tensor
    values: torch.Tensor
    latents: Dict[str, torch.Tensor]
    hidden: Dict[str, Hidden]


class Policy(nn.Module):
    """An actor, an estimate of its value, and a normal distribution of actions around the actor's output.

    In the methods, `hidden` of one network maps the names of its memories to (layers, N, H), and that of both is
    {"actor": ..., "critic": ...}; feed-forward networks have {}. `trajectories` is None for one step of N environments;
    for a rollout it tells how the samples follow on one another, and `hidden` is the memory before it (see
    `Model.forward`).

    Attributes:
        actor: model to mean actions (B, A).
        critic: network to values (B, 1).
        distribution: of actions around the mean.
        is_recurrent: whether there are memories.
        is_shared: whether the critic reads the features of the actor, rather than observations.
    """

    actor: Model
    critic: nn.Module
    distribution: GaussianDistribution
    is_recurrent: bool = False
    is_shared: bool = False

    @property
    def groups(self) -> List[str]:
        """The observation groups that at least one of the networks reads."""
        raise NotImplementedError

    def act_inference(self, obs: Observations, hidden: Optional[Hidden] = None) -> Tuple[torch.Tensor, Hidden]:
        """Compute mean actions.

        Args:
            obs: group -> (N, *shape).
            hidden: the actor's memory; None for the start of an episode.

        Returns:
            actions: (N, A).
            hidden: the actor's memory after this step; {} for a feed-forward actor.
        """
        return self.actor(obs, hidden)

    def values(
        self, obs: Observations, hidden: Dict[str, Hidden], trajectories: Optional[Trajectories] = None
    ) -> torch.Tensor:
        """Estimate the values (B,) of states."""
        raise NotImplementedError

    def evaluate(
        self,
        obs: Observations,
        hidden: Dict[str, Hidden],
        trajectories: Optional[Trajectories] = None,
        with_values: bool = True,
    ) -> Outputs:
        """Compute all outputs, encoding once; without values the critic is not asked and its memory not needed."""
        raise NotImplementedError

    def initial_hidden(self, num_envs: int) -> Dict[str, Hidden]:
        """Return the memories at the start of an episode: "actor" and "critic" -> name -> zeros (layers, N, H)."""
        raise NotImplementedError

    @staticmethod
    def reset_hidden(hidden: Hidden, dones: torch.Tensor) -> Hidden:
        """Return one network's memory with the rows of finished episodes, `dones` (N,) bool, back at their start."""
        return reset_hidden(hidden, dones)

    def update_normalizers(self, obs: Observations, distributed: Optional[Any] = None) -> None:
        """Let the networks take in the samples group -> (B, D), of all ranks where several work."""
        self.actor.update_normalizers(obs, distributed)

    def latents(
        self, obs: Observations, hidden: Optional[Hidden] = None, trajectories: Optional[Trajectories] = None
    ) -> Dict[str, torch.Tensor]:
        """Compute the outputs (B, k) of the actor's encoders alone; {} where there are none."""
        return {}

    def parts(self) -> Dict[str, nn.Module]:
        """Return the parts that can be frozen or copied, by name."""
        return {"actor": self.actor, "critic": self.critic, "distribution": self.distribution}

    def freeze(self, names: Iterable[str]) -> None:
        """Exempt parts from learning: no gradients, and normalisers take in no more samples.

        Call it before the optimiser is made. It is not part of the state dict.

        Raises:
            RslRlError: there is no part of that name.
        """
        parts = self.parts()
        for name in names:
            if name not in parts:
                raise RslRlError(f"the policy has no part {name!r} to freeze; {near_matches(name, parts)}")
            parts[name].requires_grad_(False)
            for module in parts[name].modules():
                if isinstance(module, EmpiricalNormalization):
                    module.frozen = True

    @torch.no_grad()
    def copy_from(self, other: Policy) -> CopyReport:
        """Take the weights of each part that `other` has under the same name with the same shapes.

        A part is taken as a whole or not at all: half of a recurrent network is worth nothing without the other.
        """
        report = CopyReport([], {})
        others = other.parts()
        for name, part in self.parts().items():
            own = part.state_dict()
            if not own:
                continue
            theirs = others[name].state_dict() if name in others else None
            reason = "not in the other policy" if theirs is None else _difference(own, theirs)
            if theirs is None or reason:
                report.left[name] = reason
            else:
                part.load_state_dict(theirs)
                report.copied.append(name)
        return report


def _difference(own: Dict[str, torch.Tensor], theirs: Dict[str, torch.Tensor]) -> str:
    """The first difference between the shapes of two state dicts; empty if there is none."""
    for name in [*own, *theirs]:
        shapes = [list(state[name].shape) if name in state else "absent" for state in (theirs, own)]
        if shapes[0] != shapes[1]:
            return f"{name} is {shapes[0]} there, {shapes[1]} here"
    return ""
