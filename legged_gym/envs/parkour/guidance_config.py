"""Settings of what a robot is told by its rewards about hurdles."""

from __future__ import annotations

from legged_gym.settings import number, numbers


class GuidanceCfg:
    """Where hurdles count, seen from the base in its yaw frame."""

    detection_range = number(1.4, "m", above=0, high=10)  # nearer than this a hurdle decides what to do
    lane_half_width = number(0.45, "m", above=0, high=10)  # of hurdles that are further aside nothing is asked
    back_sense = number(0.65, "m", low=0, high=10)  # hurdles count until they are this far behind
    trunk_middle = numbers([-0.0005, 0.0, 0.0115], "m", length=3)  # of the box of the trunk, from the base
    trunk_half = numbers([0.4455, 0.165, 0.1145], "m", length=3, above=0)  # half its edges
