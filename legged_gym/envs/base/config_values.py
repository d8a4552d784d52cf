"""Conversion of the values of a config to the type that its classes give them.

Values come from a command line (text), from YAML (where ``3e-4`` is text too) or from Python. `where` names the setting
in every error.
"""

from __future__ import annotations

import math
from typing import Any, List, Union

import yaml

from legged_gym.errors import UserError

_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def convert(value: Any, samples: List[Any], where: str, as_text: bool) -> Any:
    """Convert `value` to the type that the samples have in common.

    Args:
        value: The new value.
        samples: Values that the setting has elsewhere. Numbers are floats if any sample is one. A None among the
            samples allows None; samples of different types, or none at all, allow anything.
        where: Name of the setting, for errors.
        as_text: Whether text may stand for any type where the samples do not fix one (command line), or only for a
            number that YAML does not know as one (files).

    Raises:
        UserError: when the value has another type.
    """
    typed = [sample for sample in samples if sample is not None]
    may_be_none = not typed or len(typed) < len(samples)
    if value is None or (may_be_none and value in ("None", "null")):
        if may_be_none:
            return None
        raise UserError(f"{where}: needs a value, it cannot be None")
    kinds = {_kind(sample) for sample in typed}
    if len(kinds) != 1:
        return parse(value, where) if as_text and isinstance(value, str) else numbers_in(value)
    kind = kinds.pop()
    if kind == "bool":
        return to_bool(value, where)
    if kind == "number":
        is_float = any(isinstance(sample, float) for sample in typed)
        return to_float(value, where) if is_float else to_int(value, where)
    if kind == "text":
        if not isinstance(value, str):
            raise UserError(f"{where}: expected text, got {value!r}; put it in quotes")
        return value
    return _to_dict(value, typed, where) if kind == "dict" else _to_list(value, typed, where)


def to_bool(value: Any, where: str) -> bool:
    """Return a flag given as such or as true, false, yes, no, on, off.

    Raises:
        UserError: for anything else.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    raise UserError(f"{where}: expected true or false, got {value!r}")


def to_float(value: Any, where: str) -> float:
    """Return a number given as such or spelled; infinity is one, NaN is not.

    Raises:
        UserError: for anything else.
    """
    number = _number(value)
    if number is None or math.isnan(number):
        raise UserError(f"{where}: expected a number, got {value!r}")
    return float(number)


def to_int(value: Any, where: str) -> int:
    """Return a whole number given as such or spelled, also as 1e3 or 4.0.

    Raises:
        UserError: for anything else.
    """
    number = _number(value)
    if number is None or not math.isfinite(number) or number != int(number):
        raise UserError(f"{where}: expected a whole number, got {value!r}")
    return int(number)


def parse(text: str, where: str) -> Any:
    """Read a value typed on a command line, as YAML.

    Raises:
        UserError: when it cannot be read.
    """
    try:
        return numbers_in(None if text == "None" else yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise UserError(f"{where}: cannot read {text!r} as a value: {str(error).splitlines()[0]}") from None


def numbers_in(value: Any) -> Any:
    """Turn numbers like ``3e-4``, which YAML 1.1 takes for text, into floats, inside lists and dicts too."""
    if isinstance(value, dict):
        return {key: numbers_in(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers_in(item) for item in value]
    # Text must start like a number: "inf" and "nan" without a dot are words.
    number = _number(value) if isinstance(value, str) and value[:1] in "+-.0123456789" else None
    return value if number is None else number


def _kind(sample: Any) -> str:
    if isinstance(sample, bool):
        return "bool"
    if isinstance(sample, (int, float)):
        return "number"
    if isinstance(sample, str):
        return "text"
    return "dict" if isinstance(sample, dict) else "list"


def _to_list(value: Any, typed: List[Any], where: str) -> Any:
    """Convert to a list or tuple whose items have the type of the samples' items; any length."""
    if isinstance(value, str):
        value = parse(value, where)
    if not isinstance(value, (list, tuple)):
        raise UserError(f"{where}: expected a list like [a, b], got {value!r}")
    samples = [item for sample in typed for item in sample]
    items = [convert(item, samples, f"{where}[{i}]", as_text=False) for i, item in enumerate(value)]
    return tuple(items) if isinstance(typed[0], tuple) else items


def _to_dict(value: Any, typed: List[Any], where: str) -> Any:
    """Convert to a dict whose items have the type of the samples' items; any keys."""
    if isinstance(value, str):
        value = parse(value, where)
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected a dict like {{name: value}}, got {value!r}")
    samples = [item for sample in typed for item in sample.values()]
    return {key: convert(item, samples, f"{where}.{key}", as_text=False) for key, item in value.items()}


def _number(value: Any) -> Union[int, float, None]:
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
