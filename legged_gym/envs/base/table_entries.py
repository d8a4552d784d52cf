"""What the lines of a config's tables carry: `ObsTerm`, `Metric`, `Termination`, `Obstacle`."""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Dict, List, Optional, Sequence, Union

from legged_gym.errors import UserError
from legged_gym.setting_types import PYTHON, Flag, Items, Number, OneOf, Text, Type, parse, shown, unknown_setting

Numbers = Union[float, Sequence[float]]


class TableEntry:
    """A line of a table; the fields are those of the dataclass that inherits from this, with the types `TYPES`."""

    TYPES: ClassVar[Dict[str, Type]]

    def check(self, where: str) -> None:
        """Convert every field to its type, in place; `where` names the entry in errors.

        Raises:
            UserError: a field cannot be.
        """
        for name, kind in self.TYPES.items():
            setattr(self, name, kind.convert(getattr(self, name), f"{where}.{name}", PYTHON))

    def to_dict(self) -> Dict[str, Any]:
        """Return the fields as plain values."""
        return {field.name: copy.deepcopy(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


def _one_or_many(**more: Any) -> OneOf:
    return OneOf(more.pop("none", False), (Number(**more), Items(of=Number(**more), least=1)))


@dataclass
class ObsTerm(TableEntry):
    """A line of an observation table: the method `_obs_<name>` gives (N, k), this says what is done to it.

    Attributes:
        scale: Factor, one number or k of them.
        noise: Half-width of uniform noise before scaling, one number or k of them, in the units of the quantity.
        clip: Bound before scaling: c for [-c, c], or the pair [low, high]; None for no bound.
        gaussian: Whether the noise is normal, with `noise` its standard deviation.
        history: How many frames the policy sees, the newest among them; one after the other, (N, history * k).
        newest_first: Whether the newest frame comes first, not last.
        hold: Policy steps from one frame to the next; the last one is held between.
        offset: Which policy steps of an episode, counted from 0, bring a frame: this one and every `hold`-th after it,
            besides the first of all.
    """

    scale: Numbers = 1.0
    noise: Numbers = 0.0
    clip: Optional[Numbers] = None
    gaussian: bool = False
    history: int = 1
    newest_first: bool = False
    hold: int = 1
    offset: int = 0

    TYPES: ClassVar[Dict[str, Type]] = {
        "scale": _one_or_many(),
        "noise": _one_or_many(low=0.0),
        "clip": OneOf(True, (Number(above=0.0), Items(least=2, most=2, order="<="))),
        "gaussian": Flag(),
        "history": Number(whole=True, low=1, high=10_000),
        "newest_first": Flag(),
        "hold": Number(whole=True, low=1, high=10**6),
        "offset": Number(whole=True, low=0),
    }
    TIMES: ClassVar[Sequence[str]] = ("history", "newest_first", "hold", "offset")

    def check(self, where: str) -> None:
        """See `TableEntry.check`."""
        super().check(where)
        if self.offset >= self.hold:
            raise UserError(f"{where}.offset is {self.offset}: it has to be below hold, which is {self.hold}")

    @property
    def remembers(self) -> bool:
        """Whether the policy sees other frames than the newest."""
        return self.history > 1 or self.hold > 1

    def times(self) -> Dict[str, Any]:
        """The fields that say when frames are taken, for a term that remembers; empty for others."""
        return {name: getattr(self, name) for name in self.TIMES} if self.remembers else {}


@dataclass
class Termination(TableEntry):
    """A line of the termination table: the method `_termination_<name>` gives (N,) bool.

    Attributes:
        threshold: The limit the method compares with, in the units its docstring gives; None if it needs none.
        time_out: Whether the end counts as a time-out, after which the value of the state is bootstrapped.
    """

    threshold: Optional[Numbers] = None
    time_out: bool = False

    TYPES: ClassVar[Dict[str, Type]] = {"threshold": _one_or_many(none=True), "time_out": Flag()}


@dataclass
class Metric(TableEntry):
    """A line of the table of metrics: the method `_metric_<name>` gives (N,), this says what it comes to.

    It is called at every state in which the policy acts; for `last` when an episode ends, before the robot is put back.

    Attributes:
        reduce: Over an episode: "mean" over its time, "sum" over its steps, "max", or "last", its value at the end.
        per: Of a sum: the method `_metric_<per>` by whose sum over all episodes it is divided.
        period_s: Of a yes or no: s, to which the fraction of episodes is converted from the length of an episode.
        ground: "tiles" or "lanes": only where there are some, and then also by their type and level.
    """

    reduce: str = "mean"
    per: Optional[str] = None
    period_s: Optional[float] = None
    ground: Optional[str] = None

    TYPES: ClassVar[Dict[str, Type]] = {
        "reduce": Text(choices=("mean", "sum", "last", "max")),
        "per": Text(none=True),
        "period_s": Number(none=True, above=0.0),
        "ground": Text(none=True, choices=("tiles", "lanes")),
    }

    def check(self, where: str) -> None:
        """See `TableEntry.check`."""
        super().check(where)
        if self.per is not None and self.reduce != "sum":
            raise UserError(f"{where}.per: only a sum is divided, and reduce is {self.reduce}")
        if self.period_s is not None and self.reduce not in ("last", "max"):
            raise UserError(f"{where}.period_s: only a yes or no (last, max) is converted, and reduce is {self.reduce}")


@dataclass
class Obstacle(TableEntry):
    """A line of the table of obstacles: a solid that stands still in some environments, seen by scans and cameras.

    Attributes:
        shape: "box", or "cylinder" along its z axis.
        size: m; of a box its edges along x, y and z, of a cylinder radius and length.
        pos: m, of its middle, from the origin of the environment.
        rot: x, y, z, w.
        envs: The environments that have it, None for all.
    """

    shape: str = "box"
    size: Sequence[float] = (1.0, 1.0, 1.0)
    pos: Sequence[float] = (0.0, 0.0, 0.5)
    rot: Sequence[float] = (0.0, 0.0, 0.0, 1.0)
    envs: Optional[Sequence[int]] = None

    TYPES: ClassVar[Dict[str, Type]] = {
        "shape": Text(choices=("box", "cylinder")),
        "size": Items(of=Number(above=0.0, high=1000.0), least=2, most=3),
        "pos": Items(of=Number(low=-1000.0, high=1000.0), least=3, most=3),
        "rot": Items(least=4, most=4, unit_norm=True),
        "envs": Items(none=True, of=Number(whole=True, low=0)),
    }

    def half_sizes(self) -> List[float]:
        """Along x, y and z, m."""
        if self.shape == "box":
            return [0.5 * edge for edge in self.size]
        radius, length = self.size
        return [radius, radius, 0.5 * length]


@dataclass(frozen=True)
class Entry(Type):
    """A table entry like `sample`, None for an entry that is left out."""

    sample: Optional[TableEntry] = None

    def read(self, value: Any, where: str, source: str) -> TableEntry:
        """See `Type.read`; fields that a dict lacks are those of the sample."""
        assert self.sample is not None
        if isinstance(value, str) and source != PYTHON:
            value = parse(value, where)
        if isinstance(value, type(self.sample)):
            value.check(where)
            return value
        if not isinstance(value, dict):
            known = ", ".join(self.sample.TYPES)
            raise UserError(f"{where}: expected fields ({known}) or None, got {shown(value)}")
        entry = copy.deepcopy(self.sample)
        for key, item in value.items():
            if key not in self.sample.TYPES:
                raise unknown_setting(f"{where}.{key}", self.sample.TYPES)
            setattr(entry, key, self.sample.TYPES[key].convert(item, f"{where}.{key}", source))
        return entry

    def item(self, name: str, current: Any) -> Type:
        """See `Type.item`."""
        assert self.sample is not None
        return self.sample.TYPES[name]

    def describe(self) -> str:
        """See `Type.describe`."""
        return f"{type(self.sample).__name__} or None"
