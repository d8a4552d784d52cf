"""The table of the original A1 project's commands: each of ours is understood, down to configs and checkpoints."""

from __future__ import annotations

import os
import re
import shutil

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.evaluation import runs
from legged_gym.scripts import doctor, evaluate, export, train
from legged_gym.utils import training

PAGE = os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "walking_by_sight.md")
POLICIES = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "policies")


def commands():
    """Pairs of the table: the original's command line and ours."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    body = text.partition("## Commands of the A1 project")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*) \| `([a-z_]+\.py .*)` \|$", body, re.MULTILINE)
    assert len(rows) >= 10
    return rows


class UnderstoodError(Exception):
    """Raised in place of the work, with what it would be done with."""


def stop(*args, **_):
    raise UnderstoodError(args[0])


@pytest.mark.parametrize("line", [ours for _, ours in commands()])
def test_a_command_is_understood(line, monkeypatch, tmp_path):
    teacher = os.path.join(POLICIES, "a1_vision", "model.pt")
    student = os.path.join(POLICIES, "a1_vision_student", "model.pt")
    run = tmp_path / "20260131_120000"
    run.mkdir()
    shutil.copy(teacher, run / "model_5.pt")
    shutil.copy(os.path.join(POLICIES, "a1_vision", "config.yaml"), run)
    words = {"PTH": teacher, "STUDENT": student, "FOLDER": str(tmp_path), "RUN": str(run)}
    words = [re.sub(r"=(PTH|STUDENT|FOLDER|RUN)$", lambda m: f"={words[m.group(1)]}", word) for word in line.split()]
    script = {"train.py": train, "evaluate.py": evaluate, "export.py": export, "doctor.py": doctor}[words[0]]
    if script is doctor:
        assert doctor.main(words[1:]) == 0
        return
    if "--device=cuda:0" in words:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(training, "make_env", stop)
    monkeypatch.setattr(export, "make_env", stop)
    monkeypatch.setattr(runs, "make_env", stop)
    with pytest.raises(UnderstoodError) as caught:
        script.main(words[1:])
    plan = caught.value.args[0]
    task = next(word[7:] for word in words if word.startswith("--task="))
    assert plan.task == task
    if "--resume" in words:
        assert plan.checkpoint == str(run / "model_5.pt")
    if "--cfg=a1_vision_phase1" in words:
        assert plan.env_cfg.env.num_envs == 4096
    if f"--teacher={teacher}" in words:
        assert plan.train_cfg.runner.teacher == teacher
    if script is not train:
        assert plan.path == next(word[13:] for word in words if word.startswith("--checkpoint="))


def test_every_command_of_the_original_is_there():
    named = " ".join(theirs for theirs, _ in commands())
    assert set(re.findall(r"[\w]+\.py", named)) >= {
        "train_phase1.py",
        "train_phase2.py",
        "evaluate.py",
        "export_onnx.py",
    }
    assert all(flag in named for flag in ("--config", "--resume", "--phase1_checkpoint", "--num_episodes", "--phase 2"))
