"""Networks from groups of observations to outputs."""

from __future__ import annotations

from typing import Dict, Type

from rsl_rl.models.actor_critic import ActorCritic, ActorCriticRecurrent
from rsl_rl.models.model import Hidden, Model, Observations, reset_hidden
from rsl_rl.models.policy import CopyReport, Outputs, Policy
from rsl_rl.models.shared_actor_critic import SharedActorCritic

# By the names that configurations call them.
POLICIES: Dict[str, Type[Policy]] = {
    "ActorCritic": ActorCritic,
    "ActorCriticRecurrent": ActorCriticRecurrent,
    "SharedActorCritic": SharedActorCritic,
}

__all__ = [
    "POLICIES",
    "ActorCritic",
    "ActorCriticRecurrent",
    "CopyReport",
    "Hidden",
    "Model",
    "Observations",
    "Outputs",
    "Policy",
    "SharedActorCritic",
    "reset_hidden",
]
