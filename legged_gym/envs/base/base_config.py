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

The type of a setting is declared where its default is (`legged_gym.settings`), with its unit and its bounds; classes
that inherit write plain values. A setting without a declaration has the type of the values its classes give it: a
number is a float if any class in the inheritance writes it as one. One that is None in any class, or annotated
``Optional[...]``, may be None; one that is only ever None, or annotated ``Any``, takes any value. Dicts hold free data
(joint names): they are replaced as a whole, or one existing key at a time. Names that no class has can be set where
``_each`` declares a number: in `rewards.scales`, where the task knows what they stand for (`registry.unknown_rewards`).

Values are checked when they come: those of classes at construction, others when they are set. `check` looks at all of
them again, and at what must fit together; who builds something from a config calls it first.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Iterator, List, Mapping, Optional, Tuple

from legged_gym.envs.base.config_values import EACH, lineage, type_of
from legged_gym.envs.base.table_entries import Metric, Obstacle, ObsTerm, TableEntry, Termination
from legged_gym.errors import UserError
from legged_gym.setting_types import FILE, FLAG, Number, Type, parse, shown, unknown_setting
from legged_gym.settings import Setting

__all__ = ["BaseConfig", "Metric", "ObsTerm", "Obstacle", "TableEntry", "Termination", "section_to_dict", "table"]

_PLAIN = (type(None), bool, int, float, str, list, tuple, dict, TableEntry)


@dataclass(frozen=True)
class Section(Type):
    """The type of a section made of these classes, the most derived first; None takes it out of its table."""

    none: bool = True
    classes: Tuple[type, ...] = ()

    @property
    def takes_new_names(self) -> bool:
        """Whether names may be set that no class has: a weight switches on any term of the environment."""
        each = [vars(klass)[EACH] for klass in self.classes if EACH in vars(klass)]
        return any(isinstance(declared, Setting) and isinstance(declared.kind, Number) for declared in each)

    def item(self, name: str, current: Any) -> Type:
        """See `Type.item`."""
        inside = lineage(self.classes, name)
        unknown = not any(name in vars(klass) for klass in self.classes)
        if inside or (unknown and _is_section(current)):
            return Section(classes=tuple(inside))
        return type_of(self.classes, name, current)

    def read(self, value: Any, where: str, source: str) -> Any:
        """See `Type.read`."""
        raise UserError(f"{where}: expected a group of settings, got {shown(value)}")

    def describe(self) -> str:
        """See `Type.describe`."""
        return "a group of settings"


class BaseConfig:
    """Base of every config class: on construction the nested classes become instances, all the way down."""

    _prefix = ""  # of the paths of its settings in errors
    _needs_all = False  # whether every setting that is declared has to be there
    _aliases: ClassVar[Mapping[str, Tuple[str, ...]]] = {}
    """Other names of settings on command lines -> their own paths."""
    _no_effect: ClassVar[Mapping[str, str]] = {}
    """Settings of others on command lines that change nothing here -> why."""

    def __init__(self) -> None:
        """Make the instance; values that can change are copied, so that instances share nothing.

        Raises:
            UserError: a class holds a value that its setting cannot have, or loses a section of one of its bases.
        """
        _populate(self)
        _check_values(self, self._kind(), self._prefix)
        if self._needs_all:
            _refuse_gaps(self, self._kind(), self._prefix)

    def check(self) -> None:
        """Convert every value to the type of its setting, in place, and test what must fit together.

        Raises:
            UserError: a setting cannot be; the message names it.
        """
        _check_values(self, self._kind(), self._prefix)
        for problem in self._misfits():
            raise UserError(problem)

    def _kind(self) -> Section:
        return Section(classes=type(self).__mro__)

    def _misfits(self) -> Iterator[str]:
        """Settings that do not fit together, one line each."""
        return iter(())

    def to_dict(self) -> Dict[str, Any]:
        """Return the whole config as nested dicts of plain values (tuples as lists), in order."""
        return section_to_dict(self)

    def get(self, path: str) -> Any:
        """Return the value at a dotted path, e.g. ``"terrain.num_rows"``.

        Raises:
            UserError: when there is no such setting.
        """
        owner, name, _ = _walk(self, self._kind(), path, "")
        children = _children(owner)
        if name not in children:
            raise unknown_setting(path, children)
        return children[name]

    def set(self, path: str, value: Any, prefix: str = "") -> None:
        """Set the value at a dotted path, converted to the setting's type; text is read as YAML where that helps.

        Args:
            path: For example ``"terrain.num_rows"`` or ``"observations.policy.base_ang_vel.noise"``.
            value: The value, or its text as typed on a command line: ``"1e-3"``, ``"true"``, ``"[64, 32]"``.
            prefix: Put before the path in error messages, e.g. ``"env."``.

        Raises:
            UserError: for an unknown path (with near matches) or a value that the setting cannot have.
        """
        if path in self._no_effect:
            print(f"note: {prefix}{path} changes nothing: {self._no_effect[path]}")
            return
        for own in self._aliases.get(path, (path,)):
            _assign(*_walk(self, self._kind(), own, prefix), value, prefix + own, FLAG)

    def update(self, values: Dict[str, Any], prefix: str = "", problems: Optional[List[str]] = None) -> None:
        """Set many values from a nested dict, as read from a YAML file.

        Args:
            values: Nested dict; keys that are missing keep their value.
            prefix: Put before the path in error messages, e.g. ``"env."``.
            problems: If given, unknown keys and wrong types are appended here, one line each, instead of raised.

        Raises:
            UserError: for an unknown key (with near matches) or a value of the wrong type, unless `problems` is given.
        """
        _merge(self, self._kind(), values, prefix, problems)

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

    def difference(self, other: BaseConfig) -> Dict[str, Any]:
        """Return the settings that are otherwise than in `other`, as `update` takes them."""
        return _difference(self, other)


def section_to_dict(section: Any) -> Dict[str, Any]:
    """Return a config or one of its sections as nested dicts of plain values (tuples as lists), in order."""
    return {name: _plain(value) for name, value in _children(section).items()}


def table(section: Any) -> Dict[str, Any]:
    """Return the entries of a table in their order, without those that are None."""
    return {name: value for name, value in _children(section).items() if value is not None}


def _difference(section: Any, other: Any) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    before = _children(other)
    for name, value in _children(section).items():
        if _is_section(value) and _is_section(before.get(name)):
            inside = _difference(value, before[name])
            found.update({name: inside} if inside else {})
        elif name not in before or _plain(value) != _plain(before[name]):
            found[name] = _plain(value)
    return found


def _is_section(value: Any) -> bool:
    return not isinstance(value, _PLAIN) and hasattr(value, "__dict__")


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
                yield name, value.default if isinstance(value, Setting) else value


def _populate(section: Any) -> None:
    """Give a fresh section instance its own copy of every value, and instances for its nested classes."""
    _refuse_lost_sections(type(section))
    # A dict keeps the place of a key that is set again: an overridden entry stays where its base class put it.
    for name, value in dict(_class_values(type(section))).items():
        if isinstance(value, type):
            value = value()
            _populate(value)
        else:
            value = copy.deepcopy(value)
        setattr(section, name, value)


def _refuse_lost_sections(cls: type) -> None:
    """A class with two bases has to join a section that both have, or one of them would be lost in silence."""
    for klass in cls.__mro__:
        for base in klass.__bases__ if len(klass.__bases__) > 1 else ():
            for name in dir(base):
                lost, kept = getattr(base, name), getattr(klass, name)
                if name.startswith("_") or not isinstance(lost, type) or not isinstance(kept, type):
                    continue
                if not issubclass(kept, lost) and not issubclass(_definer(klass, name), _definer(base, name)):
                    keeper = next(other for other in klass.__bases__ if getattr(other, name, None) is kept)
                    first, second = f"{keeper.__qualname__}.{name}", f"{base.__qualname__}.{name}"
                    raise UserError(
                        f"{klass.__qualname__} has a section {name} of two bases and would lose that of"
                        f" {base.__qualname__}: write class {name}({first}, {second}): pass in it"
                    )


def _definer(cls: type, name: str) -> type:
    return next(klass for klass in cls.__mro__ if name in vars(klass))


def _check_values(section: Any, kind: Section, prefix: str) -> None:
    """Convert the values of a section to the types of their settings, in place."""
    children = _children(section)
    for name, value in children.items():
        path = prefix + name
        if not _is_section(value):
            _check_plain(value, path)
        inside = kind.item(name, value)
        if isinstance(inside, Section) and _is_section(value):
            _check_values(value, inside, path + ".")
        else:
            setattr(section, name, inside.convert(value, path))


def _refuse_gaps(section: Any, kind: Section, prefix: str) -> None:
    """Every setting that the classes declare has to be there: a plain class hides those of the base's section."""
    children = _children(section)
    for name, value in children.items():
        inside = kind.item(name, value)
        if isinstance(inside, Section) and _is_section(value):
            _refuse_gaps(value, inside, f"{prefix}{name}.")
    for klass in kind.classes:
        for name, value in vars(klass).items():
            if name not in children and name != EACH and isinstance(value, Setting):
                head = f"class {prefix.rstrip('.').rpartition('.')[2]}({klass.__qualname__})"
                raise UserError(f"{prefix}{name} is missing: write {head}, which has it")


def _check_plain(value: Any, where: str) -> None:
    if not isinstance(value, _PLAIN):
        raise UserError(f"{where}: a config holds numbers, text, lists and dicts, not {type(value).__name__}")
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


def _walk(root: Any, kind: Type, path: str, prefix: str) -> Tuple[Any, str, Type]:
    """Return who holds the setting at a dotted path, its last name, and its type."""
    owner, done, names = root, prefix, path.split(".")
    for name in names[:-1]:
        kind, owner = _look_up(owner, kind, name, (root, prefix, path, done))
        done += name + "."
    return owner, names[-1], _look_up(owner, kind, names[-1], (root, prefix, path, done))[0]


def _look_up(owner: Any, kind: Type, name: str, way: Tuple[Any, str, str, str]) -> Tuple[Type, Any]:
    """Return type and value of a name in its owner; `way`: root, prefix, path and how far it is walked, for errors."""
    children = _children(owner)
    if name in children:
        return kind.item(name, children[name]), children[name]
    if isinstance(kind, Section) and kind.takes_new_names:
        return kind.item(name, None), None
    root, prefix, path, done = way
    if not children and not _is_section(owner):
        raise UserError(f"{prefix}{path}: {done[:-1]} is a single value, it has no {name!r}")
    raise unknown_setting(done + name, list(children), _elsewhere(root, name, prefix), prefix + path)


def _elsewhere(root: Any, name: str, prefix: str) -> List[str]:
    """Full paths of all settings called `name`, wherever they are in the config."""
    found = []
    for key, value in _children(root).items():
        if key == name:
            found.append(prefix + key)
        if _is_section(value):
            found += _elsewhere(value, name, f"{prefix}{key}.")
    return found


def _merge(section: Any, kind: Type, values: Any, prefix: str, problems: Optional[List[str]]) -> None:
    if not isinstance(values, dict):
        raise UserError(f"{prefix.rstrip('.') or 'config'}: expected a group of settings, got {shown(values)}")
    for key, value in values.items():
        try:
            owner, name, inside = _walk(section, kind, str(key), prefix)
            child = _children(owner).get(name)
            if _is_section(child):
                _merge(child, inside, value, f"{prefix}{key}.", problems)
            else:
                _assign(owner, name, inside, value, f"{prefix}{key}", FILE)
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


def _assign(owner: Any, name: str, kind: Type, value: Any, where: str, source: str) -> None:
    """Convert `value` to the type of the setting and store it."""
    current = _children(owner).get(name)
    if _is_section(current):
        _merge(current, kind, parse(value, where) if isinstance(value, str) else value, where + ".", None)
    elif isinstance(owner, dict):
        owner[name] = kind.convert(value, where, source)
    else:
        setattr(owner, name, kind.convert(value, where, source))
