"""Configs: nested classes that become instances, read from and written to plain dicts, with typed settings.

A config is a class whose attributes are values, tables and sections, as in legged_gym::

    class RobotCfg(BaseConfig):
        class env:
            num_envs = 4096

        class observations:
            class policy:                                  # a table: the order of its entries is the layout
                base_ang_vel = ObsTerm(scale=0.25, noise=0.05)

    class MyRobotCfg(RobotCfg):
        class env(RobotCfg.env):
            num_envs = 64

    cfg = MyRobotCfg()
    cfg.env.num_envs = 8                                   # this instance alone
    cfg.set("observations.policy.base_ang_vel.noise", "0.1")

Order is part of the meaning of a table: entries of the base class come first, each class in the order it was written,
and an entry that a subclass overrides keeps its place. An entry set to None is left out of its table (`table`).

The type of a setting is the type of the values its classes give it: a number is a float if any class in the inheritance
writes it as one, so where the base has ``[-1.0, 1.0]`` and a subclass ``[0, 2]``, ``[0, 1.5]`` is accepted. A setting
that is None in any class, or annotated ``Optional[...]``, may be None; one that is only ever None, or annotated
``Any``, takes any value. Dicts hold free data (joint names): they are replaced as a whole, or one existing key at a
time.
"""

from __future__ import annotations

import copy
import difflib
from dataclasses import dataclass, fields
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from legged_gym.envs.base.config_values import convert, parse, to_bool, to_float
from legged_gym.errors import UserError

Numbers = Union[float, Sequence[float]]


class TableEntry:
    """What one line of a table carries; the fields are those of the dataclass that inherits from this."""

    def __post_init__(self) -> None:
        """Check and convert every field.

        Raises:
            UserError: when a field is no number (or list of numbers, None or flag, where the field allows it).
        """
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            self.set_field(field.name, getattr(self, field.name), f"{type(self).__name__}.{field.name}")

    def set_field(self, name: str, value: Any, where: str) -> None:
        """Convert `value` to the type of the field `name` and store it; `where` names the field in errors.

        Raises:
            UserError: for an unknown field or a value of another type.
        """
        defaults = {field.name: field.default for field in fields(self)}  # type: ignore[arg-type]
        if name not in defaults:
            raise UserError(_unknown(where, name, list(defaults)))
        default = defaults[name]
        if isinstance(default, bool):
            setattr(self, name, to_bool(value, where))
            return
        if isinstance(value, str):
            value = parse(value, where)
        if value is None and default is None:
            setattr(self, name, None)
        elif isinstance(value, (list, tuple)):
            setattr(self, name, [to_float(item, where) for item in value])
        else:
            setattr(self, name, to_float(value, where))

    def to_dict(self) -> Dict[str, Any]:
        """Return the fields as plain values."""
        return {field.name: copy.deepcopy(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


@dataclass
class ObsTerm(TableEntry):
    """A line of an observation table: the method `_obs_<name>` gives (N, k), this says what is done to it.

    Attributes:
        scale: Factor, one number or k of them.
        noise: Half-width of uniform noise before scaling, one number or k of them, in the units of the quantity.
        clip: Bound before scaling: c for [-c, c], or the pair [low, high]; None for no bound.
        gaussian: Whether the noise is normal, with `noise` its standard deviation.
    """

    scale: Numbers = 1.0
    noise: Numbers = 0.0
    clip: Optional[Numbers] = None
    gaussian: bool = False


@dataclass
class Termination(TableEntry):
    """A line of the termination table: the method `_termination_<name>` gives (N,) bool.

    Attributes:
        threshold: The limit the method compares with, in the units its docstring gives; None if it needs none.
        time_out: Whether the end counts as a time-out, after which the value of the state is bootstrapped.
    """

    threshold: Optional[Numbers] = None
    time_out: bool = False


_PLAIN = (type(None), bool, int, float, str, list, tuple, dict, TableEntry)


class BaseConfig:
    """Base of every config class: on construction the nested classes become instances, all the way down."""

    def __init__(self) -> None:
        """Make the instance; values that can change are copied, so that instances share nothing.

        Raises:
            TypeError: when a class holds a value that cannot be written to a file.
        """
        _populate(self, type(self).__name__)

    def to_dict(self) -> Dict[str, Any]:
        """Return the whole config as nested dicts of plain values (tuples as lists), in order."""
        return section_to_dict(self)

    def get(self, path: str) -> Any:
        """Return the value at a dotted path, e.g. ``"terrain.num_rows"``.

        Raises:
            UserError: when there is no such setting.
        """
        owner, name = _walk(self, path, "")
        return _children(owner)[name]

    def set(self, path: str, value: Any, prefix: str = "") -> None:
        """Set the value at a dotted path, converted to the setting's type; text is read as YAML where that helps.

        Args:
            path: For example ``"terrain.num_rows"`` or ``"observations.policy.base_ang_vel.noise"``.
            value: The value, or its text as typed on a command line: ``"1e-3"``, ``"true"``, ``"[64, 32]"``.
            prefix: Put before the path in error messages, e.g. ``"env."``.

        Raises:
            UserError: for an unknown path (with near matches) or a value of the wrong type.
        """
        owner, name = _walk(self, path, prefix)
        _assign(owner, name, value, prefix + path, as_text=True)

    def update(self, values: Dict[str, Any], prefix: str = "", problems: Optional[List[str]] = None) -> None:
        """Set many values from a nested dict, as read from a YAML file.

        Args:
            values: Nested dict; keys that are missing keep their value.
            prefix: Put before the path in error messages, e.g. ``"env."``.
            problems: If given, unknown keys and wrong types are appended here, one line each, instead of raised.

        Raises:
            UserError: for an unknown key (with near matches) or a value of the wrong type, unless `problems` is given.
        """
        _merge(self, values, prefix, problems)

    def restore(self, saved: Dict[str, Any], prefix: str = "") -> List[str]:
        """Return to a saved config, which may be of another version of the classes.

        Tables get the saved entries in the saved order and no others, because their order is the layout of vectors.
        Settings that the file lacks keep the value they have.

        Args:
            saved: What `to_dict` returned.
            prefix: Put before the paths in the returned lines, e.g. ``"env."``.

        Returns:
            One line for every saved setting that has no place or another type here, one for all that the file lacks.
        """
        problems: List[str] = []
        self.update(saved, prefix, problems)
        lacking = _restore_tables(self, saved, prefix)
        if lacking:
            problems.append(f"not in the saved config, left as they are: {', '.join(lacking)}")
        return problems


def section_to_dict(section: Any) -> Dict[str, Any]:
    """Return a config or one of its sections as nested dicts of plain values (tuples as lists), in order."""
    return {name: _plain(value) for name, value in _children(section).items()}


def table(section: Any) -> Dict[str, Any]:
    """Return the entries of a table in their order, without those that are None."""
    return {name: value for name, value in _children(section).items() if value is not None}


def _is_section(value: Any) -> bool:
    return not isinstance(value, _PLAIN)


def _children(owner: Any) -> Dict[str, Any]:
    """Name -> value of a section, dict or table entry; empty for a plain value."""
    if isinstance(owner, dict):
        return owner
    if isinstance(owner, _PLAIN) and not isinstance(owner, TableEntry):
        return {}
    return {name: value for name, value in vars(owner).items() if not name.startswith("_")}


def _class_values(cls: type) -> Iterator[Tuple[str, Any]]:
    """Yield the config values that the classes of the inheritance define, base classes first."""
    for klass in reversed(cls.__mro__):
        if klass in (object, BaseConfig):
            continue
        for name, value in vars(klass).items():
            is_method = isinstance(value, (property, staticmethod, classmethod)) or callable(value)
            if not name.startswith("_") and (isinstance(value, type) or not is_method):
                yield name, value


def _populate(section: Any, where: str) -> None:
    """Give a fresh section instance its own copy of every value, and instances for its nested classes."""
    # A dict keeps the place of a key that is set again: an overridden entry stays where its base class put it.
    for name, value in dict(_class_values(type(section))).items():
        path = f"{where}.{name}"
        if isinstance(value, type):
            value = value()
            _populate(value, path)
        else:
            _check_plain(value, path)
            value = copy.deepcopy(value)
        setattr(section, name, value)


def _check_plain(value: Any, where: str) -> None:
    if not isinstance(value, _PLAIN):
        raise TypeError(f"{where}: a config holds numbers, text, lists and dicts, not {type(value).__name__}")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    for item in items:
        _check_plain(item, where)


def _plain(value: Any) -> Any:
    if isinstance(value, TableEntry):
        return value.to_dict()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return section_to_dict(value) if _is_section(value) else value


def _walk(root: Any, path: str, prefix: str) -> Tuple[Any, str]:
    """Return the owner and the last name of a dotted path."""
    owner, done = root, prefix
    names = path.split(".")
    for depth, name in enumerate(names):
        children = _children(owner)
        if name not in children:
            if not children and not _is_section(owner):
                raise UserError(f"{prefix}{path}: {done[:-1]} is a single value, it has no {name!r}")
            raise UserError(_unknown(prefix + path, name, list(children), done, _elsewhere(root, name, prefix)))
        if depth == len(names) - 1:
            break
        owner = children[name]
        done += name + "."
    return owner, names[-1]


def _elsewhere(root: Any, name: str, prefix: str) -> List[str]:
    """Full paths of all settings called `name`, wherever they are in the config."""
    found = []
    for key, value in _children(root).items():
        if key == name:
            found.append(prefix + key)
        if _is_section(value):
            found += _elsewhere(value, name, f"{prefix}{key}.")
    return found


def _unknown(where: str, name: str, siblings: List[str], parent: str = "", elsewhere: Sequence[str] = ()) -> str:
    """Say that a setting does not exist, and which one may be meant."""
    near = [parent + match for match in difflib.get_close_matches(name, siblings, n=3)] or list(elsewhere)[:3]
    if near:
        return f"unknown setting {where}; did you mean {' or '.join(near)}?"
    return f"unknown setting {where}; known here: {', '.join(siblings)}"


def _merge(section: Any, values: Any, prefix: str, problems: Optional[List[str]]) -> None:
    if not isinstance(values, dict):
        raise UserError(f"{prefix.rstrip('.') or 'config'}: expected a group of settings, got {values!r}")
    for key, value in values.items():
        try:
            owner, name = _walk(section, str(key), prefix)
            child = _children(owner)[name]
            if _is_section(child):
                _merge(child, value, f"{prefix}{key}.", problems)
            else:
                _assign(owner, name, value, f"{prefix}{key}", as_text=False)
        except UserError as error:
            if problems is None:
                raise
            problems.append(str(error))


def _restore_tables(section: Any, saved: Dict[str, Any], prefix: str) -> List[str]:
    """Give tables exactly the saved entries, in the saved order; return the paths of settings that `saved` lacks."""
    children = dict(_children(section))
    lacking = []
    if any(isinstance(child, TableEntry) for child in children.values()):
        absent = [name for name in children if name not in saved]
        for name in children:
            delattr(section, name)
        for name in [name for name in saved if name in children] + absent:
            setattr(section, name, None if name in absent else children[name])
        return []
    for name, child in children.items():
        if name not in saved:
            lacking.append(prefix + name)
        elif _is_section(child) and isinstance(saved[name], dict):
            lacking += _restore_tables(child, saved[name], f"{prefix}{name}.")
    return lacking


def _assign(owner: Any, name: str, value: Any, where: str, as_text: bool) -> None:
    """Convert `value` to the type of the setting and store it. `as_text`: text may stand for any type."""
    current = _children(owner)[name]
    if _is_section(current):
        _merge(current, parse(value, where) if isinstance(value, str) else value, where + ".", None)
    elif isinstance(owner, TableEntry):
        owner.set_field(name, value, where)
    elif isinstance(owner, dict):
        owner[name] = convert(value, list(owner.values()), where, as_text)
    else:
        setattr(owner, name, _convert_declared(owner, name, current, value, where, as_text))


def _convert_declared(section: Any, name: str, current: Any, value: Any, where: str, as_text: bool) -> Any:
    """Convert a value for an attribute of a section, whose type the section's classes declare."""
    samples = [current] + [declared for key, declared in _class_values(type(section)) if key == name]
    entries = [sample for sample in samples if isinstance(sample, TableEntry)]
    if entries:
        return _to_entry(value, entries[0], where)
    notes = [str(getattr(klass, "__annotations__", {}).get(name, "")) for klass in type(section).__mro__]
    if any(note.rsplit(".", 1)[-1] == "Any" for note in notes):
        samples = []
    elif any("Optional" in note for note in notes):
        samples.append(None)
    return convert(value, samples, where, as_text)


def _to_entry(value: Any, sample: TableEntry, where: str) -> Optional[TableEntry]:
    """Return a copy of the sample with the given fields, or None."""
    if isinstance(value, str):
        value = parse(value, where)
    if isinstance(value, TableEntry):
        value = value.to_dict()
    if value is None:
        return None
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected fields ({', '.join(sample.to_dict())}) or None, got {value!r}")
    entry = copy.deepcopy(sample)
    for key, item in value.items():
        entry.set_field(str(key), item, f"{where}.{key}")
    return entry
