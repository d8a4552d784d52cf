"""Data sets of demonstrations: reading them, and the same states in other frames. It needs numpy alone.

    data = Demonstrations("data/a1_flat")
    for states, conditionings in data.windows(horizon=16, stride=17):   # (n, 17, 37), (n, 36)
        ...

A folder holds shards `demonstrations_<number>.npz`, `metadata.json` and the compiled model `model.mjb`; what is in them
is told in docs/demonstrations.md.
"""

from __future__ import annotations

import glob
import os
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.reading import read_json

FORMAT_VERSION = 1
METADATA, MODEL, SHARD = "metadata.json", "model.mjb", "demonstrations_{:05d}.npz"


class Demonstrations:
    """A data set on the disk; arrays are read when they are asked for.

    Attributes:
        folder: where it is.
        metadata: see docs/demonstrations.md.
        shards: paths of the shards, in order.
    """

    def __init__(self, folder: str) -> None:
        """Find the files.

        Raises:
            UserError: the folder holds no data set of this format.
        """
        self.folder = folder
        path = os.path.join(folder, METADATA)
        try:
            self.metadata: Dict[str, Any] = read_json(path)
        except UserError as error:
            raise UserError(f"{folder} holds no demonstrations: {error}") from None
        found = self.entry("format_version")
        if found != FORMAT_VERSION:
            raise UserError(f"{path} has format {found}, this program reads {FORMAT_VERSION}")
        self.shards: List[str] = sorted(glob.glob(os.path.join(folder, "demonstrations_*.npz")))

    def entry(self, *names: str, kind: type = object) -> Any:
        """The entry of the metadata under these names, one inside the other.

        Raises:
            UserError: there is none of this kind.
        """
        value: Any = self.metadata
        for name in names:
            if not isinstance(value, dict) or name not in value:
                path = os.path.join(self.folder, METADATA)
                raise UserError(f"{path} is damaged: it lacks {'.'.join(names)}")
            value = value[name]
        if not isinstance(value, kind):
            raise UserError(f"{os.path.join(self.folder, METADATA)} is damaged: {'.'.join(names)} is {value!r:.50}")
        return value

    def load(self, *names: str) -> Iterator[Dict[str, np.ndarray]]:
        """Arrays of those names, or all, one shard after the other; other arrays are not read from the disk.

        Raises:
            UserError: as `read_shard`.
        """
        for path in self.shards:
            yield read_shard(path, *names)

    def windows(self, horizon: int, stride: int) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
        """Pieces of episodes, one shard after the other.

        Args:
            horizon: steps to look ahead.
            stride: steps from the start of one piece to that of the next; horizon + 1 for no overlap.

        Returns:
            States (n, horizon + 1, nq + nv) and the conditionings (n, c) of their first steps.
        """
        for shard in self.load("states", "conditionings", "episode_lengths"):
            states, lengths = shard["states"], shard["episode_lengths"]
            starts = np.arange(0, states.shape[1] - horizon, stride)
            rows, columns = np.nonzero(starts + horizon < lengths[:, None])
            first = starts[columns]
            steps = first[:, None] + np.arange(horizon + 1)
            yield states[rows[:, None], steps], shard["conditionings"][rows, first]


def read_shard(path: str, *names: str) -> Dict[str, np.ndarray]:
    """Arrays of those names, or all, of a shard.

    Raises:
        UserError: the file cannot be read or is damaged, or one of the arrays is missing.
    """
    try:
        with np.load(path, allow_pickle=False) as shard:
            found = {name: shard[name] for name in names or shard.files}
        episodes = {len(values) for values in found.values()}
    except Exception as error:  # damage shows up as any of a dozen exception types
        raise UserError(damaged_shard(path, error)) from None
    if len(episodes) != 1:
        raise UserError(damaged_shard(path, "its arrays are of different episodes"))
    return found


def damaged_shard(path: str, reason: object) -> str:
    """What to do about a shard; collecting goes on at the first one that is missing."""
    lines = str(reason).splitlines() or [type(reason).__name__]
    return f"{path} is damaged ({lines[0]}); remove it, and the line that collected it makes it again"


def quat_rotate(quat: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Rotate vectors (..., 3) from the body to the world frame by quaternions wxyz (..., 4)."""
    w, u = quat[..., :1], quat[..., 1:]
    t = 2.0 * np.cross(u, vector)
    return vector + w * t + np.cross(u, t)


def to_base_frame(states: np.ndarray) -> np.ndarray:
    """States (..., 7 + D + 6 + D) with the base's linear velocity in the base frame instead of the world's.

    The angular velocity is in the base frame anyway. This form cannot be written into `qvel`; see `to_world_frame`.
    """
    return _turn_velocity(states, states[..., 3:7] * [1.0, -1.0, -1.0, -1.0])


def to_world_frame(states: np.ndarray) -> np.ndarray:
    """The inverse of `to_base_frame`: states as MuJoCo has them."""
    return _turn_velocity(states, states[..., 3:7])


def relative_to_start(states: np.ndarray) -> np.ndarray:
    """Episodes (N, T, ...) seen from where each began: x, y and yaw of the base are 0 in its first state.

    Height, roll and pitch stay, so on a plane the states obey the same dynamics. They are still MuJoCo's coordinates.
    """
    out, velocity, back = states.copy(), _linear_velocity(states), turn_back(states)
    out[..., :2] -= states[:, :1, :2]
    out[..., :3] = quat_rotate(back, out[..., :3])
    out[..., 3:7] = _multiply(back, states[..., 3:7])
    out[..., velocity] = quat_rotate(back, states[..., velocity])
    return out


def turn_back(states: np.ndarray) -> np.ndarray:
    """Quaternions (N, 1, 4) that undo the yaw with which episodes (N, T, ...) began."""
    w, x, y, z = np.moveaxis(states[:, :1, 3:7], -1, 0)
    half = 0.5 * np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    zero = np.zeros_like(half)
    return np.stack((np.cos(half), zero, zero, -np.sin(half)), axis=-1)


def _linear_velocity(states: np.ndarray) -> slice:
    """Columns of the base's linear velocity: states have one more position than velocities."""
    start = (states.shape[-1] + 1) // 2
    return slice(start, start + 3)


def _turn_velocity(states: np.ndarray, quat: np.ndarray) -> np.ndarray:
    out, velocity = states.copy(), _linear_velocity(states)
    out[..., velocity] = quat_rotate(quat, states[..., velocity])
    return out


def _multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product of quaternions wxyz (..., 4): the rotation b, then a."""
    vector = a[..., :1] * b[..., 1:] + b[..., :1] * a[..., 1:] + np.cross(a[..., 1:], b[..., 1:])
    scalar = a[..., :1] * b[..., :1] - (a[..., 1:] * b[..., 1:]).sum(-1, keepdims=True)
    return np.concatenate((scalar, vector), axis=-1)
