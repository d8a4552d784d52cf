"""Tables of results."""

from __future__ import annotations

from legged_gym.evaluation.text import format_comparison, format_result


def estimate(mean):
    return {"mean": mean, "ci95": [None, None] if mean is None else [mean - 0.01, mean + 0.01]}


def lane(success):
    names = ("fall_share", "x_displacement", "mean_time_to_fall", "foot_edge_violations")
    return {"episodes": 2, "success_rate": estimate(success), **{name: estimate(0.25) for name in names}}


RESULT = {
    "task": "a1_vision",
    "name": "some_run/model_3",
    "num_episodes": 4,
    "metrics": {"mean_speed": estimate(0.5), "success_to_half_difficulty": estimate(0.75)},
    "terrain_types": {"lane_gaps": lane(0.5), "lane_stones": lane(None)},
}
OTHER = {"task": "a1_flat", "name": "a1_flat", "num_episodes": 4, "metrics": {"mean_speed": estimate(None)}}


def test_columns_line_up_however_long_the_names_are():
    lines = format_result(RESULT).splitlines()[1:4]
    assert [line.index(word) for line, word in zip(lines, ("mean", "0.5000", "0.7500"))] == [34, 32, 32]
    assert lines[1].endswith("0.4900 to 0.5100  m/s")


def test_every_type_of_lane_has_a_line():
    lines = format_result(RESULT).splitlines()[5:]
    assert lines[0].split("  ")[0] == "type"
    assert [line.split() for line in lines[1:]] == [
        ["lane_gaps", "0.500", "0.250", "0.250", "0.250", "0.250"],
        ["lane_stones", "-", "0.250", "0.250", "0.250", "0.250"],
    ]


def test_every_clip_has_a_line_of_what_was_measured():
    clip = {"episodes": 2, "clip_success_rate": estimate(0.5), "joint_error": estimate(0.125)}
    result = {**OTHER, "episode_kinds": {"motions_a_clip_with_a_long_name": clip, "motions_walk": clip}}
    lines = format_result(result).splitlines()[-3:]
    assert lines[0].split() == ["clip", "success", "joints,", "rad"]
    assert lines[2].split() == ["motions_walk", "0.500", "0.125"] and lines[1].index("0.500") == lines[2].index("0.500")


def test_policies_stand_side_by_side_and_what_one_does_not_have_is_left_out():
    lines = format_comparison([RESULT, OTHER]).splitlines()
    assert lines[1:3] == ["A  a1_vision: some_run/model_3", "B  a1_flat: a1_flat"]
    assert lines[4].split() == ["metric", "A", "B"]
    assert lines[5].split() == ["mean_speed", "0.500", "(0.490", "to", "0.510)", "-", "m/s"]
    assert lines[6].split() == ["success_to_half_difficulty", "0.750", "(0.740", "to", "0.760)", "-"]
    assert lines[8] == "success"
    assert lines[9].split() == ["lane_gaps", "0.500", "(0.490", "to", "0.510)", "-"]
    assert lines[10].split() == ["lane_stones", "-", "-"]


def test_without_lanes_there_is_only_one_table():
    assert len(format_comparison([OTHER, OTHER]).splitlines()) == 6


def command(start, falls):
    values = {"falls": falls, "lin_vel_xy_error": 0.125, "ang_vel_error": 0.25, "mean_speed": None}
    cell = {"direction": "turn left", "speed": "middle", "command": [0.0, 0.0, 0.6], "start": start}
    return {**cell, **{name: estimate(value) for name, value in values.items()}}


def standing(share):
    names = ("stand_joint_speed", "stand_feet_down", "falls")
    return {"stand_still": estimate(share), **{name: estimate(0.75) for name in names}}


GRID = {
    **OTHER,
    "pure_commands": {
        "cells": [command("nominal", 0.0), command("randomised", 0.5)],
        "worst": {"falls": {**estimate(0.5), "cell": "turn left, middle, randomised"}},
    },
    "stand_still": {"nominal": {"rest": standing(1.0), "walking": standing(0.625)}},
}


def test_a_pure_command_has_a_line_with_both_starts():
    head, titles, cells, worst, _, columns, rest, walking = format_result(GRID).splitlines()[4:]
    assert [word.strip("-") for word in head.split()] == ["pure", "commands", "nominal", "randomised"]
    assert titles.split() == ["falls", "m/s", "rad/s", "speed"] * 2
    assert cells.split()[:4] == ["turn", "left", "middle", "0.60"]
    assert cells.split()[4:] == ["0.000", "0.125", "0.250", "-", "0.500", "0.125", "0.250", "-"]
    assert worst.split() == ["worst", "falls", "0.500", "(turn", "left,", "middle,", "randomised)"]
    assert columns.split()[:5] == ["told", "to", "stand", "stand", "still"]
    assert [line.split() for line in (rest, walking)] == [
        ["nominal,", "from", before, share, "0.750", "0.750", "0.750"]
        for before, share in (("rest", "1.000"), ("walking", "0.625"))
    ]


def test_the_worst_of_pure_commands_stands_side_by_side():
    lines = format_comparison([GRID, OTHER]).splitlines()
    assert lines[7] == "pure commands, the worst of each"
    assert [line.split()[:2] for line in lines[8:]] == [["falls", "0.500"], ["stand_still", "0.625"]]
