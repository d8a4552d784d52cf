"""Runs a script of a fork with `isaacgym` on MuJoCo, and changes nothing on disk."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import pickle
import runpy
import sys
import traceback
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Sequence, Tuple

from legged_gym.errors import UserError, listed
from legged_gym.forks.folders import fork_root, package_folders
from legged_gym.forks.names import ISAAC_GYM, PRIVATE, offer_isaac_gym
from legged_gym.isaacgym import launch
from legged_gym.utils.cli import add_viewer_flags, number, page_address
from legged_gym.utils.files import check_writable
from legged_gym.utils.reports import has_display
from legged_gym.viewing.server import check_server

# options whose value may be the next word
_WITH_VALUE = ("--path", "--video", "--duration", "--follow", "--viewer", "--host", "--port")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; --help lists the options, which come before the script")


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run, or report on, the script that the command line names.

    Raises:
        UserError: for a mistake in it, and for what the script needs and is not there.
    """
    usage = "run_fork.py [options] SCRIPT [what the script takes]"
    parser = _Parser(description="Run a script written for Isaac Gym on MuJoCo.", usage=usage)
    add = parser.add_argument
    add("--path", action="append", default=[], metavar="DIR", help="folder with packages of the fork; repeatable")
    add("--replace", action="store_true", help="use MuJoCo although NVIDIA's Isaac Gym is installed")
    add("--report", action="store_true", help="say what the fork calls that is not there, and do not run it")
    add("--strict", action="store_true", help="end at the first call that would be accepted without effect")
    add("--video", metavar="FILE", help="write what the fork's viewer shows to an mp4 file")
    add("--duration", type=number("s", above=0), default=20.0, metavar="S", help="simulated seconds of the video (20)")
    follow = "the robot that the view goes along with, by its environment; a video is seen from the fork's camera else"
    add("--follow", type=number(whole=True, low=0), metavar="ENV", help=follow)
    add_viewer_flags(parser, ("window", "web", "none"))
    add("script", metavar="SCRIPT", help="the fork's train.py or play.py; all that follows is for it")
    own, rest = _split(list(sys.argv[1:] if argv is None else argv))
    options = parser.parse_args(own)
    script: str = options.script
    if not os.path.isfile(script):
        raise UserError(f"{script} is not a file; give the path of the fork's train.py")
    for path in options.path:
        if not os.path.isdir(path):
            raise UserError(f"--path={path} is not a folder")
    if options.report:
        from legged_gym.forks.report import report

        print(report(fork_root(script)))
        return
    folders = package_folders(script, options.path)
    given = prepare(script, options.path, options.replace)
    shims = "; ".join(f"{module}: {listed(names)}" for module, names in given.items())
    print(f"Isaac Gym on MuJoCo; packages from {listed(folders)}; given back: {shims}", flush=True)
    launch.strict = options.strict
    page = page_address(options.viewer, options.host, options.port)
    with shown(options.viewer, page, options.video, options.duration, options.follow):
        run(script, rest)


@contextlib.contextmanager
def shown(
    viewer: Optional[str],
    page: Optional[Tuple[str, int]] = None,
    video: Optional[str] = None,
    seconds: float = 20.0,
    follow: Optional[int] = None,
) -> Iterator[None]:
    """See the viewers of a fork on a page, in a video, or in a window, which is also taken if there is a display."""
    if video is not None and viewer is not None:
        raise UserError("--video and --viewer: leave one of them out")
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, launch, "make_screen", None)
        if video is not None:
            check_writable(video, "--video")
            from legged_gym.forks.screens import VideoScreen

            launch.make_screen = stack.enter_context(VideoScreen(video, seconds, follow)).of
        elif page is not None:
            check_server(*page)
            launch.make_screen = functools.partial(_page, page, follow or 0)
        elif viewer == "window" or (viewer is None and has_display()):
            launch.make_screen = functools.partial(_window, follow or 0)
        yield


def _page(address: Tuple[str, int], follow: int, viewer: Any) -> Any:
    from legged_gym.forks.page import PageScreen

    return PageScreen(viewer, *address, follow)


def _window(follow: int, viewer: Any) -> Any:
    from legged_gym.forks.screens import WindowScreen

    return WindowScreen(viewer, follow)


def prepare(script: str, named: Sequence[str] = (), replace: bool = False) -> Dict[str, List[str]]:
    """Put the folders of a script's fork, and `isaacgym`, in place; return what was given back of old versions."""
    from legged_gym.forks.shims import repair

    offer_isaac_gym(package_folders(script, named), replace)
    sys.dont_write_bytecode = True
    return repair(package_folders(script))


def run(script: str, arguments: Sequence[str]) -> None:
    """Run a script as `__main__`.

    Raises:
        UserError: if it imports what is not installed, or loads a file that torch refuses.
    """
    sys.argv = [script, *arguments]
    with needs_told():
        runpy.run_path(script, run_name="__main__")


@contextlib.contextmanager
def needs_told() -> Iterator[None]:
    """Tell in one line what a fork imports that is not installed, or loads that torch refuses."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(_missing(error)) from error
    except pickle.UnpicklingError as error:
        raise UserError(
            "torch loads no objects from files unasked; if you trust the file, set TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1"
        ) from error


def _split(argv: List[str]) -> Tuple[List[str], List[str]]:
    """Our options and the script, and what is for the script."""
    position = 0
    while position < len(argv) and argv[position].startswith("-"):
        position += 2 if argv[position] in _WITH_VALUE else 1
    return argv[: position + 1], argv[position + 1 :]


def _missing(error: ModuleNotFoundError) -> str:
    name = (error.name or "").partition(".")[0]
    if name in PRIVATE:
        return str(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    where = f"{frames[-1].filename}:{frames[-1].lineno}"
    if name == ISAAC_GYM:
        return f"{where} imports {error.name}, a module that Isaac Gym on MuJoCo does not have"
    return f"{where} imports {name}, which is not installed here: pip install --no-deps it"
