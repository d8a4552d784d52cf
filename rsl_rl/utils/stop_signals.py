"""The signals that ask a training to stop; this module imports nothing slow, so that they can be handled at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Callable, Dict, Optional, Sequence, Type

# SLURM and its tools announce the end of a job by SIGTERM or one of the user's signals, a terminal that closes by
# SIGHUP; Windows has few of them.
_NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP")
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

    def __enter__(self) -> None:
        """Install the handlers."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in self._signals:
            if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handler)

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Put the handlers of before back."""
        self.restore()

    def restore(self) -> None:
        """Put the handlers of before back."""
        for number, handler in self._previous.items():
            # None stands for a handler that was not installed from Python and cannot be put back from it.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._previous = {}
