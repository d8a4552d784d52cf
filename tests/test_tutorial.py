"""The tutorial works: its files, and every command in it, in a folder of a newcomer, with trainings cut short."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry

with open(os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "tutorial.md"), encoding="utf-8") as _file:
    PAGE = _file.read()

SHORTER = {
    "train": ["--max_iterations=1", "--num_envs=16", "--logger=none"],
    "evaluate": ["--num_episodes=2", "--no_grid", "--env.env.episode_length_s=0.5"],
    "play": ["--duration=0.2"],
    "sim2sim": ["--duration=0.3"],
}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_every_command_runs(tmp_path):
    """In order, as one that reads it types them; what it says will be there is there."""
    for language, name in (("xml", "my_dog.xml"), ("python", "my_dog.py")):
        (text,) = blocks(language)
        (tmp_path / name).write_text(text)
    environment = {**os.environ, "PYTHONPATH": LEGGED_GYM_ROOT_DIR, "LEGGED_GYM_LOGS": str(tmp_path / "logs")}
    said = {}
    for line in "".join(blocks("bash")).splitlines():
        words = shlex.split(line, comments=True)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            environment[name] = value
            continue
        assert words[0] == "legged-gym"
        command = [sys.executable, "-m", "legged_gym", *words[1:], *SHORTER.get(words[1], [])]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}"
        said[words[1]] = done.stdout
    assert "after 2.00 s in the default pose: it stands" in said["check_robot"]
    assert "my_dog" in said["list_tasks"]
    assert "rew hard steps" in said["train"]
    for name in ("a1.mp4", "my_dog.mp4", "my_dog.png", "my_policy/policy.onnx", "alone.mp4"):
        assert (tmp_path / name).is_file(), name
    assert {name.endswith("softer") for name in os.listdir(tmp_path / "logs" / "my_dog")} == {True, False}


def test_wrong_files_of_tasks_are_named(tmp_path):
    environment = {**os.environ, "PYTHONPATH": LEGGED_GYM_ROOT_DIR, "LEGGED_GYM_TASKS": "nothing.py"}
    command = [sys.executable, "-m", "legged_gym", "list_tasks"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "error: LEGGED_GYM_TASKS: nothing.py: there is no such Python file\n",
    )


def test_a_file_that_fails_is_read_again(tmp_path, monkeypatch):
    """Not taken for read: the next command in the process says the same."""
    file = tmp_path / "broken_tasks.py"
    file.write_text("raise ValueError('half way')")
    monkeypatch.setenv("LEGGED_GYM_TASKS", str(file))
    for _ in range(2):
        with pytest.raises(ValueError, match="half way"):
            registry.names()
