"""Mistakes that a user can make and mend, told in one line."""

from __future__ import annotations

import difflib
import inspect
from typing import Any, Callable, Iterable, Mapping


class RslRlError(ValueError):
    """A configuration or a file that the learner cannot work with; the message says what to change."""


def near_matches(name: str, known: Iterable[str]) -> str:
    """Return a question that offers the known names most like `name`, or lists all names when none is."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"


def check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a value that is not one of `choices`.

    Raises:
        RslRlError: names `key`, the value and the near matches.
    """
    names = list(choices)
    if value not in names:
        raise RslRlError(f"{key} is {value!r}; {near_matches(str(value), names)}")


def reject_unknown(section: str, unknown: Mapping[str, Any], accepting: Callable[..., Any]) -> None:
    """Refuse keyword arguments that `accepting` collected because no parameter has their name.

    Args:
        section: part of the configuration that they came from, for the message.
        unknown: what was collected.
        accepting: the function, whose named parameters are the keys that would have been right.

    Raises:
        RslRlError: `unknown` is not empty.
    """
    for key in unknown:
        parameters = inspect.signature(accepting).parameters.values()
        known = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.default is not p.empty]
        raise RslRlError(f"unknown key {section}.{key}: {near_matches(key, known)}")
