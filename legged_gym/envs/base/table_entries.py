"""What the lines of a config's tables carry: `ObsTerm`, `Metric`, `Termination`, `Obstacle`."""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Dict, List, Optional, Sequence, Union

from legged_gym.errors import UserError
from legged_gym.setting_types import PYTHON, Flag, Items, Number, OneOf, Text, Type, parse, shown, unknown_setting
from legged_gym.settings import Typed, typed

Numbers = Union[float, Sequence[float]]


class TableEntry(Typed):
    """A line of a table; the fields are those of the dataclass that inherits from this."""

    def check(self, where: str) -> None:
        """Convert every field to its type, in place; `where` names the entry in errors.

        Raises:
            UserError: a field cannot be.
        """
        self.convert_fields(f"{where}.")

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

    scale: Numbers = typed(_one_or_many(), 1.0)
    noise: Numbers = typed(_one_or_many(low=0.0), 0.0)
    clip: Optional[Numbers] = typed(OneOf(True, (Number(above=0.0), Items(least=2, most=2, order="<="))), None)
    gaussian: bool = typed(Flag(), False)
    history: int = typed(Number(whole=True, low=1, high=10_000), 1)
    newest_first: bool = typed(Flag(), False)
    hold: int = typed(Number(whole=True, low=1, high=10**6), 1)
    offset: int = typed(Number(whole=True, low=0), 0)

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

    threshold: Optional[Numbers] = typed(_one_or_many(none=True), None)
    time_out: bool = typed(Flag(), False)


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

    reduce: str = typed(Text(choices=("mean", "sum", "last", "max")), "mean")
    per: Optional[str] = typed(Text(none=True), None)
    period_s: Optional[float] = typed(Number(none=True, above=0.0), None)
    ground: Optional[str] = typed(Text(none=True, choices=("tiles", "lanes")), None)

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

    shape: str = typed(Text(choices=("box", "cylinder")), "box")
    size: Sequence[float] = typed(Items(of=Number(above=0.0, high=1000.0), least=2, most=3), (1.0, 1.0, 1.0))
    pos: Sequence[float] = typed(Items(of=Number(low=-1000.0, high=1000.0), least=3, most=3), (0.0, 0.0, 0.5))
    rot: Sequence[float] = typed(Items(least=4, most=4, unit_norm=True), (0.0, 0.0, 0.0, 1.0))
    envs: Optional[Sequence[int]] = typed(Items(none=True, of=Number(whole=True, low=0)), None)

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
            known = ", ".join(self.sample.types())
            raise UserError(f"{where}: expected fields ({known}) or None, got {shown(value)}")
        entry, types = copy.deepcopy(self.sample), self.sample.types()
        for key, item in value.items():
            if key not in types:
                raise unknown_setting(f"{where}.{key}", types)
            setattr(entry, key, types[key].convert(item, f"{where}.{key}", source))
        return entry

    def item(self, name: str, current: Any) -> Type:
        """See `Type.item`."""
        assert self.sample is not None
        return self.sample.types()[name]

    def describe(self) -> str:
        """See `Type.describe`."""
        return f"{type(self.sample).__name__} or None"
