"""Differences between learning curves, against numbers from a textbook's formula."""

from __future__ import annotations

import pytest

from benchmarks.curve_comparison import differences


def curve(*runs):
    def point(samples, value):
        return {"samples": samples, "metrics": {"error": {"mean": value, "ci95": [None, None]}}}

    return {"runs": [{"points": [point(samples, value) for samples, value in run.items()]} for run in runs]}


def test_the_interval_is_that_of_two_samples_with_a_common_variance():
    first = curve({0: 1.0, 10: 0.10}, {0: 1.0, 10: 0.12}, {0: 1.0, 10: 0.14})
    second = curve({0: 1.0, 10: 0.15}, {0: 1.0, 10: 0.17, 20: 9.0}, {0: 1.0, 10: 0.19})
    at_start, at_end = differences(first, second, "error")
    assert (at_start.samples, at_start.half_width, at_start.is_significant) == (0, 0.0, False)
    # means 0.12 and 0.17, both variances 4e-4: standard error sqrt(4e-4 * 2 / 3) = 0.01633; t(4 dof) = 2.776
    assert at_end.samples == 10
    assert (at_end.first, at_end.second) == (pytest.approx(0.12), pytest.approx(0.17))
    assert at_end.half_width == pytest.approx(2.776 * 0.016330, rel=3e-3)
    assert at_end.is_significant


def test_one_seed_says_nothing_about_chance():
    with pytest.raises(ValueError, match="at least two seeds"):
        differences(curve({0: 1.0}), curve({0: 1.0}, {0: 2.0}), "error")
