"""Panels: small views of the robot that is watched. A task adds its own by naming it in `viewer.panels`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List, Optional, Sequence

import numpy as np

from legged_gym.errors import UserError

if TYPE_CHECKING:
    from viser import GuiApi

    from legged_gym.envs.base.legged_robot import LeggedRobot

# samples that a plot holds: ten seconds, as panels are updated ten times a second
SAMPLES = 100
_COLORS = ("#2f6fdb", "#e0662f", "#2e9d63", "#b0439b", "#c9a227", "#3aa6b9", "#7a5ad0", "#8a6d4b", "#d0455f", "#667788",
           "#5b8c2a", "#1f3f7f")  # fmt: skip
_LIMIT = "#999999"


class Panel:
    """A view of one robot; `build` makes its elements, `update` fills them ten times a second.

    Attributes:
        title: above it.
        starts_open: whether a new page shows it.
        env: of the robots.
        robot: index of the robot that is watched.
        shown: whether a visitor wants to see it.
    """

    title = ""
    starts_open = False
    robot = 0
    shown = False

    def __init__(self, env: LeggedRobot) -> None:
        """Be a view of robots of an environment."""
        self.env = env
        self._plots: List[Plot] = []

    def build(self, gui: GuiApi) -> None:
        """Make the elements."""

    def update(self, env: LeggedRobot) -> None:
        """Fill the elements with what the robot does now."""

    def forget(self) -> None:
        """Another robot is watched."""
        for plot in self._plots:
            plot.clear()

    def plot(self, gui: GuiApi, title: str, names: Sequence[str], limits: Sequence[float] = ()) -> Plot:
        """Add a plot of the last ten seconds with a line for each name, and grey lines at limits."""
        made = Plot(self, gui, title, names, limits)
        self._plots.append(made)
        return made


class Plot:
    """Lines over time."""

    def __init__(self, panel: Panel, gui: GuiApi, title: str, names: Sequence[str], limits: Sequence[float]) -> None:
        """See `Panel.plot`."""
        self._panel, self._limits, self._width = panel, list(limits), len(names)
        self.clear()
        series = [{"label": name, "stroke": _COLORS[i % len(_COLORS)], "width": 1.5} for i, name in enumerate(names)]
        series += [{"label": "limit", "stroke": _LIMIT, "width": 1, "dash": (4, 4)} for _ in self._limits]
        zeros = np.zeros(2)
        data: Any = (zeros, *(zeros for _ in series))
        options: Any = ({"label": "s"}, *series)
        self._handle = gui.add_uplot(
            data, options, title=title, scales={"x": {"time": False, "auto": True}},
            legend={"show": len(names) <= 4}, height=125,
        )  # fmt: skip

    def clear(self) -> None:
        """Forget all."""
        self._times: List[float] = []
        self._values: List[List[float]] = []

    def add(self, time: float, values: Sequence[float]) -> None:
        """Append values at a time, s; a time that has been ends the line and begins another."""
        if self._times and time <= self._times[-1]:
            if time == self._times[-1]:
                return
            self.clear()
        self._times.append(time)
        self._values.append(list(values))
        del self._times[:-SAMPLES], self._values[:-SAMPLES]
        if self._panel.shown:
            self._send()

    def _send(self) -> None:
        times, lines = np.array(self._times), np.array(self._values).reshape(len(self._times), self._width).T
        limits = [np.full(len(times), limit) for limit in self._limits]
        self._handle.data = (times, *(np.ascontiguousarray(line) for line in lines), *limits)


def load_panels(paths: Sequence[str], env: LeggedRobot) -> List[Panel]:
    """Make the panels that a config names as "module:Class".

    Raises:
        UserError: there is no such class.
    """
    made = []
    for path in paths:
        module, _, name = path.partition(":")
        try:
            found: Optional[type] = getattr(importlib.import_module(module), name, None)
        except ImportError as error:
            raise UserError(f"viewer.panels: {path}: {error}") from None
        if not (isinstance(found, type) and issubclass(found, Panel)):
            raise UserError(f"viewer.panels: {path!r} is no panel: give 'module:Class' of a viewing.panels.Panel")
        made.append(found(env))
    return made
