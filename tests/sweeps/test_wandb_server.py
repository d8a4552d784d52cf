"""Sweeps on Weights & Biases, with a stand-in for the server: who is called how, and what every run trains with."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.scripts import sweep as script
from legged_gym.sweeps import config as sweep_config
from legged_gym.sweeps.wandb_server import run_sweep
from legged_gym.utils import wandb_settings
from legged_gym.utils.options import CommandLine
from tests.sweeps import fake_train
from tests.utils import fake_wandb
from tests.utils.fake_task import FakeCfg, FakeEnv, FakeTrainCfg

SIZE, ROBOTS, SEED = "env_cfg.env.size", "env_cfg.env.num_envs", "env_cfg.seed"
NAMES = ("--wandb_entity=e", "--wandb_project=p")


@pytest.fixture
def server(monkeypatch, tmp_path):
    """The stand-in as `wandb`, here and in processes started from here; returns its folder."""
    spec = importlib.util.spec_from_file_location("wandb", fake_wandb.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "wandb.py").write_text(Path(fake_wandb.__file__).read_text())
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setattr(registry, "TASKS", dict(registry.TASKS))
    registry.register("fake", FakeEnv, FakeCfg, FakeTrainCfg)
    monkeypatch.setattr(wandb_settings, "WANDB_CONFIG", str(tmp_path / "wandb_config.json"))
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{LEGGED_GYM_ROOT_DIR}")
    monkeypatch.setenv("FAKE_WANDB", str(tmp_path))
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.delenv("WANDB_MODE")
    for name in ("WANDB_SAVE_CODE", "WANDB_CODE_DIR", "WANDB_INIT_TIMEOUT"):  # set on the way; put back afterwards
        monkeypatch.setenv(name, "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def calls(server, name):
    lines = (server / "calls.jsonl").read_text().splitlines()
    return [call for call in map(json.loads, lines) if call["call"] == name]


def start(server, handed_out, *flags, content=None, train=(sys.executable, fake_train.__file__)):
    (server / "parameters.json").write_text(json.dumps(handed_out))
    args, arguments = script.parse(["--task=fake", *flags])
    sweep = sweep_config.parse(content) if content else None
    run_sweep(
        CommandLine.read(args), [flag for flag in arguments if flag != "--task=fake"], sweep, args.wandb_sweep_id, train
    )


def test_every_run_is_a_process_that_trains_with_its_parameters(server, capfd):
    handed_out = [{SIZE: 3, ROBOTS: 8, SEED: 11}, {SIZE: 4, ROBOTS: 8, SEED: 12}, {SIZE: 5, ROBOTS: 8, SEED: 13}]
    content = {"method": "random", "run_cap": 2, "parameters": {SIZE: {"values": [3, 4, 5]}}}
    start(server, handed_out, *NAMES, "--num_envs=16", content=content)
    assert "join it with --wandb_sweep_id=e/p/abcd1234" in capfd.readouterr().out
    (created,) = calls(server, "sweep")
    assert (created["config"], created["entity"], created["project"]) == (content, "e", "p")
    (agent,) = calls(server, "agent")
    assert (agent["id"], agent["entity"], agent["project"], agent["count"]) == ("abcd1234", "e", "p", 2)
    runs = sorted((server / "logs" / "fake").iterdir())
    assert len({os.getpid(), *(call["pid"] for call in calls(server, "init"))}) == 3
    assert [call["run"] for call in calls(server, "init")] == ["0", "1"]
    for number, run in enumerate(runs):
        settings = yaml.safe_load((run / "config.yaml").read_text())
        assert settings["env"]["env"] == {"num_envs": 16, "size": 3 + number}  # the flag wins
        assert settings["train"]["seed"] == settings["env"]["seed"] == 11 + number
        (update,) = [call["values"] for call in calls(server, "update") if call["run"] == str(number)]
        assert update[ROBOTS] == 16 and SIZE not in update  # and W&B is told so
        assert update["env"] == settings["env"]
        logged = [call for call in calls(server, "log") if call["run"] == str(number)]
        assert [call["step"] for call in logged] == [1, 2] and "Perf/collection_time" in logged[0]["tags"]
        assert [call["exit_code"] for call in calls(server, "finish") if call["run"] == str(number)] == [0]


@pytest.mark.parametrize("sweep_id", ["xyz", "e/p/xyz"])
def test_a_sweep_is_joined_by_its_short_or_full_id(server, sweep_id):
    names = NAMES if "/" not in sweep_id else ("--wandb_entity=other",)
    start(server, [], *names, f"--wandb_sweep_id={sweep_id}")
    (agent,) = calls(server, "agent")
    assert (agent["id"], agent["entity"], agent["project"], agent["count"]) == ("xyz", "e", "p", None)
    assert calls(server, "sweep") == []


def test_failed_runs_do_not_end_the_loop_until_three_in_a_row(server, capsys):
    code = "import os, sys; sys.exit('{}'.split()[int(os.environ['WANDB_RUN_ID'])] != 'ok')"
    failing = (sys.executable, "-c", code.format("bad bad ok bad bad bad ok"))
    with pytest.raises(UserError, match="3 runs in a row failed"):
        start(server, [{}] * 7, *NAMES, "--wandb_sweep_id=xyz", train=failing)
    assert capsys.readouterr().out.count("warning: the run failed with exit status 1") == 5


def test_ctrl_c_lets_the_training_save_and_ends_the_sweep(server):
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path('saved').touch(), sys.exit(75)))\n"
        "pathlib.Path('started').touch()\n"
        "time.sleep(600)"
    )

    def interrupt():
        deadline = threading.Event()
        while not (server / "started").exists():
            deadline.wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        start(server, [{}] * 3, *NAMES, "--wandb_sweep_id=xyz", train=(sys.executable, "-c", code))
    assert (server / "saved").exists()


@pytest.mark.parametrize(
    ("flags", "mode", "message"),
    [
        ((), None, "a sweep needs --wandb_entity and --wandb_project, or --local"),
        (("--wandb_project=p",), None, "a sweep needs --wandb_entity"),
        (NAMES, "offline", "W&B is offline, and only its server"),
        (NAMES, "disabled", "W&B is disabled"),
        ((*NAMES, "--disable_wandb"), None, "W&B is disabled"),
        ((*NAMES, "--wandb_sweep_id=p/xyz"), None, "expected <id> or <entity>/<project>/<id>"),
    ],
)
def test_what_a_sweep_needs(server, monkeypatch, flags, mode, message):
    if mode:
        monkeypatch.setenv("WANDB_MODE", mode)
    with pytest.raises(UserError, match=message):
        start(server, [], "--wandb_sweep_id=xyz", *flags)


def test_a_server_that_fails_is_one_line(server, monkeypatch):
    content = {"method": "random", "parameters": {SIZE: {"value": 3}}}

    def fail(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(sys.modules["wandb"], "sweep", fail)
    with pytest.raises(UserError, match="cannot create the sweep: no route; --local"):
        start(server, [], *NAMES, content=content)


def test_a_run_of_the_package_itself_gets_its_parameters_and_logs_offline(tmp_path):
    # What W&B's agent puts into the environment of a run, with the package and without its server.
    (tmp_path / "parameters.yaml").write_text(
        yaml.safe_dump({"wandb_version": 1, SIZE: {"value": 3}, SEED: {"value": 9}})
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    variables = {
        "PYTHONPATH": LEGGED_GYM_ROOT_DIR, "HOME": str(tmp_path), "WANDB_MODE": "offline", "WANDB_SILENT": "true",
        "WANDB_SWEEP_ID": "test_sweep", "WANDB_RUN_ID": "abc", "WANDB_DIR": str(tmp_path),
        "WANDB_SWEEP_PARAM_PATH": str(tmp_path / "parameters.yaml"), "http_proxy": "http://127.0.0.1:9",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, fake_train.__file__],
        env={**kept, **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "logs" / "fake").iterdir()
    settings = yaml.safe_load((run / "config.yaml").read_text())
    assert settings["env"]["env"]["size"] == 3 and settings["train"]["seed"] == 9
    (file,) = tmp_path.glob("wandb/offline-run-*-abc/run-abc.wandb")
    assert b"Train/iteration_time" in file.read_bytes()
