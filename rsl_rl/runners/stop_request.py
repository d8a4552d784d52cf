"""Ctrl-C and the signals of job schedulers as a wish to stop soon, so that a training can save first."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType, TracebackType
from typing import Optional, Type

from rsl_rl.utils.stop_signals import STOP_SIGNALS, SignalHandlers


class StopRequest:
    """While entered, the first of `STOP_SIGNALS` only sets `reason`; SIGINT after that raises KeyboardInterrupt.

    Other repetitions change nothing: a scheduler may tell every process of a job, and some of them tell the others.
    """

    def __init__(self) -> None:
        self.reason: Optional[str] = None
        self._handlers = SignalHandlers(self._handle, STOP_SIGNALS)

    def __enter__(self) -> StopRequest:
        """Install the handlers."""
        self._handlers.__enter__()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Put the handlers of before back."""
        self._handlers.restore()

    def _handle(self, number: int, frame: Optional[FrameType]) -> None:
        if self.reason is not None:
            if number == signal.SIGINT:
                self._handlers.restore()
                raise KeyboardInterrupt
            return
        self.reason = signal.Signals(number).name
        # A handler may interrupt a print, and Python's streams refuse to be entered twice: write to stderr directly.
        text = f"\n{self.reason}: stopping after this iteration; Ctrl-C once more to stop at once\n"
        with contextlib.suppress(OSError):  # of a terminal that has closed
            os.write(2, text.encode())
