"""Checkpoints are whole or absent, plain, and refuse what does not fit with one clear line."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
from collections import OrderedDict, deque
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
import torch

from rsl_rl.utils import checkpoint
from rsl_rl.utils.errors import RslRlError

ROOT = Path(__file__).resolve().parents[2]


def one_line(error: pytest.ExceptionInfo[RslRlError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_values_come_back_as_plain_data(tmp_path: Path) -> None:
    path = str(tmp_path / "model_1.pt")
    big = torch.arange(1_000_000, dtype=torch.float32)
    state = {
        "weights": OrderedDict(a=torch.nn.Parameter(torch.ones(2, 3))),
        "numpy": {"f": np.float64(0.5), "i": np.int32(7), "b": np.bool_(True), "a": np.arange(4, dtype=np.int16)[::-1]},
        "large_integer": 2**127 + 1,
        "mixed": [None, True, "text", (1, 2.5), {0: "zero"}],
        "view": big[:2],
    }
    checkpoint.save_checkpoint(path, state)
    # Independent reader: the safe mode of torch itself.
    loaded = torch.load(path, weights_only=True)
    assert loaded["schema_version"] == checkpoint.SCHEMA_VERSION
    assert type(loaded["weights"]) is dict and type(loaded["weights"]["a"]) is torch.Tensor
    assert type(loaded["numpy"]["f"]) is float and loaded["numpy"]["i"] == 7 and loaded["numpy"]["b"] is True
    assert loaded["numpy"]["a"].dtype == torch.int16 and loaded["numpy"]["a"].tolist() == [3, 2, 1, 0]
    assert loaded["large_integer"] == 2**127 + 1
    assert loaded["mixed"] == [None, True, "text", (1, 2.5), {0: "zero"}]
    assert loaded["view"].tolist() == [0.0, 1.0]
    assert os.path.getsize(path) < 100_000, "a view must not drag its 4 MB storage along"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (deque([1]), ["env.thing", "deque"]),
        (Path("x"), ["env.thing", "PosixPath"]),
        ({(1, 2): 3}, ["env.thing", "(1, 2)"]),
        (np.array(["a"]), ["env.thing", "array"]),
        ([torch.nn.Linear(1, 1)], ["env.thing.0", "Linear"]),
    ],
)
def test_what_is_not_plain_is_refused_by_name(tmp_path: Path, value: object, words: list[str]) -> None:
    with pytest.raises(RslRlError) as error:
        checkpoint.save_checkpoint(str(tmp_path / "model_1.pt"), {"env": {"thing": value}})
    assert all(word in one_line(error) for word in words)
    assert os.listdir(tmp_path) == []


def test_saved_tensors_do_not_follow_later_changes() -> None:
    tensor = torch.zeros(2)
    plain = checkpoint.to_plain({"t": tensor})
    tensor += 1
    assert plain["t"].tolist() == [0.0, 0.0]


def test_missing_file() -> None:
    with pytest.raises(RslRlError, match=r"no checkpoint 'nowhere/model_3\.pt'") as error:
        checkpoint.load_checkpoint("nowhere/model_3.pt")
    one_line(error)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_file_cut_short(tmp_path: Path, share: float) -> None:
    path = tmp_path / "model_1.pt"
    checkpoint.save_checkpoint(str(path), {"weights": torch.randn(1000)})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RslRlError, match="damaged or cut short") as error:
        checkpoint.load_checkpoint(str(path))
    assert str(path) in one_line(error)


def test_one_flipped_bit_in_a_tensor(tmp_path: Path) -> None:
    path = tmp_path / "model_1.pt"
    weights = torch.randn(1000)
    checkpoint.save_checkpoint(str(path), {"weights": weights})
    content = bytearray(path.read_bytes())
    content[content.index(weights.numpy().tobytes()) + 1234] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(RslRlError, match="damaged or cut short") as error:
        checkpoint.load_checkpoint(str(path))
    one_line(error)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "was_run"),)

    path = str(tmp_path / "model_1.pt")
    torch.save({"schema_version": checkpoint.SCHEMA_VERSION, "x": Evil()}, path)
    with pytest.raises(RslRlError) as error:
        checkpoint.load_checkpoint(path)
    assert "is of another program: it holds posix.mkdir" in one_line(error)
    assert not (tmp_path / "was_run").exists()


def of_npz(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, weights=np.zeros(3))


def of_script(path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(path))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: path.write_bytes(b"not an archive at all"), r"is no file of torch.save, or damaged"),
        (lambda path: path.write_bytes(pickle.dumps({"schema_version": 1})), r"of another program: it is a pickle"),
        (
            lambda path: torch.save({"iter": 3}, path, _use_new_zipfile_serialization=False),
            r"of another program: .*torch's format before 1\.6",
        ),
        (
            lambda path: torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), path),
            r"of another program: it holds torch\.nn\.modules\.container\.Sequential; ",
        ),
        (lambda path: torch.save({"iter": np.int64(3)}, path), r"of another program: it holds numpy\..*scalar; "),
        (of_npz, r"of another program: it is an archive, but none of torch\.save"),
        (of_script, r"of another program: it is TorchScript"),
    ],
)
def test_files_of_other_programs_are_called_so(tmp_path: Path, write: Callable[[Path], None], words: str) -> None:
    """They are sound: nothing is damaged, and torch's advice to load them all the same would run their code."""
    write(tmp_path / "model_1.pt")
    with pytest.raises(RslRlError, match=words) as error:
        checkpoint.load_checkpoint(str(tmp_path / "model_1.pt"))
    assert "weights_only" not in one_line(error) and "\x1b" not in one_line(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [({"iter": 3}, "no schema version"), ([1, 2], "no schema version"), ({"schema_version": 99}, "version 99.*reads")],
)
def test_wrong_schema(tmp_path: Path, content: object, words: str) -> None:
    path = str(tmp_path / "model_1.pt")
    torch.save(content, path)
    with pytest.raises(RslRlError, match=words):
        checkpoint.load_checkpoint(path)


def test_mismatches_name_both_sides() -> None:
    checkpoint.check_same("f.pt", "meta", {"a": (1, 2)}, {"a": [1, 2]})
    with pytest.raises(RslRlError, match=r"'f.pt'.*meta.task is 'flat'.*this run has 'rough'") as error:
        checkpoint.check_same("f.pt", "meta", {"task": "flat", "n": 3}, {"task": "rough", "n": 3})
    one_line(error)
    with pytest.raises(RslRlError, match=r"model.w is \[2, 3\].*\[4, 3\]"):
        checkpoint.check_shapes("f.pt", "model", {"w": torch.zeros(2, 3)}, {"w": torch.zeros(4, 3)})
    with pytest.raises(RslRlError, match=r"model\.b is 'absent'"):
        checkpoint.check_shapes("f.pt", "model", {}, {"b": torch.zeros(1)})


def test_newest_is_by_number_among_whole_names(tmp_path: Path) -> None:
    names = ["model_9.pt", "model_10.pt", "model_100.pt.tmp", "model_200.pt.bak", "model_50.rank1.pt", "model_x.pt"]
    for name in [*names, "model_.pt", "model_-70.pt", "xmodel_80.pt", "model_11.pth"]:
        (tmp_path / name).touch()
    assert checkpoint.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model_10.pt")


def test_no_checkpoint_to_be_found(tmp_path: Path) -> None:
    with pytest.raises(RslRlError, match="no checkpoint"):
        checkpoint.latest_checkpoint(str(tmp_path))
    with pytest.raises(RslRlError, match="no folder"):
        checkpoint.latest_checkpoint(str(tmp_path / "absent"))


def test_a_refusing_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "model_1.pt")
    checkpoint.save_checkpoint(path, {"n": 1})

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RslRlError, match=r"cannot write.*No space left") as error:
        checkpoint.save_checkpoint(path, {"n": 2})
    one_line(error)
    assert os.listdir(tmp_path) == ["model_1.pt"]
    assert checkpoint.load_checkpoint(path)["n"] == 1


def test_random_generators_go_on_where_they_were() -> None:
    checkpoint.seed_everything(5)
    random.gauss(0, 1), np.random.randn(), torch.randn(3)  # an odd count: numpy and python keep a second gaussian
    state = checkpoint.to_plain(checkpoint.capture_rng())

    def draw() -> list[float]:
        return [random.gauss(0, 1), random.random(), np.random.randn(), np.random.rand(), *torch.randn(3).tolist()]

    expected = draw()
    checkpoint.seed_everything(6)
    assert draw() != expected
    checkpoint.restore_rng(state)
    assert draw() == expected


POINTS = ("before_write", "in_write", "before_sync", "before_rename", "after_rename")

# A child per point saves model_1, model_2 ... and kills itself, with the signal that nothing can catch, during model_3.
# They are forked from one process because importing torch takes longer than all the rest.
KILLED_WRITERS = """
import os, sys
import torch
from rsl_rl.utils import checkpoint, files

def die(*args, **kwargs):
    os.kill(os.getpid(), 9)

def half_a_write(state, file):
    file.write(b"x" * 1000)
    file.flush()
    die()

def arm(point):
    if point == "before_write": torch.save = die
    if point == "in_write": torch.save = half_a_write
    if point == "before_sync": os.fsync = die
    if point == "before_rename": os.replace = die
    if point == "after_rename": files._sync_folder = die

for point in sys.argv[2:]:
    folder = os.path.join(sys.argv[1], point)
    os.mkdir(folder)
    child = os.fork()
    if child == 0:
        for iteration in (1, 2, 3):
            if iteration == 3:
                arm(point)
            path = os.path.join(folder, checkpoint.checkpoint_name(iteration))
            checkpoint.save_checkpoint(path, {"iter": iteration, "w": torch.full((1000,), float(iteration))})
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == 9
"""


def test_killed_while_saving(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_WRITERS, str(tmp_path), *POINTS]
    result = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for point in POINTS:
        folder = tmp_path / point
        expected = 3 if point == "after_rename" else 2
        newest = checkpoint.load_checkpoint(checkpoint.latest_checkpoint(str(folder)))
        assert newest["iter"] == expected and newest["w"].unique().tolist() == [float(expected)], point
        # The next attempt is not disturbed by what the dead process left behind.
        checkpoint.save_checkpoint(str(folder / "model_3.pt"), {"iter": 3})
        assert checkpoint.load_checkpoint(checkpoint.latest_checkpoint(str(folder)))["iter"] == 3
