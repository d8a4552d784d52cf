"""What a setting can be: numbers within bounds, lists of a length, names; and how a value becomes that.

Numbers are finite and are not NaN, unless ``inf=True``. `where` names the setting in every error.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Any, Iterable, List, Optional, Sequence, Tuple, Union

from legged_gym.errors import UserError
from legged_gym.reading import parse_yaml

# Where a value comes from: a command line, where text may stand for any type; a file, where it may stand for numbers
# that YAML does not know as such (3e-4); Python, where it is text.
FLAG, FILE, PYTHON = "flag", "file", "python"
LARGEST_SEED = 2**31 - 1
_BEYOND_FLOATS = 2**1023
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


@dataclass(frozen=True)
class Type:
    """What a setting may be; `none`: None too."""

    none: bool = False

    def convert(self, value: Any, where: str, source: str = PYTHON) -> Any:
        """Return the value in this type.

        Args:
            value: The value, or text for it where the source allows that.
            where: Name of the setting, for errors.
            source: `FLAG`, `FILE` or `PYTHON`.

        Raises:
            UserError: the value is not of this type, or beyond its bounds.
        """
        if value is None or (self.none and source != PYTHON and isinstance(value, str) and value in ("None", "null")):
            if self.none:
                return None
            raise UserError(f"{where}: needs a value, it cannot be None")
        return self.read(value, where, source)

    def read(self, value: Any, where: str, source: str) -> Any:
        """Convert a value that is not None."""
        raise NotImplementedError

    def many(self) -> str:
        """What several of them are called."""
        return "values"

    def describe(self) -> str:
        """What may be given, in words."""
        raise NotImplementedError

    def item(self, name: str, current: Any) -> Type:
        """The type of what has a name in a value of this type, and is `current` now."""
        return Anything(none=True)


@dataclass(frozen=True)
class Number(Type):
    """A number: at least `low`, above `above`, at most `high`; `whole`: without a fraction; `inf`: maybe infinite."""

    unit: str = ""
    low: float = -math.inf
    above: float = -math.inf
    high: float = math.inf
    whole: bool = False
    inf: bool = False

    def read(self, value: Any, where: str, source: str) -> Union[int, float]:
        """See `Type.read`."""
        number = None if source == PYTHON and isinstance(value, str) else number_in(value)
        is_whole = number is not None and abs(number) < 2**63 and number == int(number)
        if number is None or number != number or (self.whole and not is_whole):
            raise UserError(f"{where}: expected a {'whole ' * self.whole}number, got {shown(value)}")
        huge = isinstance(number, int) and abs(number) >= _BEYOND_FLOATS
        if huge or (math.isinf(number) and not self.inf):
            raise UserError(f"{where}: expected a finite number, got {shown(value)}")
        result = int(number) if self.whole else float(number)
        low_enough = result <= self.high or result == math.inf
        if not (low_enough and result >= self.low and (result > self.above or self.above == -math.inf)):
            raise UserError(f"{where}: expected {self.describe()}, got {shown(value)}")
        return result

    def many(self) -> str:
        """See `Type.many`."""
        return "whole numbers" if self.whole else "numbers"

    def describe(self) -> str:
        """See `Type.describe`."""
        return f"a {'whole ' * self.whole}number{self.bounds()}"

    def bounds(self) -> str:
        """The bounds in words, with the unit."""
        low, above, high = (f"{bound:.12g}" for bound in (self.low, self.above, self.high))
        parts = [f"of at least {low}" if self.low > -math.inf else "", f"up to {high}" if self.high < math.inf else ""]
        if all(parts):
            parts = [f"from {low} to {high}"]
        if self.above > -math.inf:
            parts[0] = f"above {above}"
        parts += [f"({self.unit})" if self.unit else "", "or inf" if self.inf else ""]
        return "".join(f" {part}" for part in parts if part)


@dataclass(frozen=True)
class Flag(Type):
    """True or false."""

    def read(self, value: Any, where: str, source: str) -> bool:
        """See `Type.read`."""
        if isinstance(value, bool):
            return value
        if source != PYTHON and isinstance(value, str) and value.lower() in _TRUE + _FALSE:
            return value.lower() in _TRUE
        raise UserError(f"{where}: expected true or false, got {shown(value)}")

    def describe(self) -> str:
        """See `Type.describe`."""
        return "true or false"


@dataclass(frozen=True)
class Text(Type):
    """Text; one of `choices`, if there are any."""

    choices: Tuple[str, ...] = ()

    def read(self, value: Any, where: str, source: str) -> str:
        """See `Type.read`."""
        if not isinstance(value, str):
            raise UserError(f"{where}: expected {self.describe()}, got {shown(value)}; put it in quotes")
        if self.choices and value not in self.choices:
            raise UserError(f"{where}: expected {self.describe()}, got {shown(value)}")
        return value

    def many(self) -> str:
        """See `Type.many`."""
        return "names"

    def describe(self) -> str:
        """See `Type.describe`."""
        return " or ".join(filter(None, [", ".join(self.choices[:-1]), self.choices[-1]])) if self.choices else "text"


@dataclass(frozen=True)
class Items(Type):
    """A list: of `least` to `most` items, in an `order` ("<=", "<" or none); `unit_norm`: a vector of length 1."""

    of: Type = Number()
    least: int = 0
    most: Optional[int] = None
    order: str = ""
    unit_norm: bool = False
    as_tuple: bool = False

    def read(self, value: Any, where: str, source: str) -> Union[List[Any], Tuple[Any, ...]]:
        """See `Type.read`."""
        if isinstance(value, str):
            given = value if source == PYTHON else parse(value, where)
            # A name by itself means the list of it, or it would be read letter by letter.
            value = [given] if isinstance(given, str) and isinstance(self.of, Text) else given
        if not isinstance(value, (list, tuple)) or len(value) < self.least or len(value) > (self.most or len(value)):
            raise UserError(f"{where}: expected {self._length()}, got {shown(value)}")
        inside = FILE if source == FLAG else source
        items = [self.of.convert(item, f"{where}[{i}]", inside) for i, item in enumerate(value)]
        pairs = list(zip(items, items[1:]))
        if self.order and not all(a < b or (a == b and self.order == "<=") for a, b in pairs):
            raise UserError(f"{where}: expected [low, high] with low {self.order} high, got {shown(value)}")
        if self.unit_norm and abs(math.sqrt(sum(item**2 for item in items)) - 1.0) > 0.01:
            raise UserError(f"{where}: expected {self.most} numbers whose squares add up to 1, got {shown(value)}")
        return tuple(items) if self.as_tuple else items

    def _length(self) -> str:
        if self.least == self.most:
            return f"{self.most} {self.of.many()}"
        if self.most is None:
            return "a list like [a, b]" if self.least == 0 else f"a list of at least {self.least} {self.of.many()}"
        return f"{self.least} to {self.most} {self.of.many()}"

    def many(self) -> str:
        """See `Type.many`."""
        return "lists"

    def describe(self) -> str:
        """See `Type.describe`."""
        bounds = self.of.bounds() if isinstance(self.of, Number) else ""
        length = f"list of {self.of.many()}" if self.most is None else self._length()
        ending = f", low {self.order} high" if self.order else ", norm 1" if self.unit_norm else ""
        return f"{length}{bounds}{ending}"


@dataclass(frozen=True)
class ByName(Type):
    """A dict from names to values of one type."""

    of: Type = Number()

    def read(self, value: Any, where: str, source: str) -> Any:
        """See `Type.read`."""
        if isinstance(value, str) and source != PYTHON:
            value = parse(value, where)
        if not isinstance(value, dict):
            raise UserError(f"{where}: expected a dict like {{name: value}}, got {shown(value)}")
        for key in value:
            if not isinstance(key, str):
                raise UserError(f"{where}: names are text, {shown(key)} is none")
        inside = FILE if source == FLAG else source
        return {key: self.of.convert(item, f"{where}.{key}", inside) for key, item in value.items()}

    def describe(self) -> str:
        """See `Type.describe`."""
        return f"dict: name -> {self.of.describe()}"

    def item(self, name: str, current: Any) -> Type:
        """See `Type.item`."""
        return self.of


@dataclass(frozen=True)
class OneOf(Type):
    """Any of several types, the first that fits."""

    types: Tuple[Type, ...] = ()

    def read(self, value: Any, where: str, source: str) -> Any:
        """See `Type.read`."""
        problems = []
        for kind in self.types:
            try:
                return kind.convert(value, where, source)
            except UserError as error:
                problems.append(str(error))
        # Who writes a list or a dict wants to hear what is wrong inside of it.
        raise UserError(problems[-1] if isinstance(value, (list, tuple, dict)) else problems[0])

    def many(self) -> str:
        """See `Type.many`."""
        return self.types[0].many()

    def describe(self) -> str:
        """See `Type.describe`."""
        return ", or ".join(kind.describe() for kind in self.types)

    def item(self, name: str, current: Any) -> Type:
        """See `Type.item`."""
        return self.types[-1].item(name, current)


@dataclass(frozen=True)
class Anything(Type):
    """Any plain value."""

    def read(self, value: Any, where: str, source: str) -> Any:
        """See `Type.read`."""
        if source == FLAG and isinstance(value, str):
            return parse(value, where)
        return value if source == PYTHON else numbers_in(value)

    def describe(self) -> str:
        """See `Type.describe`."""
        return "any value"


def parse(given: str, where: str) -> Any:
    """Read a value typed on a command line, as YAML.

    Raises:
        UserError: when it cannot be read.
    """
    try:
        return numbers_in(None if given == "None" else parse_yaml(given))
    except UserError as error:
        raise UserError(f"{where}: cannot read {shown(given)} as a value: {error}") from None


def numbers_in(value: Any) -> Any:
    """Turn numbers like ``3e-4``, which YAML 1.1 takes for text, into floats, inside lists and dicts too."""
    if isinstance(value, dict):
        return {key: numbers_in(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers_in(item) for item in value]
    # Text must start like a number: "inf" and "nan" without a dot are words.
    number = number_in(value) if isinstance(value, str) and value[:1] in "+-.0123456789" else None
    return value if number is None else number


def number_in(value: Any) -> Union[int, float, None]:
    """The number that `value` is or spells, None if it is none. Integers stay exact."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        for read in (int, float):
            try:
                return read(value)
            except ValueError:
                pass
    return None


def unknown_setting(where: str, siblings: Iterable[str], elsewhere: Sequence[str] = (), path: str = "") -> UserError:
    """Say that `where`, on the way to `path`, does not exist, and what is near: beside it, or of the same name."""
    parent, _, name = where.rpartition(".")
    near = [f"{parent}.{match}".lstrip(".") for match in difflib.get_close_matches(name, siblings, n=3)]
    near = near or list(elsewhere)[:3]
    if near:
        return UserError(f"unknown setting {path or where}; did you mean {' or '.join(near)}?")
    return UserError(f"unknown setting {path or where}; known here: {', '.join(siblings)}")


def shown(value: Any) -> str:
    """The value as a message shows it: one line, not too long."""
    try:
        line = " ".join(repr(value).split())
    except ValueError:  # Python does not spell numbers of thousands of digits
        return "a number of thousands of digits"
    return line if len(line) <= 80 else f"{line[:77]}..."
