"""The table of tasks and the legged_gym-compatible registry, with a task that has no physics."""

from __future__ import annotations

import copy
import os
import subprocess
import sys

import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.utils import run_folder
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from legged_gym.utils.task_registry import task_registry
from legged_gym.utils.training import check_sizes, plan_run
from tests.utils.fake_task import FakeCfg, FakeEnv, FakeTrainCfg

CPU = ["--sim=mujoco", "--rl_device=cpu"]


@pytest.fixture(autouse=True)
def fake_task(monkeypatch, tmp_path):
    """A table with one task, and logs in a temporary folder."""
    monkeypatch.setattr(registry, "TASKS", {})
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    registry.register("fake", FakeEnv, FakeCfg, FakeTrainCfg)


def test_legged_gym_imports_work():
    from legged_gym.utils import get_args as imported_get_args
    from legged_gym.utils import task_registry as imported_registry

    assert (imported_get_args, imported_registry) == (get_args, task_registry)


def test_a_name_can_be_taken_once():
    with pytest.raises(ValueError, match="'fake' is registered twice"):
        task_registry.register("fake", FakeEnv, FakeCfg, FakeTrainCfg)


@pytest.mark.parametrize("text", ["tests.utils.fake_task", "module:", ":Class", ""])
def test_a_class_given_as_text_names_its_module(text):
    with pytest.raises(ValueError, match="module:Class"):
        registry.register("other", text, FakeCfg, FakeTrainCfg)


def test_an_environment_class_given_as_text_is_imported_when_needed():
    registry.register("lazy", "tests.utils.fake_task:FakeEnv", FakeCfg, FakeTrainCfg)
    assert registry.find("lazy").env_class_name == "FakeEnv"
    assert task_registry.get_task_class("lazy") is FakeEnv


def test_unknown_tasks_are_told_with_near_matches():
    with pytest.raises(UserError, match=r"unknown task 'fak'; did you mean fake\?"):
        task_registry.get_cfgs("fak")
    with pytest.raises(UserError, match="unknown task 'zzz'; known: fake"):
        task_registry.make_env("zzz")
    with pytest.raises(UserError, match="which task"):
        registry.find(None)


def test_get_cfgs_returns_new_objects_with_one_seed():
    (first_env, first_train), (second_env, _) = task_registry.get_cfgs("fake"), task_registry.get_cfgs("fake")
    first_env.env.num_envs = 1
    assert second_env.env.num_envs == 4
    assert first_env.seed == first_train.seed == 3


def test_config_instances_are_patterns_too():
    pattern = FakeCfg()
    pattern.env.size = 5
    task_registry.register("instances", FakeEnv, pattern, FakeTrainCfg())
    env_cfg, _ = task_registry.get_cfgs("instances")
    env_cfg.env.size = 6
    assert task_registry.get_cfgs("instances")[0].env.size == 5


def test_make_env_hands_over_the_command_line():
    args = get_args(["--task=fake", "--num_envs=3", "--seed=8", "--headless", "--sim=mujoco", "--rl_device=cpu"])
    env, env_cfg = task_registry.make_env("fake", args)
    assert (env.num_envs, env_cfg.env.num_envs) == (3, 3)
    assert env.made_with == {"sim": "mujoco", "device": "cpu", "headless": True, "seed": 8, "deterministic": False}


def test_make_env_without_arguments_does_not_read_those_of_the_process(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest", "--no-such-flag"])
    env, _ = task_registry.make_env("fake")
    assert (env.num_envs, env.made_with["seed"]) == (4, 3)


def test_make_env_uses_a_given_config_and_the_command_line_wins_over_it():
    env_cfg, _ = task_registry.get_cfgs("fake")
    env_cfg.env.num_envs, env_cfg.env.size = 9, 5
    env, _ = task_registry.make_env("fake", get_args(["--num_envs=2"]), env_cfg)
    assert (env.num_envs, env.num_actions) == (2, 5)


def test_the_config_that_is_returned_is_that_of_the_environment():
    class Copying(FakeEnv):
        def __init__(self, cfg, **more):
            super().__init__(copy.deepcopy(cfg), **more)

    registry.register("copying", Copying, FakeCfg, FakeTrainCfg)
    env, env_cfg = task_registry.make_env("copying", get_args(CPU))
    assert env_cfg is env.cfg


def test_a_new_run_gets_a_folder_with_its_settings(tmp_path, capsys):
    args = get_args(["--task=fake", "--num_envs=2", "--run_name=walk", *CPU])
    env, _ = task_registry.make_env("fake", args)
    runner, train_cfg = task_registry.make_alg_runner(env, "fake", args)
    assert os.path.dirname(runner.log_dir) == str(tmp_path / "logs" / "fake")
    assert runner.log_dir.endswith("_walk")
    content = run_folder.read_run_config(runner.log_dir)
    assert content["task"] == runner.task == "fake"
    assert content["env"]["env"]["num_envs"] == 2
    assert content["train"] == train_cfg.to_dict()
    assert content["run"]["sim_device"] == "cpu"


def test_a_new_run_begins_with_the_networks_that_it_starts_from():
    args = get_args(["--task=fake", "--num_envs=2", *CPU])
    env, _ = task_registry.make_env("fake", args)
    first, _ = task_registry.make_alg_runner(env, "fake", args)
    first.learn(1)
    args = get_args(["--task=fake", "--num_envs=2", f"--start_from={first.log_dir}", *CPU])
    second, train_cfg = task_registry.make_alg_runner(env, "fake", args)
    assert train_cfg.runner.start_from == os.path.join(first.log_dir, "model_1.pt")
    assert second.log_dir != first.log_dir and second.current_learning_iteration == 0
    saved = first.policy.state_dict()
    assert all(torch.equal(tensor, saved[name]) for name, tensor in second.policy.state_dict().items())


def test_a_learner_without_log_root_keeps_no_files(tmp_path):
    env, _ = task_registry.make_env("fake", get_args(CPU))
    runner, _ = task_registry.make_alg_runner(env, "fake", get_args(CPU), log_root=None)
    assert runner.log_dir is None
    assert os.listdir(tmp_path) == []


def test_train_cfg_wins_over_the_name_with_a_note(tmp_path, capsys):
    env, _ = task_registry.make_env("fake", get_args(CPU))
    train_cfg = FakeTrainCfg()
    train_cfg.runner.num_steps_per_env = 6
    runner, used = task_registry.make_alg_runner(env, "fake", get_args(CPU), train_cfg, str(tmp_path))
    assert used.to_dict() == {**train_cfg.to_dict(), "seed": env.cfg.seed}
    assert runner.cfg["num_steps_per_env"] == 6
    assert "note: train_cfg is given" in capsys.readouterr().out
    with pytest.raises(UserError, match="needs the name of a task or a train_cfg"):
        task_registry.make_alg_runner(env)


def test_an_unknown_runner_is_told_with_near_matches_and_leaves_no_folder(tmp_path):
    env, _ = task_registry.make_env("fake", get_args(CPU))
    train_cfg = FakeTrainCfg()
    train_cfg.runner_class_name = "OnPolicyRuner"
    with pytest.raises(UserError, match=r"no runner 'OnPolicyRuner'; did you mean OnPolicyRunner\?"):
        task_registry.make_alg_runner(env, train_cfg=train_cfg, args=get_args(CPU))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("other_run", [False, True])
def test_a_start_that_fails_in_torch_leaves_nothing(tmp_path, other_run):
    if other_run:
        (tmp_path / "logs" / "fake" / "20260101_120000").mkdir(parents=True)
    env, _ = task_registry.make_env("fake", get_args(CPU))
    train_cfg = FakeTrainCfg()
    train_cfg.runner.start_from = str(tmp_path / "passwd")  # resolved by its path, and no checkpoint
    (tmp_path / "passwd").write_text("root:x:0:0")
    with pytest.raises(ValueError, match="passwd"):
        task_registry.make_alg_runner(env, train_cfg=train_cfg, args=get_args(CPU))
    expected = [tmp_path / "logs" / "fake" / "20260101_120000"] if other_run else []
    assert list(tmp_path.glob("logs/fake/*")) == expected
    assert (tmp_path / "logs").exists() == other_run


def test_a_folder_of_the_user_keeps_what_he_had_in_it(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("of mine")
    env, _ = task_registry.make_env("fake", get_args(CPU))
    train_cfg = FakeTrainCfg()
    train_cfg.policy.actor_hidden_dims = [-1]
    args = get_args([f"--run_folder={tmp_path / 'mine'}", *CPU])
    with pytest.raises((ValueError, RuntimeError)):
        task_registry.make_alg_runner(env, train_cfg=train_cfg, args=args)
    assert os.listdir(tmp_path / "mine") == ["notes.txt"]


def test_the_settings_of_a_run_win_over_the_class_and_the_command_line_over_both(tmp_path, monkeypatch, capsys):
    args = get_args(["--task=fake", "--num_envs=2", "--env.env.size=3", "--train.algorithm.learning_rate=0.5", *CPU])
    env, _ = task_registry.make_env("fake", args)
    runner, _ = task_registry.make_alg_runner(env, "fake", args)
    open(os.path.join(runner.log_dir, "model_7.pt"), "w").close()
    monkeypatch.setattr(FakeCfg.env, "size", 9)
    capsys.readouterr()
    plan = plan_run(CommandLine.read(get_args(["--task=fake", "--num_envs=6"])))
    env_cfg, train_cfg = plan.env_cfg, plan.train_cfg
    assert plan.checkpoint == os.path.join(runner.log_dir, "model_7.pt")
    assert (env_cfg.env.num_envs, env_cfg.env.size, train_cfg.algorithm.learning_rate) == (6, 3, 0.5)
    assert capsys.readouterr().out == ""
    os.remove(os.path.join(runner.log_dir, "config.yaml"))
    assert plan_run(CommandLine(task="fake")).env_cfg.env.size == 9
    assert "has no config.yaml" in capsys.readouterr().out


def test_seed_minus_one_is_drawn_once_for_environment_and_learner(capsys):
    args = get_args(["--task=fake", "--seed=-1", *CPU])
    env, env_cfg = task_registry.make_env("fake", args)
    _, train_cfg = task_registry.make_alg_runner(env, "fake", args)
    assert 0 <= env_cfg.seed <= 9999
    assert env.made_with["seed"] == env_cfg.seed == train_cfg.seed and args.seed == -1
    assert f"seed       {env_cfg.seed} (drawn)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("env.num_envs", 0, "env.num_envs: expected a whole number from 1 to 1000, got 0"),
        ("runner.num_steps_per_env", 0, "runner.num_steps_per_env: expected a whole number of at least 1, got 0"),
        ("algorithm.num_mini_batches", 0, "num_mini_batches: expected a whole number of at least 1, got 0"),
        ("algorithm.num_mini_batches", 3, "16 samples (num_envs x num_steps_per_env) cannot be cut into 3 equal"),
    ],
)
def test_sizes_that_do_not_go_together_are_told(path, value, message):
    env_cfg, train_cfg = FakeCfg(), FakeTrainCfg()
    with pytest.raises(UserError) as caught:
        (env_cfg if path.startswith("env.") else train_cfg).set(path, value)
        check_sizes(env_cfg, train_cfg)
    assert message in str(caught.value)


def test_recurrent_policies_cut_batches_by_robots():
    env_cfg, train_cfg = FakeCfg(), FakeTrainCfg()
    train_cfg.runner.policy_class_name = "ActorCriticRecurrent"
    check_sizes(env_cfg, train_cfg)
    train_cfg.algorithm.num_mini_batches = 8
    with pytest.raises(UserError, match="4 robots cannot be cut into 8 equal"):
        check_sizes(env_cfg, train_cfg)


def test_the_table_is_read_without_importing_torch():
    code = "import sys, legged_gym.utils.task_registry; sys.exit('torch' in sys.modules or 'mujoco' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=LEGGED_GYM_ROOT_DIR, check=False).returncode == 0
