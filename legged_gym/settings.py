"""Settings: a default with its type, unit and bounds, said once, and checked wherever a value comes from.

A section of a config declares its settings by functions that return the default as far as a reader can tell::

    class env:
        num_envs = number(4096, "robots", low=1)  # a whole number, as the default is one

    class ranges:
        lin_vel_x = span([-1.0, 1.0], "m/s", low=-100.0, high=100.0)

Classes that inherit write plain values, ``num_envs = 64``; the declaration stays that of the base. Inside a section
``_each`` declares all names that have no declaration of their own.
"""

from __future__ import annotations

from dataclasses import MISSING, field, fields
from typing import Any, Dict, Optional, Sequence, Tuple, Type, TypeVar, Union, cast

from legged_gym import setting_types
from legged_gym.setting_types import ByName, Flag, Items, Number, Text

T = TypeVar("T")
SectionOf = Union[T, Type[T]]
"""An instance of a section; nested classes are what type checkers see of it."""


class Setting:
    """The declaration of a setting; looked up in a class it is the default."""

    def __init__(self, default: Any, kind: setting_types.Type) -> None:
        self.default, self.kind = default, kind

    def __get__(self, section: Any, owner: Optional[type] = None) -> Any:
        """What others than `vars` see."""
        return self.default


def setting(default: T, kind: setting_types.Type) -> T:
    """Declare a setting of any type; a tuple stands for a list that cannot change."""
    return cast(T, Setting(list(default) if isinstance(default, tuple) else default, kind))


def number(default: T, unit: str = "", whole: Optional[bool] = None, none: bool = False, **bounds: Any) -> T:
    """Declare a number, whole if the default is; `bounds`: low, above, high, inf of `Number`."""
    whole = isinstance(default, int) if whole is None else whole
    return setting(default, Number(none or default is None, unit, whole=whole, **bounds))


def flag(default: bool) -> bool:
    """Declare what is true or false."""
    return setting(default, Flag())


def text(default: T, choices: Sequence[str] = (), none: bool = False) -> T:
    """Declare text."""
    return setting(default, Text(none or default is None, tuple(choices)))


def numbers(
    default: T,
    unit: str = "",
    length: Union[int, Tuple[int, Optional[int]]] = (0, None),
    order: str = "",
    whole: Optional[bool] = None,
    none: bool = False,
    **bounds: Any,
) -> T:
    """Declare a list of numbers; `length`: how many, or the fewest and the most."""
    if whole is None:
        whole = isinstance(default, (list, tuple)) and bool(default) and all(isinstance(item, int) for item in default)
    least, most = (length, length) if isinstance(length, int) else length
    of = Number(False, unit, whole=whole, **bounds)
    return setting(default, Items(none or default is None, of, least, most, order))


def span(default: T, unit: str = "", order: str = "<=", **more: Any) -> T:
    """Declare a range [low, high]; `more`: of `numbers`."""
    return numbers(default, unit, length=2, order=order, **more)


def names(default: T, least: int = 0, none: bool = False) -> T:
    """Declare a list of names; one name by itself means the list of it."""
    return setting(default, Items(none or default is None, Text(), least))


def by_name(default: T, unit: str = "", **bounds: Any) -> T:
    """Declare a dict from names (or parts of names) to numbers."""
    return setting(default, ByName(False, Number(False, unit, **bounds)))


def typed(kind: setting_types.Type, default: Any = MISSING) -> Any:
    """Declare a field of a `Typed` dataclass; one without a default has to be given."""
    return field(default=default, metadata={"type": kind})


class Typed:
    """Base of dataclasses whose fields are declared by `typed`."""

    @classmethod
    def types(cls) -> Dict[str, setting_types.Type]:
        """Type of each field."""
        return {each.name: each.metadata["type"] for each in fields(cls)}  # type: ignore[arg-type]

    def convert_fields(self, where: str) -> None:
        """Convert every field to its type, in place; `where` comes before its name in errors.

        Raises:
            UserError: a field cannot be.
        """
        for name, kind in self.types().items():
            object.__setattr__(self, name, kind.convert(getattr(self, name), where + name))
