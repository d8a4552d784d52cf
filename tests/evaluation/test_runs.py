"""Finding policies to compare by what users call them, and ground that is new to a policy."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
import torch
import yaml

from legged_gym.errors import UserError
from legged_gym.evaluation import runs as evaluation_runs
from legged_gym.evaluation.runs import check_new_ground, compare, find_policies, training_seed
from legged_gym.policies.exported_policy import ExportedPolicy
from legged_gym.policies.policy_io import find_policy
from legged_gym.utils import run_folder
from tests.policies.tiny_run import flags


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Folders of runs and of shipped policies; finding takes down what it was asked for."""
    for folder in ("logs/one/20260131_120000_a", "logs/two/20260131_120000_a", "logs/two/20260131_120000_b"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "policies" / "a1_flat").mkdir(parents=True)
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    monkeypatch.setattr(run_folder, "POLICIES_DIR", str(tmp_path / "policies"))
    monkeypatch.setattr(evaluation_runs, "find_policy", lambda command, change: (command.policy, command.task))
    return tmp_path


def test_policies_are_found_by_path_run_and_name(places):
    run = str(places / "logs" / "two" / "20260131_120000_b")
    found = find_policies(flags("--num_envs=3"), [run, "20260131_120000_b", "a1_flat", "a1"])
    # a1_flat is shipped, a1 is not: its newest run is meant
    assert found == [(run, None), (run, None), ("a1_flat", None), (None, "a1")]


def test_names_that_stand_for_nothing_or_for_too_much(places):
    with pytest.raises(UserError, match=r"several experiments have a run 20260131_120000_a; give its path: .*one.*two"):
        find_policies(flags(), ["20260131_120000_a"])
    with pytest.raises(UserError, match=r"'a1_flot' is no file or folder, run, .* did you mean a1_flat"):
        find_policies(flags(), ["a1_flot"])
    with pytest.raises(UserError, match=r"'\*' is no file or folder"):
        find_policies(flags(), ["*"])
    for flag in ("--task=a1", "--policy=a1_flat", "--load_run=x", "--checkpoint=3", "--experiment_name=one"):
        with pytest.raises(UserError, match=f"{flag.partition('=')[0]} does not go with --compare"):
            find_policies(flags(flag), ["a1_flat"])


def result_of(ground):
    return {"task": "a1", "lanes": {"ground_crc32": ground}} if ground else {"task": "a1"}


@pytest.mark.parametrize(("grounds", "noted"), [([7, 7], False), ([None, None], False), ([7, 8], True)])
def test_a_comparison_has_one_seed_and_says_if_the_ground_differs(monkeypatch, capsys, grounds, noted):
    seeds, remaining = [], iter(grounds)

    def evaluate_source(source, num_episodes, grid):
        seed = 5 if source.env_cfg.seed == -1 else source.env_cfg.seed  # the first environment draws it
        seeds.append(seed)
        return {"seed": seed, **result_of(next(remaining))}

    monkeypatch.setattr(evaluation_runs, "evaluate_source", evaluate_source)
    sources = [find_policy(flags("--policy=a1_flat", "--seed=-1")) for _ in range(2)]
    results = compare(sources, 10)
    assert [result["name"] for result in results] == ["a1_flat", "a1_flat"]
    assert seeds == [5, 5]
    assert ("did not walk on the same ground" in capsys.readouterr().out) is noted


def test_the_seed_of_the_training_is_the_one_that_was_saved(tmp_path):
    """Whatever the command line of the evaluation made of it since."""
    with open(os.path.join(tmp_path, "config.yaml"), "w", encoding="utf-8") as file:
        yaml.safe_dump({"task": "a1", "env": {}, "train": {"seed": 41}}, file)
    changed = SimpleNamespace(seed=7)
    assert training_seed(SimpleNamespace(run_dir=str(tmp_path), train_cfg=changed), None) == 41
    exported = ExportedPolicy(
        SimpleNamespace(description={"origin": {"seed": 42}, "observations": {}}), torch.device("cpu")
    )
    assert training_seed(SimpleNamespace(run_dir=None, train_cfg=changed), exported) == 42
    assert training_seed(SimpleNamespace(run_dir=None, train_cfg=changed), lambda obs: obs) is None


def test_known_ground_is_refused():
    check_new_ground(1000, 1, "policy")
    check_new_ground(1000, None, "policy")
    with pytest.raises(UserError, match=r"--seed=1: policy was trained with this seed.* evaluate with another one"):
        check_new_ground(1, 1, "policy")
