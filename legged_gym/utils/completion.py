"""Completion of flags, tasks, policies and settings in a shell, by `argcomplete`, which has to be installed for it."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from typing import Any, Iterable, Iterator, List

from legged_gym.envs import registry
from legged_gym.envs.base.base_config import section_to_dict

_ASKED = "_ARGCOMPLETE"
_PREFIXES = ("--env.", "--train.")


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks how its line may go on, and leave; else do nothing."""
    if _ASKED not in os.environ:
        return
    try:
        import argcomplete
    except ImportError:
        sys.exit(1)
    line = typed()
    for action in parser._actions:
        names = {"task": registry.names(), "policy": _policies()}.get(action.dest)
        if names is not None:
            setattr(action, "completer", _one_of(names))  # noqa: B010 - argcomplete's own attribute
    if line and line[-1].startswith(_PREFIXES):
        for path in _settings(line):
            parser.add_argument(path)
    argcomplete.autocomplete(parser, always_complete_options=False)


def complete_words(words: Iterable[str]) -> None:
    """The same for the first word of a command; once that is there, what it stands for completes the rest."""
    line = typed()
    if _ASKED not in os.environ:
        return
    if len(line) > 2 or (len(line) == 2 and os.environ.get("COMP_LINE", "").endswith(" ")):
        os.environ[_ASKED] = "2"  # the word is argcomplete's name of the program
        return
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("word", choices=list(words))
    complete(parser)


def typed() -> List[str]:
    """The words of the line before the cursor."""
    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT") or 0)]
    try:
        return shlex.split(line)
    except ValueError:  # a quote is still open
        return line.split()


def _one_of(names: Iterable[str]) -> Any:
    return lambda **_: list(names)


def _policies() -> List[str]:
    from legged_gym.utils.run_folder import POLICIES_DIR

    return sorted(os.listdir(POLICIES_DIR))


def _settings(line: List[str]) -> Iterator[str]:
    """All settings of the task of a line as flags."""
    name = next((word[7:] for word in line if word.startswith("--task=")), "")
    name = name or next((after for word, after in zip(line, line[1:]) if word == "--task"), "a1_flat")
    task = registry.find(name)
    for prefix, cfg in zip(_PREFIXES, task.new_cfgs()):
        yield from (prefix + path for path in _paths(section_to_dict(cfg)))


def _paths(values: Any, head: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield from _paths(value, f"{head}{name}.") if isinstance(value, dict) and value else [head + name]
