"""Types of settings: what they take, from where, and what they say of the rest."""

from __future__ import annotations

import math

import pytest

from legged_gym.errors import UserError
from legged_gym.setting_types import FILE, FLAG, PYTHON, Anything, ByName, Flag, Items, Number, OneOf, Text, numbers_in
from legged_gym.settings import number, span

RANGE = Items(of=Number(unit="m/s", low=-100, high=100), least=2, most=2, order="<=")
QUATERNION = Items(least=4, most=4, unit_norm=True)
GAIN = OneOf(types=(Number(low=0), ByName(of=Number(low=0))))


@pytest.mark.parametrize(
    ("kind", "value", "source", "expected"),
    [
        (Number(), 3, PYTHON, 3.0),
        (Number(), "3e-4", FILE, 3e-4),
        (Number(inf=True), "inf", FLAG, math.inf),
        (Number(whole=True), "1e3", FLAG, 1000),
        (Number(none=True), "None", FLAG, None),
        (Number(none=True), None, PYTHON, None),
        (Flag(), "off", FLAG, False),
        (Text(), "007", FLAG, "007"),
        (Items(of=Text()), "base", PYTHON, ["base"]),
        (Items(of=Text()), "base", FLAG, ["base"]),
        (Items(of=Text()), "[base, hip]", FLAG, ["base", "hip"]),
        (RANGE, "[0, 1.5]", FLAG, [0.0, 1.5]),
        (RANGE, (1, 1), PYTHON, [1.0, 1.0]),
        (Items(as_tuple=True), [1, 2], FILE, (1.0, 2.0)),
        (QUATERNION, [0, 0, 0.382, 0.924], PYTHON, [0.0, 0.0, 0.382, 0.924]),
        (GAIN, "{hip: 1, knee: 2}", FLAG, {"hip": 1.0, "knee": 2.0}),
        (GAIN, 5, PYTHON, 5.0),
        (Anything(), "[1e-3, x]", FLAG, [1e-3, "x"]),
    ],
)
def test_values_become_what_the_setting_is(kind, value, source, expected):
    found = kind.convert(value, "it", source)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Number(), "3", "it: expected a number, got '3'"),  # Python has numbers for numbers
        (Number(), True, "it: expected a number, got True"),
        (Number(), math.nan, "it: expected a number, got nan"),
        (Number(), math.inf, "it: expected a finite number, got inf"),
        (Number(), None, "it: needs a value, it cannot be None"),
        (Items(), [10**310], f"it[0]: expected a finite number, got 1{'0' * 76}..."),
        (Flag(), [10**5000], "it: expected true or false, got a number of thousands of digits"),
        (Items(), [10**5000], "it[0]: expected a finite number, got a number of thousands of digits"),
        (Number(unit="s", above=0), 0, "it: expected a number above 0 (s), got 0"),
        (Number(low=0, high=1), 1.5, "it: expected a number from 0 to 1, got 1.5"),
        (Number(low=-1, whole=True), -2, "it: expected a whole number of at least -1, got -2"),
        (Number(whole=True), 2**63, f"it: expected a whole number, got {2**63}"),
        (Flag(), 1, "it: expected true or false, got 1"),
        (Text(), 5, "it: expected text, got 5; put it in quotes"),
        (Text(choices=("a", "b")), "c", "it: expected a or b, got 'c'"),
        (RANGE, 0.5, "it: expected 2 numbers, got 0.5"),
        (RANGE, [1], "it: expected 2 numbers, got [1]"),
        (RANGE, [1, -1], "it: expected [low, high] with low <= high, got [1, -1]"),
        (RANGE, [-1e30, 1], "it[0]: expected a number from -100 to 100 (m/s), got -1e+30"),
        (Items(of=Text(), least=1), [], "it: expected a list of at least 1 names, got []"),
        (QUATERNION, [0, 0, 0, 0], "it: expected 4 numbers whose squares add up to 1, got [0, 0, 0, 0]"),
        (GAIN, -1, "it: expected a number of at least 0, got -1"),
        (GAIN, {"hip": -1}, "it.hip: expected a number of at least 0, got -1"),
        (GAIN, {1: 1}, "it: names are text, 1 is none"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(kind, value, message):
    with pytest.raises(UserError) as caught:
        kind.convert(value, "it")
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["[" * 1000 + "]" * 1000, "9" * 5000, "&a [*a]", "{a: 1, a: 2}"])
def test_text_of_a_command_line_that_no_config_has_is_told_in_one_line(text):
    with pytest.raises(UserError, match=r"^it: cannot read '") as caught:
        Anything().convert(text, "it", FLAG)
    assert len(str(caught.value)) < 300


def test_a_declaration_reads_as_its_default_in_a_class():
    class Section:
        speed = span([0.0, 1.0], "m/s")
        count = number(4, low=1)

    assert Section.speed == [0.0, 1.0] and Section.count == 4


def test_numbers_that_yaml_takes_for_text_are_found_inside_lists_and_dicts():
    assert numbers_in({"a": ["3e-4", "inf", "x1"], "b": "1e3"}) == {"a": [3e-4, "inf", "x1"], "b": 1000.0}
