"""The runner of PPO: learns from each rollout once, then throws it away."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Type

from rsl_rl.algorithms import PPO
from rsl_rl.models import POLICIES
from rsl_rl.runners.runner import Runner

__all__ = ["POLICIES", "OnPolicyRunner"]


class OnPolicyRunner(Runner):
    """Trains a policy by PPO; see `Runner`."""

    ALGORITHMS: Mapping[str, Type[PPO]] = {"PPO": PPO}

    algorithm: PPO

    def _make_algorithm(self, settings: Mapping[str, Any]) -> PPO:
        return self.ALGORITHMS[self.cfg["algorithm_class_name"]](
            self.policy,
            device=self.device,
            mirror_maps=self.env.mirror_maps,
            distributed=self.distributed,
            **settings,
        )

    def _collect(self) -> Dict[str, float]:
        episodes = super()._collect()
        assert self._observations is not None
        self.algorithm.compute_returns(self._observations)
        return episodes

    def _metrics(self) -> Dict[str, float]:
        return {"Policy/mean_noise_std": self.policy.distribution.std.mean().item()}
