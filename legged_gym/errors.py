"""Errors that a user can cause and can mend."""

from __future__ import annotations


class UserError(ValueError):
    """A mistake in a command, a config or a file; the message is one line that says what to do.

    Scripts print it as ``error: <message>`` and exit with status 2.
    """
