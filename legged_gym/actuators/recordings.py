"""Recordings of drives at work: reading, checking, resampling, splitting by time.

A file has five quantities at common times: time (s), target (rad), position (rad), velocity (rad/s), torque (N m).

========  ============================================================================================================
``.npz``  arrays ``time`` (T,) and ``target``, ``position``, ``velocity``, ``torque``, each (T,) or (T, J) for J joints
``.csv``  a header line and one line a sample: the columns above, for several joints ``target_<joint>``, ... with a
          common ``time``
========  ============================================================================================================
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import numpy as np

from legged_gym.errors import UserError

QUANTITIES = ("target", "position", "velocity", "torque")
# steps of time may differ by this share of their median before samples are interpolated, and by that before it is a gap
_JITTER, _GAP = 1e-3, 2.5


@dataclass
class Recording:
    """One recording of J joints at T equally spaced times.

    Attributes:
        dt: s between samples.
        target: (T, J) rad.
        position: (T, J) rad.
        velocity: (T, J) rad/s.
        torque: (T, J) N m.
    """

    dt: float
    target: np.ndarray
    position: np.ndarray
    velocity: np.ndarray
    torque: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """(T, J) rad, target less position."""
        return self.target - self.position

    def split(self, held_out: float) -> Tuple[Recording, Recording]:
        """The first part and the last, which is a share of the time: neighbours in time are nearly equal samples."""
        cut = round(len(self.target) * (1.0 - held_out))
        arrays = [getattr(self, name) for name in QUANTITIES]
        return Recording(self.dt, *(a[:cut] for a in arrays)), Recording(self.dt, *(a[cut:] for a in arrays))


def read_recording(path: str, dt: Optional[float] = None) -> Recording:
    """Read a recording.

    Args:
        path: a .npz or .csv file.
        dt: s; samples are interpolated to this spacing. None keeps the spacing of the file.

    Raises:
        UserError: the file is missing or damaged; a quantity is missing, not finite or of another size; times do not
            rise or have a gap.
    """
    if not os.path.isfile(path):
        raise UserError(f"there is no recording {path}")
    if not path.endswith((".npz", ".csv")):
        raise UserError(f"{path}: a recording is a .npz or .csv file")
    columns = _read_npz(path) if path.endswith(".npz") else _read_csv(path)
    time = columns.pop("time")
    shape = columns["target"].shape
    for name, values in columns.items():
        if values.shape != shape or len(values) != len(time):
            raise UserError(f"{path}: {name} has shape {values.shape}, target {shape}, time {time.shape}")
        if not np.isfinite(values).all():
            raise UserError(f"{path}: {name} has values that are no numbers")
    time, spacing = _check_times(path, time, dt)
    if spacing is not None:
        grid = time[0] + spacing * np.arange(int((time[-1] - time[0]) / spacing + 1e-6) + 1)
        columns = {
            name: np.column_stack([np.interp(grid, time, column) for column in values.T])
            for name, values in columns.items()
        }
    step = spacing or float(np.median(np.diff(time)))
    return Recording(step, **{name: values.astype(np.float32) for name, values in columns.items()})


def _check_times(path: str, time: np.ndarray, dt: Optional[float]) -> Tuple[np.ndarray, Optional[float]]:
    """The times, and to which spacing they have to be interpolated, if at all."""
    if time.ndim != 1 or len(time) < 10 or not np.isfinite(time).all():
        raise UserError(f"{path}: time must be one column of at least 10 numbers")
    steps = np.diff(time)
    typical = float(np.median(steps))
    if steps.min() <= 0:
        raise UserError(f"{path}: time does not rise after {time[np.argmin(steps)]:g} s")
    if steps.max() > _GAP * typical:
        place = time[np.argmax(steps)]
        raise UserError(f"{path}: a gap of {steps.max():g} s at {place:g} s; make it two files and give both")
    wanted = typical if dt is None else dt
    even = np.abs(steps - typical).max() <= _JITTER * typical and abs(wanted - typical) <= _JITTER * typical
    return time, None if even else wanted


def _read_npz(path: str) -> Dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in ("time", *QUANTITIES) if name not in file]
            if missing:
                raise UserError(f"{path} has no array {', '.join(missing)}")
            columns = {name: np.asarray(file[name], dtype=np.float64) for name in ("time", *QUANTITIES)}
    except UserError:
        raise
    except Exception as error:  # damage shows up as any of a dozen exception types
        raise UserError(f"cannot read {path}: {error}") from None
    for name in QUANTITIES:
        if columns[name].ndim == 1:
            columns[name] = columns[name][:, None]
    return columns


def _read_csv(path: str) -> Dict[str, np.ndarray]:
    with open(path, newline="", encoding="utf-8") as file:
        header = [name.strip() for name in next(csv.reader(file), [])]
        try:
            table = np.loadtxt(file, delimiter=",", ndmin=2)
        except ValueError as error:
            raise UserError(f"cannot read {path}: {error}") from None
    if "time" not in header or table.shape[1] != len(header):
        raise UserError(f"{path}: the first line must name {len(header)} columns, time among them")
    joints = [name[len("target") :] for name in header if name.startswith("target")]
    missing = [name + joint for joint in joints for name in QUANTITIES if name + joint not in header]
    if missing or not joints:
        raise UserError(f"{path} has no column {', '.join(missing) or 'target'}")
    columns = {name: table[:, [header.index(name + joint) for joint in joints]] for name in QUANTITIES}
    return {"time": table[:, header.index("time")], **columns}
