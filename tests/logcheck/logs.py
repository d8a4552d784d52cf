"""Logs made of the golden vectors of shipped policies: 200 steps of walking forward, turning, sideways, standing."""

from __future__ import annotations

import os

import numpy as np

from legged_gym.logcheck.layout import Layout
from legged_gym.sim2sim.network import open_policy
from legged_gym.utils.run_folder import POLICIES_DIR

READINGS = ("q", "dq", "gyro", "quat", "lin_vel", "height")


def policy_of(name):
    return open_policy(os.path.join(POLICIES_DIR, name, "policy.onnx"))


def log_of(name, layout=None):
    """Columns of a log with all there can be, by name without [i]."""
    layout = layout or Layout(policy_of(name).description)
    with np.load(os.path.join(POLICIES_DIR, name, "golden.npz")) as golden:
        log = {"time": golden["time"].astype(float), "action": golden["actions"].astype(float)}
        for term in layout.terms.values():
            columns = slice(term.start, term.start + term.size)
            log[f"{term.group}.{term.name}"] = golden[term.group][:, columns].astype(float)
        for column in golden.files:
            if column in READINGS or column.startswith("command."):
                log[column] = golden[column].astype(float)
    return log


def without_readings(log):
    return {name: values for name, values in log.items() if name in ("time", "action") or name.startswith("policy.")}


def write_csv(path, log):
    columns = {}
    for name, values in log.items():
        values = np.asarray(values)
        if values.ndim == 1:
            columns[name] = values
        else:
            columns.update({f"{name}[{i}]": column for i, column in enumerate(values.T)})
    lines = [",".join(columns), *(",".join(f"{value:.9g}" for value in row) for row in zip(*columns.values()))]
    path.write_text("\n".join(lines) + "\n")
    return str(path)
