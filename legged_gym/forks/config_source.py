"""Config classes written as Python: what is otherwise than in the defaults, as nested classes."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterable, Iterator, List

from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.envs.base.table_entries import TableEntry

_WIDTH = 80
_BASES = "legged_robot_config"


def module_source(task: str, env_cfg: BaseConfig, train_cfg: BaseConfig) -> str:
    """A module with both configs of a task."""
    name = class_name(task)
    classes = [
        _class(f"{name}Cfg", env_cfg, f"`{task}`."),
        _class(f"{name}CfgPPO", train_cfg, f"Training of `{task}`."),
    ]
    body = "\n\n\n".join("\n".join(lines) for lines in classes)
    terms = "from legged_gym.envs.base.base_config import ObsTerm\n" if "ObsTerm(" in body else ""
    bases = f"from legged_gym.envs.base.{_BASES} import {type(env_cfg).__name__}, {type(train_cfg).__name__}"
    return (
        f'"""`{task}`, moved here from a fork."""\n\nfrom __future__ import annotations\n\n{terms}{bases}\n\n\n{body}\n'
    )


def class_name(task: str) -> str:
    """`AnymalCFlat` for `anymal_c_flat`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W+|_", task))


def _class(name: str, config: BaseConfig, doc: str) -> List[str]:
    base = type(config).__name__
    lines = list(_lines(config.difference(type(config)()), config, base)) or ["pass"]
    return [f"class {name}({base}):", f'    """{doc}"""', "", *_indented(lines)]


def _lines(changed: Dict[str, Any], section: Any, base: str) -> Iterator[str]:
    """The body of a class that changes these settings of a section: values, then sections."""
    inside = {name for name in changed if not _is_value(getattr(section, name))}
    for name in changed:
        if name not in inside:
            yield from f"{name} = {_text(getattr(section, name))}".splitlines()
    for position, name in enumerate(name for name in changed if name in inside):
        yield from [""] if position or len(inside) < len(changed) else []
        yield f"class {name}({base}.{name}):"
        yield from _indented(_lines(changed[name], getattr(section, name), f"{base}.{name}"))


def _indented(lines: Iterable[str]) -> List[str]:
    return [f"    {line}".rstrip() for line in lines]


def _is_value(value: Any) -> bool:
    return isinstance(value, (dict, TableEntry)) or not hasattr(value, "__dict__")


def _text(value: Any) -> str:
    """A value as Python; dicts, and lists that are too long for a line, with one item a line."""
    if isinstance(value, TableEntry):
        plain = type(value)()
        names = [name for name in value.to_dict() if getattr(value, name) != getattr(plain, name)]
        return f"{type(value).__name__}({', '.join(f'{name}={_text(getattr(value, name))}' for name in names)})"
    if isinstance(value, dict):
        items = [f"{_text(name)}: {_text(item)}" for name, item in value.items()]
        return "\n".join(["{", *_indented(f"{item}," for item in items), "}"]) if items else "{}"
    if isinstance(value, (list, tuple)):
        line = f"[{', '.join(map(_text, value))}]"
        return line if len(line) < _WIDTH else "\n".join(["[", *_indented(f"{_text(item)}," for item in value), "]"])
    return json.dumps(value) if isinstance(value, str) else repr(value)
