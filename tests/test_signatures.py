"""Signatures say what they take: environments and configs by class, and parsed arguments only where legged_gym does."""

from __future__ import annotations

import ast
import pathlib
from typing import Iterator, List, Tuple

ROOT = pathlib.Path(__file__).parents[1]
NAMED = {"env", "cfg", "env_cfg", "train_cfg"}
# what takes a parsed command line, as people know it from legged_gym and Isaac Gym
READERS = {"legged_gym/utils/options.py", "legged_gym/utils/task_registry.py", "legged_gym/isaacgym/gymutil.py"}


def parameters(source: str) -> Iterator[Tuple[str, str]]:
    """(name, annotation) of all parameters of all functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                if argument.annotation is not None:
                    yield argument.arg, ast.unparse(argument.annotation)


def vague(source: str) -> List[str]:
    return [name for name, kind in parameters(source) if name in NAMED and kind in ("Any", "Optional[Any]")]


def test_environments_and_configs_have_types() -> None:
    found = {path.relative_to(ROOT).as_posix(): vague(path.read_text()) for path in ROOT.glob("legged_gym/**/*.py")}
    assert {path: names for path, names in found.items() if names} == {}
    assert vague("def f(a, *, cfg: Any): pass\nclass A:\n    def g(self, env: Optional[Any]): pass") == ["cfg", "env"]


def test_parsed_arguments_are_read_at_once() -> None:
    for path in ROOT.glob("legged_gym/**/*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name not in READERS:
            assert not [kind for _, kind in parameters(path.read_text()) if "Namespace" in kind], name
