"""The contract between algorithms and the loop that runs them."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Protocol, Tuple, Union

import torch

from rsl_rl.extensions import Extensions
from rsl_rl.models import Hidden
from rsl_rl.settings import DAggerSettings, PPOSettings


class Algorithm(Protocol):
    """What the loop asks of an algorithm, and what those of this package know besides policy, optimiser and storage.

    Attributes:
        device: where it computes.
        settings: as given.
        optimizer: of the parameters that it trains.
        learning_rate: current one.
        hidden: hidden states of the rollout under way, network -> name -> (layers, N, H).
        main_loss: what `update` returns whenever at least one batch was learned from.
        late_state: entries of `state_dict` that a saved one may lack.
        extensions: what adds to it.
        in_bfloat16: whether networks compute in it while they learn.
    """

    device: torch.device
    settings: Union[PPOSettings, DAggerSettings]
    optimizer: torch.optim.Optimizer
    learning_rate: float
    hidden: Dict[str, Hidden]
    main_loss: str
    late_state: Tuple[str, ...] = ("extensions",)
    extensions: Extensions
    in_bfloat16: bool

    def init_storage(
        self, num_envs: int, num_steps: int, observation_dims: Mapping[str, Tuple[int, ...]], num_actions: int
    ) -> None:
        """Make room for rollouts of `num_steps` steps of `num_envs` environments."""

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """Tell how far the training is, before a rollout."""

    def act(self, obs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return actions (N, A) in the states `obs`, group -> (N, *shape)."""

    def process_env_step(self, rewards: torch.Tensor, dones: torch.Tensor, extras: Mapping[str, Any]) -> None:
        """Take in what the environments gave for the actions."""

    def update(self) -> Dict[str, float]:
        """Learn from what was collected, and return numbers to watch, "skipped_updates" among them."""

    def autocast(self) -> torch.autocast:
        """Let networks compute in the chosen precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bfloat16)

    def state_dict(self) -> Dict[str, Any]:
        """Return what is in neither the policy nor the optimiser; "learning_rate" and "hidden" are among it."""
        hidden = {name: {key: x.clone() for key, x in states.items()} for name, states in self.hidden.items()}
        extensions = self.extensions.state_dict()
        return {
            "learning_rate": self.learning_rate,
            "hidden": hidden,
            **({"extensions": extensions} if extensions else {}),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that `state_dict` returned, on any device; what it lacks stays as it is."""
        if self.settings.schedule == "adaptive":  # else it follows from the settings
            self.learning_rate = float(state["learning_rate"])
        memories = {name: state["hidden"].get(name, states) for name, states in self.hidden.items()}
        self.hidden = {name: {key: x.to(self.device) for key, x in states.items()} for name, states in memories.items()}
        self.extensions.load_state_dict(state.get("extensions", {}))
