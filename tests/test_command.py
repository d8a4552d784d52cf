"""The command `legged-gym`: its words are the scripts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import legged_gym.__main__ as command
from legged_gym import LEGGED_GYM_PACKAGE_DIR, LEGGED_GYM_ROOT_DIR


@pytest.fixture
def say(monkeypatch, capsys):
    """Run the command; returns its exit status and what it printed."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["legged-gym", *words])
        with pytest.raises(SystemExit) as end:
            command.main()
        out = capsys.readouterr()
        return end.value.code, out.out + out.err

    return run


def test_every_script_is_a_word():
    files = {name[:-3] for name in os.listdir(os.path.join(LEGGED_GYM_PACKAGE_DIR, "scripts")) if name.endswith(".py")}
    assert {*command.WORDS, *command.OTHER_NAMES} == files - {"__init__"}


def test_alone_it_lists_its_words_with_what_they_do(say):
    for words in ((), ("--help",)):
        status, text = say(*words)
        assert status == 0
        assert [line.split()[0] for line in text.splitlines()[2:]] == list(command.WORDS)
        assert "  train             Train a policy\n" in text


def test_a_wrong_word_is_named_with_the_right_one(say):
    assert say("trian") == (2, "error: legged-gym has no word 'trian'; did you mean train?\n")


def test_a_word_runs_its_script(say):
    status, text = say("list-tasks")
    assert status == 0 and "a1_flat" in text
    assert say("list_tasks") == (0, text)
    assert say("evaluation", "--nonsense")[1].startswith("error: unknown flag --nonsense")


def test_what_to_do_next_is_said_as_it_was_started(say, tmp_path, monkeypatch):
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path))
    status, text = say(
        "train", "--task=a1_flat", "--num_envs=4", "--max_iterations=1", "--logger=none", "--headless", "--device=cpu"
    )
    (folder,) = (tmp_path / "flat_a1").iterdir()
    assert status == 0
    assert f"play       legged-gym play --task=a1_flat --load_run={folder}\n" in text
    assert "command: legged-gym train --task=a1_flat --num_envs=4" in (folder / "config.yaml").read_text()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("legged-gym ex", {"export"}),
        ("legged-gym train --task=a1_fl", {"a1_flat", "a1_flat_actuator_net"}),
        ("legged-gym train --task go2 --env.rewards.only_pos", {"--env.rewards.only_positive_rewards"}),
        ("legged-gym play --policy=a1_vision_b", {"a1_vision_blind"}),
        ("legged-gym doctor --no", {"--no_speed"}),
    ],
)  # fmt: skip
def test_a_shell_completes_words_flags_names_and_settings(line, expected, tmp_path):
    pytest.importorskip("argcomplete")
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_COMP_WORDBREAKS": "\"'><=;|&(:", "COMP_TYPE": "9",
        "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
    }  # fmt: skip
    environment = {**os.environ, **asked, "PYTHONPATH": LEGGED_GYM_ROOT_DIR}
    done = subprocess.run([sys.executable, "-m", "legged_gym"], env=environment, capture_output=True, check=False)
    assert {word.strip() for word in answer.read_text().split("\n")} == expected, done.stderr
