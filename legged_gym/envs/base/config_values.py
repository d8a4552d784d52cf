"""Which type a setting of a config has: what its classes declare, or what the values they write have in common."""

from __future__ import annotations

import re
from typing import Any, List, Sequence

from legged_gym.envs.base.table_entries import Entry, TableEntry
from legged_gym.setting_types import Anything, ByName, Flag, Items, Number, Text, Type
from legged_gym.settings import Setting

_SAMPLES = {"str": "", "float": 0.0, "int": 0, "bool": False}
EACH = "_each"
"""The name that declares all names of a section."""


def lineage(classes: Sequence[type], name: str) -> List[type]:
    """The classes that make up the section `name` of a config or section made of `classes`, the most derived first.

    They are those of every class in the inheritance of the owner: a plain ``class env:`` in a subclass has the
    declarations of the base's ``env``, whether it inherits from it or not.
    """
    found: List[type] = []
    for key in (name, EACH):
        for owner in classes:
            section = vars(owner).get(key)
            if isinstance(section, type):
                found += [klass for klass in section.__mro__ if klass is not object and klass not in found]
    return found


def type_of(classes: Sequence[type], name: str, current: Any) -> Type:
    """The type of a setting of a section made of `classes`; `current` is the value it has now.

    Without a declaration, numbers are floats if any class writes one, a None in any class or ``Optional`` in its
    annotation allows None (``Optional[float]``: None or a number), and values of different types, none at all, or the
    annotation ``Any`` allow anything.
    """
    written = [vars(klass)[name] for klass in reversed(classes) if name in vars(klass)]
    declared = [value for value in written if isinstance(value, Setting)]
    values = [value.default if isinstance(value, Setting) else value for value in written]
    entries = [value for value in (current, *values) if isinstance(value, TableEntry)]
    each = [vars(klass)[EACH] for klass in classes if isinstance(vars(klass).get(EACH), Setting)]
    if declared or each:
        kind = (declared or each)[0].kind
        fitting = [entry for entry in entries if isinstance(kind, Entry) and isinstance(entry, type(kind.sample))]
        return Entry(True, fitting[0]) if fitting else kind
    if entries:
        return Entry(True, entries[0])
    notes = [str(getattr(klass, "__annotations__", {}).get(name, "")) for klass in classes]
    if any(note.rsplit(".", 1)[-1] == "Any" for note in notes):
        return Anything(none=True)
    plain = [re.search(r"\bOptional\[(str|float|int|bool)\]$", note) for note in notes]
    values += [_SAMPLES[match[1]] for match in plain if match]
    return infer(values + [None] * any("Optional" in note for note in notes))


def infer(samples: Sequence[Any]) -> Type:
    """The type that values have in common; a None among them allows None."""
    typed = [sample for sample in samples if sample is not None]
    none = len(typed) < len(samples)
    kinds = {_kind(sample) for sample in typed}
    if len(kinds) != 1:
        return Anything(none=none or not typed)
    kind = kinds.pop()
    if kind == "bool":
        return Flag(none)
    if kind == "number":
        return Number(none, whole=all(isinstance(sample, int) for sample in typed), inf=True)
    if kind == "text":
        return Text(none)
    if kind == "dict":
        return ByName(none, infer([item for sample in typed for item in sample.values()]))
    of = infer([item for sample in typed for item in sample])
    return Items(none, of, as_tuple=isinstance(typed[0], tuple))


def _kind(sample: Any) -> str:
    for name, types in (("bool", bool), ("number", (int, float)), ("text", str), ("dict", dict)):
        if isinstance(sample, types):
            return name
    return "list"
