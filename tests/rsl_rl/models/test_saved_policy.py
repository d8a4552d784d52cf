"""Policies from checkpoints: of earlier versions, and those that a new encoder is grafted onto."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from rsl_rl.models import POLICIES
from rsl_rl.models.saved_policy import build_policy
from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.checkpoint import save_checkpoint
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.toy_vec_env import ToyVecEnv

DIMS = {"policy": (4,), "critic": (5,)}
# What a checkpoint of the time before networks had sections says, by the name of the class.
EARLIER: dict[str, dict[str, Any]] = {
    "ActorCritic": {"rnn_type": "lstm", "rnn_hidden_size": 256, "rnn_num_layers": 1},
    "ActorCriticRecurrent": {"rnn_type": "gru", "rnn_hidden_size": 6, "rnn_num_layers": 1},
    "SharedActorCritic": {
        "rnn_type": "gru",
        "rnn_hidden_size": 6,
        "rnn_num_layers": 1,
        "output_activation": None,
        "encoders": {"policy": {}, "code": {"groups": ["critic"], "hidden_dims": [8], "output_dim": 3}},
    },
}


@pytest.mark.parametrize("kind", POLICIES)
def test_checkpoints_of_earlier_versions_load(kind: str, tmp_path: Path) -> None:
    settings = {
        "init_noise_std": 0.5,
        "actor_hidden_dims": [8],
        "critic_hidden_dims": [7],
        "activation": "elu",
        "actor_obs_groups": ["policy"],
        "critic_obs_groups": ["critic"],
        "normalize_observations": True,
        **EARLIER[kind],
    }
    policy = POLICIES[kind](DIMS, 2, **settings).eval()
    policy.update_normalizers({group: 3.0 + torch.randn(50, *shape) for group, shape in DIMS.items()})
    state = policy.state_dict()
    if kind != "SharedActorCritic":  # where normalisers were not inside of an encoder
        state = {re.sub(r"\.inputs\.0\.(mean|var|count)$", r".\1", name): x for name, x in state.items()}
        assert {"actor.encoders.policy.mean", "critic.encoders.critic.count"} <= state.keys()
    meta = {"policy_class_name": kind, "policy": settings, "num_actions": 2, "observation_dims": DIMS}
    path = str(tmp_path / "model_1.pt")
    save_checkpoint(path, {"model_state_dict": state, "meta": meta, "iter": 1})
    loaded, _ = build_policy(path, DIMS, 2)
    obs = {group: torch.randn(3, *shape) for group, shape in DIMS.items()}
    expected, found = (each.evaluate(obs, each.initial_hidden(3)) for each in (policy, loaded))
    assert torch.equal(expected.mean, found.mean)
    assert torch.equal(expected.values, found.values)


def runner(encoders: dict[str, Any]) -> OnPolicyRunner:
    table = {"policy": {}, **encoders}
    policy = {
        "actor_hidden_dims": [8],
        "critic_hidden_dims": [7],
        "encoders": table,
        "critic": {"encoders": table},
    }
    return OnPolicyRunner(ToyVecEnv(), {"policy": policy, "runner": {"num_steps_per_env": 4, "logger": "none"}})


GATED = {"more": {"groups": ["critic"], "fusion": "gated"}}


def test_a_gated_encoder_is_grafted_onto_a_policy_without(tmp_path: Path) -> None:
    blind, path = runner({}), str(tmp_path / "model_0.pt")
    blind.save(path)
    grown = runner(GATED)
    grown.start_from(path)
    obs = {group: torch.randn(3, *shape) for group, shape in grown.env.observation_dims.items()}
    expected, found = (each.policy.evaluate(obs, {"actor": {}, "critic": {}}) for each in (blind, grown))
    assert torch.equal(expected.mean, found.mean)
    assert torch.equal(expected.values, found.values)

    with pytest.raises(RslRlError, match=r"policy\.critic\.encoders\.more is 'absent'"):
        runner({"more": {"groups": ["critic"]}}).start_from(path)  # it would have a say at once
    with pytest.raises(RslRlError, match=r"policy\.critic\.encoders\.more is 'absent'"):
        grown.load(path)  # to go on is another matter
    grown.save(path)
    with pytest.raises(RslRlError, match="this run has 'absent'"):
        runner({}).start_from(path)
    runner(GATED).start_from(path)


def test_half_of_a_gated_encoder_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "model.pt")
    runner(GATED).save(path)
    content = torch.load(path, weights_only=True)
    del content["model_state_dict"]["actor.encoders.more.added.weight"]
    torch.save(content, path)
    with pytest.raises(RslRlError, match=r"actor.encoders.more.added.weight is 'absent'"):
        runner(GATED).start_from(path)
