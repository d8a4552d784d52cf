"""Times of parts, by a clock of the test's own; and that looking changes nothing."""

from __future__ import annotations

import time

import pytest
import torch

from legged_gym.inspection.profiling import Stopwatch, stage_times
from tests.sim.worlds import A1_POSE, a1_cfg, make, place_a1, stand


class Clock:
    """Goes on by what work takes."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)


class Work:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def outer(self, seconds: float) -> str:
        self.clock.now += seconds
        self.inner()
        self.inner()
        self.clock.now += 1.0
        return "done"

    def inner(self) -> None:
        self.clock.now += 10.0


def test_what_is_called_within_a_part_is_not_its_own(monkeypatch):
    clock = Clock(monkeypatch)
    work, watch = Work(clock), Stopwatch(torch.device("cpu"))
    clock.now = 1000.0
    with watch.timing("rest"), watch.watching(work, "outer", "out"), watch.watching(work, "inner", "in"):
        clock.now += 100.0
        assert work.outer(3.0) == "done"
    assert watch.seconds == {"rest": 100.0, "out": 4.0, "in": 20.0}
    assert "outer" not in vars(work) and "inner" not in vars(work)


def test_timing_stages_leaves_the_robots_where_they_are():
    pytest.importorskip("mujoco_warp")

    class Env:
        sim = make("mujoco_warp", a1_cfg(), 3)

    place_a1(Env.sim)
    stand(Env.sim, 5)
    before = Env.sim.state_dict()
    times = stage_times(Env)
    after = Env.sim.state_dict()
    assert all(torch.equal(before["state"][name], after["state"][name]) for name in before["state"])
    assert list(times) == ["collision", "constraints", "solver", "contact forces of bodies", "rest", "whole"]
    Env.sim.step(A1_POSE.repeat(3, 1), 4)
    one = Env.sim.root_states.clone()
    Env.sim.load_state_dict(before)
    Env.sim.step(A1_POSE.repeat(3, 1), 4)
    assert torch.equal(Env.sim.root_states, one)


def test_other_engines_have_no_stages():
    class Env:
        sim = make("mujoco", a1_cfg(), 1)

    assert stage_times(Env) == {}
