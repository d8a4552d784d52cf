"""Imports go one way: no circle between modules, and packages import from those below them alone.

Every import counts, those inside of functions and those for type checkers too. The order of packages is read from
docs/architecture.md.
"""

from __future__ import annotations

import ast
import pathlib
from typing import Dict, Iterator, List, Mapping, Set

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"


def modules(root: pathlib.Path) -> Dict[str, pathlib.Path]:
    """Name -> file of all modules of the two packages."""
    found = {}
    for path in sorted([*root.glob("legged_gym/**/*.py"), *root.glob("rsl_rl/**/*.py")]):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: pathlib.Path, known: Mapping[str, object]) -> Iterator[str]:
    """The modules of ours that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield from (found for found in (name if name in known else str(node.module),) if found in known)


def graph(root: pathlib.Path = ROOT) -> Dict[str, Set[str]]:
    known = modules(root)
    return {name: set(imported(path, known)) - {name} for name, path in known.items()}


def circle(arrows: Mapping[str, Set[str]]) -> List[str]:
    """What is left when modules that lead to nothing are taken away, again and again; empty without a circle."""
    left = {name: set(targets) for name, targets in arrows.items()}
    while True:
        ends = {name for name, targets in left.items() if not targets & set(left)}
        if not ends:
            return sorted(left)
        left = {name: targets for name, targets in left.items() if name not in ends}


def order() -> Dict[str, int]:
    """Package, or module that stands alone, -> its line of the page's picture, counted from below."""
    lines = PAGE.read_text().partition("## Layers")[2].split("```")[1].split("\n")
    return {name: height for height, line in enumerate(reversed(lines)) for name in line.split()}


def room(name: str) -> str:
    """`utils` for `legged_gym.utils.cli`, `rsl_rl` for all of the learner, nothing for `legged_gym` itself."""
    top, _, rest = name.partition(".")
    return top if top == "rsl_rl" else rest.partition(".")[0]


def test_there_is_no_circle() -> None:
    assert circle(graph()) == []


def test_packages_import_from_those_below_them() -> None:
    heights, wrong = order(), []
    for name, targets in graph().items():
        for target in targets:
            here, there = room(name), room(target)
            if here and there and here != there and heights[here] <= heights[there]:
                wrong.append(f"{name} imports {target}")
    assert wrong == []


def test_the_learner_and_the_scripts_stand_alone() -> None:
    for name, targets in graph().items():
        for target in targets:
            assert not (name.startswith("rsl_rl") and target.startswith("legged_gym")), f"{name} imports {target}"
            assert not target.startswith("legged_gym.scripts."), f"{name} imports the script {target}"


@pytest.mark.parametrize(
    "line",
    [
        "import legged_gym.b",
        "def f():\n    from legged_gym import b",
        "if TYPE_CHECKING:\n    from legged_gym.b import B",
        "def f():\n    def g():\n        import legged_gym.b as c",
    ],
)
def test_a_circle_is_found_wherever_the_import_stands(tmp_path: pathlib.Path, line: str) -> None:
    package = tmp_path / "legged_gym"
    package.mkdir()
    for name, text in (("__init__", ""), ("a", line), ("b", "import legged_gym.a"), ("c", "import legged_gym.a")):
        (package / f"{name}.py").write_text(text)
    assert circle(graph(tmp_path)) == ["legged_gym.a", "legged_gym.b", "legged_gym.c"]
    (package / "a.py").write_text("import legged_gym")
    assert circle(graph(tmp_path)) == []
