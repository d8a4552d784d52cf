"""Panels and their plots."""

from __future__ import annotations

from typing import Any, List

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.viewing.panels import SAMPLES, Panel, load_panels


class Handle:
    data: Any = None


class Gui:
    """Keeps what is made."""

    def __init__(self) -> None:
        self.made: List[Handle] = []

    def add_uplot(self, data: Any, series: Any, **_: Any) -> Handle:
        assert len(data) == len(series)
        self.made.append(Handle())
        return self.made[-1]


def drawn(shown: bool = True):
    gui: Any = Gui()
    panel = Panel(None)  # type: ignore[arg-type]
    panel.shown = shown
    return panel.plot(gui, "speed", ["left", "right"], limits=[2.0]), gui.made[0], panel


def test_a_plot_holds_the_last_ten_seconds_and_a_line_for_each_limit():
    plot, handle, _ = drawn()
    for step in range(SAMPLES + 30):
        plot.add(0.1 * step, [step, -step])
    times, left, right, limit = handle.data
    np.testing.assert_allclose(times, 0.1 * np.arange(30, SAMPLES + 30))
    np.testing.assert_allclose(left, np.arange(30, SAMPLES + 30))
    np.testing.assert_allclose(right, -left)
    assert np.all(limit == 2.0)


def test_a_hidden_plot_remembers_and_sends_nothing():
    plot, handle, panel = drawn(shown=False)
    plot.add(0.0, [1.0, 2.0])
    assert handle.data is None
    panel.shown = True
    plot.add(0.1, [3.0, 4.0])
    np.testing.assert_allclose(handle.data[1], [1.0, 3.0])


def test_time_that_stands_still_adds_nothing_and_another_robot_begins_anew():
    plot, handle, panel = drawn()
    plot.add(1.0, [1.0, 1.0])
    plot.add(1.0, [9.0, 9.0])
    np.testing.assert_allclose(handle.data[1], [1.0])
    panel.forget()
    plot.add(1.1, [5.0, 5.0])
    np.testing.assert_allclose(handle.data[1], [5.0])


@pytest.mark.parametrize("path", ["legged_gym.viewing.robot_panels:Nothing", "no_such_module:Panel", "pathlib:Path"])
def test_what_is_no_panel_is_named(path):
    with pytest.raises(UserError, match=f"viewer.panels: .*{path.split(':')[0]}"):
        load_panels([path], None)  # type: ignore[arg-type]
