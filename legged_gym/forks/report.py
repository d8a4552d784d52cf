"""What a fork uses of Isaac Gym, found in its source, and what of it is not there; nothing is run.

What is supported is asked of the layer itself.
"""

from __future__ import annotations

import ast
import importlib
import os
from collections import defaultdict
from types import ModuleType
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from legged_gym.forks.names import ISAAC_GYM, LAYER

_SKIPPED = {"build", "dist", "node_modules", "__pycache__"}
_GYM_OBJECTS = ("gym", "_gym")
_MOST_PLACES = 3


class Use(NamedTuple):
    """A name of Isaac Gym in a file: `gym.simulate` or `gymapi.KEY_V`."""

    module: str  # gymapi, torch_utils ...; "gym" for calls of the gym object
    name: str
    place: str  # file:line


def report(root: str) -> str:
    """What a fork under a folder uses that is not there, with reasons and places; and how much is."""
    uses, unread = [], []
    for path in _python_files(root):
        try:
            with open(path, encoding="utf-8") as file:
                tree = ast.parse(file.read())
        except (SyntaxError, ValueError) as error:
            unread.append(f"not read: {os.path.relpath(path, root)}: {error}")
            continue
        uses += uses_of(tree, os.path.relpath(path, root))
    return "\n".join([*_missing_lines(uses), *unread, _summary(uses)])


def uses_of(tree: ast.AST, file: str) -> List[Use]:
    """All names of Isaac Gym in a file."""
    return _Uses(tree, file).found


def _missing_lines(uses: List[Use]) -> Iterator[str]:
    places: Dict[Tuple[str, str], List[str]] = defaultdict(list)
    for use in uses:
        places[use.module, use.name].append(use.place)
    for (module, name), where in sorted(places.items()):
        reason = why_missing(module, name)
        if reason is not None:
            more = f" and {len(where) - _MOST_PLACES} more" if len(where) > _MOST_PLACES else ""
            yield f"{module}.{name}: {reason}\n    {', '.join(where[:_MOST_PLACES])}{more}"


def _summary(uses: List[Use]) -> str:
    names = {(use.module, use.name) for use in uses}
    missing = sum(why_missing(*name) is not None for name in names)
    calls = sum(module == "gym" for module, _ in names)
    return (
        f"{len(names)} names of Isaac Gym are in use, {calls} of them calls of the gym object;"
        f" {f'{missing} are not there' if missing else 'all are there'}"
    )


def why_missing(module: str, name: str) -> Optional[str]:
    """Why the layer does not have a name, or None if it does."""
    api = _layer("gymapi")
    if module == "gym":
        known, reasons = api.Gym, api.UNSUPPORTED
        return None if name in dir(known) else reasons.get(name, "no call of that name is known")
    return None if hasattr(_layer(module), name) else f"{ISAAC_GYM}.{module} does not have it"


def _layer(module: str) -> ModuleType:
    return importlib.import_module(f"{LAYER}.{module}")


def _python_files(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".py"))


class _Uses(ast.NodeVisitor):
    """Finds the names that one file uses, by what its imports call the modules."""

    def __init__(self, tree: ast.AST, file: str) -> None:
        self.found: List[Use] = []
        self._file = file
        self._modules: Dict[str, str] = {}
        self._gyms: Set[str] = set(_GYM_OBJECTS)
        for node in ast.walk(tree):
            self._read_import(node)
        self.visit(tree)

    def _read_import(self, node: ast.AST) -> None:
        """Names of modules; a module called gym, OpenAI's, is no gym object."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "gym" or alias.asname == "gym":
                    self._gyms.discard("gym")
                if alias.name.startswith(f"{ISAAC_GYM}.") and alias.asname:
                    self._modules[alias.asname] = alias.name.split(".", 1)[1]
        elif isinstance(node, ast.ImportFrom) and node.module == ISAAC_GYM:
            self._modules.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{ISAAC_GYM}."):
            module = str(node.module).split(".", 1)[1]
            for alias in node.names:
                if alias.name != "*":
                    self._add(module, alias.name, node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Remember what the gym object is called here."""
        if isinstance(node.value, ast.Call) and _last(node.value.func) == "acquire_gym":
            self._gyms.update(_last(target) for target in node.targets)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Take note of `gymapi.NAME` and, at calls, of `<...>.gym.NAME`."""
        if isinstance(node.value, ast.Name) and node.value.id in self._modules:
            self._add(self._modules[node.value.id], node.attr, node)
        elif _dotted(node.value).startswith(f"{ISAAC_GYM}."):
            self._add(_last(node.value), node.attr, node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Take note of calls of the gym object."""
        if isinstance(node.func, ast.Attribute) and _last(node.func.value) in self._gyms:
            self._add("gym", node.func.attr, node)
        self.generic_visit(node)

    def _add(self, module: str, name: str, node: ast.AST) -> None:
        self.found.append(Use(module, name, f"{self._file}:{getattr(node, 'lineno', 0)}"))


def _last(node: ast.AST) -> str:
    """`gym` of `self.env.gym`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.AST) -> str:
    """`isaacgym.torch_utils` of that expression."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
