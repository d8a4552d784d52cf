"""Numbers that change over a training, against hand numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.schedule import Schedule, cosine


def test_cosine() -> None:
    assert cosine(1e-3, 1e-5, 0.0) == pytest.approx(1e-3)
    assert cosine(1e-3, 1e-5, 0.5) == pytest.approx((1e-3 + 1e-5) / 2)
    assert cosine(1e-3, 1e-5, 1.0) == pytest.approx(1e-5)
    assert cosine(1e-3, 1e-5, 1.7) == pytest.approx(1e-5)
    # A third of the way the cosine of 60 degrees, 1/2, is left: (1 + 1/2) / 2 = 3/4 of the difference.
    assert cosine(1.0, 0.0, 1 / 3) == pytest.approx(0.75)
    # Half a cosine falls at most at the middle, by pi / 2 per unit of progress.
    assert (cosine(1.0, 0.0, 0.499) - cosine(1.0, 0.0, 0.501)) / 0.002 == pytest.approx(math.pi / 2, rel=1e-4)


def test_schedules_by_hand() -> None:
    # 0 until 2000, then a line: half of the way at 3500
    regulariser = Schedule("coef", [0.0, 0.1, 2000, 3000])
    assert [regulariser(i) for i in (0, 2000, 3500, 5000, 9000)] == pytest.approx([0.0, 0.0, 0.05, 0.1, 0.1])
    # a third of the way leaves 3/4 of the difference: 0.6 + 0.75 * 1.4
    temperature = Schedule("temperature", (2.0, 0.6, 0, 6000), cosine)
    assert [temperature(i) for i in (0, 2000, 3000, 6000, 7000)] == pytest.approx([2.0, 1.65, 1.3, 0.6, 0.6])
    assert [Schedule("x", 0.3, shape)(i) for shape in (cosine,) for i in (0, 10)] == [0.3, 0.3]


@pytest.mark.parametrize("given", [[0.0, 1.0], [0.0, 1.0, 5, 0]])
def test_no_schedule_is_told(given: Any) -> None:
    with pytest.raises(RslRlError, match=r"coef is \[.*give a number, or \[first, last"):
        Schedule("coef", given)
