"""Latency: what is timed, and what comes out of the times."""

from __future__ import annotations

import os

import pytest
import torch

from legged_gym.policies import latency as policy_latency
from legged_gym.policies.export import export_policy
from legged_gym.policies.latency import measure_latency
from legged_gym.policies.metadata import describe_network
from rsl_rl.models import ActorCriticRecurrent


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    policy = ActorCriticRecurrent({"policy": (4,)}, 2, actor_hidden_dims=[8], critic_hidden_dims=[8], rnn_hidden_size=3)
    description = {"format": 1, "observations": {"policy": [4]}, **describe_network(policy.actor, {"policy": (4,)}, 2)}
    export_policy(policy.actor, description, str(folder), only_onnx=True)
    return str(folder / "policy.onnx")


def test_median_and_percentile_of_a_clock_that_is_written_down(policy_file, monkeypatch):
    """Steps take 1, 2, .. 100 ms after some that are not counted; percentiles are interpolated between steps."""
    times, now = [], 0.0
    for milliseconds in [999.0] * policy_latency._WARM_UP_STEPS + [float(step) for step in range(1, 101)]:
        times += [now, now + 1e-3 * milliseconds]
        now += 1.0
    monkeypatch.setattr(policy_latency.time, "perf_counter", iter(times).__next__)
    found = measure_latency(policy_file, num_steps=100)
    assert found.num_steps == 100
    assert found.median_ms == pytest.approx(50.5)
    assert found.p95_ms == pytest.approx(95.05)


def test_memory_goes_from_step_to_step_and_threads_are_free_again(policy_file, monkeypatch):
    import onnxruntime

    fed, session_class = [], onnxruntime.InferenceSession

    class Watched:
        def __init__(self, *args, **kwargs):
            self._session = session_class(*args, **kwargs)
            self.get_modelmeta = self._session.get_modelmeta

        def run(self, outputs, feed):
            found = self._session.run(outputs, feed)
            fed.append((dict(feed), dict(zip(outputs, found))))
            return found

    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    monkeypatch.setattr(onnxruntime, "InferenceSession", Watched)
    measure_latency(policy_file, num_steps=3)
    assert len(fed) == policy_latency._WARM_UP_STEPS + 3
    first = fed[0][0]
    assert {name: value.shape for name, value in first.items()} == {
        "policy": (1, 4),
        "h_in": (1, 1, 3),
        "c_in": (1, 1, 3),
    }
    assert not first["h_in"].any() and not first["c_in"].any()
    for (_, outputs), (feed, _) in zip(fed, fed[1:]):
        assert (feed["h_in"] == outputs["h_out"]).all() and (feed["c_in"] == outputs["c_out"]).all()
    if cores is not None:
        assert os.sched_getaffinity(0) == cores
