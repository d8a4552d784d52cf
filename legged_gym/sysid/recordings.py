"""Recordings of drives at work: reading, checking, resampling, splitting by time.

A file has five quantities at common times: time (s), target (rad), position (rad), velocity (rad/s), torque (N m).

========  ============================================================================================================
``.npz``  arrays ``time`` (T,) and ``target``, ``position``, ``velocity``, ``torque``, each (T,) or (T, J) for J joints
``.csv``  a header line and one line a sample: the columns above, for several joints ``target_<joint>``, ... with a
          common ``time``; joints are those with all four quantities, other columns are left alone
========  ============================================================================================================
"""

from __future__ import annotations

import codecs
import csv
import os
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.reading import read_bytes

QUANTITIES = ("target", "position", "velocity", "torque")
# steps of time may differ by this fraction of their median before samples are interpolated, by that before it is a gap
_JITTER, _GAP = 1e-3, 2.5
# s between samples of a drive: 100 kHz to 10 Hz
_SHORTEST, _LONGEST = 1e-5, 0.1
_UNITS = {"milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
# rad, rad/s or N m: more is no drive's, and its square no float32
_LARGEST = 1e6


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
        """The first part and the last, which is a fraction of the time: neighbours in time are nearly equal samples."""
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
            rise, have a gap or are not in seconds.
    """
    if dt is not None and not _SHORTEST <= dt < _LONGEST:
        raise UserError(f"samples of a drive are resampled to {_SHORTEST:g} to {_LONGEST:g} s, not to {dt:g} s")
    if not os.path.isfile(path):
        raise UserError(f"there is no recording {path}")
    if not path.endswith((".npz", ".csv")):
        raise UserError(f"{path}: a recording is a .npz or .csv file")
    columns = _read_npz(path) if path.endswith(".npz") else _read_csv(path)
    time = columns.pop("time")
    shape = columns["target"].shape
    for name, values in columns.items():
        if values.shape != shape or values.ndim != 2 or not values.size or len(values) != time.size:
            raise UserError(f"{path}: {name} has shape {values.shape}, target {shape}, time {time.shape}")
        if not np.isfinite(values).all():
            raise UserError(f"{path}: {name} has values that are no numbers")
        if np.abs(values).max() > _LARGEST:
            raise UserError(f"{path}: {name} has values beyond {_LARGEST:g}; units are rad, rad/s and N m")
    step, spacing = _check_times(path, time, dt)
    if spacing is not None:
        grid = time[0] + spacing * np.arange(int((time[-1] - time[0]) / spacing + 1e-6) + 1)
        columns = {
            name: np.column_stack([np.interp(grid, time, column) for column in values.T])
            for name, values in columns.items()
        }
    return Recording(spacing or step, **{name: values.astype(np.float32) for name, values in columns.items()})


def _check_times(path: str, time: np.ndarray, dt: Optional[float]) -> Tuple[float, Optional[float]]:
    """The spacing of the times, and to which one they have to be interpolated, if at all."""
    if time.ndim != 1 or len(time) < 10 or not np.isfinite(time).all():
        raise UserError(f"{path}: time must be one column of at least 10 numbers")
    steps = np.diff(time)
    typical = float(np.median(steps))
    if steps.min() <= 0:
        raise UserError(f"{path}: time does not rise after {time[np.argmin(steps)]:g} s")
    if steps.max() > _GAP * typical:
        place = time[np.argmax(steps)]
        raise UserError(f"{path}: a gap of {steps.max():g} s at {place:g} s; make it two files and give both")
    if not _SHORTEST <= typical < _LONGEST:
        units = [name for name, unit in _UNITS.items() if _SHORTEST <= typical * unit < _LONGEST]
        hint = f", not {units[0]}" if units else ""
        raise UserError(f"{path}: samples are {typical:g} s apart; times are in seconds{hint}")
    # Of the line through all times; jitter biases the median of the steps, and single times their mean.
    mean = float(np.polyfit(np.arange(len(time)), time - time[0], 1)[0])
    wanted = mean if dt is None else dt
    even = np.abs(steps - mean).max() <= _JITTER * mean and abs(wanted - mean) <= _JITTER * mean
    return mean, None if even else wanted


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
    lines = [line for line in _text_of(path).splitlines() if line.strip()]
    header = [name.strip() for name in next(csv.reader(lines), [])]
    if len(lines) < 2 or "time" not in header or any(line.count(",") != lines[0].count(",") for line in lines):
        raise UserError(f"{path}: the first line must name as many columns as the others have, time among them")
    suffixes = [name[len("target") :] for name in header if name.startswith("target")]
    missing = {joint: [name + joint for name in QUANTITIES if name + joint not in header] for joint in suffixes}
    joints = [joint for joint in suffixes if not missing[joint]]
    if not joints:
        fewest = min(map(len, missing.values()), default=0)
        nearest = [name for names in missing.values() if len(names) == fewest for name in names] or ["target"]
        raise UserError(f"{path} has no column {', '.join(nearest)}")
    used = [header.index(name) for name in ("time", *(name + joint for name in QUANTITIES for joint in joints))]
    try:
        table = np.loadtxt(lines[1:], delimiter=",", usecols=used, ndmin=2).reshape(-1, len(used))
    except ValueError as error:
        raise UserError(f"cannot read {path}: {error}") from None
    return {"time": table[:, 0], **dict(zip(QUANTITIES, np.split(table[:, 1:], len(QUANTITIES), axis=1)))}


def _text_of(path: str) -> str:
    """A text file as spreadsheets save it: in UTF-8 or UTF-16 with a byte order mark, or in a code page of Windows."""
    content = read_bytes(path)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # names of other columns may be wrong then, and the numbers are right
