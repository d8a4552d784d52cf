"""Networks from groups of observations to outputs."""

from __future__ import annotations

from typing import Dict, Type

from rsl_rl.models.encoder import Observations
from rsl_rl.models.network import Features, Network
from rsl_rl.models.policy import (
    ActorCritic,
    ActorCriticRecurrent,
    CopyReport,
    Outputs,
    Policy,
    SharedActorCritic,
)
from rsl_rl.modules.memory import Hidden, reset_hidden

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
    "Features",
    "Hidden",
    "Network",
    "Observations",
    "Outputs",
    "Policy",
    "SharedActorCritic",
    "reset_hidden",
]
