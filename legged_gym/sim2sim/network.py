"""Exported networks, policies and drives, with their memory."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.policies.onnx_file import OnnxFile
from legged_gym.reading import read_bytes

_NEEDED = ("joints", "actions", "observations", "physics", "start", "commands", "control_dt", "decimation")


class Network:
    """An ONNX file whose memory, if it has one, is carried from step to step.

    Attributes:
        path: of the file.
        sha256: of its content.
        description: what it says of itself.
    """

    def __init__(self, path: str) -> None:
        """Open a file.

        Raises:
            UserError: it is damaged or was not written by export.py.
        """
        content = read_bytes(path)
        file = OnnxFile(content, path)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.path, self.description, self._session = path, file.description, file.session
        self._names: List[str] = [entry["name"] for entry in self.description["outputs"]]
        self.reset()

    def reset(self) -> None:
        """An episode begins."""
        self._memory = self.fresh_memory(1)

    def __call__(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """Map the inputs of one robot, by name, to its first output."""
        output, self._memory = self.advance(
            {name: np.asarray(value)[None] for name, value in inputs.items()}, self._memory
        )
        return np.asarray(output[0], dtype=float)

    def fresh_memory(self, count: int) -> Dict[str, np.ndarray]:
        """The memory of so many robots at the start of an episode."""
        return {
            entry["input"]: np.zeros([count if size == "batch" else size for size in entry["shape"]], np.float32)
            for entry in self.description["memory"]
        }

    def advance(
        self, inputs: Mapping[str, Any], memory: Mapping[str, np.ndarray]
    ) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
        """Map the inputs (N, ...) of several robots and their memory to the first output and the next memory."""
        feed = {name: np.asarray(value, np.float32) for name, value in inputs.items()}
        outputs = dict(zip(self._names, self._session.run(self._names, {**feed, **memory})))
        kept = {entry["input"]: outputs[entry["output"]] for entry in self.description["memory"]}
        return outputs[self._names[0]], kept


def open_policy(path: str) -> Network:
    """Open a policy that says all it takes to run it.

    Raises:
        UserError: it does not, or the file is damaged.
    """
    network = Network(path)
    missing = [key for key in _NEEDED if key not in network.description]
    if missing:
        raise UserError(f"{path}: its description lacks {', '.join(missing)}; export the policy again")
    return network
