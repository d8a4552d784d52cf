"""Commands in play: scripts, keys, and how they reach the robots."""

from __future__ import annotations

import pytest

from legged_gym.errors import UserError
from legged_gym.playing.driving import (
    Command,
    Keyboard,
    Script,
    make_tour,
    parse_command,
)

RANGES = [[-1.0, 4.0], [-1.0, 1.0], [-2.0, 2.0]]


def keys(keyboard, names):
    for name in names:
        keyboard.press(ord(name))
    return keyboard(0.0)[:3]


def test_a_script_goes_on_in_time_and_stays_at_its_end():
    walk, stop = Command(1.0, 0.0, 0.0, "walk"), Command(0.0, 0.0, 0.0, "stop")
    script = Script([(2.0, walk), (0.5, stop)])
    assert script.duration == 2.5
    assert [script(time) for time in (0.0, 1.99, 2.0, 2.4, 99.0)] == [walk, walk, stop, stop, stop]


def test_the_tour_stays_within_what_was_trained():
    tour = make_tour([[-1.0, 0.5], [0.0, 0.0], [-1.0, 1.0]])
    commands = [tour(time) for time in range(int(tour.duration))]
    assert {command.label for command in commands} == {"forward", "turn", "curve", "stop"}
    assert all(0.0 <= command.lin_vel_x <= 0.5 and command.lin_vel_y == 0.0 for command in commands)
    assert [make_tour(RANGES)(time).label for time in (0, 5, 8, 12, 15)] == [
        *("forward", "sideways", "turn", "curve", "stop")
    ]


def test_keys_change_the_command_in_steps_up_to_the_limits():
    keyboard = Keyboard(RANGES, num_envs=3)
    assert keyboard(0.0)[:3] == (0.0, 0.0, 0.0)
    assert keys(keyboard, "WW") == (1.0, 0.0, 0.0)
    assert keys(keyboard, "W" * 20) == (4.0, 0.0, 0.0)
    assert keys(keyboard, "S" * 20) == (-1.0, 0.0, 0.0)
    assert keys(keyboard, "WWAAA") == (0.0, 0.6, 0.0)
    assert keys(keyboard, "DDD") == (0.0, 0.0, 0.0)
    assert keys(keyboard, "QQQQQQQ") == (0.0, 0.0, 2.0)
    assert keys(keyboard, "EEEEE") == (0.0, 0.0, 0.0)
    assert keys(keyboard, "XY1") == (0.0, 0.0, 0.0)


def test_other_keys():
    keyboard = Keyboard(RANGES, num_envs=3, start=Command(0.5, 0.0, 0.0))
    assert keys(keyboard, "W") == (1.0, 0.0, 0.0)
    assert not keyboard.take_reset()
    assert keys(keyboard, "R") == (1.0, 0.0, 0.0)
    assert keyboard.take_reset() and not keyboard.take_reset()
    assert keyboard(0.0)[:3] == (0.0, 0.0, 0.0)
    robots = []
    for name in "]]][":
        keyboard.press(ord(name))
        robots.append(keyboard.robot)
    assert robots == [1, 2, 0, 2]
    paused = []
    for _ in range(2):
        keyboard.press(32)
        paused.append(keyboard.paused)
    assert paused == [True, False]
    keyboard.press(340)  # shift
    assert not keyboard.quit
    keyboard.press(256)
    assert keyboard.quit


def test_keys_without_anything_to_drive():
    assert keys(Keyboard([], num_envs=1), "WAQ") == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("words", [["0.5", "0", "-0.2"], ["0.5,0,-0.2"], ["0.5,", "0,", "-0.2"]])
def test_a_command_is_three_numbers(words):
    assert parse_command(words) == Command(0.5, 0.0, -0.2)
    assert parse_command(None) is None


@pytest.mark.parametrize("words", [[], ["1"], ["1", "2", "x"], ["1,2,3,4"]])
def test_anything_else_is_no_command(words):
    with pytest.raises(UserError, match="expected three numbers: m/s forward, m/s left, rad/s"):
        parse_command(words)
