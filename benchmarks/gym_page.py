"""The table of calls in docs/isaacgym.md, from the methods of the gym object and their docstrings."""

from __future__ import annotations

import inspect
import re
from typing import List

from legged_gym.isaacgym.gymapi import UNSUPPORTED, Gym

_TABLE = re.compile(r"(<!-- calls -->\n).*?(<!-- end of calls -->)", re.DOTALL)
_TITLES = {
    "Creation": "Creating, and letting time pass",
    "Tensors": "Tensors",
    "Properties": "Properties",
    "Pictures": "Cameras and other sensors",
    "Lookup": "Counts, names, indices",
    "Viewing": "Viewer and looks",
}


def fill(page: str) -> str:
    """The page with the table of calls as it is now."""
    return _TABLE.sub(lambda match: match[1] + "\n".join(_tables()) + match[2], page)


def _tables() -> List[str]:
    kinds = {kind.__name__: kind for kind in Gym.__mro__}
    lines: List[str] = []
    for name, title in _TITLES.items():
        calls = {call: method for call, method in vars(kinds[name]).items() if not call.startswith("_")}
        lines += [f"**{title}**", "", "| call | |", "|---|---|"]
        lines += [f"| `{call}` | {_said(method)} |" for call, method in sorted(calls.items())]
        lines.append("")
    lines += ["**Not there**", "", "| call | why, and what to do |", "|---|---|"]
    return [*lines, *(f"| `{call}` | {why} |" for call, why in sorted(UNSUPPORTED.items())), ""]


def _said(method: object) -> str:
    return " ".join((inspect.getdoc(method) or "").split("\n\n")[0].split())
