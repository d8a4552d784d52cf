"""The outlets of a run: metrics.jsonl, TensorBoard, W&B (faked) and the console."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rsl_rl.utils.console import Console, Progress, format_block, format_count, format_duration, format_progress
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.logger import Logger

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "logger": "none",
    "log_interval": 1,
    "experiment_name": "exp",
    "wandb_project": None,
    "wandb_entity": None,
    "wandb_mode": None,
}
METRICS = {"Loss/value_function": 0.5, "Perf/collection time": 0.1, "Train/mean_reward": 2.0, "Train/time": 12.7}


def progress(iteration: int, last: int = 10, reward: float | None = 1.0) -> Progress:
    return Progress(iteration, last, 98304 * iteration, 45120.4, reward, 102.0, 221.4)


def logger(log_dir: Path | None, **settings: object) -> Logger:
    return Logger(
        None if log_dir is None else str(log_dir), {**SETTINGS, **settings}, {"seed": 1}, stream=io.StringIO()
    )


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def run(log: Logger, first: int, last: int, value: float) -> None:
    log.start(first - 1)
    for iteration in range(first, last + 1):
        log.log({"x": value}, progress(iteration))
    log.close()


def test_resumed_file_has_each_iteration_once(tmp_path: Path) -> None:
    run(logger(tmp_path), 1, 7, 1.0)
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"iteration": 3, "x": 1.0')  # cut short by a kill
    run(logger(tmp_path), 5, 9, 2.0)  # the newest checkpoint was that of iteration 4
    assert [line["iteration"] for line in lines(tmp_path)] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [line["x"] for line in lines(tmp_path)] == [1.0] * 4 + [2.0] * 5
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_lines_are_strict_json_and_there_at_once(tmp_path: Path) -> None:
    log = logger(tmp_path)
    log.start(0)
    log.log({"a": float("nan"), "b": float("inf"), "c": 1.5}, progress(1))
    # Read before the file is closed, as a run killed now would leave it.
    text = (tmp_path / "metrics.jsonl").read_text()
    assert "NaN" not in text and "Infinity" not in text
    assert json.loads(text) == {"iteration": 1, "a": None, "b": None, "c": 1.5}
    log.close()


def test_tensorboard_events(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = logger(tmp_path, logger="tensorboard")
    log.start(0)
    log.log(METRICS, progress(1))
    log.log({**METRICS, "Train/mean_reward": 3.0, "Train/time": 20.2}, progress(2))
    log.close()
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["scalars"]) == {*METRICS, "Train/mean_reward/time"}
    assert [(e.step, e.value) for e in events.Scalars("Train/mean_reward")] == [(1, 2.0), (2, 3.0)]
    assert [(e.step, e.value) for e in events.Scalars("Train/mean_reward/time")] == [(12, 2.0), (20, 3.0)]


def test_tensorboard_shows_no_point_twice_after_a_resume(tmp_path: Path) -> None:
    """Steps are iterations and, for some tags, seconds, of which an iteration takes less than one or several here."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for seconds in (0.4, 3.0):
        folder = tmp_path / str(seconds)
        for first, last in ((1, 7), (5, 9), (1, 2), (3, 9)):  # killed behind checkpoints 4 and 0; then stopped at 2
            log = logger(folder, logger="tensorboard")
            log.start(first - 1)
            for iteration in range(first, last + 1):
                values = {"Train/mean_reward": 10.0 * iteration, "Train/time": seconds * iteration}
                log.log(values, progress(iteration))
            log.close()
        events = accumulator.EventAccumulator(str(folder)).Reload()
        iterations = [(e.step, e.value) for e in events.Scalars("Train/mean_reward")]
        assert iterations == [(iteration, 10.0 * iteration) for iteration in range(1, 10)]
        times = [(e.step, e.value) for e in events.Scalars("Train/mean_reward/time")]
        assert times == [(int(seconds * iteration), 10.0 * iteration) for iteration in range(1, 10)]


@pytest.mark.parametrize("chosen", ["none", "tensorboard"])
def test_a_disk_that_refuses_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], chosen: str
) -> None:
    class Full:
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            raise AssertionError("what is off is left alone")

    log = logger(tmp_path, logger=chosen)
    log.start(0)
    monkeypatch.setattr(log._outlets[0], "_file", Full())
    for iteration in (1, 2):
        log.log(METRICS, progress(iteration))
    log.close()
    warning = "warning: metrics.jsonl is off, training goes on without it ([Errno 28] No space left on device)"
    assert capsys.readouterr().err.splitlines() == [warning]


def test_files_that_cannot_be_made_are_one_warning_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metrics.jsonl").mkdir()
    log = logger(tmp_path)
    log.start(0)
    log.log(METRICS, progress(1))
    log.close()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: metrics.jsonl is off, training goes on without it")


def test_optional_packages_are_imported_only_when_chosen() -> None:
    code = (
        "import sys, rsl_rl.utils.logger as l;"
        "import rsl_rl.runners;"
        "assert not [m for m in ('wandb', 'tensorboard') if m in sys.modules]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


class FakeWandb(SimpleNamespace):
    """Records calls and fails where told to."""

    def __init__(self, fail_at: str = "", already_running: bool = False) -> None:
        super().__init__(run=object() if already_running else None)
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._fail_at = fail_at

    def _call(self, name: str, /, *args: object, **kwargs: object) -> None:
        self.calls.append((name, args, kwargs))
        if name == self._fail_at:
            raise OSError("the network\nis down")

    def init(self, **kwargs: object) -> None:
        self._call("init", **kwargs)

    def log(self, *args: object, **kwargs: object) -> None:
        self._call("log", *args, **kwargs)

    def finish(self) -> None:
        self._call("finish")


def install(monkeypatch: pytest.MonkeyPatch, fake: object) -> None:
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.delenv("WANDB_MODE", raising=False)


def test_wandb_gets_tags_without_spaces_and_is_offline_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeWandb()
    install(monkeypatch, fake)
    log = logger(tmp_path / "run_7", logger="wandb")
    log.start(0)
    log.log(METRICS, progress(1))
    log.close()
    (init, log_call, finish) = fake.calls
    assert init[2]["mode"] == "offline" and init[2]["project"] == "exp" and init[2]["name"] == "run_7"
    assert set(log_call[1][0]) == {
        "Loss/value_function", "Perf/collection_time", "Train/mean_reward", "Train/time",
    }  # fmt: skip
    assert log_call[2] == {"step": 1}
    assert finish[0] == "finish"


@pytest.mark.parametrize(
    ("setting", "variable", "mode"),
    [(None, "online", "online"), ("offline", "online", "offline"), ("disabled", None, "disabled")],
)
def test_wandb_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None, variable: str | None, mode: str
) -> None:
    fake = FakeWandb()
    install(monkeypatch, fake)
    if variable:
        monkeypatch.setenv("WANDB_MODE", variable)
    logger(tmp_path, logger="wandb", wandb_mode=setting).start(0)
    assert fake.calls[0][2]["mode"] == mode


def test_a_run_that_a_sweep_has_begun_is_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWandb(already_running=True)
    install(monkeypatch, fake)
    run(logger(tmp_path, logger="wandb"), 1, 1, 0.0)
    assert [name for name, _, _ in fake.calls] == ["log", "finish"]


@pytest.mark.parametrize(
    ("fail_at", "calls"),
    [("init", ["init"]), ("log", ["init", "log"]), ("finish", ["init", "log", "log", "log", "finish"])],
)
def test_wandb_failing_is_one_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fail_at: str,
    calls: list[str],
) -> None:
    fake = FakeWandb(fail_at)
    install(monkeypatch, fake)
    run(logger(tmp_path, logger="wandb"), 1, 3, 0.0)
    assert [name for name, _, _ in fake.calls] == calls
    assert capsys.readouterr().err.splitlines() == [
        "warning: W&B logging is off, training goes on without it (the network is down)"
    ]
    assert len(lines(tmp_path)) == 3


def test_wandb_not_installed_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, None)  # None in sys.modules makes the import fail
    run(logger(tmp_path, logger="wandb"), 1, 2, 0.0)
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert len(lines(tmp_path)) == 2


def test_a_resumed_run_is_the_same_wandb_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inits = []
    for folder in ("a", "a", "b"):
        fake = FakeWandb()
        install(monkeypatch, fake)
        run(logger(tmp_path / folder, logger="wandb"), 1, 1, 0.0)
        inits.append(fake.calls[0][2])
    assert inits[0]["id"] == inits[1]["id"] != inits[2]["id"]
    assert all(init["resume"] == "allow" for init in inits)
    # That of a sweep is gone on with too, without the sweep.
    joined, alone = FakeWandb(already_running=True), FakeWandb()
    joined.run = SimpleNamespace(id="of-sweep")
    for fake in (joined, alone):
        install(monkeypatch, fake)
        run(logger(tmp_path / "c", logger="wandb"), 1, 1, 0.0)
    assert alone.calls[0][2]["id"] == "of-sweep"


def test_unknown_logger() -> None:
    with pytest.raises(RslRlError, match=r"runner.logger is 'tensorbord'; did you mean tensorboard\?"):
        logger(None, logger="tensorbord")


def test_other_ranks_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = Logger(str(tmp_path / "run"), SETTINGS, {}, enabled=False)
    run(log, 1, 2, 0.0)
    log.message("text")
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (221.4, "0:03:41"), (36_000, "10:00:00"), (float("inf"), "-:--:--")]
)
def test_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999"), (98_304, "98.3k"), (999_960, "1.0M"), (147_456_000, "147.5M"), (2_000_000_000, "2.0G")],
)
def test_count(count: int, text: str) -> None:
    assert format_count(count) == text


def test_progress_line() -> None:
    assert format_progress(progress(4), 10) == (
        "[####......]  40% | it 4/10 | 393.2k samples | 45,120/s | reward 1.00 | 0:01:42 | ETA 0:03:41"
    )
    assert format_progress(progress(4, reward=None), 0).startswith(" 40% | it 4/10")
    assert "reward -" in format_progress(progress(4, reward=None), 0)


def test_block_is_aligned() -> None:
    block = format_block({**METRICS, "Loss/learning_rate": 1e-3, "Train/total_timesteps": 98304}, progress(4))
    rows = [line for line in block.splitlines() if ": " in line]
    assert len({row.index(":") for row in rows}) == 1 and len({len(row) for row in rows}) == 1
    assert any(row.split() == ["learning", "rate:", "1.000e-03"] for row in rows)
    assert any(row.split() == ["total", "timesteps:", "98,304"] for row in rows)
    heads = [line.split()[0] for line in block.splitlines()[2:-1] if "---" in line]
    assert heads == ["Loss", "Perf", "Train"], "each group once, whatever comes in between"


def test_output_that_nobody_takes_ends_nothing(tmp_path: Path) -> None:
    """The reader leaves, the disk is full: what follows is dropped, and the interpreter ends well."""
    code = (
        "import sys; from rsl_rl.utils.console import Console, steady_output\n"
        "with steady_output():\n"
        "    for line in range(3): Console(sys.stdout).message('x' * 100000); print('y')\n"
        "    print('end', file=sys.stderr)\n"
        "print('z')\n"
    )
    command = [sys.executable, "-c", code]
    for redirect in ("> /dev/full", "| head -c 1", ">&-", "> /dev/full 2> /dev/full"):
        done = subprocess.run(
            ["bash", "-c", f'set -o pipefail; "$@" {redirect}', "-", *command], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, redirect
        assert done.stderr in ("end\n", ""), redirect


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_terminal_rewrites_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    console = Console(stream)
    console.show(METRICS, progress(1), with_block=False)
    console.show(METRICS, progress(2), with_block=False)
    console.message("saved")
    console.finish()
    first, second, message, rest = [*stream.getvalue().split("\r\x1b[K")[1:], ""]
    assert len(first) == len(second) == 59 and "\n" not in first + second
    assert message == "saved\n" and rest == ""


def test_file_gets_one_plain_line_per_interval(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = Logger(str(tmp_path), {**SETTINGS, "log_interval": 2}, {}, stream=stream)
    log.start(0)
    for iteration in (1, 2, 3, 4, 5):
        log.log(METRICS, progress(iteration, last=5))
    log.close()
    text = stream.getvalue()
    assert "\r" not in text and "\x1b" not in text
    assert [line.split("|")[1] for line in text.splitlines() if "ETA" in line] == [
        " it 2/5 ", " it 4/5 ", " it 5/5 ",
    ]  # fmt: skip
    assert len(lines(tmp_path)) == 5
