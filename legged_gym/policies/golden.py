"""Golden vectors: what a policy was given and what it answered, step by step, for whoever runs it elsewhere.

``golden.npz``, beside ``policy.onnx``, not compressed so that a few lines read it in any language:

==========================  ====================================================================================
``<input>``                 (T, ...) float16, observations by the name of the input, one robot; memory is left
                            out: it is zero before the first step, and carries on from then on
``<input>.frame``           (T,) int32, of images: which of the images in ``<input>`` is seen; each is there once
``actions``                 (T, A) float32, the first output
``time``                    (T,) s of the episode
``q``, ``dq``               (T, J) rad, rad/s, in the order of the description's joints
``gyro``, ``lin_vel``       (T, 3) rad/s, m/s, of the base in its own frame
``quat``                    (T, 4) x, y, z, w, from the base to the world
``height``                  (T,) m, of the base above the ground
``command.<name>``          (T,) what the robot was told
==========================  ====================================================================================

The network was given the very numbers that float16 holds, so nothing is lost. The readings say what the observations
were made of: who makes them from these has joints, signs and scales right.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any, Dict, Mapping

import numpy as np

from legged_gym.errors import UserError

GOLDEN_FILE = "golden.npz"
GOLDEN_STEPS = 200
TOLERANCE = 1e-5
"""Of an output, absolute, and relative to the largest if that is above 1."""

_FRAME = ".frame"


def as_given(value: np.ndarray) -> np.ndarray:
    """The nearest numbers that float16 holds, as float16."""
    largest = float(np.finfo(np.float16).max)
    return np.asarray(np.clip(value, -largest, largest), np.float16)


def to_bytes(columns: Mapping[str, np.ndarray]) -> bytes:
    """The file of some columns; images, which have more than two axes, once each."""
    kept: Dict[str, Any] = {}
    for name, rows in columns.items():
        if rows.ndim > 2:
            new = np.array([True, *(bool((a != b).any()) for a, b in zip(rows[1:], rows))])
            kept[name], kept[name + _FRAME] = rows[new], (np.cumsum(new) - 1).astype(np.int32)
        else:
            kept[name] = rows
    buffer = io.BytesIO()
    np.savez(buffer, **kept)
    return buffer.getvalue()


def read_golden(content: bytes, path: str) -> Dict[str, np.ndarray]:
    """Name -> (T, ...) float32; images one for each step again.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files}
        frames = {name[: -len(_FRAME)]: column for name, column in columns.items() if name.endswith(_FRAME)}
        return {
            name: (column[frames[name]] if name in frames else column).astype(np.float32)
            for name, column in columns.items()
            if not name.endswith(_FRAME)
        }
    except (ValueError, KeyError, IndexError, OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged or holds no golden vectors ({error})") from None


def check_golden(session: Any, description: Mapping[str, Any], content: bytes, path: str) -> float:
    """Let a network answer golden vectors again.

    Args:
        session: of onnxruntime.
        description: of the policy.
        content: the file of golden vectors.
        path: of the policy, for errors.

    Returns:
        The largest difference, as `TOLERANCE` counts it.

    Raises:
        UserError: it is too large, or the vectors are of another policy.
    """
    golden = read_golden(content, GOLDEN_FILE)
    memory = {
        entry["input"]: np.zeros([1 if size == "batch" else size for size in entry["shape"]], np.float32)
        for entry in description["memory"]
    }
    outputs = [entry["name"] for entry in description["outputs"]]
    given = [entry["name"] for entry in description["inputs"] if entry["name"] not in memory]
    missing = {*given, outputs[0]}.difference(golden)
    if missing:
        raise UserError(f"{GOLDEN_FILE} is of another policy than {path}: it lacks {', '.join(sorted(missing))}")
    scale, largest = max(1.0, float(np.abs(golden[outputs[0]]).max())), 0.0
    for step, expected in enumerate(golden[outputs[0]]):
        found = dict(
            zip(outputs, session.run(outputs, {**{name: golden[name][step, None] for name in given}, **memory}))
        )
        memory = {entry["input"]: found[entry["output"]] for entry in description["memory"]}
        difference = float(np.abs(found[outputs[0]][0] - expected).max()) / scale
        if not difference <= TOLERANCE:  # the other way round, NaN would pass
            raise UserError(f"{path} does not repeat {GOLDEN_FILE}: at step {step} it is {difference:.2g} off")
        largest = max(largest, difference)
    return largest
