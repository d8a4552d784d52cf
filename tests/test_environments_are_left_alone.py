"""Nobody outside of `legged_gym/envs/` changes an environment but by its methods and by replacing a part."""

from __future__ import annotations

import ast
import glob
from typing import Iterator, List

import pytest

ROOMS = ("legged_gym", "rsl_rl", "benchmarks")
NAMES = ("env", "_env")


def is_environment(node: ast.AST) -> bool:
    """`env`, `self.env`, `self._env`, `collector.env`; the section `env` of a config is none."""
    if isinstance(node, ast.Name):
        return node.id in NAMES
    return isinstance(node, ast.Attribute) and node.attr in NAMES and not _is_config(node.value)


def _is_config(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name == "cfg" or name.endswith("_cfg")


def is_within(node: ast.AST) -> bool:
    """Whether it is an attribute, at any depth, of an environment; its config's among them."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
        if is_environment(node):
            return True
    return False


def changes(tree: ast.AST) -> Iterator[int]:
    """Lines that assign to something within an environment, delete it, or change a tensor of it in place."""
    for node in ast.walk(tree):
        changed: List[ast.AST] = []
        if isinstance(node, (ast.Assign, ast.Delete)):
            changed = list(node.targets)
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)):
            changed = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            if method.endswith("_") and not method.startswith("_"):
                changed = [node.func.value]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("setattr", "delattr"):
            first = node.args[0]
            if is_environment(first) or is_within(first):
                yield node.lineno
        for target in changed:
            if any(is_within(part) for part in ast.walk(target) if isinstance(part, (ast.Attribute, ast.Subscript))):
                yield node.lineno


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("env._resample_commands = resample", True),
        ("self.env.terrain_levels[env_ids] = levels", True),
        ("a, self._env.commands[:, 0] = 1, 2", True),
        ("env.command_ranges.lin_vel_x = [0, 1]", True),
        ("setattr(env.command_ranges, name, [value, value])", True),
        ("self.env.episode_length_buf.copy_(ages)", True),
        ("env.common_step_counter += 1", True),
        ("collector.env.sim.step = step", True),
        ("cfg.env.num_envs = 4", False),
        ("env_cfg.env.episode_length_s = 1.0", False),
        ("self.env = env", False),
        ("x = env.commands", False),
        ("env.use_part('commands', part)", False),
    ],
)
def test_changes_are_seen(line, expected):
    assert bool(list(changes(ast.parse(line)))) == expected


def test_nobody_changes_an_environment_from_outside():
    paths = [path for room in ROOMS for path in glob.glob(f"{room}/**/*.py", recursive=True)]
    # what forks call an environment is theirs
    outside = [path for path in paths if not path.startswith(("legged_gym/envs/", "legged_gym/isaacgym/"))]
    found = []
    for path in outside:
        with open(path, encoding="utf-8") as file:
            found += [f"{path}:{line}" for line in changes(ast.parse(file.read()))]
    assert len(outside) > 100 and not found
