"""Run folders: unique names, the newest run, the right checkpoint, configs that come back."""

from __future__ import annotations

import os
from typing import Optional

import pytest
import torch
import yaml

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.utils import run_folder
from tests.utils.fake_task import FakeCfg, FakeTrainCfg


class DriveCfg(FakeCfg):
    class control:
        control_type = "P"
        actuator_net_file: Optional[str] = None


def make_run(root, name, *iterations, changed=None):
    folder = root / name
    folder.mkdir(parents=True)
    for iteration in iterations:
        (folder / f"model_{iteration}.pt").write_bytes(b"")
    if changed is not None:
        os.utime(folder, (changed, changed))
    return str(folder)


def test_two_runs_in_one_second_get_two_folders_in_order(tmp_path):
    now = 1_700_000_000.0
    folders = [run_folder.create_run_folder(str(tmp_path), "walk", now) for _ in range(3)]
    names = [os.path.basename(folder) for folder in folders]
    stamp = names[0][: -len("_walk")]
    assert names == [f"{stamp}_walk", f"{stamp}-2_walk", f"{stamp}-3_walk"]
    for folder in reversed(folders):  # the time of change says the opposite of the names
        open(os.path.join(folder, "model_1.pt"), "w").close()
    assert run_folder.list_runs(str(tmp_path)) == folders


def test_a_run_without_name_is_called_by_its_time(tmp_path):
    folder = run_folder.create_run_folder(str(tmp_path), "", 1_700_000_000.0)
    assert len(os.path.basename(folder)) == len("20260101_000000")


@pytest.mark.parametrize("name", ["a/b", "../x", "..", "with space", "a\nb"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"run_name .* names a folder"):
        run_folder.create_run_folder(str(tmp_path), name)
    if name != "a/b":
        with pytest.raises(UserError, match=r"experiment_name .* names a folder"):
            run_folder.experiment_folder(name)


def test_an_experiment_may_be_a_folder_in_a_folder():
    assert run_folder.experiment_folder("rsl_rl/go2").endswith(os.path.join("logs", "rsl_rl", "go2"))
    for name in ("", "/tmp", "a//b", "a/"):
        with pytest.raises(UserError, match="is empty, or a folder in it"):
            run_folder.experiment_folder(name)


def test_a_run_can_be_named_from_outside(tmp_path, monkeypatch):
    monkeypatch.setenv("LOG_RUN_NAME", "night")
    folders = [run_folder.create_run_folder(str(tmp_path), name) for name in ("auto", "", "auto")]
    assert [os.path.basename(folder) for folder in folders] == ["night_auto", "night", "night-2_auto"]
    monkeypatch.setenv("LOG_RUN_NAME", "../night")
    with pytest.raises(UserError, match=r"LOG_RUN_NAME '../night' names a folder"):
        run_folder.create_run_folder(str(tmp_path))


def test_the_newest_run_of_a_task_where_others_have_theirs_too(tmp_path):
    mine, other, unknown = (make_run(tmp_path, f"2026010{k}_120000", 1) for k in (2, 3, 1))
    for folder, task in ((mine, "a"), (other, "b")):
        run_folder.save_run_config(folder, task, FakeCfg(), FakeTrainCfg())
    assert run_folder.get_load_path(str(tmp_path), tasks=("a-play", "a")).startswith(mine)
    assert run_folder.get_load_path(str(tmp_path), tasks=("c",)).startswith(unknown), "which does not say"
    assert run_folder.get_load_path(str(tmp_path)).startswith(other)
    os.remove(os.path.join(unknown, "model_1.pt"))
    with pytest.raises(UserError, match=r"no run of task 'c' in .*, only of others"):
        run_folder.get_load_path(str(tmp_path), tasks=("c",))


def test_newest_run_goes_by_the_time_in_its_name_across_months(tmp_path):
    # Names with months as words sort April before January; and copying a run changes its mtime.
    old = make_run(tmp_path, "20260105_120000_b", 1, changed=2_000_000_000)
    new = make_run(tmp_path, "20260401_120000_a", 1, changed=1_000_000_000)
    assert run_folder.list_runs(str(tmp_path)) == [old, new]


def test_renamed_runs_go_by_their_time_of_change(tmp_path):
    stamped = make_run(tmp_path, "20260105_120000", 1)
    renamed_old = make_run(tmp_path, "best_walk", 1, changed=1_000_000_000)
    renamed_new = make_run(tmp_path, "99999999_999999", 1, changed=2_500_000_000)  # digits, but no date
    assert run_folder.list_runs(str(tmp_path)) == [renamed_old, stamped, renamed_new]


def test_folders_without_checkpoints_are_no_runs(tmp_path):
    run = make_run(tmp_path, "20260101_120000", 0)
    make_run(tmp_path, "20260201_120000")
    make_run(tmp_path, "exported", 5)
    (tmp_path / "20260301_120000").write_text("a file")
    (tmp_path / "20260201_120000" / "model_best.pt").write_bytes(b"")
    (tmp_path / "20260201_120000" / "model_3.pt.tmp").write_bytes(b"")
    assert run_folder.get_load_path(str(tmp_path)) == os.path.join(run, "model_0.pt")


def test_checkpoints_go_by_number(tmp_path):
    run = make_run(tmp_path, "20260101_120000", 9, 1000, 100)
    assert [iteration for iteration, _ in run_folder.list_checkpoints(run)] == [9, 100, 1000]
    assert run_folder.get_load_path(str(tmp_path)) == os.path.join(run, "model_1000.pt")
    assert run_folder.get_load_path(str(tmp_path), checkpoint=9) == os.path.join(run, "model_9.pt")


def test_a_run_can_be_named_or_given_by_its_path(tmp_path):
    run = make_run(tmp_path / "a", "20260101_120000_x", 1)
    make_run(tmp_path / "a", "20260201_120000_y", 2)
    wanted = os.path.join(run, "model_1.pt")
    assert run_folder.get_load_path(str(tmp_path / "a"), "20260101_120000_x") == wanted
    assert run_folder.get_load_path(str(tmp_path / "other"), run + os.sep) == wanted
    assert run_folder.get_load_path(str(tmp_path / "a"), "x") == wanted, "by the end of its name"
    newer = make_run(tmp_path / "a", "20260301_120000_x", 4)
    assert run_folder.get_load_path(str(tmp_path / "a"), "x") == os.path.join(newer, "model_4.pt"), "the newest of two"


def test_errors_list_what_there_is(tmp_path):
    root = tmp_path / "walk"
    with pytest.raises(UserError, match=r"no run with a checkpoint in .*walk; train first"):
        run_folder.get_load_path(str(root))
    run = make_run(root, "20260101_120000", 5, 10)
    with pytest.raises(UserError, match=r"no run '2027' in .*; it has 20260101_120000$"):
        run_folder.get_load_path(str(root), "2027")
    with pytest.raises(UserError, match=r"has no checkpoint 7; it has 5, 10$"):
        run_folder.get_load_path(str(root), checkpoint=7)
    with pytest.raises(UserError, match=r"experiments with runs are walk$"):
        run_folder.get_load_path(str(tmp_path / "wlak"))
    for iteration in range(20, 30):
        open(os.path.join(run, f"model_{iteration}.pt"), "w").close()
    with pytest.raises(UserError, match=r"it has \.\.\. 24, 25, 26, 27, 28, 29 \(12 in all\)$"):
        run_folder.get_load_path(str(root), checkpoint=7)
    with pytest.raises(UserError, match="holds no checkpoint"):
        run_folder.get_load_path(str(root), make_run(root, "20260301_120000"))


def test_folders_of_others_are_passed_over_with_a_note(tmp_path, monkeypatch, capsys):
    run, private = make_run(tmp_path / "walk", "20260101_120000", 1), make_run(tmp_path / "walk", "20260201_120000", 2)
    secret = make_run(tmp_path / "secret", "20260201_120000", 2)
    listdir = os.listdir

    def refusing(path):
        if path in (private, os.path.dirname(secret)):
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refusing)
    assert run_folder.get_load_path(str(tmp_path / "walk")) == os.path.join(run, "model_1.pt")
    note = f"note: a folder is passed over: cannot read the folder {private}: Permission denied\n"
    assert capsys.readouterr().out == note
    for root, load_run in ((tmp_path / "walk", private), (tmp_path / "secret", -1)):
        with pytest.raises(UserError, match=r"cannot read the folder .*: Permission denied$"):
            run_folder.get_load_path(str(root), load_run)


def test_other_experiments_that_cannot_be_read_are_not_named(tmp_path):
    run = make_run(tmp_path / "walk", "20260101_120000", 1)
    make_run(tmp_path / "untrained", "20260101_120000")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=r"experiments with runs are walk$"):
        run_folder.get_load_path(str(tmp_path / "wlak"))
    assert os.path.isdir(run)


def test_resume_path_is_a_checkpoint_by_itself(tmp_path):
    train_cfg = FakeTrainCfg()
    train_cfg.runner.resume_path = os.path.join(make_run(tmp_path, "x", 3), "model_3.pt")
    assert run_folder.find_checkpoint(train_cfg) == train_cfg.runner.resume_path
    train_cfg.runner.resume_path = str(tmp_path / "none.pt")
    with pytest.raises(UserError, match="--checkpoint: there is no file"):
        run_folder.find_checkpoint(train_cfg)


def test_a_saved_config_comes_back_and_the_loading_flags_do_not(tmp_path):
    env_cfg, train_cfg = FakeCfg(), FakeTrainCfg()
    env_cfg.seed, env_cfg.env.size, train_cfg.algorithm.learning_rate = 3, 9, 3e-4
    train_cfg.runner.resume, train_cfg.runner.load_run = True, "20260101_120000"
    run_folder.save_run_config(str(tmp_path), "fake", env_cfg, train_cfg, {"sim": "mujoco"})
    content = run_folder.read_run_config(str(tmp_path))
    assert (content["task"], content["run"]) == ("fake", {"sim": "mujoco"})
    assert {"numpy", "torch", "python"} <= set(content["versions"])
    assert content["env"] == env_cfg.to_dict()
    fresh_env, fresh_train = FakeCfg(), FakeTrainCfg()
    fresh_env.seed = 0
    fresh_train.runner.checkpoint = 5
    assert run_folder.restore_run_cfgs(str(tmp_path), "fake", fresh_env, fresh_train) == []
    assert fresh_env.to_dict() == env_cfg.to_dict()
    assert fresh_train.algorithm.learning_rate == 3e-4
    runner = fresh_train.runner
    assert (runner.resume, runner.load_run, runner.checkpoint) == (False, -1, 5)


@pytest.mark.parametrize(("code", "of_task"), [(True, False), (False, False), (True, True)])
def test_code_that_a_saved_config_would_run_is_named(tmp_path, code, of_task):
    """A run folder may come from anybody; drives in TorchScript are code, those of the task itself are known."""
    module = torch.nn.Linear(2, 1)
    path = str(tmp_path / "drives.pt")
    torch.jit.save(torch.jit.script(module), path) if code else torch.save(module.state_dict(), path)
    saved = DriveCfg()
    saved.control.control_type, saved.control.actuator_net_file = "actuator_net", path
    run_folder.save_run_config(str(tmp_path), "fake", saved, FakeTrainCfg())
    fresh = saved if of_task else DriveCfg()
    problems = run_folder.restore_run_cfgs(str(tmp_path), "fake", fresh, FakeTrainCfg())
    note = f"control.actuator_net_file {path} is TorchScript: its code runs when it is loaded"
    assert problems == ([note] if code and not of_task else [])


def test_a_config_of_an_older_version_is_read_as_far_as_it_goes(tmp_path):
    run_folder.save_run_config(str(tmp_path), "fake", FakeCfg(), FakeTrainCfg())
    content = run_folder.read_run_config(str(tmp_path))
    content["env"]["env"].update(size=8, gravity=9.81)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    env_cfg = FakeCfg()
    problems = run_folder.restore_run_cfgs(str(tmp_path), "fake", env_cfg, FakeTrainCfg())
    assert env_cfg.env.size == 8
    assert len(problems) == 1 and "unknown setting env.env.gravity" in problems[0]
    with pytest.raises(UserError, match="is of task 'fake', not 'other'"):
        run_folder.restore_run_cfgs(str(tmp_path), "other", env_cfg, FakeTrainCfg())


def test_a_weight_that_a_run_was_given_is_restored_and_one_without_a_term_is_told(tmp_path):
    env_cfg, train_cfg = registry.find("a1_flat").new_cfgs()
    env_cfg.update({"rewards": {"scales": {"progress": 2.0, "of_old": 1.0}}})
    run_folder.save_run_config(str(tmp_path), "a1_flat", env_cfg, train_cfg)
    fresh, train_cfg = registry.find("a1_flat").new_cfgs()
    (problem,) = run_folder.restore_run_cfgs(str(tmp_path), "a1_flat", fresh, train_cfg)
    assert problem.startswith("env.rewards.scales.of_old: LeggedRobot has no method _reward_of_old")
    assert fresh.rewards.scales.progress == 2.0 and not hasattr(fresh.rewards.scales, "of_old")


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot read"), ("env: [", "not YAML"), ("5", "not the config")]
)
def test_a_missing_or_damaged_config_is_one_clear_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(UserError, match=message):
        run_folder.read_run_config(str(tmp_path))


def test_configs_of_earlier_parts_of_a_run_are_kept(tmp_path):
    env_cfg, train_cfg = FakeCfg(), FakeTrainCfg()
    for size in (1, 2, 3):
        env_cfg.env.size = size
        run_folder.save_run_config(str(tmp_path), "fake", env_cfg, train_cfg)
    sizes = {
        name: yaml.safe_load((tmp_path / name).read_text())["env"]["env"]["size"]
        for name in ("config_1.yaml", "config_2.yaml", "config.yaml")
    }
    assert sizes == {"config_1.yaml": 1, "config_2.yaml": 2, "config.yaml": 3}
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("task: fake\nenv: {}\ntrain: {runner: [1]}\n", r"runner of train\.runner is \[1\]; it must be a section"),
        ("task: fake\nenv: {rewards: 5}\ntrain: {}\n", r"rewards of env\.rewards\.scales is 5; it must be a section"),
    ],
)
def test_a_config_of_a_run_with_something_else_for_a_section_is_one_clear_line(tmp_path, content, message):
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        run_folder.restore_run_cfgs(str(tmp_path), "fake", FakeCfg(), FakeTrainCfg())
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_reward_that_did_not_exist_yet_is_not_paid_in_a_run_that_goes_on(tmp_path):
    class OlderCfg(FakeCfg):
        class rewards:
            class scales:
                speed = 2.0

    class NewerCfg(FakeCfg):
        class rewards:
            class scales:
                speed = 1.0
                stance = -0.5

    run_folder.save_run_config(str(tmp_path), "fake", OlderCfg(), FakeTrainCfg())
    env_cfg = NewerCfg()
    assert run_folder.restore_run_cfgs(str(tmp_path), "fake", env_cfg, FakeTrainCfg()) == []
    assert env_cfg.to_dict()["rewards"]["scales"] == {"speed": 2.0, "stance": 0.0}


def test_runs_lie_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.delenv("LEGGED_GYM_LOGS", raising=False)
    assert run_folder.logs_folder() == os.path.join(LEGGED_GYM_ROOT_DIR, "logs")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LEGGED_GYM_LOGS", os.path.join("~", "runs"))
    assert run_folder.experiment_folder("one/two") == str(tmp_path / "runs" / "one" / "two")
    run = run_folder.create_run_folder(run_folder.experiment_folder("one/two"))
    run_folder.discard(run)
    assert not (tmp_path / "runs" / "one").exists()
