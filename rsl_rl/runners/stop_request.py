"""Ctrl-C and the signals of job schedulers as a wish to stop soon, so that a training can save first."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Dict, Optional, Type

# SLURM and its tools announce the end of a job by SIGTERM or one of the user's signals, which Windows does not have.
_NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2")
STOP_SIGNALS = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))


class StopRequest:
    """While entered, the first of `STOP_SIGNALS` only sets `reason`; SIGINT after that raises KeyboardInterrupt.

    Other repetitions change nothing: a scheduler may tell every process of a job, and some of them tell the others.
    The handlers of before are put back on leaving. Python allows handlers in the main thread alone: elsewhere signals
    keep their usual effect.
    """

    def __init__(self) -> None:
        self.reason: Optional[str] = None
        self._previous: Dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        """Install the handlers."""
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in STOP_SIGNALS}
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Put the handlers of before back."""
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            # None stands for a handler that was not installed from Python and cannot be put back from it.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._previous = {}

    def _handle(self, number: int, frame: Optional[FrameType]) -> None:
        if self.reason is not None:
            if number == signal.SIGINT:
                self._restore()
                raise KeyboardInterrupt
            return
        self.reason = signal.Signals(number).name
        # A handler may interrupt a print, and Python's streams refuse to be entered twice: write to stderr directly.
        os.write(2, f"\n{self.reason}: stopping after this iteration; Ctrl-C once more to stop at once\n".encode())
