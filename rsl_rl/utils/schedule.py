"""Numbers that change in the course of a training."""

from __future__ import annotations

import math
from typing import Callable, Sequence, Union

from rsl_rl.utils.errors import RslRlError

# A number that stays, or [first, last, begin, length].
Scheduled = Union[float, Sequence[float]]


def linear(first: float, last: float, progress: float) -> float:
    """Go from `first` to `last` in a straight line."""
    return first + (last - first) * min(max(progress, 0.0), 1.0)


def cosine(first: float, last: float, progress: float) -> float:
    """Go from `first` to `last` along half a cosine (Loshchilov, Hutter 2017, arXiv:1608.03983, eq. 5).

    Args:
        first: at progress 0.
        last: at progress 1 and beyond.
        progress: fraction that is over.
    """
    return last + 0.5 * (first - last) * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))


class Schedule:
    """Iteration -> number: the first one until iteration `begin`, from there to the last one in `length` iterations."""

    def __init__(self, name: str, given: Scheduled, shape: Callable[[float, float, float], float] = linear) -> None:
        """Read what a setting of that name says.

        Raises:
            RslRlError: it is neither a number nor four of them with a length above 0.
        """
        numbers = [given, given, 0, 1] if isinstance(given, (int, float)) else list(given)
        if len(numbers) != 4 or not numbers[3] > 0:
            raise RslRlError(
                f"{name} is {given}; give a number, or [first, last, iteration to begin at, iterations it takes]"
            )
        self._first, self._last, self._begin, self._length = numbers
        self._shape = shape

    def __call__(self, iteration: int) -> float:
        """The number in an iteration."""
        return self._shape(self._first, self._last, (iteration - self._begin) / self._length)
