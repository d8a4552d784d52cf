"""The launcher's command line and what it says of scripts that fail."""

from __future__ import annotations

import sys

import pytest

from legged_gym.errors import UserError
from legged_gym.forks import launcher


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required: SCRIPT"),
        (["nowhere/train.py"], "not a file"),
        (["--sim_device=cpu", "train.py"], "come before the script"),
        (["--path=nowhere", __file__], "--path=nowhere is not a folder"),
    ],
)
def test_mistakes_in_the_command(argv, message):
    with pytest.raises(UserError, match=message):
        launcher.main(argv)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("import no_such_package", r"train.py:1 imports no_such_package, which is not installed"),
        ("import pickle; raise pickle.UnpicklingError('x')", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1"),
    ],
)
def test_what_a_script_needs_is_told_in_a_line(tmp_path, monkeypatch, line, message):
    script = tmp_path / "train.py"
    script.write_text(line)
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with pytest.raises(UserError, match=message):
        launcher.run(str(script), [])


def test_the_script_gets_what_follows_it(tmp_path, monkeypatch, capsys):
    script = tmp_path / "train.py"
    script.write_text("import sys\nprint(__name__, sys.argv[1:])\n")
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    launcher.run(str(script), ["--path", "mine"])
    assert capsys.readouterr().out == "__main__ ['--path', 'mine']\n"
