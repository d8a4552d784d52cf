"""What the benchmark of the page makes of its measurements."""

from __future__ import annotations

import os
import types

import pytest

from benchmarks import viewer


def test_speeds_are_compared_within_a_round():
    times = {"alone": [1.0, 4.0, 2.0], "served": [1.25, 4.0, 2.0], "watched": [2.0, 16.0, 2.5]}
    found = viewer._over_alone(times)
    # ratios 0.8, 1, 1 and 0.5, 0.25, 0.8
    assert found["served"] == pytest.approx([0.9, 1.0, 1.0])
    assert found["watched"] == pytest.approx([0.375, 0.5, 0.65])


def test_the_time_of_a_process_is_read_from_the_system():
    client = types.SimpleNamespace(last_seconds=2.5, pose_packets=70)
    played, poses, computed, _ = viewer._seen(client, os.getpid())
    own = os.times()
    assert (played, poses) == (2.5, 70)
    assert computed == pytest.approx(own.user + own.system, abs=0.1)


def test_play_is_told_by_the_second():
    found = viewer.per_second((2.0, 50, 7.0, 100.0), (12.0, 450, 10.0, 110.0))
    assert found == {"robot_s_per_s": 1.0, "pose_updates_per_s": 40.0, "share_of_a_core": pytest.approx(0.3)}
