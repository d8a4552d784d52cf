"""Students of sight: the networks of their teachers, and what they are told of instead of seeing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from legged_gym.scripts import train
from rsl_rl.models.saved_policy import build_policy
from tests.policies.tiny_run import export

FEW = [
    "--headless", "--sim=mujoco", "--device=cpu", "--num_envs=2", "--num_threads=1", "--max_iterations=1",
    "--num_steps_per_env=4", "--env.terrain.num_rows=1", "--env.env.episode_length_s=0.06", "--logger=none",
]  # fmt: skip
STUDENT = [
    *FEW, "--train.algorithm.batch_size=2", "--train.algorithm.sequence_length=2", "--train.algorithm.max_batches=1",
]  # fmt: skip
TASKS = ["a1_vision", "a1_vision_rma"]


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each kind that has learned for a moment."""
    folders = {task: tmp_path_factory.mktemp(task) / "teacher" for task in TASKS}
    for task, folder in folders.items():
        train.main([f"--task={task}", *FEW, "--train.algorithm.sequence_length=2", f"--run_folder={folder}"])
    return folders


def taught(task: str, teacher: Path, folder: Path, *flags: str) -> Any:
    """A student that has learned for a moment."""
    what = [f"--task={task}_student", f"--teacher={teacher}", f"--run_folder={folder}"]
    train.main([*what, *STUDENT, *flags])
    return build_policy(str(folder / "model_1.pt"))[0]


def test_a_student_is_told_of_ground_and_velocity(teachers: dict[str, Path], tmp_path: Path) -> None:
    frozen = ["scandots", "memory", "head"]
    student = taught("a1_vision", teachers["a1_vision"], tmp_path, f"--train.algorithm.freeze=[{','.join(frozen)}]")
    teacher, _ = build_policy(str(teachers["a1_vision"] / "model_1.pt"))
    assert set(student.actor.groups) == {"proprioception", "depth", "commands"}
    for name in frozen:  # what is frozen is what it began with: the teacher's
        own, theirs = student.parts()[name].state_dict(), teacher.parts()[name].state_dict()
        assert list(own) == list(theirs) and all(torch.equal(own[key], theirs[key]) for key in own)
    obs = {"proprioception": torch.randn(2, 48), "commands": torch.randn(2, 3), "depth": torch.rand(2, 1, 58, 87) - 0.5}
    faster = {**obs, "proprioception": obs["proprioception"] + torch.tensor([1.0] * 3 + [0.0] * 45)}
    assert torch.equal(student.act_inference(obs)[0], student.act_inference(faster)[0])
    logged = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[0])
    parts = logged["Loss/actions"] + 0.1 * (logged["Loss/scandots"] + logged["Loss/velocity"])
    assert logged["Loss/imitation"] == pytest.approx(parts, rel=1e-4)


def test_a_robot_needs_no_velocity(teachers: dict[str, Path], tmp_path: Path) -> None:
    taught("a1_vision", teachers["a1_vision"], tmp_path / "run")
    _, description = export(tmp_path / "run", tmp_path / "exported")
    names = [entry["name"] for entry in description["inputs"]]
    assert names == ["proprioception", "commands", "depth", "h_in", "sight.h_in"]
    (predicted,) = description["predicted"]["columns"]
    assert predicted == {"observation": "proprioception", "columns": [0, 3], "name": "velocity"}


@pytest.mark.parametrize(
    ("task", "settings", "groups"),
    [
        ("a1_vision_rma", "", {"proprioception", "commands", "depth"}),
        ("a1_vision", "a1_vision_phase2", {"student_proprioception", "commands", "depth"}),
        # the frozen policy of the teacher reads the proprioception that is masked
        ("a1_vision_rma", "a1_vision_rma_phase2", {"student_proprioception", "commands", "depth"}),
    ],
)
def test_no_student_reads_what_only_a_simulation_knows(
    teachers: dict[str, Path], tmp_path: Path, task: str, settings: str, groups: set[str]
) -> None:
    few = ["--train.algorithm.bc_initial_samples=0", "--train.algorithm.num_learning_epochs=1"]
    student = taught(task, teachers[task], tmp_path, *([f"--cfg={settings}"] if settings else []), *few)
    assert set(student.actor.groups) == groups
