"""The signals that ask a training to stop, as a wish to save first.

This module imports nothing slow, so that they can be handled at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import Any, Callable, Dict, Optional, Sequence, TypeVar

S = TypeVar("S", bound="SignalHandlers")

# SLURM and its tools announce the end of a job by SIGTERM or one of the user's signals, a terminal that closes by
# SIGHUP; Windows has few of them, and Ctrl-Break for children that are to save.
_NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP", "SIGBREAK")
STOP_SIGNALS = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))


class SignalHandlers:
    """While entered, `handler` gets the signals; those of before are put back on leaving.

    SIGHUP stays ignored where it is (nohup). Python allows handlers in the main thread alone: elsewhere signals keep
    their usual effect.
    """

    def __init__(self, handler: Callable[[int, Optional[FrameType]], None], signals: Sequence[signal.Signals]) -> None:
        self._handler = handler
        self._signals = signals
        self._previous: Dict[signal.Signals, Any] = {}

    def __enter__(self: S) -> S:
        """Install the handlers."""
        for number in self._signals if threading.current_thread() is threading.main_thread() else ():
            if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handler)
        return self

    def __exit__(self, *error: object) -> None:
        """Put the handlers of before back."""
        self.restore()

    def restore(self) -> None:
        """Put the handlers of before back."""
        for number, handler in self._previous.items():
            # None stands for a handler that was not installed from Python and cannot be put back from it.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._previous = {}


class StopRequest(SignalHandlers):
    """While entered, the first of `STOP_SIGNALS` only sets `reason`; SIGINT after that raises KeyboardInterrupt.

    Other repetitions change nothing: a scheduler may tell every process of a job, and some of them tell the others.
    """

    def __init__(self) -> None:
        super().__init__(self._note, STOP_SIGNALS)
        self.reason: Optional[str] = None

    def _note(self, number: int, frame: Optional[FrameType]) -> None:
        if self.reason is not None:
            if number == signal.SIGINT:
                self.restore()
                raise KeyboardInterrupt
            return
        self.reason = signal.Signals(number).name
        # A handler may interrupt a print, and Python's streams refuse to be entered twice: write to stderr directly.
        text = f"\n{self.reason}: stopping after this iteration; Ctrl-C once more to stop at once\n"
        with contextlib.suppress(OSError):  # of a terminal that has closed
            os.write(2, text.encode())
