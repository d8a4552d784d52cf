"""Who gives the velocity commands in play: a script, the keyboard, or (as in training) the environment itself.

A driver is called with the time since the start, s, and returns the command of that moment for all robots.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence, Tuple

from legged_gym.errors import UserError

# Speeds of the tour at most, m/s and rad/s: what looks like a walk, however fast the robot may have learnt to be.
_TOUR_SPEEDS = (0.8, 0.5, 0.8)

# Keys: name of GLFW's key code, what it changes and by how much, m/s and rad/s.
_STEPS = {
    "W": (0, 0.5), "S": (0, -0.5), "A": (1, 0.2), "D": (1, -0.2), "Q": (2, 0.4), "E": (2, -0.4),
}  # fmt: skip
_SPACE, _ESCAPE = 32, 256

KEYS_HELP = "W/S forward, A/D sideways, Q/E turn, R reset, [ ] other robot, space pause, Esc quit"


class Command(NamedTuple):
    """A velocity command in the base frame.

    Attributes:
        lin_vel_x: forward, m/s.
        lin_vel_y: to the left, m/s.
        ang_vel_yaw: counter-clockwise, rad/s.
        label: what it is called in a video.
    """

    lin_vel_x: float
    lin_vel_y: float
    ang_vel_yaw: float
    label: str = ""


class Script:
    """Commands one after the other; the last one stays.

    Attributes:
        duration: s, until the end of the last command.
    """

    def __init__(self, legs: Sequence[Tuple[float, Command]]) -> None:
        """Take (duration in s, command) pairs, at least one."""
        self._legs = list(legs)
        self.duration = sum(seconds for seconds, _ in legs)

    def __call__(self, time: float) -> Command:
        """The command at a time, s."""
        for seconds, command in self._legs:
            if time < seconds:
                return command
            time -= seconds
        return self._legs[-1][1]


class Keyboard:
    """A driver by keys, see `KEYS_HELP`; `press` may be called from another thread.

    Attributes:
        paused: the physics should wait.
        quit: the user wants to leave.
        robot: index of the robot to look at.
    """

    def __init__(self, ranges: Sequence[Sequence[float]], num_envs: int, start: Optional[Command] = None) -> None:
        """Begin with a command.

        Args:
            ranges: lowest and highest command of each of `variants.RANGES`; empty where there is nothing to drive.
            num_envs: number of robots to look at.
            start: the first command; None to stand still.
        """
        self.paused = False
        self.quit = False
        self.robot = 0
        self._ranges = ranges
        self._num_envs = num_envs
        self._values = [0.0, 0.0, 0.0] if start is None else list(start[:3])
        self._reset = False

    def press(self, key: int) -> None:
        """Take a key by its GLFW code; letters and brackets have their ASCII code."""
        name = chr(key) if key < 128 else ""
        if name in _STEPS and self._ranges:
            axis, step = _STEPS[name]
            low, high = self._ranges[axis]
            # rounded, or 0.6 - 0.2 - 0.2 - 0.2 would be a tiny turn instead of none
            self._values[axis] = round(min(max(self._values[axis] + step, low), high), 6)
        elif name == "R":
            self._reset = True
        elif name in ("[", "]"):
            self.robot = (self.robot + (1 if name == "]" else -1)) % self._num_envs
        elif key == _SPACE:
            self.paused = not self.paused
        elif key == _ESCAPE:
            self.quit = True

    def take_reset(self) -> bool:
        """Whether a reset was asked for since the last call; the command is then zero again."""
        if not self._reset:
            return False
        self._reset = False
        self._values = [0.0, 0.0, 0.0]
        return True

    def __call__(self, time: float) -> Command:
        """The command of this moment."""
        return Command(self._values[0], self._values[1], self._values[2])


def make_tour(ranges: Sequence[Sequence[float]]) -> Script:
    """Forward, sideways, turning, a curve and a stop, as far as the ranges have them.

    Args:
        ranges: lowest and highest command of each of `variants.RANGES`.
    """
    x, y, yaw = (min(high, most) for (_, high), most in zip(ranges, _TOUR_SPEEDS))
    legs = [
        (4.0, Command(x, 0.0, 0.0, "forward"), x > 0.0),
        (3.0, Command(0.0, y, 0.0, "sideways"), y > 0.0),
        (3.0, Command(0.0, 0.0, yaw, "turn"), yaw > 0.0),
        (4.0, Command(x, 0.0, yaw, "curve"), min(x, yaw) > 0.0),
        (2.0, Command(0.0, 0.0, 0.0, "stop"), True),
    ]
    return Script([(seconds, command) for seconds, command, there in legs if there])


def parse_command(words: Optional[Sequence[str]]) -> Optional[Command]:
    """Read the three numbers of ``--command 0.5 0 0.2`` or ``--command=0.5,0,0.2``; None without.

    Raises:
        UserError: there are not three numbers.
    """
    if words is None:
        return None
    text = " ".join(words).replace(",", " ").split()
    try:
        x, y, yaw = (float(word) for word in text)
    except ValueError:
        raise UserError(f"--command={','.join(text)}: expected three numbers: m/s forward, m/s left, rad/s") from None
    return Command(x, y, yaw)
