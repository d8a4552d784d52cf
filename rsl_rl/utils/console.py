"""What a person at the terminal sees: a block of numbers at intervals and one progress line."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sys
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional, TextIO

_WIDTH = 80
_LABEL_WIDTH = 40
_BAR_WIDTH = 20
_CLEAR_LINE = "\r\x1b[K"


class SteadyStream:
    """A stream that never fails: once its reader has left or its disk is full, all that is written to it is dropped.

    A training must not end, and lose what it has learned, for want of a place to print to.
    """

    def __init__(self, stream: Any) -> None:
        # Python has None for an output that was closed before it began.
        self._stream = open(os.devnull, "w", encoding="utf-8") if stream is None else stream  # noqa: SIM115

    def write(self, text: str) -> int:
        """Write, or drop."""
        try:
            self._stream.write(text)
        except (OSError, ValueError):  # ValueError: it is closed
            self._drop()
        return len(text)

    def flush(self) -> None:
        """Hand on, or drop."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._drop()

    def _drop(self) -> None:
        # What is in its buffer would be tried again, and fail again, when the interpreter ends.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def steady_output() -> Iterator[None]:
    """While entered, standard output and standard error are `SteadyStream`s."""
    streams: List[Any] = [SteadyStream(sys.stdout), SteadyStream(sys.stderr)]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            yield
        finally:
            for stream in streams:
                stream.flush()


class Progress(NamedTuple):
    """How far a training is.

    Attributes:
        iteration: iterations done since the very first start.
        last_iteration: where this call of `learn` will end.
        samples: transitions collected since the very first start.
        samples_per_second: speed of the last iteration.
        mean_reward: mean return of the last finished episodes; None before the first has finished.
        elapsed_s: seconds since this call began.
        eta_s: seconds that it will probably go on for.
    """

    iteration: int
    last_iteration: int
    samples: int
    samples_per_second: float
    mean_reward: Optional[float]
    elapsed_s: float
    eta_s: float


class Console:
    """Prints to a terminal (the progress line is rewritten in place) or to a file (one plain line at a time).

    Args:
        stream: the terminal or file.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = SteadyStream(stream)
        self._in_place = stream.isatty()
        self._bar_shown = False

    def show(self, metrics: Mapping[str, float], progress: Progress, with_block: bool) -> None:
        """Show one iteration. Where lines cannot be rewritten, nothing is printed between two blocks."""
        if with_block:
            self.message(format_block(metrics, progress))
        if self._in_place:
            columns = shutil.get_terminal_size().columns
            # A line as wide as the terminal would wrap, and a wrapped line cannot be rewritten.
            self._stream.write(_CLEAR_LINE + format_progress(progress, _BAR_WIDTH)[: columns - 1])
            self._bar_shown = True
        elif with_block:
            self._stream.write(format_progress(progress, 0) + "\n")
        self._stream.flush()

    def message(self, text: str) -> None:
        """Print `text` on lines of its own, in the place of the progress line."""
        self._stream.write((_CLEAR_LINE if self._bar_shown else "") + text + "\n")
        self._stream.flush()
        self._bar_shown = False

    def finish(self) -> None:
        """Leave the progress line as it stands and go to the next."""
        if self._bar_shown:
            self._stream.write("\n")
            self._stream.flush()
            self._bar_shown = False


def format_block(metrics: Mapping[str, float], progress: Progress) -> str:
    """Lay out the metrics of one iteration in aligned columns, one group ("Loss/", "Train/" ...) after the other."""
    title = f" iteration {progress.iteration} of {progress.last_iteration} "
    lines: List[str] = ["", title.center(_WIDTH, "=")]
    group = ""
    heads = list(dict.fromkeys(tag.partition("/")[0] for tag in metrics))
    for tag, value in sorted(metrics.items(), key=lambda item: heads.index(item[0].partition("/")[0])):
        head, _, name = tag.partition("/")
        if head != group:
            lines.append(f"{head + ' ':-<{_WIDTH}}")
            group = head
        lines.append(f"{name.replace('_', ' '):>{_LABEL_WIDTH}}: {format_number(value):>14}")
    lines.append("-" * _WIDTH)
    return "\n".join(lines)


def format_progress(progress: Progress, bar_width: int) -> str:
    """One line: bar (none for width 0), share done, iteration, samples, speed, reward, time spent, time left."""
    share = progress.iteration / max(progress.last_iteration, 1)
    filled = int(bar_width * share)
    bar = f"[{'#' * filled}{'.' * (bar_width - filled)}] " if bar_width else ""
    reward = "-" if progress.mean_reward is None else f"{progress.mean_reward:.2f}"
    return (
        f"{bar}{share:4.0%} | it {progress.iteration}/{progress.last_iteration}"
        f" | {format_count(progress.samples)} samples | {progress.samples_per_second:,.0f}/s | reward {reward}"
        f" | {format_duration(progress.elapsed_s)} | ETA {format_duration(progress.eta_s)}"
    )


def format_duration(seconds: float) -> str:
    """Hours, minutes and whole seconds: 221.4 -> "0:03:41"."""
    if not math.isfinite(seconds):
        return "-:--:--"
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def format_count(count: int) -> str:
    """A count in at most four digits and a unit: 98304 -> "98.3k"."""
    if count < 1000:
        return str(count)
    value, unit = count / 1000.0, 0
    while value >= 999.95 and unit < 2:
        value, unit = value / 1000.0, unit + 1
    return f"{value:.1f}{'kMG'[unit]}"


def format_number(value: float) -> str:
    """Integers in full, other numbers with as many decimals as tell something, the extremes in powers of ten."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    if 1e3 <= abs(value) < 1e7:
        return f"{value:,.1f}"
    return f"{value:.4f}" if 1e-2 <= abs(value) < 1e7 else f"{value:.3e}"
