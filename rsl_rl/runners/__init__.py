"""Runners own the training loop."""

from rsl_rl.runners.dagger_runner import DaggerRunner
from rsl_rl.runners.inference_policy import InferencePolicy
from rsl_rl.runners.on_policy_runner import OnPolicyRunner

__all__ = ["DaggerRunner", "InferencePolicy", "OnPolicyRunner"]
