"""The command line: flags, settings by path, files, and what is said about mistakes."""

from __future__ import annotations

import os

import pytest

from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import add_policy_flag
from legged_gym.utils.cli import add_training_flags, get_args, make_parser
from legged_gym.utils.options import CommandLine, read_cfg_file
from tests.utils.fake_task import FakeCfg, FakeTrainCfg


def resolve(*argv):
    env_cfg, train_cfg = FakeCfg(), FakeTrainCfg()
    env_cfg.seed = train_cfg.seed
    CommandLine.read(get_args(argv)).apply(env_cfg, train_cfg)
    return env_cfg, train_cfg


def test_without_flags_the_classes_stand():
    env_cfg, train_cfg = resolve()
    assert env_cfg.to_dict() == {**FakeCfg().to_dict(), "seed": 3}
    assert train_cfg.to_dict() == FakeTrainCfg().to_dict()


def test_flags_reach_the_configs():
    env_cfg, train_cfg = resolve(
        *["--num_envs=8", "--num_threads", "3", "--seed", "11", "--max_iterations=7", "--experiment_name=e"],
        *["--run_name", "r", "--resume", "--load_run=20260101_000000_x", "--checkpoint=5", "--logger=wandb"],
    )
    assert (env_cfg.env.num_envs, env_cfg.sim.num_threads, env_cfg.seed, train_cfg.seed) == (8, 3, 11, 11)
    runner = train_cfg.runner
    assert (runner.max_iterations, runner.experiment_name, runner.run_name, runner.resume) == (7, "e", "r", True)
    assert (runner.load_run, runner.checkpoint, runner.logger) == ("20260101_000000_x", 5, "wandb")


@pytest.mark.parametrize("argv", [["--load_run=-1", "--checkpoint=-1"], ["--load_run", "-1", "--checkpoint", "-1"]])
def test_minus_one_stands_for_the_newest(argv):
    runner = resolve(*argv)[1].runner
    assert (runner.load_run, runner.checkpoint) == (-1, -1)


@pytest.mark.parametrize(
    "argv",
    [
        ["--env.env.size=5", "--train.algorithm.learning_rate=3e-4", "--env.sim.dt=-1.5"],
        ["--env.env.size", "5", "--train.algorithm.learning_rate", "3e-4", "--env.sim.dt", "-1.5"],
    ],
)
def test_settings_by_path_with_and_without_equals_sign(argv):
    env_cfg, train_cfg = resolve(*argv)
    assert (env_cfg.env.size, train_cfg.algorithm.learning_rate, env_cfg.sim.dt) == (5, 3e-4, -1.5)


def test_precedence_is_classes_then_files_in_order_then_flags(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("env: {env: {num_envs: 10, size: 10}, sim: {dt: 1e-3}}\ntrain: {seed: 10}\n")
    second.write_text("env: {env: {num_envs: 20, size: 20}}\ntrain: {algorithm: {learning_rate: 2e-2}}\n")
    env_cfg, train_cfg = resolve(f"--cfg={first}", "--cfg", str(second), "--num_envs=30")
    assert (env_cfg.env.num_envs, env_cfg.env.size, env_cfg.sim.dt) == (30, 20, 1e-3)
    assert (train_cfg.seed, env_cfg.seed, train_cfg.algorithm.learning_rate) == (10, 10, 2e-2)
    assert train_cfg.runner.max_iterations == 2
    assert resolve(f"--cfg={second}", f"--cfg={first}")[0].env.size == 10
    assert resolve(f"--cfg={first}", "--env.env.size=1", "--num_envs=5", "--env.env.num_envs=6")[0].env.num_envs == 6


def test_applying_twice_changes_nothing_more():
    command = CommandLine.read(get_args(["--num_envs=8", "--env.env.size=5", "--seed=4"]))
    env_cfg, train_cfg = FakeCfg(), FakeTrainCfg()
    command.apply(env_cfg, train_cfg)
    once = env_cfg.to_dict(), train_cfg.to_dict()
    command.apply(env_cfg, train_cfg)
    assert (env_cfg.to_dict(), train_cfg.to_dict()) == once


def test_the_config_of_a_run_is_a_settings_file_too(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("task: fake\nversions: {}\ngit: {}\nenv: {env: {size: 9}, seed: 5}\ntrain: {seed: 5}\n")
    env_cfg, _ = resolve(f"--cfg={path}")
    assert (env_cfg.env.size, env_cfg.seed) == (9, 5)


def test_flags_of_isaac_gym_are_noted_and_ignored(capsys):
    args = get_args(
        ["--pipeline=gpu", "--graphics_device_id", "-1", "--physx", "--subscenes", "4", "--horovod", "--slices=2"]
    )
    assert args.task is None
    notes = capsys.readouterr().out.splitlines()
    assert len(notes) == 6
    assert all(note.startswith("note: --") and note.endswith("is ignored with MuJoCo") for note in notes)


def test_flags_of_isaac_lab(capsys, tmp_path):
    args = get_args(["--enable_cameras", "--video", "--video_length", "200", "--video_interval=9", "--distributed"])
    assert args.multi_gpu and get_args(["--log_project_name=walk"]).wandb_project == "walk"
    assert len(capsys.readouterr().out.splitlines()) == 2  # --video is told of by train.py
    assert get_args(["--checkpoint=model_300.pt"]).checkpoint == get_args(["--checkpoint=300"]).checkpoint == 300
    command = CommandLine.read(get_args(["--checkpoint=runs/model_3.pt"]))
    assert command.flags == {"resume_path": os.path.abspath("runs/model_3.pt")}
    parser = make_parser("")
    add_policy_flag(parser)
    command = CommandLine.read(parser.parse(["--checkpoint=runs/model_3.pt"]))
    assert (command.flags, command.policy) == ({}, os.path.abspath("runs/model_3.pt"))
    with pytest.raises(UserError, match="--checkpoint=FILE and --policy both name a policy"):
        CommandLine.read(parser.parse(["--checkpoint=a.pt", "--policy=a1"]))
    given = ["--use_pretrained_checkpoint", "--task=Isaac-Go2-Parkour-Teacher-Play-v0"]
    assert CommandLine.read(parser.parse(given)).policy == "go2_parkour"


def test_a_run_always_has_its_original_settings(capsys):
    get_args(["--original_cfg"])
    assert capsys.readouterr().out.startswith("note: --original_cfg changes nothing")


def test_stray_words_are_left_out_with_a_warning(capsys):
    args = get_args(["--task=a1_flat", "x", "--wandb_note", "two words", "--no_use_wandb"])
    assert (args.task, args.wandb_note, args.disable_wandb) == ("a1_flat", "two words", True)
    assert capsys.readouterr().out.startswith("warning: 'x' belongs to no flag")


def test_old_flags_are_not_in_the_help(capsys):
    with pytest.raises(SystemExit) as caught:
        get_args(["--help"], "what the script does")
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert "what the script does" in text and "--num_envs" in text and "physx" not in text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--num_env=3", "unknown flag --num_env; did you mean --num_envs"),
        ("--frobnicate 3", "unknown flag --frobnicate; --help lists the flags"),
        ("a1_flat", "unexpected 'a1_flat'; values are given as --flag=value"),
        ("--num_envs=0", "--num_envs: expected a whole number of at least 1, got '0'"),
        ("--num_envs=many", "--num_envs: expected a whole number, got 'many'"),
        ("--seed=-2", "--seed: expected a whole number from -1 to 2147483647, got '-2'"),
        ("--sim=bullet", "--sim: invalid choice: 'bullet'"),
        ("--num_envs", "--num_envs: expected one argument"),
        ("--env.env.size", "--env.env.size needs a value: --env.env.size=..."),
        ("--env.env.size --headless", "--env.env.size needs a value"),
        ("--env.env.sise=3", "unknown setting env.env.sise; did you mean env.env.size?"),
        ("--env.env.size=x", "env.env.size: expected a whole number, got 'x'"),
        ("--train.algorithm.learning_rat=3", "did you mean train.algorithm.learning_rate?"),
        ("--env.seed=3", "the seed of a run is given with --seed"),
        ("--cfg=/nowhere.yaml", "cannot read /nowhere.yaml: No such file or directory"),
    ],
)
def test_mistakes_are_explained_in_one_line(argv, message):
    with pytest.raises(UserError) as caught:
        resolve(*argv.split())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_task_and_a_seed_that_is_not_read_are_refused(tmp_path):
    path = tmp_path / "settings.yaml"
    for text, message in (
        ("task: go2\nenv: {}", r"is the config of task 'go2', not of 'fake'; take out its line 'task:'"),
        ("env: {seed: 5}", r"env\.seed is not read: the seed of a run is train\.seed"),
        ("env: {seed: 5}\ntrain: {seed: 4}", r"env\.seed is not read"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_cfg_file(str(path), "fake")
    path.write_text("task: fake\nenv: {seed: 5}\ntrain: {seed: 5}")
    assert read_cfg_file(str(path), "fake") == {"env": {"seed": 5}, "train": {"seed": 5}}


def test_a_key_that_stands_twice_is_told(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("env:\n  sim: {dt: 0.002}\n  env: {size: 3}\n  sim: {num_threads: 1}\n")
    with pytest.raises(UserError, match=r"my\.yaml: env\.sim stands twice, in lines 2 and 4$"):
        read_cfg_file(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("env: {env: {sise: 3}}", "unknown setting env.env.sise; did you mean env.env.size?"),
        ("env: {env: {size: big}}", "env.env.size: expected a whole number, got 'big'"),
        ("env: 5", "env: expected a group of settings, got 5"),
        ("environment: {}", "unknown part 'environment'"),
        ("[1, 2]", "expected the parts 'env:' and 'train:', got list"),
        ("env: {", "this is not YAML"),
    ],
)
def test_mistakes_in_a_file_name_the_file(tmp_path, content, message):
    path = tmp_path / "settings.yaml"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        resolve(f"--cfg={path}")
    assert "settings.yaml" in str(caught.value)
    assert message in str(caught.value)


def test_a_weight_switches_on_any_reward_of_the_environment(tmp_path):
    """And a name that the environment has no term for is told before anything is made."""
    env_cfg, _ = registry.find("a1_flat").new_cfgs()
    assert not hasattr(env_cfg.rewards.scales, "progress")
    CommandLine.read(get_args(["--task=a1_flat", "--env.rewards.scales.progress=2"])).apply(env_cfg)
    assert env_cfg.rewards.scales.progress == 2.0
    path = tmp_path / "weights.yaml"
    path.write_text("env: {rewards: {scales: {progres: 2}}}")
    for flag in ("--env.rewards.scales.progres=2", f"--cfg={path}"):
        line = CommandLine.read(get_args(["--task=a1_flat", flag]))
        message = "env.rewards.scales.progres: LeggedRobot has no method _reward_progres; did you mean progress"
        with pytest.raises(UserError, match=message):
            line.apply(registry.find("a1_flat").new_cfgs()[0])


def test_an_empty_file_changes_nothing(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("# nothing yet\n")
    assert resolve(f"--cfg={path}")[1].to_dict() == FakeTrainCfg().to_dict()


def test_a_script_without_training_has_no_training_flags():
    parser = make_parser("play")
    args = parser.parse(["--num_envs=2", "--load_run=x"])
    train_cfg = FakeTrainCfg()
    CommandLine.read(args).apply(FakeCfg(), train_cfg)
    assert (train_cfg.runner.load_run, train_cfg.runner.resume) == ("x", False)
    with pytest.raises(UserError, match="unknown flag --max_iterations"):
        parser.parse(["--max_iterations=3"])
    add_training_flags(parser)
    assert parser.parse(["--max_iterations=3"]).max_iterations == 3
