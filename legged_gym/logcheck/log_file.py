"""Reading a log: one row a control step, what was read before the action of that row.

============================  =====================================================================================
``time``                      s
``mode``                      1 where the policy drives; other rows are left out
``<group>.<term>[i]``         what the network was given: clipped, scaled, in the order of the description
``action[i]``                 what came out, within its clip
``q[i]``, ``dq[i]``           rad, rad/s, in the order of the policy's joints
``gyro[i]``, ``lin_vel[i]``   rad/s, m/s, in the frame of the base
``quat[i]``                   orientation of the base: x, y, z, w
``height``                    m, of the base above the ground
``command.<name>``            as in `commands.ranges` of the description
============================  =====================================================================================

A CSV file has them as columns; an .npz file as arrays (T,) or (T, n) without ``[i]``, or with a whole input of the
network as ``<group>`` and ``actions``, as golden vectors do. Other columns are left alone.
"""

from __future__ import annotations

import csv
import os
import re
import zipfile
from typing import Dict, List, Tuple

import numpy as np

from legged_gym.errors import UserError, listed
from legged_gym.logcheck.layout import ACTION, Layout

FEWEST = 40
"""Control steps of a log that can be checked."""

_READINGS = {"gyro": 3, "quat": 4, "lin_vel": 3, "height": 1}
_COMMAND = "command."
_LATEST = 1.5  # control steps from one row to the next within a stretch


class Log:
    """The longest stretch of a log without a gap.

    Attributes:
        path: of the file.
        seen: term -> (T, n), as the network was given them.
        action: (T, A), empty if there is none.
        readings: name -> (T, n).
        commands: name -> (T,).
        steps: T.
        notes: what was left out.
    """

    def __init__(self, path: str, layout: Layout) -> None:
        """Read a file.

        Raises:
            UserError: it cannot be read, or is none of this policy.
        """
        self.path = path
        self.notes: List[str] = []
        table = _read(path)
        _split_groups(table, layout)
        rows = self._stretch(table, layout)
        self.seen = {
            name: _columns(table, f"{term.group}.{name.split('.')[-1]}", term.size, rows, path)
            for name, term in layout.terms.items()
            if f"{term.group}.{name.split('.')[-1]}" in table
        }
        joints = len(layout.joints)
        sizes = {"q": joints, "dq": joints, **_READINGS}
        self.readings = {name: _columns(table, name, size, rows, path) for name, size in sizes.items() if name in table}
        self.action = _columns(table, ACTION, joints, rows, path) if ACTION in table else np.zeros((len(rows), 0))
        self.commands = {
            name[len(_COMMAND) :]: _columns(table, name, 1, rows, path)[:, 0]
            for name in table
            if name.startswith(_COMMAND)
        }
        self.steps = len(rows)
        if not self.seen and not self.readings:
            first = next(iter(layout.terms.values()))
            raise UserError(
                f"{path} has no column of this policy, such as {first.group}.{first.name}[0], q[0] or gyro[0]; "
                f"its columns are {listed(sorted(table)[:8])}"
            )
        if self.steps < FEWEST:
            raise UserError(f"{path}: {self.steps} control steps in a row are too few to check, {FEWEST} are needed")

    def _stretch(self, table: Dict[str, np.ndarray], layout: Layout) -> np.ndarray:
        """Rows of the longest time in which the policy drives without a gap."""
        count = len(next(iter(table.values())))
        driven = table["mode"][:, 0] == 1 if "mode" in table else np.ones(count, bool)
        together = driven[1:] & driven[:-1]
        if "time" in table and count > 1:
            time = table["time"][:, 0]
            if not np.isfinite(time).all():
                raise UserError(f"{self.path}: time has no number in row {int(np.argmin(np.isfinite(time))) + 1}")
            step = float(np.median(np.diff(time)[together])) if together.any() else layout.dt
            if not 0.75 * layout.dt < step < 1.25 * layout.dt:
                raise UserError(
                    f"{self.path} has a row every {step:.4g} s, the policy acts every {layout.dt:g} s: "
                    "keep one row for each action (and time in s)"
                )
            together &= np.abs(np.diff(time) - layout.dt) < (_LATEST - 1.0) * layout.dt
        starts = np.flatnonzero(np.concatenate(([True], ~together)))
        lengths = np.diff(np.concatenate((starts, [count])))
        longest = int(np.argmax(np.where(driven[starts], lengths, 0)))
        rows = starts[longest] + np.arange(lengths[longest])
        if len(rows) < count:
            why = "mode is not 1, or a gap in time" if "mode" in table else "gaps in time"
            self.notes.append(f"rows {rows[0] + 1} to {rows[-1] + 1} of {count} are checked ({why} before or after)")
        return np.asarray(rows)


def _read(path: str) -> Dict[str, np.ndarray]:
    """Name -> (T, n)."""
    if not os.path.isfile(path):
        raise UserError(f"there is no log {path}")
    if path.endswith(".npz"):
        return _read_npz(path)
    if path.endswith(".csv"):
        return _read_csv(path)
    raise UserError(f"{path}: a log is a .csv or an .npz file")


def _split_groups(table: Dict[str, np.ndarray], layout: Layout) -> None:
    """Name the terms of inputs that are there as a whole."""
    for term in layout.terms.values():
        whole = table.get(term.group)
        if whole is not None and whole.shape[1] >= term.start + term.size:
            name = term.name.split(".")[-1]
            table.setdefault(f"{term.group}.{name}", whole[:, term.start : term.start + term.size])
    if "actions" in table:
        table.setdefault(ACTION, table["actions"])


def _read_npz(path: str) -> Dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    table = {
        name: values.reshape(len(values), -1).astype(float)
        for name, values in arrays.items()
        if values.ndim and values.dtype.kind in "fiub"
    }
    lengths = {name: len(values) for name, values in table.items()}
    if not table or min(lengths.values()) == 0:
        raise UserError(f"{path} has no rows")
    if len(set(lengths.values())) > 1:
        raise UserError(f"{path}: its arrays have different lengths: {listed(f'{n} {k}' for n, k in lengths.items())}")
    return table


def _read_csv(path: str) -> Dict[str, np.ndarray]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header, *lines = [line for line in csv.reader(file) if line] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    names = [name.strip() for name in header]
    if not lines:
        raise UserError(f"{path} has no rows")
    if len(set(names)) < len(names):
        raise UserError(f"{path}: column {next(name for name in names if names.count(name) > 1)!r} stands twice")
    values = np.full((len(lines), len(names)), np.nan)
    for row, line in enumerate(lines):
        if len(line) != len(names):
            raise UserError(f"{path}: row {row + 1} has {len(line)} values, the header {len(names)} names")
        values[row] = [_number(text) for text in line]
    return {base: values[:, columns] for base, columns in _bases(names, path).items()}


def _bases(names: List[str], path: str) -> Dict[str, List[int]]:
    """Columns of each name without its [i], in the order of i."""
    found: Dict[str, List[Tuple[int, int]]] = {}
    for column, name in enumerate(names):
        match = re.fullmatch(r"(.+)\[(\d+)\]", name)
        base, index = (match[1], int(match[2])) if match else (name, 0)
        found.setdefault(base, []).append((index, column))
    for base, pairs in found.items():
        missing = set(range(len(pairs))).difference(index for index, _ in pairs)
        if missing:
            raise UserError(f"{path}: column {base}[{min(missing)}] is missing")
    return {base: [column for _, column in sorted(pairs)] for base, pairs in found.items()}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _columns(table: Dict[str, np.ndarray], name: str, size: int, rows: np.ndarray, path: str) -> np.ndarray:
    values = table[name]
    if values.shape[1] != size:
        raise UserError(f"{path}: {name} has {values.shape[1]} columns, the policy has {size}")
    values = values[rows]
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise UserError(f"{path}: {name}[{column}] has no number in row {rows[row] + 1}")
    return values
