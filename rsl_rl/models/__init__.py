"""Networks from groups of observations to outputs."""

from rsl_rl.models.actor_critic import ActorCritic, ActorCriticRecurrent
from rsl_rl.models.model import Hidden, Model, Observations, reset_hidden

__all__ = ["ActorCritic", "ActorCriticRecurrent", "Hidden", "Model", "Observations", "reset_hidden"]
