"""sweep.py from the outside: mistakes in one line, and a local sweep of real trainings."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import pytest
import yaml

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.scripts import sweep
from legged_gym.utils import wandb_settings

SWEEP = os.path.join(LEGGED_GYM_ROOT_DIR, "legged_gym", "scripts", "sweep.py")
RATE = "train_cfg.algorithm.learning_rate"


@pytest.fixture
def root(monkeypatch, tmp_path):
    """Sweeps in a temporary folder, and no names of the developer."""
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    monkeypatch.setattr(wandb_settings, "WANDB_CONFIG", str(tmp_path / "wandb_config.json"))
    return tmp_path


def write(folder, **content):
    content = {"method": "grid", "parameters": {RATE: {"values": [1e-4, 1e-3]}}, **content}
    (folder / "sweep.json").write_text(json.dumps(content))
    return f"--wandb_sweep_config={folder / 'sweep.json'}"


@pytest.mark.parametrize(
    ("flags", "content", "message"),
    [
        ([], {}, "which task? --task=<name>"),
        (["--task=a1_flt"], {}, "unknown task 'a1_flt'"),
        (["--task=a1_flat"], {}, "a sweep needs --wandb_entity and --wandb_project, or --local"),
        (
            ["--task=a1_flat", "--local"],
            {"parameters": {"env_cfg.env.num_env": {"value": 1}}},
            "did you mean env_cfg.env",
        ),
        (["--task=a1_flat", "--local"], {"method": "guess"}, "method: expected grid, random or bayes, got 'guess'"),
        (
            ["--task=a1_flat", "--local", "--num_workers=0"],
            {},
            "--num_workers: expected a whole number of at least 1, got '0'",
        ),
        (["--task=a1_flat", "--num_workers=2"], {}, "--num_workers is for local sweeps"),
        (["--task=a1_flat", "--local", "--resume"], {}, "--resume and --run_folder are for single runs"),
        (["--wandb_sweep_id=local-00000000"], {}, "there is no sweep local-00000000 in "),
        (["--task=a1_flat", "--locl"], {}, "unknown flag --locl; did you mean --local"),
    ],
)
def test_mistakes(root, flags, content, message):
    with pytest.raises(UserError) as error:
        sweep.main([*flags, write(root, **content)])
    assert message in str(error.value)
    assert not (root / "logs").exists()


def test_without_optuna_a_local_sweep_says_what_to_install(root, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("optuna", "legged_gym.sweeps."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"optuna is not installed: pip install -e"):
        sweep.main(["--task=a1_flat", "--local", write(root)])


def test_a_mistake_is_one_line_on_stderr_and_exit_status_2(tmp_path):
    flags = ["--task=a1_flat", "--local", write(tmp_path, parameters={"env_cfg.nothing": {"value": 1}})]
    done = subprocess.run([sys.executable, SWEEP, *flags], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: unknown setting env_cfg.nothing") and done.stderr.count("\n") == 1


def test_two_workers_train_a_grid_and_joining_it_again_trains_nothing(root, capfd):
    flags = [
        "--task=a1_flat", "--headless", "--sim=mujoco", "--rl_device=cpu", "--num_envs=8", "--max_iterations=1",
        "--train.policy.actor_hidden_dims=[8]", "--train.policy.critic_hidden_dims=[8]", "--logger=none",
    ]  # fmt: skip
    file = write(root, metric={"name": "Perf/collection_time", "goal": "minimize"})
    sweep.main([*flags, "--local", "--num_workers=2", file])
    (folder,) = (root / "logs" / "sweeps").iterdir()
    with open(folder / "results.csv", newline="") as results:
        rows = list(csv.DictReader(results))
    assert [(row["run"], row["state"], float(row[RATE])) for row in rows] == [
        ("0", "finished", 1e-4), ("1", "finished", 1e-3),
    ]  # fmt: skip
    for row in rows:
        assert os.path.dirname(row["run_folder"]) == str(root / "logs" / "flat_a1")
        with open(os.path.join(row["run_folder"], "config.yaml")) as config:
            assert yaml.safe_load(config)["train"]["algorithm"]["learning_rate"] == float(row[RATE])
        with open(os.path.join(row["run_folder"], "metrics.jsonl")) as metrics:
            (line,) = map(json.loads, metrics)
        assert float(row["Perf/collection_time"]) == line["Perf/collection time"]
    best = min(rows, key=lambda row: float(row["Perf/collection_time"]))
    assert f"best: run {best['run']}, Perf/collection_time" in capfd.readouterr().out
    sweep.main([f"--wandb_sweep_id={folder.name}"])
    sweep.main([f"--wandb_sweep_id={folder.name}", *flags])
    assert len(os.listdir(root / "logs" / "flat_a1")) == 2
    with pytest.raises(UserError, match="give these or none"):
        sweep.main([f"--wandb_sweep_id={folder.name}", *flags, "--seed=4"])
