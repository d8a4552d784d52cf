"""One run of a sweep: `train.py` in a process of its own, so that every run finds a clean simulator and a clean GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from legged_gym.processes.children import ask_to_stop, own_group
from legged_gym.programs import script_file
from legged_gym.sweeps.config import settings_file
from legged_gym.utils.files import write_files
from rsl_rl.utils.logger import METRICS_FILE, lines_until

TRAIN = (sys.executable, script_file("train"))
# Runs in a row that may fail before a worker gives up.
MAX_FAILURES = 3


class Training:
    """A training that was started.

    A group of its own keeps Ctrl-C in the terminal from it: the sweep tells it to stop, once, and it saves.

    Args:
        command: With interpreter and script.
        log: File that takes what it prints, after what is there; None leaves it in the terminal.
        env: Environment variables besides those of this process.
        keep_open: File descriptors that it inherits, but for Windows.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        keep_open: Sequence[int] = (),
    ) -> None:
        output = None if log is None else open(log, "ab")  # noqa: SIM115 - closed below
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            **own_group(keep_open),
        )
        if output is not None:
            output.close()

    def wait(self, timeout: float) -> Optional[int]:
        """Return the exit status (minus the signal that ended it), None when it still runs after `timeout` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> int:
        """Let it save and end, and return its exit status; Ctrl-C meanwhile ends it at once."""
        try:
            ask_to_stop(self._process)
            return self._process.wait()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise


def write_settings(folder: str, name: str, parameters: Dict[str, Any]) -> str:
    """Write the parameters of a run as a file for ``--cfg`` and return its path."""
    return write_files(folder, {name: settings_file(parameters).encode()})[0]


def read_metric(run_folder: str, name: str) -> List[Tuple[int, float]]:
    """Return (iteration, value) of one number that a run has logged so far; empty before the first.

    Args:
        run_folder: Its folder, which need not be there yet.
        name: Tag, spaces written as underscores or not.
    """
    found = []
    for line in lines_until(os.path.join(run_folder, METRICS_FILE)):
        row = {tag.replace(" ", "_"): value for tag, value in json.loads(line).items()}
        value = row.get(name.replace(" ", "_"))
        if value is not None:
            found.append((row["iteration"], float(value)))
    return found
