"""A shipped policy is small, whole, portable, and says where it comes from."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import torch
import yaml

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import find_policy, load_policy
from legged_gym.policies.shipping import read_metrics, ship_policy
from legged_gym.utils.run_folder import POLICIES_DIR
from tests.policies.tiny_run import ITERATION, flags, make_env, make_run


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A run, its environment, and the folder of its shipped policy."""
    run = make_run(tmp_path_factory.mktemp("run"))
    source = find_policy(flags(f"--policy={run}"))
    env = make_env(source)
    folder = tmp_path_factory.mktemp("policies") / "a1_flat"
    metrics = {"kind": "evaluation", "task": "a1_flat", "metrics": {"fall_rate": {"mean": 0.25}}}
    paths = ship_policy(source, env, str(folder), metrics, "fall_rate 0.25")
    yield source, env, folder, paths
    env.close()


def test_files(shipped):
    _, _, folder, paths = shipped
    names = ["model.pt", "policy.onnx", "golden.npz", "statistics.npz", "config.yaml", "card.md", "metrics.json"]
    assert sorted(os.listdir(folder)) == sorted(names)
    assert sorted(paths) == sorted(str(folder / name) for name in names)
    assert json.loads((folder / "metrics.json").read_text())["metrics"]["fall_rate"] == {"mean": 0.25}


@pytest.mark.parametrize("name", ["", "policy.onnx"])
def test_it_acts_as_the_run_does(shipped, name):
    source, env, folder, _ = shipped
    original, copy = load_policy(source, env), load_policy(find_policy(flags(f"--policy={folder / name}")), env)
    obs = env.reset()
    for _ in range(5):
        actions = original(obs)
        torch.testing.assert_close(copy(obs), actions, atol=1e-5, rtol=1e-5)
        obs = env.step(actions)[0]


def test_the_card_of_a_resumed_run_tells_all_its_commands(tmp_path):
    run = make_run(tmp_path)
    with open(os.path.join(run, "config.yaml"), encoding="utf-8") as file:
        whole = yaml.safe_load(file)
    whole["train"]["runner"].update(resume=True, load_run="run", resume_path="/home/someone/run/model_3.pt")
    for part, name in enumerate(("config_1.yaml", "config_2.yaml", "config.yaml")):
        text = yaml.safe_dump({**whole, "command": f"python {LEGGED_GYM_ROOT_DIR}/train.py --part={part}"})
        with open(os.path.join(run, name), "w", encoding="utf-8") as file:
            file.write(text)
    source = find_policy(flags(f"--policy={run}"))
    env = make_env(source)
    ship_policy(source, env, str(tmp_path / "shipped"))
    env.close()
    card = (tmp_path / "shipped" / "card.md").read_text()
    rows = [line for line in card.splitlines() if "--part" in line]
    assert rows == [
        "| command | `python train.py --part=0` |",
        "| resumed by | `python train.py --part=1` |",
        "| resumed by | `python train.py --part=2` |",
    ]
    runner = yaml.safe_load((tmp_path / "shipped" / "config.yaml").read_text())["train"]["runner"]
    assert [runner[key] for key in ("resume", "load_run", "resume_path")] == [False, -1, None]


@pytest.mark.parametrize("name", sorted(os.listdir(POLICIES_DIR)))
def test_what_comes_along_knows_no_place_on_a_machine(name):
    for path in Path(POLICIES_DIR, name).iterdir():
        if path.suffix in (".yaml", ".md", ".json"):
            assert re.findall(r"[ '\"=]/(?:home|root|work|tmp|Users)/\S*", path.read_text(encoding="utf-8")) == [], path


def test_the_card_tells_of_the_runs_that_a_run_started_from(tmp_path):
    run, first = make_run(tmp_path), tmp_path / "first"
    first.mkdir()
    with open(os.path.join(run, "config.yaml"), encoding="utf-8") as file:
        whole = yaml.safe_load(file)
    (first / "config.yaml").write_text(yaml.safe_dump({**whole, "command": "python train.py --first"}))
    whole["train"]["runner"]["start_from"] = str(first / "model_64.pt")
    with open(os.path.join(run, "config.yaml"), "w", encoding="utf-8") as file:
        yaml.safe_dump({**whole, "command": "python train.py --second"}, file)
    source = find_policy(flags(f"--policy={run}"))
    env = make_env(source)
    ship_policy(source, env, str(tmp_path / "shipped"))
    env.close()
    rows = [line for line in (tmp_path / "shipped" / "card.md").read_text().splitlines() if "train.py" in line]
    assert rows == [
        "| starts from | `python train.py --first`, iteration 64 |",
        "| command | `python train.py --second` |",
    ]


def test_the_checkpoint_of_the_usual_network_is_below_two_megabytes(tmp_path):
    wide = "[512,256,128]"
    run = make_run(
        tmp_path, "a1", f"--train.policy.actor_hidden_dims={wide}", f"--train.policy.critic_hidden_dims={wide}"
    )
    source = find_policy(flags(f"--policy={run}"))
    env = make_env(source)
    ship_policy(source, env, str(tmp_path / "shipped"))
    env.close()
    assert os.path.getsize(tmp_path / "shipped" / "model.pt") < 2e6


def test_settings_know_no_place_on_this_machine(shipped):
    source, _, folder, _ = shipped
    text = (folder / "config.yaml").read_text()
    assert LEGGED_GYM_ROOT_DIR not in text
    settings = yaml.safe_load(text)
    assert settings["env"]["asset"]["file"].startswith("{LEGGED_GYM_ROOT_DIR}/resources/")
    with open(os.path.join(source.run_dir, "config.yaml"), encoding="utf-8") as file:
        original = yaml.safe_load(file)
    assert settings["train"] == original["train"]


def test_the_card_is_filled_from_the_run(shipped):
    card = (shipped[2] / "card.md").read_text()
    for fact in (
        "# Policy of `a1_flat`",
        "| robot | a1, 12 joints |",
        "| observations | policy [48] |",
        "| seed | 1 |",
        f"| iterations | {ITERATION} |",
        "| samples | 0 |",
        "| wall time | 0:00:00 |",
        "| sim | mujoco |",
        f"| torch | {torch.__version__} |",
        "fall_rate 0.25",
        "play.py --policy=a1_flat",
    ):
        assert fact in card
    assert LEGGED_GYM_ROOT_DIR not in card


def test_a_shipped_policy_is_not_shipped_again(shipped, tmp_path):
    _, env, folder, _ = shipped
    source = find_policy(flags(f"--policy={folder}"))
    with pytest.raises(UserError, match="is no checkpoint of a training run"):
        ship_policy(source, env, str(tmp_path / "again"))
    assert not (tmp_path / "again").exists()


def test_the_results_of_one_policy_among_those_compared(tmp_path):
    path = tmp_path / "result.json"
    both = [{"kind": "evaluation", "task": task, "metrics": {"falls": i}} for i, task in enumerate(("a1", "go2"))]
    path.write_text(json.dumps({"kind": "comparison", "seed": 7, "commit": "abc", "policies": both}))
    expected = {"kind": "evaluation", "task": "go2", "metrics": {"falls": 1}, "seed": 7, "commit": "abc"}
    assert read_metrics(str(path), "go2") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is not JSON"),
        ("[1]", r"holds no results of evaluate\.py"),
        ('{"kind": "benchmark"}', r"holds no results of evaluate\.py"),
        ('{"kind": "evaluation", "task": "a1"}', "is an evaluation of task 'a1', not 'a1_flat'"),
        ('{"kind": "comparison", "policies": [{"task": "a1"}]}', "compares 0 policies of task 'a1_flat'"),
        ('{"kind": "comparison", "policies": [{"task": "a1_flat"}, {"task": "a1_flat"}]}', "compares 2 policies"),
        ('{"kind": "comparison"}', "holds no results of evaluate.py --compare: it lacks a list of policies"),
        ('{"kind": "comparison", "policies": [1]}', "it lacks a list of policies"),
        ('{"a": ' * 5000, "nested too deeply"),
        (None, "cannot read"),
    ],
)
def test_results_that_are_none(tmp_path, text, message):
    path = tmp_path / "result.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_metrics(str(path), "a1_flat")
