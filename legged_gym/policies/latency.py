"""How long an exported policy takes for one control step on one core of a CPU, as a robot's computer would run it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Dict, Iterator, NamedTuple

import numpy as np

from legged_gym.policies.exported_policy import zeros
from legged_gym.policies.onnx_file import METADATA_KEY, open_session

_WARM_UP_STEPS = 50
DEFAULT_STEPS = 1000


class Latency(NamedTuple):
    """Milliseconds of single steps.

    Attributes:
        median_ms: half of the steps took less.
        p95_ms: 95 of 100 steps took less.
        num_steps: how many were measured.
    """

    median_ms: float
    p95_ms: float
    num_steps: int


def measure_latency(path: str, num_steps: int = DEFAULT_STEPS) -> Latency:
    """Time single steps of an ONNX policy for one robot, one after the other, each with the memory of the last.

    onnxruntime computes in one thread, which is bound to one core where the system lets programs choose theirs.

    Args:
        path: of the file that export.py wrote.
        num_steps: steps to time, after a few that are not counted.
    """
    with _on_one_core():
        session = open_session(path)
        description = json.loads(session.get_modelmeta().custom_metadata_map[METADATA_KEY])
        feed = _random_inputs(description)
        outputs = [entry["name"] for entry in description["outputs"]]
        seconds = []
        for _ in range(_WARM_UP_STEPS + num_steps):
            began = time.perf_counter()
            found = session.run(outputs, feed)
            seconds.append(time.perf_counter() - began)
            after = dict(zip(outputs, found))
            feed.update({entry["input"]: after[entry["output"]] for entry in description["memory"]})
    median, p95 = 1e3 * np.percentile(seconds[_WARM_UP_STEPS:], [50.0, 95.0])
    return Latency(float(median), float(p95), num_steps)


def _random_inputs(description: Dict[str, Any]) -> Dict[str, np.ndarray]:
    """Observations of one robot, and the memory at the start of an episode."""
    rng = np.random.default_rng(0)
    inputs = {
        entry["name"]: rng.standard_normal(blank.shape).astype(np.float32)
        for entry, blank in zip(description["inputs"], zeros(description["inputs"], 1))
    }
    for entry in description["memory"]:
        inputs[entry["input"]] = np.zeros_like(inputs[entry["input"]])
    return inputs


@contextlib.contextmanager
def _on_one_core() -> Iterator[None]:
    """Bind the calling thread, and threads that it starts, to one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
