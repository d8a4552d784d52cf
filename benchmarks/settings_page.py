"""The tables of settings in docs/configuration.md, from the declarations in the config classes and their comments.

A table stands between the lines ``<!-- settings: module Class.section -->`` and ``<!-- end of settings -->``.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import re
import tokenize
from typing import Any, Dict, Iterator, List, Tuple

from legged_gym.envs.base.base_config import TableEntry
from legged_gym.settings import Setting

_TABLE = re.compile(r"(<!-- settings: (\S+) (\S+) -->\n).*?(<!-- end of settings -->)", re.DOTALL)
_HEAD = ["| setting | default | value | |", "|---|---|---|---|"]
_ENTRIES_HEAD = ["| entry | fields | |", "|---|---|---|"]
_LONG = 8  # lists of more numbers are shown by their ends


def fill(page: str) -> str:
    """The page with every table of settings as the classes have it now."""
    return _TABLE.sub(lambda match: match[1] + "\n".join(_rows(match[2], match[3])) + "\n" + match[4], page)


def _rows(module_name: str, path: str) -> List[str]:
    module = importlib.import_module(module_name)
    section: Any = module
    for name in path.split("."):
        section = getattr(section, name)
    remarks = read_remarks(inspect.getsource(module))
    entries = {name: value for name, value in vars(section).items() if isinstance(value, TableEntry)}
    if entries:
        rows = [
            f"| `{name}` | {_fields(value)} | {remarks.get(f'{path}.{name}', '')} |" for name, value in entries.items()
        ]
        return [*_ENTRIES_HEAD, *rows]
    rows = [
        f"| `{name}` | {_spelled(setting.default)} | {_value(setting)} | {remarks.get(f'{path}.{name}', '')} |"
        for name, setting in _settings(section)
    ]
    return [*_HEAD, *rows]


def _settings(section: type, prefix: str = "") -> Iterator[Tuple[str, Setting]]:
    """The settings that a section declares itself, and its sections below."""
    for name, value in vars(section).items():
        if isinstance(value, Setting) and not name.startswith("_"):
            yield prefix + name, value
        elif inspect.isclass(value):
            yield from _settings(value, f"{prefix}{name}.")


def _fields(entry: TableEntry) -> str:
    """The fields of an entry that are not the defaults."""
    plain = type(entry)().to_dict()
    return ", ".join(f"{name} {value}" for name, value in entry.to_dict().items() if value != plain[name])


def _spelled(default: Any) -> str:
    if default == "" or isinstance(default, dict):
        return ""
    if isinstance(default, list) and len(default) > _LONG:
        return f"{default[0]} .. {default[-1]}"
    return f"`{default}`" if isinstance(default, str) else str(default).replace("'", "")


def _value(setting: Setting) -> str:
    kind = setting.kind
    words = kind.describe()
    return (words[2:] if words.startswith("a ") else words) + (", or None" if kind.none else "")


def read_remarks(source: str) -> Dict[str, str]:
    """Dotted path of an attribute of a class -> the comment behind it, or on the lines above."""
    lines = source.splitlines()
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: Dict[str, str] = {}

    def visit(body: List[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                above, line = [], node.lineno - 1
                while line in comments and lines[line - 1].strip().startswith("#"):
                    above.insert(0, comments[line])
                    line -= 1
                if isinstance(target, ast.Name):
                    found[prefix + target.id] = comments.get(node.end_lineno or 0) or " ".join(above)

    visit(ast.parse(source).body, "")
    return found
