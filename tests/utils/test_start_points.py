"""Finding the teacher of a student: --teacher, the newest run of its task, a shipped policy."""

from __future__ import annotations

import json
import os
from typing import Any, Optional

import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.scripts import train
from legged_gym.utils import run_folder
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from legged_gym.utils.start_points import resolve_policies, teachers_actions_about
from legged_gym.utils.training import check_sizes
from rsl_rl.models.saved_policy import build_policy
from tests.utils.fake_task import FakeCfg, FakeEnv, FakeTrainCfg


class StudentCfg(FakeTrainCfg):
    runner_class_name = "DaggerRunner"

    class policy(FakeTrainCfg.policy):
        actor_obs_groups = ["policy"]

    class algorithm:
        num_learning_epochs = 1
        batch_size = 4
        sequence_length = 2
        bc_initial_samples = 16
        extensions: Any = {}

    class runner(FakeTrainCfg.runner):
        algorithm_class_name = "DAgger"
        experiment_name = "fake_student"
        teacher: Optional[str] = None
        teacher_task: Optional[str] = "fake"


@pytest.fixture(autouse=True)
def root(monkeypatch, tmp_path):
    """Logs and shipped policies in a temporary folder, a task and its student."""
    monkeypatch.setattr(registry, "TASKS", {})
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    monkeypatch.setattr(run_folder, "POLICIES_DIR", str(tmp_path / "policies"))
    registry.register("fake", FakeEnv, FakeCfg, FakeTrainCfg)
    registry.register("fake_student", FakeEnv, FakeCfg, StudentCfg)
    return tmp_path


def make_run(root, name, task="fake", iterations=(0, 2), experiment="fake"):
    """A run folder with empty checkpoints."""
    folder = root / "logs" / experiment / name
    folder.mkdir(parents=True)
    for iteration in iterations:
        (folder / f"model_{iteration}.pt").touch()
    (folder / "config.yaml").write_text(f"task: {task}\nenv: {{}}\ntrain: {{}}\n")
    return folder


def teacher(*argv):
    cfg = StudentCfg()
    CommandLine.read(get_args(list(argv))).apply(None, cfg)
    resolve_policies(cfg)
    return cfg.runner.teacher


def test_by_default_the_newest_run_of_the_task(root):
    make_run(root, "20260101_000000_old")
    newest = make_run(root, "20260102_000000_new", iterations=(9, 10))
    make_run(root, "20260103_000000_other", task="another")
    os.remove(make_run(root, "20260104_000000_bare") / "config.yaml")
    assert teacher() == str(newest / "model_10.pt")


def test_else_the_shipped_policy(root):
    with pytest.raises(UserError) as caught:
        teacher()
    assert str(caught.value) == (
        "there is no teacher: train one (train.py --task=fake), or give --teacher=<run or checkpoint>"
    )
    shipped = root / "policies" / "fake" / "model.pt"
    shipped.parent.mkdir(parents=True)
    shipped.touch()
    assert teacher() == teacher("--teacher=fake") == str(shipped)
    make_run(root, "20260101_000000")
    assert teacher().endswith("model_2.pt")


def test_what_can_be_named(root, monkeypatch):
    run = make_run(root, "20260101_000000_old")
    make_run(root, "20260102_000000_new")
    monkeypatch.chdir(root)
    for name in ("20260101_000000_old", "logs/fake/20260101_000000_old", str(run), str(run / "model_2.pt")):
        assert teacher(f"--teacher={name}") == str(run / "model_2.pt")
    assert teacher(f"--teacher={run}/model_0.pt") == str(run / "model_0.pt")
    with pytest.raises(UserError, match="--teacher: there is no run, checkpoint or shipped policy 'nothing'"):
        teacher("--teacher=nothing")
    (root / "empty").mkdir()
    with pytest.raises(UserError, match="there is no run, checkpoint or shipped policy 'empty'"):
        teacher("--teacher=empty")


def test_a_run_knows_its_teacher_in_a_checkout_that_lies_elsewhere(root):
    shipped = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "policies", "a1_flat")
    train_cfg, saved = StudentCfg(), teacher(f"--teacher={shipped}")
    train_cfg.runner.teacher = saved
    run_folder.save_run_config(str(root), "fake_student", FakeCfg(), train_cfg)
    kept = run_folder.read_run_config(str(root))["train"]["runner"]["teacher"]
    assert kept == "{LEGGED_GYM_ROOT_DIR}/resources/policies/a1_flat/model.pt"
    assert teacher(f"--teacher={kept}") == saved


def test_what_a_new_student_is_told_to_load_is_its_teacher(root):
    run = make_run(root, "20260101_000000_old")
    make_run(root, "20260102_000000_new")
    assert teacher("--load_run=20260101_000000_old") == str(run / "model_2.pt")
    assert teacher("--load_run=20260101_000000_old", "--checkpoint=0") == str(run / "model_0.pt")
    assert teacher(f"--train.runner.resume_path={run}/model_0.pt") == str(run / "model_0.pt")
    assert teacher(f"--checkpoint={run}/model_0.pt") == str(run / "model_0.pt")
    with pytest.raises(UserError, match="nothing"):
        teacher("--load_run=nothing")
    with pytest.raises(UserError, match="--load_run says what to go on with"):
        run_train("--task=fake_student", "--load_run=20260101_000000_old", f"--teacher={run}")


def test_without_a_task_of_the_teacher_it_must_be_named(root):
    run = make_run(root, "20260101_000000")
    with pytest.raises(UserError, match="there is no teacher; give --teacher="):
        teacher("--train.runner.teacher_task=null")
    assert teacher("--train.runner.teacher_task=null", f"--teacher={run}") == str(run / "model_2.pt")


def test_tasks_without_a_teacher():
    cfg = FakeTrainCfg()
    with pytest.raises(UserError, match="--teacher: this task learns without one"):
        CommandLine.read(get_args(["--teacher=x"])).apply(None, cfg)
    resolve_policies(cfg)
    assert not hasattr(cfg.runner, "teacher")


def run_train(*flags):
    train.main(["--sim=mujoco", "--rl_device=cpu", *flags])


def test_train_teacher_then_student_then_resume(root, capsys):
    run_train("--task=fake")
    (taught_by,) = run_folder.list_runs(str(root / "logs" / "fake"))
    run_train("--task=fake_student", "--max_iterations=4", "--experiment_name=whole")
    assert f"teacher    {taught_by}/model_2.pt: copied actor" in capsys.readouterr().out
    run_train("--task=fake_student", "--max_iterations=2")
    run_train("--task=fake")  # a newer teacher must not matter to a run that is resumed
    run_train("--task=fake_student", "--max_iterations=4", "--resume")
    folders = [run_folder.list_runs(str(root / "logs" / name))[0] for name in ("whole", "fake_student")]
    first, second = (torch.load(os.path.join(f, "model_4.pt"), weights_only=True) for f in folders)
    for name, tensor in first["model_state_dict"].items():
        assert torch.equal(tensor, second["model_state_dict"][name]), name
    with open(os.path.join(folders[1], "metrics.jsonl")) as file:
        assert [json.loads(line)["iteration"] for line in file] == [1, 2, 3, 4]
    assert run_folder.read_run_config(folders[1])["train"]["runner"]["teacher"] == f"{taught_by}/model_2.pt"
    assert build_policy(f"{folders[1]}/model_4.pt")[1]["meta"]["task"] == "fake_student"


def test_a_missing_teacher_is_told_before_anything_is_built(root):
    with pytest.raises(UserError, match="there is no teacher: train one"):
        run_train("--task=fake_student")
    assert os.listdir(root) == []


def test_sizes_of_a_student():
    check_sizes(FakeCfg(), StudentCfg())
    cfg = StudentCfg()
    cfg.algorithm.num_learning_epochs = 0
    with pytest.raises(
        UserError, match=r"algorithm\.num_learning_epochs: expected a whole number of at least 1, got 0"
    ):
        check_sizes(FakeCfg(), cfg)


@pytest.mark.parametrize(
    ("policy", "length", "message"),
    [
        ({"rnn_hidden_size": None}, None, r"16 samples .* cannot be cut into 3"),
        ({"rnn_hidden_size": 8}, None, "4 robots cannot be cut into 3"),
        ({"rnn_hidden_size": 0, "encoders": {"a": None, "b": {"rnn_hidden_size": 4}}}, None, "4 robots cannot"),
        ({"rnn_hidden_size": 8}, 2, "8 sequences of 2 steps cannot be cut into 3"),
    ],
)
def test_batches_of_policies_put_together_from_encoders(policy, length, message):
    cfg = FakeTrainCfg()
    cfg.runner.policy_class_name = "SharedActorCritic"
    cfg.algorithm.num_mini_batches, cfg.algorithm.sequence_length = 3, length
    vars(cfg.policy).update(policy)
    with pytest.raises(UserError, match=message):
        check_sizes(FakeCfg(), cfg)


def start(*argv):
    cfg = FakeTrainCfg()
    CommandLine.read(get_args(list(argv))).apply(None, cfg)
    resolve_policies(cfg)
    return cfg.runner.start_from


def test_a_start_is_a_run_of_the_task_or_a_shipped_policy(root):
    run = make_run(root, "20260101_000000")
    shipped = root / "policies" / "other" / "model.pt"
    shipped.parent.mkdir(parents=True)
    shipped.touch()
    assert start() is None
    assert start("--start_from=20260101_000000") == str(run / "model_2.pt")
    assert start(f"--start_from={run}/model_0.pt") == str(run / "model_0.pt")
    assert start("--start_from=other") == str(shipped)
    with pytest.raises(UserError, match="--start_from: there is no run, checkpoint or shipped policy 'nothing'"):
        start("--start_from=nothing")
    assert start("--start_from=gone", "--resume") == "gone"  # a run goes on without the one that it began from


def test_what_the_actions_of_cloned_teachers_are_about(root):
    for name, about in (("a", "inverse_dynamics"), ("b", "default"), ("old", None)):
        control = "{}" if about is None else f"{{actions_about: {about}}}"
        config = make_run(root, name) / "config.yaml"
        config.write_text(f"task: fake\nenv: {{control: {control}}}\ntrain: {{}}\n")
    cfg = StudentCfg()
    for given, coef, found in (
        ("a", 1.0, "inverse_dynamics"), (["a", "old"], 1.0, "inverse_dynamics"), ("old", 1.0, None), ("a", 0, None),
    ):  # fmt: skip
        cfg.algorithm.extensions = {"cloning": {"teacher": given, "coef": coef}}
        cfg.runner.experiment_name, cfg.runner.teacher = "fake", str(root / "logs" / "fake" / "a")
        resolve_policies(cfg)
        assert teachers_actions_about(cfg) == found
    cfg.algorithm.extensions = {"cloning": {"teacher": ["a", "b"], "coef": 1.0}}
    resolve_policies(cfg)
    with pytest.raises(UserError, match="default, inverse_dynamics"):
        teachers_actions_about(cfg)
