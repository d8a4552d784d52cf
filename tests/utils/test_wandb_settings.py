"""When a training logs to Weights & Biases, under which names, and what is said when it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.utils import wandb_settings
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from tests.sweeps import fake_train
from tests.utils.fake_task import FakeTrainCfg

TRAIN = os.path.join(LEGGED_GYM_ROOT_DIR, "legged_gym", "scripts", "train.py")


@pytest.fixture
def file(monkeypatch, tmp_path):
    """The user's file, absent at first, a package that lets everybody in, and no variables."""
    path = tmp_path / "wandb_config.json"
    monkeypatch.setattr(wandb_settings, "WANDB_CONFIG", str(path))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(login=lambda prompt: True))
    for name in ("WANDB_MODE", "WANDB_SAVE_CODE", "WANDB_CODE_DIR", "WANDB_INIT_TIMEOUT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return path


def choose(*flags, **runner):
    train_cfg = FakeTrainCfg()
    train_cfg.runner.logger = "tensorboard"
    vars(train_cfg.runner).update(wandb_project=None, wandb_entity=None, wandb_mode=None)
    vars(train_cfg.runner).update(runner)
    command = CommandLine.read(get_args(["--task=fake", *flags]))
    command.apply(None, train_cfg)
    wandb_settings.choose_logger(command, train_cfg)
    chosen = train_cfg.runner
    return chosen.logger, chosen.wandb_entity, chosen.wandb_project, chosen.wandb_mode


@pytest.mark.parametrize("text", ["train: {runner: {logger: tensorboard}}", "train: {runner.logger: tensorboard}"])
def test_a_logger_that_a_file_names_is_obeyed(file, tmp_path, text):
    file.write_text(json.dumps(BOTH))
    (tmp_path / "mine.yaml").write_text(text)
    assert choose(f"--cfg={tmp_path / 'mine.yaml'}")[0] == "tensorboard"
    (tmp_path / "mine.yaml").write_text("train: {runner: {experiment_name: other}}")
    assert choose(f"--cfg={tmp_path / 'mine.yaml'}")[0] == "wandb"


P, E = "--wandb_project=p", "--wandb_entity=e"
BOTH = {"entity": "E", "project": "P"}


@pytest.mark.parametrize(
    ("flags", "content", "expected"),
    [
        ([], None, ("tensorboard", None, None, None)),
        ([P, E], None, ("wandb", "e", "p", "online")),
        ([], BOTH, ("wandb", "E", "P", "online")),
        ([P], BOTH, ("wandb", "E", "p", "online")),  # entity from the file, project from the flag
        ([E], BOTH, ("wandb", "e", "P", "online")),
        ([P, E], BOTH, ("wandb", "e", "p", "online")),
        ([P], {"entity": "E"}, ("wandb", "E", "p", "online")),
        ([], {"project": "P"}, ("tensorboard", None, None, None)),
        ([], {"entity": "YOUR-ACCOUNT", "project": "P"}, ("tensorboard", None, None, None)),
        ([E], {"entity": "YOUR-ACCOUNT", "project": "P"}, ("wandb", "e", "P", "online")),
        ([], {"entity": "", "project": "P"}, ("tensorboard", None, None, None)),
        (["--disable_wandb"], BOTH, ("tensorboard", None, None, None)),
        (["--disable_wandb", P, E], None, ("tensorboard", "e", "p", None)),
        (["--disable_wandb", "--logger=wandb"], BOTH, ("tensorboard", None, None, None)),
        (["--logger=none"], BOTH, ("none", None, None, None)),
        (["--logger=tensorboard"], BOTH, ("tensorboard", None, None, None)),
        (["--train.runner.logger=tensorboard"], BOTH, ("tensorboard", None, None, None)),
        (["--logger=wandb"], None, ("wandb", None, None, "offline")),
        (["--logger=wandb"], BOTH, ("wandb", "E", "P", "online")),
        (["--logger=wandb", P], None, ("wandb", None, "p", "offline")),
    ],
)
def test_each_name_comes_from_the_strongest_source(file, flags, content, expected):
    if content is not None:
        file.write_text(json.dumps(content))
    assert choose(*flags) == expected


def test_settings_stand_between_flags_and_the_file(file):
    file.write_text(json.dumps(BOTH))
    assert choose(wandb_project="s") == ("wandb", "E", "s", "online")
    assert choose(P, wandb_project="s") == ("wandb", "E", "p", "online")
    assert choose(wandb_mode="offline") == ("wandb", "E", "P", "offline")


@pytest.mark.parametrize(("mode", "logger"), [("offline", "wandb"), ("online", "wandb"), ("disabled", "tensorboard")])
def test_the_variable_decides_the_mode(file, monkeypatch, mode, logger):
    monkeypatch.setenv("WANDB_MODE", mode)
    chosen = choose(P, E)
    assert chosen[0] == logger and chosen[3] == (mode if logger == "wandb" else None)


def test_a_name_that_is_missing_is_told(file, capsys):
    choose(P)
    assert capsys.readouterr().out == "note: W&B is off, the entity is not known; give --wandb_entity\n"


def test_unknown_keys_are_told_and_ignored(file, capsys):
    file.write_text(json.dumps({**BOTH, "team": "x"}))
    assert choose()[0] == "wandb"
    assert "unknown key 'team'; it may have entity and project" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [('{"entity": 3}', "entity: expected text, got 3"), ("[]", "expected"), ("{", "this is not JSON")],
)
def test_a_file_that_makes_no_sense_is_a_mistake(file, text, message):
    file.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        choose()
    assert str(file) in str(error.value)


def test_the_template_of_the_file_counts_as_unset():
    folder = os.path.dirname(wandb_settings.WANDB_CONFIG)
    template = os.path.join(folder, "wandb_config_example.json")
    assert wandb_settings.read_names(template) == {"entity": None, "project": None}
    with open(template) as file:
        assert set(json.load(file)) == {"entity", "project"}


def test_a_missing_package_key_or_server_ends_the_script_before_anything_is_built(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # makes the import fail
    with pytest.raises(UserError, match=r"wandb is not installed: pip install .* --disable_wandb"):
        choose(P, E)
    assert choose(P, E, "--disable_wandb")[0] == "tensorboard"

    def refuse(prompt):
        raise OSError("no route")

    for login, message in (
        (lambda prompt: prompt, "no API key: run 'wandb login'"),
        (refuse, "no route; or work without"),
    ):
        monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(login=login))
        with pytest.raises(UserError, match=message):
            choose(P, E)


def environment(tmp_path, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    dead = "http://127.0.0.1:9"
    return {**kept, "HOME": str(tmp_path), "http_proxy": dead, "https_proxy": dead, **variables}


def test_the_package_itself_asks_nobody_for_a_key(tmp_path):
    done = subprocess.run(
        [sys.executable, TRAIN, "--task=a1_flat", P, E],
        env=environment(tmp_path), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if line.startswith("error")] == done.stderr.splitlines()[-1:]
    assert "W&B has no API key" in done.stderr and "Traceback" not in done.stderr


def train_fake(tmp_path, *flags, **variables):
    variables["PYTHONPATH"] = LEGGED_GYM_ROOT_DIR
    done = subprocess.run(
        [sys.executable, fake_train.__file__, *flags],
        env=environment(tmp_path, **variables), cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]  # whether the package was loaded


def test_by_default_the_package_is_not_even_imported(tmp_path):
    assert train_fake(tmp_path) == "loaded False"


def test_a_training_with_flags_writes_an_offline_run_with_its_source(tmp_path):
    assert train_fake(tmp_path, P, E, WANDB_MODE="offline", WANDB_SILENT="true") == "loaded True"
    (run,) = (tmp_path / "logs" / "fake").iterdir()
    (file,) = run.glob("wandb/offline-run-*/run-*.wandb")
    content = file.read_bytes()
    assert b"Train/iteration_time" in content and b"Perf/collection_time" in content
    assert b"source-p-" in content  # the artifact with the code
