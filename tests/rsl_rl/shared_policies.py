"""Policies of all shapes that encoders allow, small, for tests."""

from __future__ import annotations

from typing import Any

import torch

from rsl_rl.models import SharedActorCritic

DIMS = {"body": (4,), "scan": (6,), "hidden_state": (5,), "command": (2,), "depth": (1, 12, 16)}
CONV = {"channels": [3], "average_pool": [2, 2], "output_dim": 5}
NUM_ACTIONS = 3

KINDS: dict[str, dict[str, Any]] = {
    "feed-forward": {"encoders": {"body": {}, "scan": {"hidden_dims": [8], "output_dim": 4}}, "rnn_hidden_size": None},
    "trunk": {"encoders": {"body": {}, "scan": {"hidden_dims": [8], "output_dim": 4}, "command": {}}},
    "inner": {
        "encoders": {
            "body": {},
            "gamma": {"groups": ["scan"], "rnn_hidden_size": 6, "output_dim": 4},
            "z": {"groups": ["hidden_state"], "hidden_dims": [8, 6], "output_dim": 2},
        },
        "rnn_hidden_size": 0,
    },
    "image": {"encoders": {"body": {}, "sight": {"groups": ["depth"], "conv": CONV}}},
    "everywhere": {
        "encoders": {
            "body": {"rnn_hidden_size": 3, "rnn_num_layers": 2},
            "sight": {"groups": ["depth", "command"], "conv": CONV, "hidden_dims": [7], "rnn_hidden_size": 6},
        },
        "rnn_num_layers": 2,
    },
}
RECURRENT = [name for name in KINDS if name != "feed-forward"]


def make_policy(kind: str, rnn_type: str = "gru", **settings: Any) -> SharedActorCritic:
    """One of `KINDS`."""
    sizes = {"actor_hidden_dims": [10], "critic_hidden_dims": [9], "rnn_hidden_size": 8, "rnn_type": rnn_type}
    return SharedActorCritic(DIMS, NUM_ACTIONS, **{**sizes, **KINDS[kind], **settings})


def observations(*batch: int) -> dict[str, torch.Tensor]:
    """Random numbers, group -> (*batch, *shape)."""
    return {group: torch.randn(*batch, *shape) for group, shape in DIMS.items()}
