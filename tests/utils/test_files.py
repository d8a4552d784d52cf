"""Files that cannot be written are one line, before time is spent on them."""

from __future__ import annotations

import os

import pytest

from legged_gym.errors import UserError
from legged_gym.utils.files import check_writable, whole_file


def test_a_file_in_folders_that_are_not_there_yet_can_be_written(tmp_path):
    check_writable(str(tmp_path / "a" / "b" / "result.json"), "--json")
    assert os.listdir(tmp_path) == []
    with whole_file(str(tmp_path / "a" / "b" / "result.json")) as file:
        file.write(b"{}")
    assert (tmp_path / "a" / "b" / "result.json").read_bytes() == b"{}"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (".", "--json=.: this is a folder or a device"),
        ("/dev/null", "--json=/dev/null: this is a folder or a device"),
        ("/proc/result.json", "--json=/proc/result.json: cannot write to the folder /proc"),
        ("/dev/null/a/result.json", "cannot write to the folder /dev/null: Not a directory"),
    ],
)
def test_what_cannot_be_written_is_refused(path, message):
    with pytest.raises(UserError, match=message):
        check_writable(path, "--json")


def test_a_disk_that_refuses_later_is_one_line(tmp_path):
    (tmp_path / "result.json").mkdir()
    message = r"cannot write .*result\.json: Is a directory"
    with pytest.raises(UserError, match=message), whole_file(str(tmp_path / "result.json")) as file:
        file.write(b"{}")
    assert os.listdir(tmp_path) == ["result.json"]
