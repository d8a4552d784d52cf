"""Commands for one direction alone, within those that a policy was trained for."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Tuple

SPEEDS = {"slow": 0.25, "middle": 0.6, "fast": 1.0}
"""Fractions of the bound."""
DIRECTIONS = {
    "forward": (0, 1), "back": (0, -1), "left": (1, 1), "right": (1, -1), "turn left": (2, 1), "turn right": (2, -1),
}  # fmt: skip
"""Column of the command and its sign."""
EPISODE_S, SETTLE_S = 10.0, 1.0
"""s: how long a command is followed; what is left out of it at first."""
_RANGES = ("lin_vel_x", "lin_vel_y", "ang_vel_yaw")


class Cell(NamedTuple):
    """A command.

    Attributes:
        direction: of `DIRECTIONS`.
        speed: of `SPEEDS`.
        command: m/s forward, m/s to the left, rad/s.
    """

    direction: str
    speed: str
    command: Tuple[float, float, float]


def cells_of(trained: Mapping[str, Any]) -> List[Cell]:
    """The commands within `trained_commands` of an environment.

    Where two speeds of a direction are the same, the slower name is left out.
    """
    cells = []
    for direction, (column, sign) in DIRECTIONS.items():
        least, bound = sorted(sign * limit for limit in trained["ranges"][_RANGES[column]])
        least = max(least, 0.0 if column == 2 else trained["min_norm"])
        if bound <= 0.0 or bound < least:
            continue
        speeds = {round(max(part * bound, least), 6): name for name, part in SPEEDS.items()}
        for speed, name in speeds.items():
            command = [0.0, 0.0, 0.0]
            command[column] = sign * speed
            cells.append(Cell(direction, name, (command[0], command[1], command[2])))
    return cells
