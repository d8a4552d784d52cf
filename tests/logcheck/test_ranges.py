"""Commands are held against the ranges that a policy was trained with, where nothing else tells how they were meant."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from legged_gym.logcheck.evidence import Evidence
from legged_gym.logcheck.layout import Layout, strangeness
from legged_gym.logcheck.search import Search
from legged_gym.logcheck.statistics import Statistics
from tests.logcheck.logs import policy_of


def layout_of(name):
    return Layout(policy_of(name).description)


def test_commands_of_training_are_not_strange_and_wilder_ones_are_stranger():
    layout = layout_of("g1")  # 0.8 m/s, 0.8 m/s, 1 rad/s to both sides
    losses = [strangeness(layout, "commands", np.tile([0.8, -0.8, yaw], (50, 1))) for yaw in (1.0, 1.5, 2.0, 57.3)]
    assert losses[:2] == [0.0, 0.0]
    assert 1.0 < losses[2] < losses[3]


def test_a_height_has_a_range_of_its_own():
    layout = layout_of("go2")  # 0.2 to 0.4 m
    assert strangeness(layout, "height_command", np.full((50, 1), 0.2)) == 0.0
    assert strangeness(layout, "height_command", np.full((50, 1), 0.1)) > 1.0


def test_a_yaw_rate_that_follows_from_a_heading_may_be_what_its_rule_allows():
    description = copy.deepcopy(policy_of("g1").description)
    description["commands"]["heading"] = {"gain": 0.5, "limit": 4.0}
    told = np.tile([0.0, 0.0, 4.0], (50, 1))
    assert strangeness(Layout(description), "commands", told) == 0.0
    assert strangeness(layout_of("g1"), "commands", told) > 1.0


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        ([0.5, -0.3, 0.8], [("commands", "scale")]),  # its scale would have made 0.8 of 3.2 rad/s
        ([0.5, -0.3, 0.25], []),  # 1 rad/s is what training had, too
    ],
)
def test_what_the_scale_was_forgotten_for_shows_where_it_is_beyond_the_range(told, kinds):
    policy = policy_of("g1")
    layout = Layout(policy.description)
    statistics = Statistics(policy.path.replace("policy.onnx", "statistics.npz"), policy.description, layout)
    values = {"commands": np.tile(told / layout.terms["commands"].scale, (200, 1))}
    evidence = Evidence(layout, statistics, {"commands": np.ones(3, bool)})
    found = Search(layout, values, evidence, np.arange(5, 180), saw=True).of_ranges([])
    assert [(mistake.term, mistake.kind) for each in found for mistake in each.cause] == kinds
