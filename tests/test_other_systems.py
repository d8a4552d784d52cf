"""What does not need POSIX runs without it. No other system is at hand: what it lacks is taken away."""

from __future__ import annotations

import ast
import os
import pathlib
import signal
import subprocess
import sys
import types

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.processes import children, locks
from rsl_rl.utils import files

ROOT = pathlib.Path(LEGGED_GYM_ROOT_DIR)

# Packages of others are imported before: on another system they have code of their own for it.
WITHOUT_POSIX = """
import importlib, os, pkgutil, signal, sys
for name in ("torch", "torch.distributed", "mujoco", "warp", "optuna", "submitit", "matplotlib.figure", "imageio",
             "tensorboard", "onnx", "onnxruntime", "viser", "trimesh", "mujoco_warp", "gymnasium", "multiprocessing",
             "torch.utils.tensorboard", "asyncio", "tempfile", "socket", "netrc", "webbrowser"):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "posix", "syslog", "readline"):
    sys.modules[name] = None
sys.modules["msvcrt"] = type(sys)("msvcrt")
for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGKILL", "SIGALRM", "SIGCONT", "SIGTSTP"):
    delattr(signal, name)
for name in ("fork", "killpg", "getpgid", "sched_getaffinity", "sysconf", "getuid", "uname", "nice", "getloadavg"):
    delattr(os, name)
import legged_gym, rsl_rl
for package in (legged_gym, rsl_rl):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(("__main__", ".evaluation", ".demo")) or "scripts" not in module.name:
            importlib.import_module(module.name)
from legged_gym.__main__ import WORDS
for word in WORDS:
    try:
        importlib.import_module("legged_gym.scripts." + word).main(["--help"])
    except SystemExit as end:
        assert not end.code, word
print("all of it")
"""


def test_every_module_is_imported_and_every_command_built_without_posix(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LEGGED_GYM_LOGS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.endswith("all of it\n")


def test_a_child_is_asked_to_stop_in_the_system_s_own_way(monkeypatch):
    sent = []
    child = types.SimpleNamespace(send_signal=sent.append)
    children.ask_to_stop(child)
    assert sent.pop() == signal.SIGTERM
    assert children.own_group([3]) == {"start_new_session": True, "pass_fds": (3,)}
    monkeypatch.setattr(children, "_ON_WINDOWS", True)
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    children.ask_to_stop(child)
    assert sent == [1]
    assert children.own_group([3]) == {"creationflags": 512}  # no file descriptors: Popen refuses them there


def test_windows_locks_a_byte_and_waits_for_it(monkeypatch, tmp_path):
    taken, waited = [True, True, False], []

    def locking(descriptor, mode, count):
        assert (mode, count) == ("try", 1) and os.lseek(descriptor, 0, os.SEEK_CUR) == 2**30
        if taken.pop(0):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setattr(locks, "msvcrt", types.SimpleNamespace(locking=locking, LK_NBLCK="try"), raising=False)
    monkeypatch.setattr(locks, "time", types.SimpleNamespace(sleep=waited.append))
    lock = locks.FileLock(str(tmp_path / "lock"))
    assert not lock.acquire(wait=False)
    assert lock.acquire() and len(waited) == 1  # once taken, then free
    lock.release()


def test_a_file_that_is_being_read_is_replaced_when_it_is_let_go(monkeypatch, tmp_path):
    real, refusals, waited = os.replace, [True, True, False], []

    def replace(source, target):
        if refusals.pop(0):
            raise PermissionError(13, "Access is denied")
        real(source, target)

    monkeypatch.setattr(files, "os", types.SimpleNamespace(**{**vars(os), "name": "nt", "replace": replace}))
    monkeypatch.setattr(files, "time", types.SimpleNamespace(sleep=waited.append))
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")
    with files.replacing(str(path)) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new" and len(waited) == 2
    assert os.listdir(tmp_path) == ["model.pt"]


@pytest.mark.parametrize(
    "path", [ROOT / "make.ps1", *sorted(ROOT.glob("examples/**/*.ps1"))], ids=lambda path: path.name
)
def test_powershell_files_are_of_its_grammar(path):
    tree_sitter = pytest.importorskip("tree_sitter")
    language = tree_sitter.Language(pytest.importorskip("tree_sitter_powershell").language())
    tree = tree_sitter.Parser(language).parse(path.read_bytes())
    assert not tree.root_node.has_error, [node.text for node in errors(tree.root_node)]


def errors(node):
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from errors(child)


def test_texts_are_opened_in_utf_8():
    """Windows would take the code page of the country."""
    wrong = []
    for path in [*ROOT.glob("legged_gym/**/*.py"), *ROOT.glob("rsl_rl/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                mode = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else "r"
                if "b" not in str(mode) and not any(word.arg == "encoding" for word in node.keywords):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong
