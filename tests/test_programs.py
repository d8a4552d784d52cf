"""How scripts end."""

from __future__ import annotations

import pytest

from legged_gym.errors import UserError
from legged_gym.programs import run_script
from rsl_rl.utils.errors import RslRlError


def outcome(main, argv=None):
    with pytest.raises(SystemExit) as caught:
        run_script(main, argv)
    return caught.value.code


def raising(error):
    def main(argv):
        raise error

    return main


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3)])
def test_the_status_is_what_main_returns(returned, status):
    assert outcome(lambda argv: returned) == status


def test_arguments_are_passed_on():
    assert outcome(lambda argv: len(argv), ["a", "b"]) == 2


@pytest.mark.parametrize("kind", [UserError, RslRlError])
def test_a_mistake_is_one_line_on_stderr(kind, capsys):
    assert outcome(raising(kind("no such file;\n  check it"))) == 2
    assert capsys.readouterr() == ("", "error: no such file; check it\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "/data/x.csv"), "error: /data/x.csv: Permission denied\n"),
        (OSError(28, "No space left on device"), "error: No space left on device\n"),
    ],
)
def test_a_disk_that_refuses_is_one_line(error, line, capsys):
    assert outcome(raising(error)) == 2
    assert capsys.readouterr() == ("", line)


def test_ctrl_c_has_its_usual_status(capsys):
    assert outcome(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_leaves_is_no_failure(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)  # put back after the test
    assert outcome(raising(BrokenPipeError())) == 0


@pytest.mark.parametrize("error", [ValueError("a fault"), RuntimeError("a fault"), FileNotFoundError(2, "a fault")])
def test_faults_of_the_program_keep_their_traceback(error):
    with pytest.raises(type(error), match="a fault"):
        run_script(raising(error))


def test_too_little_memory_is_told_in_one_line(capsys):
    def main(argv):
        raise MemoryError("Unable to allocate 7 PiB")

    with pytest.raises(SystemExit) as caught:
        run_script(main)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("error: not enough memory (Unable to allocate 7 PiB); fewer robots")
