"""Child processes that hear nothing of Ctrl-C in the terminal, and that are asked to save and end, on any system."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any, Dict, Sequence

_ON_WINDOWS = sys.platform == "win32"


def own_group(keep_open: Sequence[int] = ()) -> Dict[str, Any]:
    """Arguments of `subprocess.Popen` for a child of its own group.

    Args:
        keep_open: file descriptors that it inherits; on Windows none are.
    """
    if _ON_WINDOWS:
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP")}  # noqa: B009 - of Windows alone
    return {"start_new_session": True, "pass_fds": tuple(keep_open)}


def ask_to_stop(process: subprocess.Popen[bytes]) -> None:
    """Send the signal that a training answers by saving; Windows has Ctrl-Break for it, as SIGTERM there is an end."""
    process.send_signal(getattr(signal, "CTRL_BREAK_EVENT") if _ON_WINDOWS else signal.SIGTERM)  # noqa: B009
