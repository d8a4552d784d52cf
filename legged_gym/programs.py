"""How every script ends: mistakes of the user become one line, never a traceback."""

from __future__ import annotations

import errno
import importlib
import os
import shlex
import signal
import sys
from types import FrameType
from typing import Callable, List, NoReturn, Optional, Sequence

from legged_gym import LEGGED_GYM_PACKAGE_DIR
from legged_gym.errors import UserError
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.stop_signals import STOP_SIGNALS, SignalHandlers

EXIT_MISTAKE = 2
EXIT_STOPPED = 75  # EX_TEMPFAIL of BSD's sysexits.h: saved before the end, to be gone on with
EXIT_INTERRUPTED = 130


# What only the owner of the machine can mend: rights, space, disks. A file that is missing may be a fault of ours.
_REFUSALS = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENOTDIR,
    errno.ENAMETOOLONG,
)  # fmt: skip

COMMAND = "legged-gym"
"""Name of the command whose words are the scripts."""

Main = Callable[[Optional[Sequence[str]]], Optional[int]]


def run_script(main: Main, argv: Optional[Sequence[str]] = None) -> NoReturn:
    """Run the main function of a script and exit with its status.

    A mistake of the user (`UserError`, or `RslRlError` of the learner) is printed as ``error: <one line>`` on standard
    error, with status 2, and so is a disk that refuses; Ctrl-C gives 130. All other exceptions are faults of the
    program and keep their traceback.

    Args:
        main: Takes the arguments (None: those of the process) and returns the exit status, None for 0.
        argv: The arguments, without the name of the program.
    """
    try:
        status = main(argv)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has left; nothing more can be said to it, not even by the flush at exit.
        sys.stdout = None
        status = 0
    except (UserError, RslRlError) as error:
        status = _mistake(str(error))
    except MemoryError as error:
        reason = f" ({error})" if str(error) else ""
        status = _mistake(
            f"not enough memory{reason}; fewer robots (--num_envs) or a smaller map (env.terrain) need less"
        )
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        status = _mistake(": ".join(filter(None, (error.filename and str(error.filename), error.strerror))))
    sys.exit(status or 0)


def script_file(name: str) -> str:
    """Path of a script."""
    return os.path.join(LEGGED_GYM_PACKAGE_DIR, "scripts", f"{name}.py")


def command_line(name: str) -> str:
    """How a script is started from here, as the one that runs was: as a word of the command, or as a file."""
    return f"{COMMAND} {name}" if runs_as_word() else f"python {shlex.quote(shown_path(script_file(name)))}"


def process_command() -> List[str]:
    """The command line of this process."""
    start = sys.argv[0].split() if runs_as_word() else [os.path.basename(sys.executable), sys.argv[0]]
    return [*start, *sys.argv[1:]]


def runs_as_word() -> bool:
    """Whether this process runs a script as a word of the command `legged-gym`."""
    return sys.argv[0].startswith(f"{COMMAND} ")


def shown_path(path: str) -> str:
    """The path as short as it can be typed from the current folder."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive of Windows
        return path
    return path if relative.startswith("..") else relative.replace(os.sep, "/")


def run_word(name: str, argv: Sequence[str]) -> NoReturn:
    """Run a script as a word of the command `legged-gym`."""
    sys.argv = [f"{COMMAND} {name}", *argv]
    run_script(importlib.import_module(f"legged_gym.scripts.{name}").main)


def stopped_by_signals() -> SignalHandlers:
    """While entered, the signals of schedulers end the process as they end a training: `EXIT_STOPPED`, to go on later.

    A training takes them over as soon as there is something to save. Ctrl-C keeps its effect.
    """
    return SignalHandlers(_stop, [number for number in STOP_SIGNALS if number != signal.SIGINT])


def _stop(number: int, frame: Optional[FrameType]) -> None:
    # torchrun takes all but 0 for a fault.
    sys.exit(0 if int(os.environ.get("WORLD_SIZE", "1")) > 1 else EXIT_STOPPED)


def _mistake(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_MISTAKE
