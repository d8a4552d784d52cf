"""Files are whole or not there, whoever else can write to their folder."""

from __future__ import annotations

import os

import pytest
import torch

from rsl_rl.utils.checkpoint import save_checkpoint
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.files import replacing


def test_the_file_of_before_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")
    with replacing(str(path)) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["model.pt"]


def test_an_error_leaves_the_file_of_before_alone(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), replacing(str(path)) as file:
        file.write(b"half")
        raise KeyError
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.pt"]


@pytest.mark.parametrize("target", ["of_another.txt", "not_there.txt"])
def test_links_of_others_are_not_written_through(tmp_path, target):
    """In a folder that several users share, a link under the temporary name would lead to the file of one of them."""
    (tmp_path / "of_another.txt").write_bytes(b"theirs")
    (tmp_path / "model_2.pt.tmp").symlink_to(tmp_path / target)
    save_checkpoint(str(tmp_path / "model_2.pt"), {"iter": 2})
    assert (tmp_path / "of_another.txt").read_bytes() == b"theirs"
    assert sorted(os.listdir(tmp_path)) == ["model_2.pt", "of_another.txt"]
    assert not (tmp_path / "model_2.pt").is_symlink()


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path):
    (tmp_path / "model_2.pt.tmp").write_bytes(b"half")
    save_checkpoint(str(tmp_path / "model_2.pt"), {"iter": 2})
    assert os.listdir(tmp_path) == ["model_2.pt"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_disk_is_called_so(tmp_path, monkeypatch, size):
    """Torch hides the reason behind one of its own, by the size of what is written and by its buffers."""
    monkeypatch.setattr("builtins.open", lambda path, *mode: os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb"))
    with pytest.raises(RslRlError, match="No space left on device"):
        save_checkpoint(str(tmp_path / "model_2.pt"), {"weights": torch.zeros(size)})
    assert os.listdir(tmp_path) == []
