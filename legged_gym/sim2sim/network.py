"""Exported networks, policies and drives, with their memory."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Mapping

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
        self._memory = {
            entry["input"]: np.zeros([1 if size == "batch" else size for size in entry["shape"]], np.float32)
            for entry in self.description["memory"]
        }

    def __call__(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """Map the inputs of one robot, by name, to its first output."""
        feed: Dict[str, Any] = {name: np.asarray(value, np.float32)[None] for name, value in inputs.items()}
        outputs = dict(zip(self._names, self._session.run(self._names, {**feed, **self._memory})))
        self._memory = {entry["input"]: outputs[entry["output"]] for entry in self.description["memory"]}
        return np.asarray(outputs[self._names[0]][0], dtype=float)


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
