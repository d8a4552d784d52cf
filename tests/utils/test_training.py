"""Plans: what they copy, what they settle, and that nobody's config is written to."""

from __future__ import annotations

import os
import types
from dataclasses import replace

import pytest

from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from legged_gym.utils.start_points import resolve_several_teachers
from legged_gym.utils.task_registry import task_registry
from legged_gym.utils.training import make_env, make_runner, plan_training, resolve
from rsl_rl.utils.distributed import Distributed
from tests.utils.fake_task import FakeCfg, FakeEnv, FakeTrainCfg


@pytest.fixture(autouse=True)
def fake_task(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "TASKS", {})
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    registry.register("fake", FakeEnv, FakeCfg, FakeTrainCfg)


def plan(*flags):
    return plan_training(CommandLine.read(get_args(["--task=fake", "--sim=mujoco", "--device=cpu", *flags])))


def test_a_change_and_a_seed_come_in_configs_of_their_own():
    first = plan("--seed=-1")

    def change(cfg):
        cfg.env.size = 9

    changed, settled = first.changed(change), first.settled()
    assert (first.env_cfg.env.size, changed.env_cfg.env.size) == (2, 9)
    assert first.env_cfg.seed == -1 == first.train_cfg.seed and first.options.distributed is None
    assert settled.env_cfg.seed == settled.train_cfg.seed >= 0
    assert (settled.options.sim_device, settled.options.rl_device) == ("cpu", "cpu")
    assert settled.settled().env_cfg.seed == settled.env_cfg.seed


def test_a_change_is_weaker_than_the_command_line(tmp_path):
    (tmp_path / "mine.yaml").write_text("env: {env: {size: 5}}")

    def change(cfg):
        cfg.env.size, cfg.env.num_envs, cfg.sim.dt = 7, 7, 7.0

    env_cfg, _ = resolve("fake", CommandLine("fake", files=(str(tmp_path / "mine.yaml"),)), change=change)
    assert (env_cfg.env.size, env_cfg.env.num_envs, env_cfg.sim.dt) == (5, 7, 7.0)


def test_configs_and_arguments_of_the_caller_stay_as_they_are(tmp_path):
    args = get_args(["--task=fake", "--num_envs=2", "--seed=-1", "--max_iterations=5", "--sim=mujoco", "--device=cpu"])
    given = vars(args).copy()
    cfgs = task_registry.get_cfgs("fake")
    before = [cfg.to_dict() for cfg in cfgs]
    env, used = task_registry.make_env("fake", args, cfgs[0])
    _, train_used = task_registry.make_alg_runner(env, args=args, train_cfg=cfgs[1], log_root=None)
    assert [cfg.to_dict() for cfg in cfgs] == before and vars(args) == given
    assert (used.env.num_envs, train_used.runner.max_iterations) == (2, 5)
    assert used is env.cfg and used.seed == train_used.seed >= 0


@pytest.mark.parametrize("flag", ["--load_run=x", "--checkpoint=0"])
def test_a_new_run_has_nothing_to_load(flag):
    with pytest.raises(UserError, match="says what to go on with, and a new run goes on with nothing"):
        plan(flag)


@pytest.mark.parametrize("flag", ["--train.policy.re_init_std=true", "--train.runner.load_model_strict=false"])
def test_resuming_with_networks_that_are_changed_is_a_new_run(flag, tmp_path):
    """As its settings are those of the task, any task's run will do."""
    for name in ("20260101_000000_a", "20260102_000000_b"):
        folder = tmp_path / "logs" / "fake" / name
        folder.mkdir(parents=True)
        (folder / "model_3.pt").touch()
        (folder / "model_12.pt").touch()
        (folder / "config.yaml").write_text("task: another\nenv: {}\ntrain: {}\n")
    new = plan("--resume", flag)
    assert new.checkpoint is None and not new.train_cfg.runner.resume
    assert new.train_cfg.runner.start_from == str(folder / "model_12.pt")
    named = plan("--resume", flag, "--load_run=20260101_000000_a", "--checkpoint=3").train_cfg.runner
    assert named.start_from.endswith("20260101_000000_a/model_3.pt") and (named.load_run, named.checkpoint) == (-1, -1)
    with pytest.raises(UserError, match="no run of task 'fake' in"):
        plan("--resume")  # which goes on with that run, so it has to be of this task


def test_bounds_of_actions_are_those_of_the_environment_unless_they_are_given():
    for table, limit in (("{}", 4.0), ("{limit: 3.0}", 3.0)):
        made = plan(f"--train.algorithm.extensions={{bounds: {table}}}").settled()
        runner = make_runner(made, make_env(made), None)
        assert runner.algorithm.extensions["bounds"]._limit == limit


def test_policies_to_clone_are_found(tmp_path):
    run = tmp_path / "logs" / "fake" / "20260101_000000_a"
    run.mkdir(parents=True)
    (run / "model_3.pt").touch()
    (tmp_path / "script.pt").touch()

    def extensions(teacher, coef=1.0):
        table = f"{{cloning: {{teacher: {teacher}, coef: {coef}}}}}"
        return plan(f"--train.algorithm.extensions={table}").train_cfg.algorithm.extensions

    found = extensions("20260101_000000_a")
    assert found["cloning"] == {"teacher": str(run / "model_3.pt"), "coef": 1.0}
    several = extensions(f"[{run}, {tmp_path}/script.pt]")["cloning"]["teacher"]
    assert several == [str(run / "model_3.pt"), str(tmp_path / "script.pt")]
    assert extensions("nowhere", 0)["cloning"]["teacher"] == "nowhere"  # which nobody asks
    with pytest.raises(UserError, match="policy_to_clone: there is no run, checkpoint or shipped policy 'nowhere'"):
        extensions("nowhere")


def test_clips_name_their_teachers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("walks", "dances"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model_3.pt").touch()
    train_cfg = plan().train_cfg

    def resolved(**cloning):
        table = {"cloning": {"several": True, "teacher": None, "coef": 1.0, **cloning}}
        resolve_several_teachers(train_cfg, table, ["walks", "dances"])
        return table["cloning"]["teacher"]

    assert [os.path.relpath(path) for path in resolved()] == ["walks/model_3.pt", "dances/model_3.pt"]
    assert resolved(teacher=["a", "b"]) == ["a", "b"]
    assert resolved(teacher="a", several=False) == "a" and resolved(coef=0) is None
    for teachers in ("a", ["a"], ["a", "b", "c"]):
        with pytest.raises(UserError, match="and the clips name 2: give those of walks, dances in this order"):
            resolved(teacher=teachers)
    resolve_several_teachers(train_cfg, {"cloning": None}, ["walks"])


def test_processes_take_the_files_of_a_robot_in_turn():
    """As `asset.use_alt_files` asks, and not without it; the plan's own config stays as it is."""

    def change(cfg):
        cfg.asset = types.SimpleNamespace(file="a", alt_files=["b", "c"], use_alt_files=True)

    settled = plan().changed(change).settled()
    files = []
    for rank in range(5):
        options = replace(settled.options, distributed=Distributed(rank=rank, world_size=5))
        files.append(make_env(replace(settled, options=options)).cfg.asset.file)
    assert files == ["a", "b", "c", "a", "b"] and settled.env_cfg.asset.file == "a"
    settled.env_cfg.asset.use_alt_files = False
    assert make_env(replace(settled, options=options)).cfg.asset.file == "a"
