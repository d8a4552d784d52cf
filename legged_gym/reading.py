"""Text that others wrote, as YAML or JSON: read whole, or refused with a reason of one line."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Set, Tuple, Union

import yaml

from legged_gym import LEGGED_GYM_PACKAGE_DIR, LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError, in_file

PLACEHOLDER = "{LEGGED_GYM_ROOT_DIR}"
# What no config comes near; aliases of aliases make a small file that is endless to walk.
_MOST_VALUES, _DEEPEST = 100_000, 50


def path_of(name: str) -> str:
    """The path that a setting means: `{LEGGED_GYM_ROOT_DIR}` and ~ are replaced.

    One like `resources/...` or `legged_gym/configs/...` that is not in the current folder is the project's own.
    """
    path = os.path.expanduser(name.replace(PLACEHOLDER, LEGGED_GYM_ROOT_DIR))
    homes = ("", LEGGED_GYM_ROOT_DIR, os.path.dirname(LEGGED_GYM_PACKAGE_DIR))
    return next(
        (place for place in (os.path.join(home, path) for home in homes) if path and os.path.exists(place)), path
    )


def portable(value: Any) -> Any:
    """Settings without the place of the project on this machine, which `path_of` puts back in."""
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [portable(item) for item in value]
    return value.replace(os.path.join(LEGGED_GYM_ROOT_DIR, ""), f"{PLACEHOLDER}/") if isinstance(value, str) else value


def read_yaml(path: str) -> Any:
    """Return the content of a YAML file.

    Raises:
        UserError: it cannot be read, is no YAML, has a key twice, or is nested beyond reason.
    """
    text = _text_of(path)
    with in_file(path):
        return parse_yaml(text)


def read_json(path: str) -> Any:
    """Return the content of a JSON file.

    Raises:
        UserError: as `read_yaml`.
    """
    text = _text_of(path)
    with in_file(path):
        return parse_json(text)


def read_bytes(path: str) -> bytes:
    """The content of a file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None


def parse_yaml(text: str) -> Any:
    """Return the value that a text spells in YAML.

    Raises:
        UserError: with the reason alone, see `read_yaml`.
    """
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        size, depth = _measure(node, "", {}, set())
        if size > _MOST_VALUES or depth > _DEEPEST:
            raise UserError(f"nested too deeply, or more than {_MOST_VALUES} values once aliases are filled in")
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise UserError(f"this is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UserError("nested too deeply") from None
    except (ValueError, OverflowError) as error:  # of numbers with thousands of digits, of dates that are none
        raise UserError(str(error)) from None


def parse_json(text: Union[str, bytes]) -> Any:
    """Return the value that a text spells in JSON.

    Raises:
        UserError: with the reason alone, see `read_yaml`.
    """
    try:
        content = json.loads(text, object_pairs_hook=_without_twins)
    except RecursionError:
        raise UserError("nested too deeply") from None
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"this is not JSON: {error}") from None
    level: List[Any] = [content]
    for _ in range(_DEEPEST):
        level = [item for value in level for item in _items(value)]
    if level:
        raise UserError("nested too deeply")
    return content


def _text_of(path: str) -> str:
    try:
        return read_bytes(path).decode("utf-8-sig")  # some editors begin files with a byte order mark
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {path}: it is not UTF-8 ({error.reason})") from None


def _items(value: Any) -> List[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _without_twins(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise UserError(f"{next(name for name in names if names.count(name) > 1)} stands twice")
    return content


def _measure(node: yaml.Node, path: str, known: Dict[int, Tuple[int, int]], above: Set[int]) -> Tuple[int, int]:
    """Values below a node, aliases filled in, and how deep they are nested; refuses keys that stand twice."""
    if id(node) in above:
        raise UserError(f"{path or 'an alias'} contains itself")
    if id(node) not in known:
        children = _children(node, path)
        sizes = [_measure(child, where, known, above | {id(node)}) for child, where in children]
        known[id(node)] = (1 + sum(size for size, _ in sizes), 1 + max((depth for _, depth in sizes), default=0))
    return known[id(node)]


def _children(node: yaml.Node, path: str) -> List[Tuple[yaml.Node, str]]:
    if isinstance(node, yaml.SequenceNode):
        return [(child, f"{path}[{i}]") for i, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return []
    lines: Dict[str, int] = {}
    children = []
    for key, child in node.value:
        where = f"{path}.{key.value}".lstrip(".")
        if isinstance(key, yaml.ScalarNode):
            line = key.start_mark.line + 1
            if where in lines:
                raise UserError(f"{where} stands twice, in lines {lines[where]} and {line}")
            lines[where] = line
        children += [(key, path), (child, where)]
    return children
