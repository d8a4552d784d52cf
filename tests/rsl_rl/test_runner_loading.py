"""Checkpoints into runners: all of a run, its networks alone, and what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.checkpoint import load_checkpoint, save_checkpoint
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.runner_helpers import assert_same, config, make, metrics
from tests.rsl_rl.toy_vec_env import ToyVecEnv


def test_infos_come_back(tmp_path: Path) -> None:
    path = str(tmp_path / "any.pt")
    make(None).save(path, {"note": "x", "score": 1.5})
    assert make(None).load(path) == {"note": "x", "score": 1.5}


def test_networks_alone_load_into_another_number_of_environments(tmp_path: Path) -> None:
    trained = make(tmp_path, config(recurrent=True))
    trained.learn(2)
    player = make(None, config(recurrent=True), num_envs=2)
    player.load(str(tmp_path / "model_2.pt"), load_optimizer=False, load_env=False)
    assert player.current_learning_iteration == 2 and player.total_timesteps == 0
    assert_same(dict(player.policy.state_dict()), dict(trained.policy.state_dict()))
    player.learn(1)  # fine-tuning starts episodes of its own


def test_a_run_starts_from_the_networks_of_another_and_counts_anew(tmp_path: Path) -> None:
    trained = make(tmp_path, config(recurrent=True))
    trained.learn(2)
    tuned = OnPolicyRunner(ToyVecEnv(num_envs=2), config(recurrent=True), task="another")
    tuned.start_from(str(tmp_path / "model_2.pt"))
    assert tuned.current_learning_iteration == 0 and tuned.total_timesteps == 0
    assert not tuned.algorithm.optimizer.state
    assert_same(dict(tuned.policy.state_dict()), dict(trained.policy.state_dict()))
    tuned.learn(1)


def test_a_run_starts_from_a_policy_without_its_critic(tmp_path: Path) -> None:
    trained = make(tmp_path)
    trained.learn(1)
    content = load_checkpoint(str(tmp_path / "model_1.pt"))
    actor = {name: x for name, x in content["model_state_dict"].items() if not name.startswith("critic.")}
    path = str(tmp_path / "small.pt")
    save_checkpoint(path, {"model_state_dict": actor, "meta": content["meta"], "iter": 1})
    tuned = make(None)
    critic = {name: x.clone() for name, x in tuned.policy.state_dict().items() if name.startswith("critic.")}
    tuned.start_from(path)
    assert_same(dict(tuned.policy.state_dict()), {**actor, **critic})


def test_a_start_from_other_networks_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path, config(recurrent=True)).learn(1)
    runner = make(None)
    before = {name: x.clone() for name, x in runner.policy.state_dict().items()}
    with pytest.raises(RslRlError, match="policy_class_name is 'ActorCriticRecurrent', this run has 'ActorCritic'"):
        runner.start_from(str(tmp_path / "model_1.pt"))
    assert_same(dict(runner.policy.state_dict()), before)


def test_loading_back_in_the_same_process_leaves_no_line_twice(tmp_path: Path) -> None:
    runner = make(tmp_path)
    runner.learn(5)
    first = metrics(tmp_path)
    runner.load(str(tmp_path / "model_3.pt"))
    runner.learn(2)
    assert metrics(tmp_path) == first


@pytest.mark.parametrize(
    ("cfg", "env", "words"),
    [
        ({}, {"num_envs": 4}, "num_envs is 6, this run has 4"),
        ({}, {"size": 2}, r"observation_dims.critic is \[7\], this run has \[5\]"),
        ({"policy": {"activation": "tanh"}}, {}, "policy.activation is 'elu', this run has 'tanh'"),
        ({"policy": {"actor_hidden_dims": [9]}}, {}, r"policy.actor_hidden_dims is \[8\], this run has \[9\]"),
        ({"runner": {"policy_class_name": "ActorCriticRecurrent"}}, {}, "policy_class_name is 'ActorCritic'"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(
    tmp_path: Path, cfg: dict[str, Any], env: dict[str, int], words: str
) -> None:
    make(tmp_path).learn(1)
    changed = config()
    for section, entries in cfg.items():
        changed[section].update(entries)
    runner = make(None, changed, **env)
    before = {name: tensor.clone() for name, tensor in runner.policy.state_dict().items()}
    with pytest.raises(RslRlError, match=words) as error:
        runner.load(str(tmp_path / "model_1.pt"))
    assert "\n" not in str(error.value)
    assert_same(dict(runner.policy.state_dict()), before)
    assert runner.current_learning_iteration == 0


def test_another_task_is_refused_for_resuming_only(tmp_path: Path) -> None:
    path = str(tmp_path / "model.pt")
    OnPolicyRunner(ToyVecEnv(), config(), task="flat").save(path)
    other = OnPolicyRunner(ToyVecEnv(), config(), task="rough")
    with pytest.raises(RslRlError, match="task is 'flat', this run has 'rough'"):
        other.load(path)
    other.load(path, load_env=False)


def seeing(**runner: Any) -> OnPolicyRunner:
    """As `make`, blind; or with a look at the critic's observations grafted on, and a wider critic."""
    cfg = config(**runner)
    if runner:
        graft = {"look": {"groups": ["critic"], "fusion": "gated"}}
        cfg["policy"].update(
            encoders={"policy": {}, **graft}, critic_hidden_dims=[9], init_noise_std=0.5, re_init_std=True
        )
    return make(None, cfg)


def test_what_does_not_fit_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The graft begins with a gate of 0: the actor does what the blind one did."""
    torch.manual_seed(2)
    blind, path = make(None), str(tmp_path / "blind.pt")
    blind.learn(1)
    blind.save(path)
    with pytest.raises(RslRlError, match=r"policy\.critic_hidden_dims is"):
        strict = config()
        strict["policy"]["critic_hidden_dims"] = [9]
        make(None, strict).start_from(path)
    tuned = seeing(load_model_strict=False)
    capsys.readouterr()
    tuned.start_from(path)
    told = capsys.readouterr().out
    assert f"networks   {path}: left out critic.head" in told and "begun anew actor.encoders.look" in told
    obs = {name: torch.randn(4, *shape) for name, shape in blind.env.observation_dims.items()}
    expected, found = (runner.policy.eval().act_inference(obs)[0] for runner in (blind, tuned))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(tuned.policy.distribution.std, torch.full((3,), 0.5))
    tuned.learn(2)
    assert tuned.policy.actor.encoders["look"].gate.abs().min() > 0.0


def test_nothing_that_fits_is_an_error(tmp_path: Path) -> None:
    path = str(tmp_path / "other.pt")
    make(None, size=2).save(path)
    with pytest.raises(RslRlError, match="has no part of this run's actor"):
        seeing(load_model_strict=False).start_from(path)
