"""Errors that a user can cause and can mend, and lists of names for them."""

from __future__ import annotations

import contextlib
from typing import Iterable, Iterator, Sequence

_MOST_NAMES = 12


class UserError(ValueError):
    """A mistake in a command, a config or a file; the message is one line that says what to do.

    Scripts print it as ``error: <message>`` and exit with status 2.
    """


@contextlib.contextmanager
def in_file(path: str) -> Iterator[None]:
    """Begin the message of a `UserError` with the file that it is about."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def listed(names: Iterable[str], of: Sequence[str] = ()) -> str:
    """Names in one line: 'a, b', 'all 12 joints' if they are all of `of`, and not more than a dozen."""
    chosen = list(names)
    if len(chosen) > 2 and len(chosen) == len(of):
        return f"all {len(chosen)} joints"
    more = f" and {len(chosen) - _MOST_NAMES} more" if len(chosen) > _MOST_NAMES else ""
    return ", ".join(chosen[:_MOST_NAMES]) + more
